"""Repairs of each kind of damage, killed at any step, two at once, and beside servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest
from tests.support.damage import (
    data_files,
    deletion_files,
    index_files,
    newest_manifest,
    table_folder,
    truncated,
    with_one_flip,
)
from tests.support.kills import is_killed_in
from tests.support.mounts import fill, small_disk
from tests.support.records import record

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.errors import StoreUnavailable
from iai_memory.maintenance.repair import Repaired
from iai_memory.store.replacement import replacement
from iai_memory.store.vector_rows import Row

pytestmark = pytest.mark.slow

Chosen = Callable[[StorePaths], Sequence[Path]]
PER_FILE = 100

TARGETS: dict[str, Chosen] = {
    "newest manifest": lambda paths: [newest_manifest(paths)],
    "all manifests": lambda paths: list((table_folder(paths) / "_versions").glob("*.manifest")),
    "largest data file": lambda paths: [max(data_files(paths), key=_size)],
    "newest data file": lambda paths: data_files(paths)[-1:],
    "every data file": data_files,
    "newest deletion file": lambda paths: deletion_files(paths)[-1:],
    "an index file": lambda paths: [max(index_files(paths), key=_size)],
}


def _size(path: Path) -> int:
    return path.stat().st_size


def made(root: Path) -> Memory:
    """Three files of memories, some of them changed, a backup, and two changes after it."""
    memory = Memory(root, on_commit=lambda: None)
    for batch in range(3):
        memory.ingest([f"fact {batch}-{number} of {5000 + number}" for number in range(PER_FILE)])
    ids = memory.store.latest.ids()
    memory.forget(ids[5:8])
    memory.supersede(ids[9], "fact 0-9 of 7000")
    memory.back_up()
    memory.forget([ids[10]])
    memory.ingest("a fact after the backup")
    return memory


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IAI_MCP_MODEL", "installed")
        return made(tmp_path_factory.mktemp("sound") / "store").paths.root


@pytest.fixture
def root(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to be damaged."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return Path(shutil.copytree(sound, tmp_path / "store"))


def shown(root: Path) -> dict[str, tuple[str, bool, bool]]:
    reader = Memory(root, on_commit=lambda: None).store.latest
    return {one.id: (one.text, one.is_live(), one.is_current()) for one in reader.get(reader.ids())}


def repaired(root: Path) -> Repaired:
    memory = Memory(root, on_commit=lambda: None)
    return memory.repair(memory.plan_repair())


def lost_of(before: dict[str, tuple[str, bool, bool]], root: Path) -> list[str]:
    """What is not as it was before; nothing may be there that was not."""
    after = shown(root)
    assert after.keys() <= before.keys()
    came_back = [id_ for id_, one in after.items() if one[1] and not before[id_][1]]
    assert came_back == []
    return [before[id_][0] for id_ in before if after.get(id_) != before[id_]]


@pytest.mark.parametrize("target", TARGETS)
def test_with_a_backup_all_but_what_came_after_it_is_back(root: Path, target: str) -> None:
    before = shown(root)
    for path in TARGETS[target](StorePaths(root)):
        truncated(path)
    repaired(root)
    assert set(lost_of(before, root)) <= {"a fact after the backup"}
    memory = Memory(root, on_commit=lambda: None)
    assert memory.plan_repair().kind == "whole"
    assert memory.recall("fact 1-7 of 5007").hits


@pytest.mark.parametrize("target", ["newest manifest", "all manifests", "newest deletion file"])
def test_without_a_backup_no_row_is_lost_with_a_list_of_rows(root: Path, target: str) -> None:
    before = shown(root)
    shutil.rmtree(StorePaths(root).backups)
    for path in TARGETS[target](StorePaths(root)):
        truncated(path)
    repaired(root)
    assert lost_of(before, root) == []


@pytest.mark.parametrize("number", [1, 2])
def test_after_a_flip_of_a_bit_anywhere_every_memory_is_as_it_was_or_named(
    root: Path, number: int
) -> None:
    before, chance = shown(root), Random(number)
    files = [path for path in table_folder(StorePaths(root)).rglob("*") if path.is_file()]
    with_one_flip(chance.choice(sorted(files)), chance)
    done = repaired(root)
    named = set[str]()
    if done.merged is not None:
        named = {*done.merged.changed, *done.merged.doubtful, *done.merged.missing_ids}
    after = shown(root)
    assert {id_ for id_ in before if after.get(id_) != before[id_]} <= named
    assert Memory(root, on_commit=lambda: None).plan_repair().kind == "whole"


REPAIR = """
from iai_memory import Memory

