"""OS file locks: exclusive over threads and processes, gone with their holder, and signed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from iai_memory.base.clock import iso, utc_now
from iai_memory.base.lock_queue import LockQueue
from iai_memory.base.locks import Holder, OsLock, held, holder_of, present_holder
from iai_memory.errors import StoreBusy, StoreUnavailable

HOLDER = """
import sys
from pathlib import Path
path = Path(sys.argv[1])
sys.argv = sys.argv[2:]
from iai_memory.base.locks import held
with held(path, timeout=0):
    print("held", flush=True)
    sys.stdin.readline()
"""
WAITER = """
import sys
from pathlib import Path
from iai_memory.base.locks import held
print("waits", flush=True)
with held(Path(sys.argv[1]), timeout=60):
    print("held", flush=True)
    sys.stdin.readline()
"""
WRITER = """
import sys
from pathlib import Path
from iai_memory.base.locks import held
lock, log, turns = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
with open(log, "a", buffering=1) as told:
    for _ in range(turns):
        told.write(f"asks {sys.argv[4]}\\n")
        with held(lock, timeout=120):
            told.write(f"has {sys.argv[4]}\\n")
            for _ in range(20_000):
                pass
"""


@contextmanager
def running(code: str, *argv: str) -> Generator[subprocess.Popen[str]]:
    """Another process, up to its first line of output."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process
        process.kill()


@contextmanager
def holder(path: Path, *argv: str) -> Generator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with running(HOLDER, str(path), *argv) as process:
        yield process


@contextmanager
def waiter(path: Path) -> Generator[subprocess.Popen[str]]:
    """Another process that waits for the lock, and stands in the line."""
    before = queued(path)
    with running(WAITER, str(path)) as process:
        while queued(path) == before:
            pass
        yield process


def queued(path: Path) -> list[str]:
    """The names of all places in the line before the lock."""
    folder = Path(LockQueue(path).folder)
    return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []


def said(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_who_waits_learns_who_holds_the_lock_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "write.lock"
    with holder(path, "/usr/bin/iai-mcp", "serve") as process:
        found = holder_of(path)
        assert found is not None
        assert (found.pid, found.command) == (process.pid, "iai-mcp serve")
        with pytest.raises(StoreBusy) as busy, held(path, timeout=0):
            pass
    assert f"write.lock is held by process {process.pid} (`iai-mcp serve`) since {found.since}" in (
        str(busy.value)
    )


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["/x/bin/iai-mcp", "ingest", "my diagnosis"], "iai-mcp ingest"),
        (["/x/iai_server/__main__.py", "drain"], "iai-mcp drain"),
        (["/x/bin/iai-mcp", "My Diagnosis"], "iai-mcp"),
        (["/x/bin/iai-mcp"], "iai-mcp"),
        (["my-script.py", "diagnosis"], "my-script.py"),
    ],
    ids=lambda value: str(value),
)
def test_no_argument_that_may_be_a_text_is_written(
    tmp_path: Path, argv: list[str], command: str
) -> None:
    path = tmp_path / "x.lock"
    with holder(path, *argv):
        assert json.loads(path.read_text())["command"] == command
        assert "iagnosis" not in path.read_text()


def test_kill_9_releases_the_lock_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with holder(path, "iai-mcp", "sleep") as process:
        process.kill()
        process.wait()
        assert holder_of(path) is None
        with held(path, timeout=5):
            mine = holder_of(path)
            assert mine is not None
            assert mine.pid == os.getpid()


def test_two_threads_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    busy: list[bool] = []

    def attempt() -> None:
        busy.append(not OsLock(path).acquire())

    with held(path, timeout=0):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert busy == [True]
    with held(path, timeout=0):
        pass


def test_a_lock_file_that_was_removed_is_no_lock_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    first = OsLock(path)
    assert first.acquire()
    path.unlink()
    with held(path, timeout=0):
        assert not OsLock(path).acquire()
    first.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff" * 9_000])
