"""Trust of a memory, 0..1: by its origin, its role and the records it was derived from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Grade:
    """A share of the full trust.

    Attributes:
        share: 0..1.
        reason: Why it is that much; shown to users.
    """

    share: float
    reason: str


UNKNOWN_TRUST: Final = 0.1
"""Trust of an unknown origin or role."""

BY_ORIGIN: Final[Mapping[str, Grade]] = {
    "hook": Grade(1.0, "the host wrote it down as it was said"),
    "cli": Grade(1.0, "typed on this machine by its user"),
    "tool": Grade(0.8, "a model chose the words and called the tool"),
    "import": Grade(0.6, "a file that somebody else may have written"),
}
BY_ROLE: Final[Mapping[str, Grade]] = {
    "user": Grade(1.0, "the user's own words"),
    "note": Grade(1.0, "stored on purpose"),
    "assistant": Grade(0.7, "a model's words"),
    "tool": Grade(0.3, "printed by a program, which may repeat what a web page says"),
}


def role_of_caller(role: str, origin: str) -> str:
    """Return the role that a caller's claim of one is worth.

    A model that calls a tool may say that the user said something; what the user said is what a
    host wrote down. So the most it can claim is a note.
    """
    return "note" if origin == "tool" and role == "user" else role


def trust_of(origin: str, role: str, sources: Iterable[float] = ()) -> float:
    """Return the trust of a record, 0..1, rounded to three digits.

    Origin and role can each only take trust away, so their shares are multiplied. A derived record
    has no more trust than the least trusted of its sources.

    Args:
        origin: The record's.
        role: The record's.
        sources: Trust of the records that it was derived from.
    """
    way, speaker = BY_ORIGIN.get(origin), BY_ROLE.get(role)
    own = UNKNOWN_TRUST if way is None or speaker is None else round(way.share * speaker.share, 3)
    return min((own, *sources))
