"""Acknowledged is on the disk: a power cut after it loses nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.errors import StoreUnavailable
from iai_memory.store.file_digests import LIST_NAME

KEEP = timedelta(minutes=10)
# Written behind the commit, and looked for or made anew where it is missing or wrong.
DERIVED = ("latest_version_hint.json", LIST_NAME)

CHANGES: list[Callable[[Memory, str], object]] = [
    lambda memory, _: memory.ingest("one more"),
    lambda memory, _: memory.ingest([f"batch {number}" for number in range(20)]),
    lambda memory, id_: memory.supersede(id_, "what is true now"),
    lambda memory, id_: memory.pin(id_, add_tags=["kept"]),
    lambda memory, id_: memory.forget([id_]),
]


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A store without a model: what is tested here is its files."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return Memory(tmp_path / "store", on_commit=lambda: None)


@pytest.fixture
def synced(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """What was synced, by inode, with the number of data files that there were just then."""
    seen: dict[int, int] = {}
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        data = memory.paths.database / "memories.lance" / "data"
        seen[os.fstat(descriptor).st_ino] = sum(1 for _ in data.iterdir()) if data.exists() else 0

    monkeypatch.setattr(os, "fsync", noted)
    return seen


def unsynced(memory: Memory, synced: dict[int, int]) -> list[Path]:
    everything = [memory.paths.database, *memory.paths.database.rglob("*")]
    return [
        path for path in everything if path.stat().st_ino not in synced and path.name not in DERIVED
    ]


@pytest.mark.parametrize("change", CHANGES)
def test_every_file_of_a_change_is_on_the_disk_when_it_is_acknowledged(
    memory: Memory, synced: dict[int, int], change: Callable[[Memory, str], object]
) -> None:
    stored = memory.ingest("the first of all").results[0]
    assert unsynced(memory, synced) == []
    change(memory, str(stored.id))
    assert unsynced(memory, synced) == []


def test_old_files_go_only_when_the_new_ones_are_on_the_disk(
    memory: Memory, synced: dict[int, int]
) -> None:
    for number in range(5):
        memory.ingest(f"number {number}")
    memory.store.compact(keep=KEEP)
    assert unsynced(memory, synced) == []
    [left] = (memory.paths.database / "memories.lance" / "data").iterdir()
    assert synced[left.stat().st_ino] == 6


def test_what_another_process_left_in_memory_is_synced_too(
    memory: Memory, synced: dict[int, int]
) -> None:
    for number in range(3):
        memory.ingest(f"number {number}")
    synced.clear()
    Memory(memory.paths.root, on_commit=lambda: None).ingest("of another process")
    assert unsynced(memory, synced) == []


def test_a_duplicate_is_on_the_disk_too_when_it_is_told(
    memory: Memory, synced: dict[int, int]
) -> None:
    memory.ingest("stored by a process that may have been killed")
    synced.clear()
    another = Memory(memory.paths.root, on_commit=lambda: None)
    assert another.ingest("stored by a process that may have been killed").duplicates == 1
    assert unsynced(memory, synced) == []


def test_a_disk_that_fails_acknowledges_nothing(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.ingest("before")

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        with pytest.raises(StoreUnavailable, match=r"storing memories failed .*: save what is"):
            memory.ingest("during")
    assert memory.ingest("after").stored == 1
