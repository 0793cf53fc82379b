"""Where in an exchange a transcript ends: behind a prompt, at work, behind the answer."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Place(StrEnum):
    """Where in an exchange a transcript ends."""

    NOWHERE = ""
    ASKED = "asked"
    """Behind a prompt."""
    AT_WORK = "at work"
    """Behind a call of a tool, or its result: the words on it are still to come."""
    ANSWERED = "answered"
    STOPPED = "stopped"
    """Behind the host's note that the turn was broken off."""


_PLACES: Final = frozenset(Place)


def place_in(state: object) -> Place:
    """Return the place that a parser's state names; `NOWHERE` for anything else."""
    return Place(state) if isinstance(state, str) and state in _PLACES else Place.NOWHERE
