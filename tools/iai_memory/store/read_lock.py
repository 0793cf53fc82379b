"""The read lock: a compaction learns from it that nobody reads an old version of the table.

One file, locked shared by every read in every process and released with its holder. It never makes
a reader wait for long: a compaction only tries whether it could have the lock alone, and another
table takes the place of the present one in two renames.
"""

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
from ..errors import StoreBusy, StoreUnavailable

_POLL_SEC: Final = 0.005


class ReadLock:
    """A grace period, as read-copy-update calls it.

    Every read holds the lock shared, from before it looks for the latest version until it has its
    answer. Once somebody held it alone for a moment, every earlier read has ended, and every later
    one finds the version that is the latest by then.

    A store whose folder cannot be written is read without the lock: nobody can drop versions there.
    """

    def __init__(self, path: Path) -> None:
        """Bind the lock file, and make it where that is allowed."""
        self._path = path
        try:
            make_private_folder(path.parent)
            os.close(self._open())
        except (OSError, StoreUnavailable):
            self._usable = False
        else:
            self._usable = True

    @contextmanager
    def shared(self) -> Generator[None]:
        """Hold the lock for the block, together with every other reader.

        Raises:
            OSError: The lock file was removed.
        """
        if not self._usable:
            yield
            return
        descriptor = self._shared()
        try:
            yield
        finally:
            os.close(descriptor)

    def share_until_gone(self, reader: object) -> None:
        """Hold the lock for as long as `reader` is referred to.

        Raises:
            OSError: The lock file was removed.
        """
        if self._usable:
            weakref.finalize(reader, os.close, self._shared())

    def wait_for_readers(self, timeout: float) -> bool:
        """Wait until every read that is going on has ended.

        Returns:
            False where one of them took longer than `timeout` seconds, or nothing can be locked.
        """
        if not self._usable:
            return False
        descriptor = self._open()
        try:
            return _becomes_alone(descriptor, timeout)
        finally:
            os.close(descriptor)

    @contextmanager
    def alone(self, timeout: float) -> Generator[None]:
        """Hold the lock for the block with no reader; a read that begins meanwhile waits.

        Args:
            timeout: Seconds to wait for the reads that are going on.

        Raises:
            StoreBusy: One of them took longer.
            StoreUnavailable: Nothing can be locked in this folder.
        """
        if not self._usable:
            raise StoreUnavailable(
                f"{self._path} cannot be locked: make its folder yours and writable"
            )
        descriptor = self._open()
        try:
            if not _becomes_alone(descriptor, timeout):
                raise StoreBusy(
                    f"somebody reads the store for longer than {timeout:.0f} s: wait for an export "
                    f"to end, see who runs with `iai-mcp status`, and try again"
                )
            yield
        finally:
            os.close(descriptor)

    def _shared(self) -> int:
        descriptor = self._open()
        # Waits for microseconds at most: a compaction gives the lock back at once.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def _open(self) -> int:
        # Not for writing, which a lock needs nowhere: a store that became read-only is still read.
        return os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)


def _becomes_alone(descriptor: int, timeout: float) -> bool:
    ends = time.monotonic() + timeout
    while not _is_alone(descriptor):
        if time.monotonic() > ends:
            return False
        time.sleep(_POLL_SEC)
    return True


def _is_alone(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
