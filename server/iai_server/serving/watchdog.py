"""Who is stuck at what: the steps that a server's threads are at, published once they last.

The watchdog has a thread of its own, since the step that it watches is the one that is stuck.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NamedTuple

LASTS_SEC = 5.0
_POLL_SEC = 1.0


class Step(NamedTuple):
    """A step of a pass.

    Attributes:
        name: What it does.
        since: Seconds since the epoch.
        at: The file that it works on; empty where it is no single one.
    """

    name: str
    since: float
    at: str


class Watchdog:
    """A watch over the steps of a server."""

    def __init__(
        self, publish: Callable[[Step | None], None], lasts_sec: float = LASTS_SEC
    ) -> None:
        """Start nothing yet.

        Args:
            publish: Called from the watchdog's thread with the step that lasts longest, then with
                None once no step lasts any more. It must not raise.
            lasts_sec: From when on a step lasts.
        """
        self._publish = publish
        self._lasts_sec = lasts_sec
        self._steps: dict[str, Step] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="iai-mcp-watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a step that lasts stays published."""
        self._stopped.set()

    @contextmanager
    def watching(self, name: str) -> Generator[None]:
        """Watch a step for the block; steps of different threads have different names."""
        self._steps[name] = Step(name, time.time(), "")
        try:
            yield
        finally:
            self._steps.pop(name, None)

    def at(self, name: str, file: str) -> None:
        """Note the file that a step is at; from now on it lasts for this file."""
        if name in self._steps:
            self._steps[name] = Step(name, time.time(), file)

    def _run(self) -> None:
        published: Step | None = None
        while not self._stopped.wait(min(_POLL_SEC, self._lasts_sec)):
            lasting = self._lasting()
            if lasting != published:
                self._publish(lasting)
                published = lasting

    def _lasting(self) -> Step | None:
        before = time.time() - self._lasts_sec
        steps = [step for step in list(self._steps.values()) if step.since <= before]
        return min(steps, key=lambda step: step.since, default=None)
