"""The line before one lock: a file for each who waits, named by when it came and locked.

Who waits first is served first. The death of a waiter takes it out of the line, since the system
releases the lock on its file; one that is stopped is passed by until it goes on. Where no file can
be made, as on a full disk, one waits outside of the line.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from .files import PRIVATE_FILE, PRIVATE_FOLDER
from .locks import QUEUE_SUFFIX
from .process import is_stopped

_TRIES: Final = 5
# Whoever is first looks for the lock all the time; if not, it hangs, and others may go on.
_PATIENCE_SEC: Final = 0.5
_PROBE_SEC: Final = 0.25
_SAFE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LockQueue:
    """The line before one lock; the folder is there while somebody waits."""

    def __init__(self, lock: Path) -> None:
        """Bind the lock file; nothing is opened."""
        self.folder = f"{lock}{QUEUE_SUFFIX}"

    def is_empty(self) -> bool:
        """Return whether nobody waits who can go on."""
        return self.first_before(None) is None

    def join(self) -> Place | None:
        """Stand at the end of the line; None where that cannot be noted down."""
        for _ in range(_TRIES):
            try:
                place = self._place()
            except FileNotFoundError:
                continue  # the last one in the line took the folder away
            except OSError:
                return None
            if place is not None:
                return place
        return None

    def first_before(self, own: str | None) -> str | None:
        """Return the first in the line before `own`, or at all; the dead are taken out of it."""
        try:
            names = sorted(os.listdir(self.folder))  # noqa: PTH208 - every lock is taken this way
        except OSError:
            return None
        for name in names:
            if own is not None and name >= own:
                break
            if self._waits(name):
                return name
        return None

    def _place(self) -> Place | None:
        with suppress(FileExistsError):
            os.mkdir(self.folder, PRIVATE_FOLDER)  # noqa: PTH102 - no Path is made for a lock
        # Of all processes of a machine; on several machines the order is any, but one.
        name = f"{time.monotonic_ns():020d}-{os.getpid()}-{os.urandom(3).hex()}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE
        descriptor = os.open(f"{self.folder}/{name}", flags, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink:
                place = Place(self, name, descriptor)
                descriptor = -1
                return place
        except BlockingIOError:
            pass  # somebody looked whether we are alive
        finally:
            if descriptor >= 0:
                with suppress(OSError):
                    os.unlink(f"{self.folder}/{name}")  # noqa: PTH108
                os.close(descriptor)
        return None

    def _waits(self, name: str) -> bool:
        path = f"{self.folder}/{name}"
        try:
            descriptor = os.open(path, os.O_RDONLY | _SAFE)
        except OSError:
            return False  # it left
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            os.unlink(path)  # noqa: PTH108
        except BlockingIOError:
            pid = name.split("-")[1:2]
            return not (pid and pid[0].isdecimal() and is_stopped(int(pid[0])))
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False


class Place:
    """The place of one waiter in the line."""

    def __init__(self, queue: LockQueue, name: str, descriptor: int) -> None:
        """Take over the locked file."""
        self._queue = queue
        self._name = name
        self._descriptor = descriptor
        self._ahead: str | None = None
        self._since = 0.0
        self._probed = 0.0

    def is_next(self) -> bool:
        """Return whether it is this one's turn to look for the lock."""
        ahead = self._queue.first_before(self._name)
        now = time.monotonic()
        if ahead != self._ahead:
            self._ahead, self._since = ahead, now
        if ahead is None:
            return True
        if now - self._since < _PATIENCE_SEC or now - self._probed < _PROBE_SEC:
            return False
        self._probed = now
        return True

    def leave(self) -> None:
        """Leave the line, with the lock or without."""
        with suppress(OSError):
            os.unlink(f"{self._queue.folder}/{self._name}")  # noqa: PTH108
        os.close(self._descriptor)
        with suppress(OSError):
            os.rmdir(self._queue.folder)  # noqa: PTH106 - fails while others wait
