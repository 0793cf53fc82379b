"""A kill at any step of a backup or a restore leaves the former backups, and nothing for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from tests.support.backups import backed_up_in, backups, records, take

from iai_memory import Memory

KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from iai_memory import Memory, load_settings
from iai_memory.backup.daily import back_up

root, disk, what, left = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
memory = Memory(settings=load_settings(store=root, backup=disk), on_commit=lambda: None)
memory.store
synced = os.fsync

def killed_there(descriptor):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    synced(descriptor)

os.fsync = killed_there
if what == "restore":
    memory.restore_backup()
elif what == "into":
    memory.restore_backup(into=root.with_name("restored"))
else:
    back_up(memory.store, memory.settings, datetime.fromisoformat(what))
"""


def killed_at(memory: Memory, tmp_path: Path, what: str, step: int) -> bool:
    """Whether there is such a step: the process was killed when it was to sync for the nth time."""
    given = map(str, (memory.paths.root, tmp_path / "disk", what, step))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *given],
        env={**os.environ, "IAI_MCP_MODEL": "installed"},
        timeout=100,
    )
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    memory = backed_up_in(tmp_path / "disk", tmp_path / "store")
    memory.ingest(["sugar feeds bees", "hive two swarmed"])
    take(memory, 0)
    take(memory, 1)
    return memory


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_the_former_ones_and_the_next_one_is_whole(
    memory: Memory, tmp_path: Path
) -> None:
    step = 0
    for step in count(1):
        memory.ingest(f"told before kill {step}")
        before = {one.name: records(one) for one in backups(memory)}
        # The same day as the last one, so that one is over and segments are merged.
        if not killed_at(memory, tmp_path, f"2026-05-05T{10 + step // 6:02}:{step % 6}0:00Z", step):
            break
        after = backups(memory)
        assert all(one.verify() for one in after)
        left = {one.name: records(one) for one in after}
        assert all(left[name] == held for name, held in before.items() if name in left)
        assert len(left) >= 2
    assert step > 5
    newest = backups(memory)[0]
    assert sorted(records(newest)) == sorted(memory.store.latest.ids())
    needed = {part.name for one in backups(memory) for part in one.point.parts}
    assert {path.name for path in (tmp_path / "disk" / "segments").iterdir()} == needed


@pytest.mark.slow
@pytest.mark.parametrize("what", ["restore", "into"])
def test_a_restore_that_is_killed_leaves_the_store_as_it_was_or_restored(
    memory: Memory, tmp_path: Path, what: str
) -> None:
    kept = sorted(memory.store.latest.ids())
    memory.ingest("told after the backup")
    every = sorted(memory.store.latest.ids())
    for step in (1, 4, 12, 25, 1_000):
        killed = killed_at(memory, tmp_path, what, step)
        again = backed_up_in(tmp_path / "disk", memory.paths.root)
        assert sorted(again.store.latest.ids()) in (kept, every)
        restored = tmp_path / "restored"
        if restored.exists():
            assert sorted(Memory(restored).store.latest.ids()) == kept
        if not killed:
            break
        assert all(one.verify() for one in backups(again))
        if what == "into" and restored.exists():
            break
    assert step > 12
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".restored")] == []
