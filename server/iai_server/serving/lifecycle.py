"""The three states of a serving process, decided by how long no request came."""

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
    """A clock of requests: no thread of its own, nothing happens until it is asked.

    Any number of threads may call any of its methods at the same time. It begins in WAKE.

    Example:
        >>> now = 0.0
        >>> lifecycle = Lifecycle(300, 1800, clock=lambda: now)
        >>> now = 301.0
        >>> lifecycle.state.value, lifecycle.seconds_until_next()
        ('drowsy', 1499.0)
    """

    def __init__(
        self,
        drowsy_after_sec: float,
        sleep_after_sec: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts counting now.

        Args:
            drowsy_after_sec: Seconds without a request until DROWSY.
            sleep_after_sec: Seconds without a request until SLEEP; where it is not the larger one,
                WAKE turns into SLEEP directly.
            clock: Seconds that only grow; a wall clock that is set would put a busy server to
                sleep.
        """
        self._drowsy_after = min(drowsy_after_sec, sleep_after_sec)
        self._sleep_after = sleep_after_sec
        self._clock = clock
        self._guard = threading.Lock()
        self._last_request = clock()

    def touch(self) -> None:
        """A request came: the state is WAKE."""
        with self._guard:
            # Two threads may have read the clock in one order and come here in the other.
            self._last_request = max(self._last_request, self._clock())

    @property
    def state(self) -> State:
        """The state at this moment."""
        idle = self._idle()
        if idle >= self._sleep_after:
            return State.SLEEP
        return State.DROWSY if idle >= self._drowsy_after else State.WAKE

    def seconds_until_next(self) -> float | None:
        """Seconds until the next state if no request comes, more than 0; None in SLEEP, the last.

        Meant as a timeout: it can be waited for as it is.
        """
        idle = self._idle()
        if idle >= self._sleep_after:
            return None
        return (self._drowsy_after if idle < self._drowsy_after else self._sleep_after) - idle

    def _idle(self) -> float:
        with self._guard:
            return self._clock() - self._last_request