def test_a_lock_without_a_readable_name_is_held_by_another_process(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.lock"
    lock = OsLock(path)
    assert lock.acquire()
    path.write_bytes(content)
    with pytest.raises(StoreBusy, match="held by another process"), held(path, timeout=0):
        pass
    lock.release()


def test_what_is_no_file_is_a_named_fault_and_never_a_hang(tmp_path: Path) -> None:
    (tmp_path / "link.lock").symlink_to("/dev/zero")
    (tmp_path / "folder.lock").mkdir()
    for name in ("link.lock", "folder.lock"):
        with pytest.raises(StoreUnavailable, match=name), held(tmp_path / name, timeout=0):
            pass


def test_a_lock_that_nobody_holds_has_no_holder_whatever_stands_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    assert present_holder(path) is None
    with held(path, timeout=0, bound=7):
        mine = present_holder(path)
        assert mine is not None
        assert (mine.pid, mine.bound_s, mine.stuck()) == (os.getpid(), 7, "")
    assert holder_of(path) is not None
    assert present_holder(path) is None
    path.unlink()
    path.mkdir()
    assert present_holder(path) is None


@pytest.mark.parametrize(
    ("age", "bound", "is_stuck"),
    [(0, 5, False), (60, 5, False), (70, 5, True), (10_000, None, False), (-500, 5, False)],
)
def test_who_holds_a_lock_for_longer_than_promised_is_stuck(
    age: float, bound: float | None, is_stuck: bool
) -> None:
    holder = Holder(os.getpid(), "iai-mcp drain", iso(utc_now() - timedelta(seconds=age)), bound)
    assert bool(holder.stuck()) is is_stuck
    assert (f"run `kill -9 {os.getpid()}`" in holder.stuck()) is is_stuck


def test_a_time_that_is_none_makes_nobody_stuck() -> None:
    assert Holder(os.getpid(), "iai-mcp drain", "yesterday", 5).stuck() == ""


def test_who_waits_for_a_stopped_holder_is_told_how_to_wake_it(tmp_path: Path) -> None:
    path = tmp_path / "write.lock"
    with holder(path, "/usr/bin/iai-mcp", "sleep") as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(StoreBusy, match=f"`kill -CONT {process.pid}`"), held(path, timeout=0):
            pass


# The line of those who wait


def test_who_comes_first_is_served_first(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    served: list[int] = []

    def wait(number: int) -> None:
        with held(path, timeout=60):
            served.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(6)]
    with held(path, timeout=0):
        for number, thread in enumerate(threads):
            thread.start()
            while len(queued(path)) <= number:
                pass
    for thread in threads:
        thread.join()
    assert served == list(range(6))
    assert queued(path) == []
    assert not Path(LockQueue(path).folder).exists()


def test_who_tries_once_does_not_pass_who_waits(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    place = LockQueue(path).join()
    assert place is not None
    with pytest.raises(StoreBusy), held(path, timeout=0):
        pass
    place.leave()
    with held(path, timeout=0):
        pass


def test_a_waiter_that_is_killed_leaves_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with held(path, timeout=0), waiter(path) as first:
        first.kill()
        first.wait()
        assert len(queued(path)) == 1
    with held(path, timeout=0):
        assert queued(path) == []


def test_while_the_first_in_the_line_is_stopped_others_are_served(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with holder(path) as process, waiter(path) as first:
        first.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, first.pid, os.WSTOPPED | os.WNOWAIT)
        process.kill()
        process.wait()
        with held(path, timeout=60):
            pass
        first.send_signal(signal.SIGCONT)
        assert said(first) == "held\n"


def test_a_line_that_cannot_be_made_keeps_nobody_from_waiting(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    Path(LockQueue(path).folder).touch()
    done: list[bool] = []

    def wait() -> None:
        done.append(OsLock(path).acquire(60))

    with held(path, timeout=0):
        thread = threading.Thread(target=wait)
        thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.slow
def test_no_writer_is_passed_again_and_again_by_another_one(tmp_path: Path) -> None:
    log = tmp_path / "log"
    names = [str(number) for number in range(8)]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(running(WRITER, str(tmp_path / "x.lock"), str(log), "40", name))
            for name in names
        ]
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            writer.wait()
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len(lines) == 2 * 40 * len(names)
    most = 0
    for at, (what, name) in enumerate(lines):
        if what == "asks":
            granted = lines.index(["has", name], at)
            meanwhile = Counter(other for did, other in lines[at:granted] if did == "has")
            most = max(most, *meanwhile.values(), 0)
    # One that was at it, and one that stood before; between asking and standing in the line some.
    assert most <= 6


@pytest.mark.slow
def test_nobody_waits_out_the_time_behind_a_holder_that_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "write.lock"
    with holder(path, "/usr/bin/iai-mcp", "sleep") as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        named = f"process {process.pid} .`iai-mcp sleep`. since .*, for . s, .*kill -CONT"
        with pytest.raises(StoreBusy, match=named), held(path, timeout=3_600):
            pass
