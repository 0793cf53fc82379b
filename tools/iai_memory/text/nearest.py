"""The known names that are most like one that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final

SHOWN: Final = 3
_MAX_CHARS: Final = 200
_COMPARED: Final = 100


def nearest(name: str, known: Iterable[str], *, at_least: float = 0.0) -> list[str]:
    """Return the three most similar names, the best first; those below `at_least`, 0..1, not."""
    near = sorted(_comparable(name, known), key=lambda one: (-alike(name, one), one))[:SHOWN]
    return [one for one in near if alike(name, one) >= at_least]


def _comparable(name: str, known: Iterable[str]) -> list[str]:
    """Return those that have most in common at a glance: to compare thousands takes seconds."""
    wanted = _pairs(name)
    return nlargest(_COMPARED, known, key=lambda one: len(wanted & _pairs(one)))


def _pairs(name: str) -> set[str]:
    """Return each two letters that stand side by side."""
    folded = name.casefold()[:_MAX_CHARS]
    return {folded[at : at + 2] for at in range(len(folded))}


def alike(asked: str, known: str) -> float:
    """Return how alike two names are, 0..1, whatever their case; ends of a path count most."""
    a, b = asked.casefold()[:_MAX_CHARS], known.casefold()[:_MAX_CHARS]
    ends = SequenceMatcher(None, a.rpartition("/")[2], b.rpartition("/")[2]).ratio()
    return (SequenceMatcher(None, a, b).ratio() + ends) / 2
