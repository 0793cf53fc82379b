"""How long work tells where it is, and is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and how much there is."""


class InterruptedWork(Exception):
    """The work stopped because it was asked to; nothing it had finished is lost."""


def never() -> bool:
    """Nobody interrupts."""
    return False


def ignore(step: str, done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Passed down into long loops, which call `beat` once a round.

    Attributes:
        step: The name that `progress` is told.
        interrupted: Whether to stop.
        progress: Hears of each round.
    """

    step: str
    interrupted: Callable[[], bool] = never
    progress: Progress = ignore

    def beat(self, done: int, total: int) -> None:
        """One more round is done.

        Raises:
            InterruptedWork: Somebody asked to stop.
        """
        self.progress(self.step, done, total)
        self.check()

    def check(self) -> None:
        """Only asks.

        Raises:
            InterruptedWork: Somebody asked to stop.
        """
        if self.interrupted():
            raise InterruptedWork(self.step)
