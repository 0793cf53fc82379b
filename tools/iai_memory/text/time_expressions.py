"""The times that a question names, in the languages that dateparser reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, tzinfo
from functools import lru_cache
from typing import Final

from .languages import likely
from .time_days import EARLIEST, Asked, Days
from .time_locale import TimeLocale, system_locale, time_locale
from .time_rules import between, frames, lead, rules
from .time_words.table import DAY_WORDS

_CODES: Final = {
    "english": "en",
    "german": "de",
    "french": "fr",
    "spanish": "es",
    "portuguese": "pt",
    "italian": "it",
    "dutch": "nl",
    "swedish": "sv",
    "danish": "da",
    "norwegian": "nb",
    "finnish": "fi",
    "polish": "pl",
    "czech": "cs",
    "hungarian": "hu",
    "romanian": "ro",
    "turkish": "tr",
    "indonesian": "id",
    "russian": "ru",
    "serbian": "sr-Cyrl",
    "greek": "el",
    "arabic": "ar",
    "persian": "fa",
    "hindi": "hi",
    "tamil": "ta",
    "armenian": "hy",
    "hebrew": "he",
    "thai": "th",
    "korean": "ko",
    "japanese": "ja",
    "chinese": "zh",
}
# An English question without any of these names no time, and waits for no import of dateparser.
_READ_CHARACTERS: Final = 2_000
_OF_TWO_LANGUAGES: Final = {"hier", "mayo"}  # "was ist hier los?"
_WORD: Final = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_MAYBE_ENGLISH: Final = re.compile(
    r"\d|\b(?:today|tonight|yesterday|ago|last|past|previous|this|since|until|till|between|recent|"
    r"latest|newest|weekend|week|month|year|days?|hours?|morning|night|where|catch|pick|just|"
    r"new|recently|lately|quarter|fortnight|q[1-4]|doing|working|"
    r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|(?:mon|tues|wednes|thurs|fri|satur|sun)day)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class TimeExpression:
    """A time that a question names.

    Attributes:
        text: As it is written in the question.
        span: Where it stands, with the preposition before it.
        start: Its first moment, aware.
        end: Its last moment, aware.
        any_year: Whether the same days of every year may be meant, because no year is named.
        last_session: Whether the end of the newest session is asked for, whenever that was; start
            and end then hold everything until now.
    """

    text: str
    span: tuple[int, int]
    start: datetime
    end: datetime
    any_year: bool = False
    last_session: bool = False

    def a_year_earlier(self) -> TimeExpression | None:
        """Return the same days of the year before; None where the year is not open."""
        if not self.any_year or self.start.year <= EARLIEST.year:
            return None
        start, end = (_in_the_year_before(moment) for moment in (self.start, self.end))
        return replace(self, start=start, end=end)


def _in_the_year_before(moment: datetime) -> datetime:
    leap = moment.month == 2 and moment.day == 29
    return moment.replace(year=moment.year - 1, day=28 if leap else moment.day)


def time_expressions(question: str, asked_at: datetime) -> list[TimeExpression]:
    """Return the times that the question names, in the zone of `asked_at`, in their order.

    A day without a year is the latest one; so is a weekday, and never the day of the asking.
    Of the languages that the question may be in, the first one with a time in it is taken. Of a
    text that was pasted only the beginning is read: each time in it costs a look at all that
    follows.
    """
    head = question[:_READ_CHARACTERS]
    return list(_times(head, asked_at, asked_at.tzinfo, system_locale()))


@lru_cache(maxsize=8)  # several steps of one recall ask
def _times(
    question: str, asked_at: datetime, _zone: tzinfo | None, _system: str
) -> tuple[TimeExpression, ...]:
    """Return the times; moments of two zones may be equal, so the zone is part of the key."""
    for locale in locales_of(question):
        if found := tuple(_Reader(locale, asked_at).read(question)):
            return found
    return ()


def locales_of(question: str) -> list[TimeLocale]:
    """Return the languages that the question may be in, most likely first; often none."""
    names = likely(question)
    names = [*names, *_of_words(question, has_cues=not set(names) <= {"english", "chinese"})]
    if names[0] == "english" and _MAYBE_ENGLISH.search(question) is None:
        names = [name for name in names[1:] if name != "english"]
    return [time_locale(_CODES[name]) for name in names if name in _CODES]


def _of_words(question: str, *, has_cues: bool) -> list[str]:
    """Return the languages of the days in a question; without other cues, the system's too."""
    words = set(_WORD.findall(question.lower())) - (_OF_TWO_LANGUAGES if has_cues else set())
    days = [DAY_WORDS[word] for word in words if word in DAY_WORDS]
    system = "" if has_cues else system_locale()[:2]
    return [*days, *(name for name, code in _CODES.items() if code == system)]


