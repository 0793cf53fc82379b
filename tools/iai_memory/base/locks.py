"""OS file locks between threads and processes; the death of a holder releases them.

A holder writes who it is into the lock file, for whoever waits. The lock itself is `flock`'s: what
stands in the file decides nothing, and is not true once nobody holds the lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import StoreBusy, StoreUnavailable
from .clock import iso, parse_time, utc_now
from .files import PRIVATE_FILE, make_private_folder
from .machine_faults import machine_fault

_POLL_SEC: Final = 0.02
# So that nothing in it can be nested too deeply to be parsed.
_MAX_BYTES: Final = 512
# What a step takes that was begun before the bound.
_GRACE_SEC: Final = 60.0
# A FIFO in the file's place would block an ordinary open; a link could lead to any other file.
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ENDS: Final = ContextVar("the end of waiting", default=float("inf"))
_PLAIN_WORD: Final = re.compile(r"[a-z][a-z-]{0,30}")


class Holder(NamedTuple):
    """Who holds a lock.

    Attributes:
        pid: Its process.
        command: Its program and subcommand.
        since: ISO time.
        bound_s: Seconds after which it lets go by itself; None where it promised none.
    """

    pid: int
    command: str
    since: str
    bound_s: float | None = None

    def __str__(self) -> str:
        return f"process {self.pid} (`{self.command}`) since {self.since}"

    def age_s(self) -> float:
        """Return for how many seconds it has held the lock; 0 where its clock says the future."""
        try:
            since = parse_time(self.since, "since")
        except ValueError:
            return 0.0  # somebody wrote into the file
        return max(0.0, (utc_now() - since).total_seconds())

    def stuck(self) -> str:
        """Return why it will not go on, with the next command; empty while it may.

        A process that is stopped is told on Linux alone; elsewhere its age shows it.
        """
        if _is_stopped(self.pid):
            return f"it is stopped: run `kill -CONT {self.pid}`, or `kill -9 {self.pid}`"
        if self.bound_s is not None and self.age_s() > self.bound_s + _GRACE_SEC:
            return f"it is stuck, {self.bound_s:.0f} s are its bound: run `kill -9 {self.pid}`"
        return ""


class OsLock:
    """An exclusive lock on a file, which is made where it is missing and stays."""

    def __init__(self, path: Path, bound: float | None = None) -> None:
        """Bind the file; nothing is opened.

        Args:
            path: The file.
            bound: Seconds for which it is meant to be held, for whoever waits; None says nothing.
        """
        self.path = path
        self._bound = bound
        self._descriptor: int | None = None

    def acquire(self, timeout: float = 0.0) -> bool:
        """Take the lock; return False if another holder kept it for `timeout` seconds.

        Raises:
            OSError: The file cannot be opened or locked.
        """
        ends = time.monotonic() + timeout
        while not self._try():
            if time.monotonic() >= ends:
                return False
            time.sleep(_POLL_SEC)
        return True

    def is_in_place(self) -> bool:
        """Return whether the lock is held, on the file that has its name now."""
        try:
            held_file, named = os.fstat(self._descriptor or -1), self.path.stat()
        except OSError:
            return False
        return os.path.samestat(held_file, named)

    def release(self) -> None:
        """Let the lock go; without it, do nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> bool:
        descriptor = os.open(self.path, _FLAGS, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A file that was removed since it was opened is nobody else's lock.
            if os.fstat(descriptor).st_nlink:
                self._descriptor, descriptor = descriptor, -1
                self._sign()
                return True
        except BlockingIOError:
            pass
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return False

    def _sign(self) -> None:
        assert self._descriptor is not None
        me = Holder(os.getpid(), _command(), iso(utc_now()), self._bound)
        line = json.dumps(me._asdict()).encode() + b"\n"
        with suppress(OSError):  # on a full disk the lock is held all the same, without a name
            # Cut afterwards: of a file that was cut to nothing, ext4 writes the data out when it is
            # closed, which takes 3 ms.
            os.pwrite(self._descriptor, line, 0)
            os.ftruncate(self._descriptor, len(line))


def holder_of(path: Path) -> Holder | None:
    """Return who wrote into the lock file last, if that process is alive; else None.

    True only while the lock is held: ask after it could not be had.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fields = json.loads(os.read(descriptor, _MAX_BYTES))
        finally:
            os.close(descriptor)
        bound = fields.get("bound_s")
        holder = Holder(
            int(fields["pid"]),
            str(fields["command"]),
            str(fields["since"]),
            float(bound) if isinstance(bound, int | float) else None,
        )
        os.kill(holder.pid, 0)
    except PermissionError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None  # written by an earlier version, or being written
    return holder


def present_holder(path: Path) -> Holder | None:
    """Return who holds the lock now; None where nobody does, or the holder gave no name.

    Takes the lock for a moment, together with whoever else asks. A lock file that cannot be opened
    is held by nobody: who wants the lock says what is wrong with it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder_of(path)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


@contextmanager
def waiting_until(ends: float) -> Generator[None]:
    """Let no lock be waited for after that time, whatever the waiting is done for.

    Counts in this thread, and inside the block.

    Args:
        ends: On the monotonic clock.
    """
    before = _ENDS.set(min(ends, _ENDS.get()))
    try:
        yield
    finally:
        _ENDS.reset(before)


@contextmanager
def held(path: Path, *, timeout: float, bound: float | None = None) -> Generator[None]:
    """Hold the lock for the block.

    Args:
        path: The lock file; it stays, only the lock on it comes and goes.
        timeout: Seconds to wait; 0 tries once. Inside `waiting_until` it may be less.
        bound: Seconds for which it is meant to be held, for whoever waits; None says nothing.

    Raises:
        StoreBusy: Another holder kept it for longer than `timeout`; the text names the holder.
        StoreUnavailable: The lock file cannot be made.
    """
    make_private_folder(path.parent)
    timeout = min(timeout, max(0.0, _ENDS.get() - time.monotonic()))
    lock = OsLock(path, bound)
    try:
        acquired = lock.acquire(timeout)
    except OSError as exc:
        raise StoreUnavailable(machine_fault(exc, f"{path} cannot be locked")) from exc
    if not acquired:
        holder = holder_of(path)
        advice = holder.stuck() if holder else ""
        raise StoreBusy(
            f"{path.name} is held by {holder or 'another process'}, waited {timeout:.3g} s: "
            f"{advice or 'try again, or see who runs with `iai-mcp status`'}"
        )
    try:
        yield
    finally:
        lock.release()


def _is_stopped(pid: int) -> bool:
    try:
        about = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False  # no /proc, or it ended
    # The name before it may hold anything, brackets too.
    return about.rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])


def _command() -> str:
    """Return the program and its subcommand; no other argument, since that may be a text."""
    program, *arguments = sys.argv or ["python"]
    name = os.path.basename(program)  # noqa: PTH119 - a name, not a path
    if name == "__main__.py":
        name = os.path.basename(os.path.dirname(program))  # noqa: PTH119, PTH120 - see above
    known = name in ("iai-mcp", "iai_server") and arguments
    return f"iai-mcp {arguments[0]}" if known and _PLAIN_WORD.fullmatch(arguments[0]) else name