memory = Memory(root, on_commit=lambda: None)
plan = memory.plan_repair()
die_in(pathlib.Path, "rename", "replace", "unlink", "mkdir")
die_in(os, "fsync")
memory.repair(plan)
"""


def test_a_repair_that_is_killed_at_any_step_is_made_by_the_next(root: Path) -> None:
    before = shown(root)
    truncated(max(data_files(StorePaths(root)), key=_size))
    damaged = root.with_name("damaged")
    root.rename(damaged)
    for step in (2, 13, 18, 22):
        shutil.copytree(damaged, root)
        assert is_killed_in(REPAIR, root, step) or step > 13
        repaired(root)
        assert lost_of(before, root) == []
        assert not (root / "lancedb.new").exists()
        assert not (root / "replacing.json").exists()
        shutil.rmtree(root)


REPAIRED = """
import sys
from iai_memory import Memory
from iai_memory.errors import StoreBusy
memory = Memory(sys.argv[1], on_commit=lambda: None)
plan = memory.plan_repair()
print("planned", flush=True)
sys.stdin.readline()
try:
    print(memory.repair(plan).replaced is not None)
except StoreBusy as exc:
    print(exc)
"""


def started(code: str, root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "IAI_MCP_MODEL": "installed"},
    )


def test_of_two_repairs_at_once_one_is_made_and_the_other_says_so(root: Path) -> None:
    before = shown(root)
    truncated(max(data_files(StorePaths(root)), key=_size))
    both = [started(REPAIRED, root) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "planned\n"
    said = sorted(one.communicate("\n", timeout=100)[0] for one in both)
    assert said == ["True\n", "another process repaired the store meanwhile: run this again\n"]
    assert lost_of(before, root) == []
    assert len(list(root.glob("lancedb.damaged-*"))) == 1


SERVER = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1], on_commit=lambda: None)
for line in sys.stdin:
    said, _, text = line.strip().partition(" ")
    if said == "recall":
        print([hit.text for hit in memory.recall(text).hits][:1], flush=True)
    else:
        print(memory.ingest(text).stored, flush=True)
"""


def test_servers_that_run_answer_from_the_new_table_and_write_into_it(root: Path) -> None:
    servers = [started(SERVER, root) for _ in range(2)]

    def ask(server: subprocess.Popen[str], line: str) -> str:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(f"{line}\n")
        server.stdin.flush()
        return server.stdout.readline().strip()

    for server in servers:
        for _ in range(3):  # until there is a snapshot in memory
            assert ask(server, "recall fact 1-7 of 5007") == "['fact 1-7 of 5007']"
    truncated(data_files(StorePaths(root))[1])
    repaired(root)
    for server in servers:
        assert ask(server, "recall fact 1-7 of 5007") == "['fact 1-7 of 5007']"
    assert ask(servers[0], "ingest the harbour is deep") == "1"
    assert ask(servers[1], "recall how deep is the harbour") == "['the harbour is deep']"
    for server in servers:
        server.communicate(timeout=60)
    assert "the harbour is deep" in {one[0] for one in shown(root).values()}


def test_on_a_disk_without_room_nothing_is_changed_and_it_says_so(
    root: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 64 << 20) as disk:
        full = Path(shutil.copytree(root, disk / "store"))
        truncated(data_files(StorePaths(full))[1])
        before = {path: path.read_bytes() for path in full.rglob("*.lance") if path.is_file()}
        fill(disk, leave=1 << 20)
        with pytest.raises(StoreUnavailable, match="MB free, and a new table takes up to"):
            repaired(full)
        assert before == {
            path: path.read_bytes() for path in full.rglob("*.lance") if path.is_file()
        }
        (disk / "fill").unlink()
        assert repaired(full).missing == 0


def test_a_table_for_which_room_ends_half_way_is_removed_again(root: Path, tmp_path: Path) -> None:
    rows = [
        Row(record(f"019a0000-0000-7000-8000-{number:012}", f"{number}: {_noise(number)}"), None)
        for number in range(60)
    ]
    with small_disk(tmp_path / "disk", 64 << 20) as disk:
        full = Path(shutil.copytree(root, disk / "store"))
        before = shown(full)
        paths = StorePaths(full)
        with (
            pytest.raises(StoreUnavailable, match=r"no space left|No space left"),
            replacement(paths, embedder="none", needs_bytes=0) as new,
        ):
            fill(disk, leave=1 << 20)
            new.fill(rows)
        (disk / "fill").unlink()
        assert not paths.new_database.exists()
        assert shown(full) == before


def _noise(number: int) -> str:
    return Random(number).randbytes(20_000).hex()


def test_a_table_of_an_earlier_schema_is_repaired_and_then_upgraded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = Memory(tmp_path / "store", on_commit=lambda: None)
    memory.ingest([f"fact {number} of the harbour" for number in range(5)])
    rows = list(memory.store.latest.all_rows())
    with replacement(memory.paths, embedder=memory.embedder_key, schema_version="2") as new:
        new.fill(rows)
        new.swap()
    truncated(newest_manifest(memory.paths))
    plan = memory.plan_repair()
    assert plan.schema_version == "2"
    memory.repair(plan)
    assert len(shown(memory.paths.root)) == 5
    assert memory.ledger.last("store_upgraded") is not None
