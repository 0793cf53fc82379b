"""Progress of work that takes minutes: a bar on a terminal, a line every ten seconds in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_EVERY_SEC: Final = 10.0


class LongWork(AbstractContextManager["LongWork"]):
    """What one piece of work shows on stderr; `show` may be called as often as one likes."""

    def __init__(
        self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin.

        Args:
            stream: Where to; None is stderr.
            now: The time in seconds.
        """
        self._stream = stream or sys.stderr
        self._now = now
        self._began = self._said = now()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Start the bar, if it is a terminal."""
        if self._stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TimeRemainingColumn(),
                console=Console(file=self._stream),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def rate(self, done: int) -> str:
        """Return how many were done a second so far."""
        return f"{done / max(self._now() - self._began, 1e-3):,.0f}"

    def show(self, text: str, done: int, total: int) -> None:
        """Show how far it is: a text, and how much of what is done."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text, completed=done, total=total)
            return
        now = self._now()
        if now - self._said >= _EVERY_SEC:
            self._said = now
            left = (now - self._began) * (total - done) / max(done, 1)
            self._stream.write(f"{text}, {_duration(left)} left\n")
            self._stream.flush()


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 120 else f"{round(whole / 60)} min"
