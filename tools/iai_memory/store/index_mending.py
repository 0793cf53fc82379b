"""When damaged indexes are mended: after work that failed, by one thread for all that met them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from ..errors import StoreFault


class IndexMending:
    """The decision whether work that failed on a table may succeed now."""

    def __init__(self, mend: Callable[[], bool]) -> None:
        """Bind the work.

        Args:
            mend: Mends the indexes; returns whether one was damaged; raises StoreFault.
        """
        self._mend = mend
        self._lock = threading.Lock()
        self._mends = 0
        self._writing_thread: int | None = None

    @contextmanager
    def put_off(self) -> Generator[None]:
        """Mend nothing in this thread within the block, which writes.

        Each index that is dropped is a commit, and rows of the block are stamped with the version
        that would be the next.
        """
        self._writing_thread = threading.get_ident()
        try:
            yield
        finally:
            self._writing_thread = None

    def mended(self) -> bool:
        """Mend damaged indexes after work that failed; return whether it may succeed now."""
        seen = self._mends
        if self._writing_thread == threading.get_ident():
            return False
        with self._lock:
            if self._mends != seen:
                return True  # another thread did it meanwhile
            try:
                found = self._mend()
            except StoreFault:
                return False  # the work's own error says what is wrong
            self._mends += found
            return found
