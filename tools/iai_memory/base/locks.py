"""OS file locks between threads and processes; the death of a holder releases them.

A holder writes who it is into the lock file, for whoever waits. The lock itself is `flock`'s: what
stands in the file does not say who has it, and is not true once nobody does. Those who wait get it
in the order in which they came (`lock_queue`), and nobody waits long behind one that is stopped.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import StoreBusy, StoreUnavailable
from .clock import iso, parse_time, utc_now
from .files import PRIVATE_FILE, make_private_folder
from .machine_faults import machine_fault

if TYPE_CHECKING:
    from .lock_queue import Place

# How often the lock is looked for by the first in the line, and by the others; at first more often,
# since most hold it for some milliseconds.
_FIRST_POLL_SEC: Final = 0.001
_POLL_SEC: Final = 0.005
_LONGEST_POLL_SEC: Final = 0.02
_POLL_SHARE: Final = 0.02  # of the time waited so far
# So long a holder may be stopped, as by Ctrl-Z and `fg`, before who waits gives up.
_STOPPED_SEC: Final = 3.0
_LOOK_SEC: Final = 0.5
QUEUE_SUFFIX: Final = ".queue"
"""Of the folder beside a lock file that is there while somebody waits."""
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
        held = f"process {self.pid} (`{self.command}`) since {self.since}"
        return f"{held}, for {self.age_s():.0f} s" if self.age_s() >= 1 else held

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
        from .process import is_stopped

        if is_stopped(self.pid):
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

        Behind a holder that is stopped for some seconds, or that others wait for already where
        `timeout` is 0, it returns False at once.

        Raises:
            OSError: The file cannot be opened or locked.
        """
        # Most find nobody in the line, and need not even know how one is made.
        if not os.access(f"{self.path}{QUEUE_SUFFIX}", os.F_OK) and self._try():
            return True
        from .lock_queue import LockQueue

        queue = LockQueue(self.path)
        if queue.is_empty() and self._try():
            return True
        if timeout <= 0:
            return False
        place = queue.join()
        try:
            return self._wait(timeout, place)
        finally:
            if place is not None:
                place.leave()

    def _wait(self, timeout: float, place: Place | None) -> bool:
        began = time.monotonic()
        looked, stopped_since = began, math.inf
        while True:
            is_next = place is None or place.is_next()
            if is_next and self._try():
                return True
            now = time.monotonic()
            if now - looked >= _LOOK_SEC:
                looked = now
                stopped_since = min(stopped_since, now) if self._holder_is_stopped() else math.inf
            if now - began >= timeout or now - stopped_since >= _STOPPED_SEC:
                return False
            pause = (_FIRST_POLL_SEC if is_next else _POLL_SEC) + _POLL_SHARE * (now - began)
            time.sleep(min(_LONGEST_POLL_SEC, pause))

    def _holder_is_stopped(self) -> bool:
        from .process import is_stopped

        holder = holder_of(self.path)
        return holder is not None and is_stopped(holder.pid)

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


def stuck_locks(folder: Path) -> list[str]:
    """Return a sentence on each lock of a folder whose holder will not let go of it by itself."""
    found: list[str] = []
    for path in sorted(folder.glob("*.lock")):
        written = holder_of(path)
        if written is None or not written.stuck():
            continue  # most: no lock is taken to look at it
        holder = present_holder(path)
        if holder is not None and (advice := holder.stuck()):
            found.append(f"{path.name} is held by {holder}: {advice}")
    return found


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
    began = time.monotonic()
    try:
        acquired = lock.acquire(timeout)
    except OSError as exc:
        raise StoreUnavailable(machine_fault(exc, f"{path} cannot be locked")) from exc
    if not acquired:
        holder = holder_of(path)
        waited = min(timeout, time.monotonic() - began)
        advice = holder.stuck() if holder else ""
        raise StoreBusy(
            f"{path.name} is held by {holder or 'another process'}, waited {waited:.3g} s: "
            f"{advice or 'try again, or see who runs with `iai-mcp status`'}"
        )
    try:
        yield
    finally:
        lock.release()


def _command() -> str:
    """Return the program and its subcommand; no other argument, since that may be a text."""
    program, *arguments = sys.argv or ["python"]
    name = os.path.basename(program)  # noqa: PTH119 - a name, not a path
    if name == "__main__.py":
        name = os.path.basename(os.path.dirname(program))  # noqa: PTH119, PTH120 - see above
    known = name in ("iai-mcp", "iai_server") and arguments
    return f"iai-mcp {arguments[0]}" if known and _PLAIN_WORD.fullmatch(arguments[0]) else name
