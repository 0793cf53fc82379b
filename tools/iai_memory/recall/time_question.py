"""Questions about a time and nothing else: "what did we do yesterday?", "where did we stop?"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from ..text.time_expressions import TimeExpression, locales_of, time_expressions
from ..text.time_words.table import WORDS

_WORD: Final = re.compile(r"[^\W_]+")
_CLOCK: Final = re.compile(
    r"(?<!\w)\d{1,2}(?::\d\d(?::\d\d)?(?:\s?[ap]m)?|\s?[ap]m|\s?uhr|\s?h)(?!\w)"
)


@dataclass(frozen=True, slots=True)
class TimeQuestion:
    """The times that a question asks about, and nothing else.

    Attributes:
        times: At least one.
        is_bare: Whether they are all that was said, as in "Thursday", which may be meant as a word.
    """

    times: tuple[TimeExpression, ...]
    is_bare: bool = False

    @property
    def start(self) -> datetime:
        """The first moment of all times."""
        return min(one.start for one in self.times)

    @property
    def end(self) -> datetime:
        """The last moment of all times."""
        return max(one.end for one in self.times)

    @property
    def last_session(self) -> bool:
        """Whether the end of the newest session is asked for."""
        return any(one.last_session for one in self.times)

    def a_year_earlier(self) -> TimeQuestion | None:
        """Return the same days of the year before; None where one of the times names its year."""
        moved = [one.a_year_earlier() for one in self.times]
        times = tuple(one for one in moved if one is not None)
        return replace(self, times=times) if len(times) == len(moved) else None

    def covers(self, moment: datetime) -> bool:
        """Return whether a turn of that moment is of one of the times."""
        return any(one.start <= moment <= one.end for one in self.times)


def time_question(question: str, asked_at: datetime) -> TimeQuestion | None:
    """Return the times that the question asks about; None where it asks for something else too.

    What is left without the times must be words that say nothing of a topic, as "what did we do".
    In a language of which we have no such words, a time question is one like any other.
    """
    found = time_expressions(question, asked_at)
    if not found:
        return None
    rest = _without(question, found)
    if _topic(question, rest):
        return None
    return TimeQuestion(tuple(found), is_bare=_WORD.search(rest) is None)


def _without(question: str, times: Iterable[TimeExpression]) -> str:
    rest = list(question)
    for one in times:
        rest[slice(*one.span)] = " " * (one.span[1] - one.span[0])
    return "".join(rest)


def _topic(question: str, rest: str) -> str:
    """Return what the rest of a question is about; empty for nothing."""
    left = _CLOCK.sub(" ", rest.lower())
    codes = {locale.code for locale in locales_of(question)} | {"en"}
    for code in codes - {"en"}:
        if code in _UNSPACED:
            left = _unspaced(code).sub(" ", left)
    topicless = frozenset[str]().union(*(_topicless(code) for code in codes))
    return " ".join(word for word in _WORD.findall(left) if word not in topicless)


_UNSPACED: Final = frozenset({"zh", "ja"})


@lru_cache(maxsize=16)
def _topicless(code: str) -> frozenset[str]:
    return frozenset(WORDS[code].topicless.split()) if code in WORDS else frozenset()


@lru_cache(maxsize=4)
def _unspaced(code: str) -> re.Pattern[str]:
    words = sorted(_topicless(code), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, words)))
