"""Progress reports of long work, and its interruption between two rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ProgressCallback = Callable[[str, int, int], None]
"""Called with the name of a step, the amount done and the total."""


class Interrupted(Exception):
    """The caller stopped the work; finished rounds are kept."""


def never_interrupted() -> bool:
    """Return False: the default of `Progress.interrupted`."""
    return False


def ignore_progress(step: str, done: int, total: int) -> None:
    """Do nothing: the default of `Progress.callback`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress report that long loops make once a round, with `report`.

    Attributes:
        step: Name of the step.
        interrupted: Returns whether to stop.
        callback: Called with each round.
    """

    step: str
    interrupted: Callable[[], bool] = never_interrupted
    callback: ProgressCallback = ignore_progress

    def report(self, done: int, total: int) -> None:
        """Report a round and stop where that is wanted.

        Raises:
            Interrupted: The work is to stop.
        """
        self.callback(self.step, done, total)
        self.check()

    def check(self) -> None:
        """Stop where that is wanted.

        Raises:
            Interrupted: The work is to stop.
        """
        if self.interrupted():
            raise Interrupted(self.step)
