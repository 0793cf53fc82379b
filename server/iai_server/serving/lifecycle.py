"""The three states of a serving process, which follow from the time since the last request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum


class State(Enum):
    """WAKE while there is traffic, DROWSY after a pause, SLEEP after a long one."""

    WAKE = "wake"
    DROWSY = "drowsy"
    SLEEP = "sleep"


class Lifecycle:
    """The time since the last request, as a state; thread-safe, without a thread or timer.

    It begins in WAKE.

    Example:
        >>> now = 0.0
        >>> lifecycle = Lifecycle(300, 1800, clock=lambda: now)
        >>> now = 301.0
        >>> lifecycle.state.value
        'drowsy'
    """

    def __init__(
        self,
        drowsy_after_sec: float,
        sleep_after_sec: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start counting now.

        Args:
            drowsy_after_sec: Seconds without a request until DROWSY.
            sleep_after_sec: Seconds without a request until SLEEP; if it is not the larger one,
                WAKE turns into SLEEP directly.
            clock: Seconds that never go back; setting a wall clock would put a busy server to
                sleep.
        """
        self._drowsy_after = min(drowsy_after_sec, sleep_after_sec)
        self._sleep_after = sleep_after_sec
        self._clock = clock
        self._lock = threading.Lock()
        self._last_request = clock()

    def touch(self) -> None:
        """Record a request: the state is WAKE from now on."""
        with self._lock:
            # Two threads may have read the clock in one order and come here in the other.
            self._last_request = max(self._last_request, self._clock())

    @property
    def state(self) -> State:
        """The current state."""
        idle = self._idle()
        if idle >= self._sleep_after:
            return State.SLEEP
        return State.DROWSY if idle >= self._drowsy_after else State.WAKE

    def _idle(self) -> float:
        with self._lock:
            return self._clock() - self._last_request