class _Reader:
    """Reads the times of one language, as of one moment."""

    def __init__(self, locale: TimeLocale, asked_at: datetime) -> None:
        self.locale = locale
        self.asked = Asked(asked_at)

    def read(self, question: str) -> Iterator[TimeExpression]:
        """Yield the times; of two that overlap, the one that begins first or is longer."""
        at = 0
        while at < len(question):
            best = self._next(question, at)
            if best is None:
                return
            span, days = self._with_its_weekday(question, *best)
            yield self._expression(question, span, days)
            at = span[1]

    def _with_its_weekday(
        self, question: str, span: tuple[int, int], days: Days
    ) -> tuple[tuple[int, int], Days]:
        """Return the day of "Sunday, 25 January", where the first time is its weekday."""
        if not self._is_weekday(question[slice(*span)]):
            return span, days
        following = self._simple(question, span[1])
        if following is None or following[1].start != following[1].end:
            return span, days
        gap = question[span[1] : following[0][0]]
        if re.fullmatch(r"\W*", lead(self.locale.code).sub("", gap)) is None:
            return span, days
        return (span[0], following[0][1]), following[1]

    def _is_weekday(self, text: str) -> bool:
        return lead(self.locale.code).sub("", text).strip().rpartition(" ")[2].lower() in (
            self.locale.weekdays
        )

    def _next(self, question: str, at: int) -> tuple[tuple[int, int], Days] | None:
        """Return the next time with what stands before it, as "since" or "the day before"."""
        found = self._simple(question, at)
        if found is None:
            return None
        span, days = found
        for pattern, change in frames(self.locale.code):
            head = pattern.search(question[at : span[0]])
            if head is not None:
                second = None
                if change is between and (second := self._second(question, span[1])) is None:
                    continue
                whole = span if second is None else (span[0], second[0][1])
                both = days if second is None else replace(days, end=second[1].end)
                changed = change(both, self.asked)
                return (at + head.start(), whole[1]), changed
        before = lead(self.locale.code).search(question[at : span[0]])
        return ((at + before.start(), span[1]) if before else span), days

    def _second(self, question: str, at: int) -> tuple[tuple[int, int], Days] | None:
        """Return the second time of "between … and …", where one follows at once."""
        found = self._simple(question, at)
        words = self.locale.words.between
        if found is None or words is None:
            return None
        joint = question[at : found[0][0]]
        joined = re.fullmatch(rf"\s*(?:{words[1]})\s*", joint, re.I)
        return found if joined else None

    def _simple(self, question: str, at: int) -> tuple[tuple[int, int], Days] | None:
        found: list[tuple[int, int, Days]] = []
        for pattern, read in rules(self.locale.code):
            for match in pattern.finditer(question, at):
                days = read(match, self.asked)
                if days is not None:
                    start = match.end("lead") if "lead" in pattern.groupindex else match.start()
                    found.append((start, -match.end(), days))
                    break
        if not found:
            return None
        begin, end, days = min(found, key=lambda one: one[:2])
        return (begin, -end), days

    def _expression(self, question: str, span: tuple[int, int], days: Days) -> TimeExpression:
        zone = self.asked.at.tzinfo
        if days.moments is not None:
            start, end = days.moments
        else:
            start = datetime.combine(days.start, time(), zone)
            end = datetime.combine(days.end, time.max, zone)
        return TimeExpression(
            question[slice(*span)].strip(), span, start, end, days.any_year, days.last_session
        )
