"""WAKE, DROWSY, SLEEP: how long ago the last request was, as three states."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum


class State(StrEnum):
    """What a server is doing with its time."""

    WAKE = "WAKE"
    DROWSY = "DROWSY"
    SLEEP = "SLEEP"


class Lifecycle:
    """Turns the time since the last request into a state; safe from several threads.

    Example:
        >>> now = 0.0
        >>> life = Lifecycle(300, 1800, clock=lambda: now)
        >>> now = 1800.0
        >>> life.state
        <State.SLEEP: 'SLEEP'>
    """

    def __init__(
        self,
        drowsy_after_sec: float,
        sleep_after_sec: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins in WAKE.

        Args:
            drowsy_after_sec: Seconds without a request until DROWSY.
            sleep_after_sec: Seconds without a request until SLEEP.
            clock: Seconds that only grow.
        """
        self._drowsy_after = drowsy_after_sec
        self._sleep_after = sleep_after_sec
        self._clock = clock
        self._lock = threading.Lock()
        self._touched = clock()

    def touch(self) -> None:
        """A request came: WAKE."""
        with self._lock:
            self._touched = self._clock()

    @property
    def state(self) -> State:
        """The state at this moment; the later one where both bounds are passed."""
        idle = self._idle()
        if idle >= self._sleep_after:
            return State.SLEEP
        return State.DROWSY if idle >= self._drowsy_after else State.WAKE

    def seconds_until_next(self) -> float | None:
        """Seconds until the state changes by itself; None in SLEEP, which only a request ends."""
        idle = self._idle()
        ahead = [at - idle for at in (self._drowsy_after, self._sleep_after) if at > idle]
        return min(ahead) if ahead and idle < self._sleep_after else None

    def _idle(self) -> float:
        with self._lock:
            return self._clock() - self._touched
