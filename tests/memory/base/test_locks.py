"""OS file locks: exclusive over threads and processes, gone with their holder, and signed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from iai_memory.base.clock import iso, utc_now
from iai_memory.base.locks import Holder, OsLock, held, holder_of, present_holder
from iai_memory.errors import StoreBusy, StoreUnavailable


@contextmanager
def holder(path: Path, *argv: str) -> Generator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    code = """
import sys
from pathlib import Path
path = Path(sys.argv[1])
sys.argv = sys.argv[2:]
from iai_memory.base.locks import held
with held(path, timeout=0):
    print("held", flush=True)
    sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path), *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


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
