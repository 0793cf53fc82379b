"""Who reads the table right now, told by one shared OS lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
import time
import weakref
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..base.files import PRIVATE_FILE, make_private_folder
from ..errors import StoreUnavailable

_POLL_SEC: Final = 0.005


class Readers:
    """Lets whoever drops old versions know that nobody reads one.

    Every read holds the lock shared, from before it looks for the latest version until it has its
    answer. Whoever once gets it alone knows: each read that began before has ended, and each that
    begins later finds the version that is the latest by then. (Read-copy-update calls this a grace
    period.)
    """

    def __init__(self, path: Path) -> None:
        """Binds the lock file, and makes it where that is allowed."""
        self._path = path
        try:
            make_private_folder(path.parent)
            os.close(self._open())
        except (OSError, StoreUnavailable):
            # A store that cannot be written is read without it: nobody can drop versions there.
            self._locks = False
        else:
            self._locks = True

    @contextmanager
    def reading(self) -> Generator[None]:
        """Holds the lock for the block, shared with every other reader.

        Raises:
            OSError: The lock file was removed.
        """
        if not self._locks:
            yield
            return
        descriptor = self._shared()
        try:
            yield
        finally:
            os.close(descriptor)

    def reading_until_gone(self, reader: object) -> None:
        """Holds the lock for as long as `reader` is referred to.

        Raises:
            OSError: The lock file was removed.
        """
        if self._locks:
            weakref.finalize(reader, os.close, self._shared())

    def have_left(self, timeout: float) -> bool:
        """Whether every read that was going on has ended within so many seconds."""
        if not self._locks:
            return False
        ends = time.monotonic() + timeout
        descriptor = self._open()
        try:
            while not _alone(descriptor):
                if time.monotonic() > ends:
                    return False
                time.sleep(_POLL_SEC)
        finally:
            os.close(descriptor)
        return True

    def _shared(self) -> int:
        descriptor = self._open()
        # Waits for microseconds at most: whoever gets the lock alone gives it back at once.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def _open(self) -> int:
        # Not for writing, which a lock needs nowhere: a store that became read-only is still read.
        return os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)


def _alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
