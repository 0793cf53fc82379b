"""Changes that a host may cancel: each is left undone as a whole, or made and answered.

A tool runs in a thread that nothing interrupts, and the SDK answers no request that was cancelled.
So a cancelled change would be made, and nobody would hear of it. Here a change is asked for
once more right before its first commit (`iai_memory/base/last_moment.py`); a cancellation that
comes later is not passed on, as the protocol allows where a request cannot be cancelled any more.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from mcp.shared.dispatcher import coerce_request_id

from iai_memory.base.last_moment import asked_before_changes
from iai_memory.errors import Cancelled


class RunningChanges:
    """The requests at work, by id; of two with the same id, the later one."""

    def __init__(self) -> None:
        """None is at work yet."""
        self._running: dict[int | str, _Change] = {}

    @contextmanager
    def running(self, id_: int | str) -> Generator[None]:
        """Let the request be cancelled during the block, until its first commit."""
        key, change = coerce_request_id(id_), _Change()
        self._running[key] = change
        try:
            with asked_before_changes(change.begin):
                yield
        finally:
            if self._running.get(key) is change and not change.has_begun:
                del self._running[key]

    def answered(self, id_: int | str) -> None:
        """Forget a request whose answer was sent; until then a cancellation would suppress it."""
        self._running.pop(coerce_request_id(id_), None)

    def cancel(self, id_: int | str) -> bool:
        """Cancel a request; return False where it has begun to change something."""
        change = self._running.get(coerce_request_id(id_))
        return change is None or change.cancel()


class _Change:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_cancelled = False
        self.has_begun = False

    def begin(self) -> None:
        with self._lock:
            if self._is_cancelled:
                raise Cancelled("cancelled before anything was changed: send the request again")
            self.has_begun = True

    def cancel(self) -> bool:
        with self._lock:
            self._is_cancelled = not self.has_begun
            return self._is_cancelled
