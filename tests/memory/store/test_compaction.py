"""Old versions of the table: gone as soon as nobody can be reading them, and never before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.errors import StoreUnavailable
from iai_memory.store import compaction
from iai_memory.store.filter import Filter
from iai_memory.store.read_lock import ReadLock

LONG = timedelta(hours=1)
READER = """
import sys
from iai_memory import Memory
from iai_memory.store.filter import Filter
snapshot = Memory(sys.argv[1]).store.pinned_reader()
print("reading", flush=True)
sys.stdin.readline()
print(len(snapshot.newest(Filter(), 100)), flush=True)
del snapshot
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """Three memories in three commits; what is tested here is the table, so there is no model."""
    for number in range(3):
        words_only.ingest(f"number {number}")
    return words_only


class Reader:
    """Another process that has pinned a version; each `go_on` lets it take one step more."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        """What it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        """Lets it do its next step."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def reader_of(memory: Memory) -> Generator[Reader]:
    command = [sys.executable, "-c", READER, str(memory.paths.root)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "IAI_MCP_MODEL": "installed"},
    ) as process:
        reader = Reader(process)
        assert reader.line() == "reading"
        yield reader
        process.kill()


def versions_of(memory: Memory) -> int:
    folder = memory.paths.database / "memories.lance" / "_versions"
    return len(list(folder.glob("*.manifest")))


def data_files_of(memory: Memory) -> int:
    return len(list((memory.paths.database / "memories.lance" / "data").iterdir()))


def test_where_nobody_reads_a_compaction_leaves_one_version_of_one_file(memory: Memory) -> None:
    memory.store.compact(keep=LONG)
    assert (versions_of(memory), data_files_of(memory)) == (1, 1)
    assert len(memory.store.latest.newest(Filter(), 100)) == 3


@pytest.mark.slow
def test_what_another_process_is_reading_stays_until_it_has_read_it(memory: Memory) -> None:
    with reader_of(memory) as reader:
        memory.ingest("one more")
        memory.store.compact(keep=LONG)
        assert versions_of(memory) > 1
        reader.go_on()
        assert reader.line() == "3"
        assert reader.line() == "done"
        memory.store.compact(keep=LONG)
        assert versions_of(memory) == 1


@pytest.mark.slow
def test_a_version_that_was_the_latest_until_now_counts_as_new_however_old_it_is(
    memory: Memory,
) -> None:
    with reader_of(memory) as reader:
        memory.ingest("one more")
        memory.store.compact(keep=timedelta(microseconds=1))
        reader.go_on()
        assert reader.line() == "3"


def test_a_reader_that_was_killed_holds_nothing_back(memory: Memory) -> None:
    with reader_of(memory) as reader:
        reader.process.send_signal(signal.SIGKILL)
        reader.process.wait()
        memory.store.compact(keep=LONG)
        assert versions_of(memory) == 1


def test_whoever_reads_for_longer_than_versions_are_kept_is_told_so(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "_WRITE_MARGIN", timedelta(0))
    snapshot = memory.store.pinned_reader()
    memory.ingest("one more")
    memory.store.compact(keep=timedelta(microseconds=1))
    with pytest.raises(StoreUnavailable, match="reading records failed"):
        snapshot.newest(Filter(), 100)
    assert len(memory.store.latest.newest(Filter(), 100)) == 4


def test_versions_and_files_stay_bounded_while_memories_come_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.setenv("IAI_MCP_COMMIT_BUDGET", "8")
    memory = Memory(tmp_path / "store")
    most_versions = most_files = 0
    for number in range(40):
        memory.ingest(f"number {number}")
        most_versions = max(most_versions, versions_of(memory))
        most_files = max(most_files, data_files_of(memory))
    assert most_versions <= 10
    assert most_files <= 10


def test_readers_share_and_whoever_waits_for_them_is_told_in_time(tmp_path: Path) -> None:
    readers = ReadLock(tmp_path / "locks" / "reading.lock")
    with readers.shared(), readers.shared():
        assert not readers.wait_for_readers(timeout=0)
    assert readers.wait_for_readers(timeout=0)


def test_a_folder_that_cannot_be_written_is_read_without_a_lock(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("a file where the folder should be")
    readers = ReadLock(tmp_path / "locks" / "reading.lock")
    with readers.shared():
        pass
    assert not readers.wait_for_readers(timeout=0)
