"""The dates in a question as ranges of days; English only.

Patterns of our own find the dates. dateparser reads them, and is imported only when there is one to
read.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from ..text.calendar import MONTH, WEEKDAY

_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?"
_NUMBER: Final = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten)"
# Longest first. A month alone counts only after a word that precedes times, because "may" and
# "march" are verbs too.
_MENTION: Final = re.compile(
    rf"\b\d{{4}}-\d\d-\d\d\b"
    rf"|\b{_DAY}(?: of)? {MONTH}(?:,? \d{{4}})?\b"
    rf"|\b{MONTH} {_DAY}(?:,? \d{{4}})?\b(?!\d)"
    rf"|\b{MONTH},? \d{{4}}\b"
    rf"|(?<=\bin ){MONTH}(?!\w)|(?<=\bsince ){MONTH}(?!\w)|(?<=\bduring ){MONTH}(?!\w)"
    rf"|\blast {MONTH}(?!\w)"
    rf"|\b{_NUMBER} (?:day|week|month|year)s? ago\b"
    rf"|\blast (?:week|month|year|{WEEKDAY})\b"
    rf"|\b(?:yesterday|today)\b|\bon {WEEKDAY}\b"
    rf"|(?<=\bin )(?:19|20)\d\d\b",
    re.I,
)
_YEAR: Final = re.compile(r"\d{4}")
_LAST_MONTH: Final = re.compile(rf"last (?={MONTH}$)", re.I)
_RELATIVE: Final = re.compile(r"\b(?:ago|last|yesterday|today|\w+day)\b", re.I)
# People talk about a day up to some days after it, and about tomorrow a day before it.
_DAYS_BEFORE: Final = timedelta(days=1)
_DAYS_AFTER: Final = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date that a question names.

    Attributes:
        text: As it is written in the question.
        start: The first day.
        end: The last day.
        any_year: Whether the same days of every year are meant, because no year is named.
    """

    text: str
    start: date
    end: date
    any_year: bool

    def covers(self, moment: datetime) -> bool:
        """Return whether a text of that time may be about these days."""
        start, end = self.start, self.end
        if start == end:
            start, end = start - _DAYS_BEFORE, end + _DAYS_AFTER
        day = moment.date()
        if not self.any_year:
            return start <= day <= end
        # The range may cross the end of a year.
        return any(
            _in_year(start, year) <= day <= _in_year(start, year) + (end - start)
            for year in (day.year - 1, day.year)
        )


def date_mentions(question: str, asked_at: datetime) -> list[DateMention]:
    """Return every date that the question names, read as of `asked_at`.

    "7 May" and "in May" name no year and mean every year; "last May" is the latest one that began
    before the question.
    """
    found = (_read(match.group(), asked_at) for match in _MENTION.finditer(question))
    return [mention for mention in found if mention is not None]


def _read(text: str, asked_at: datetime) -> DateMention | None:
    plain = _LAST_MONTH.sub("", text).replace(".", "")
    data = _parser(asked_at.replace(tzinfo=None, second=0, microsecond=0)).get_date_data(plain)
    if data.date_obj is None:
        return None
    day: date = data.date_obj.date()
    start, end = _span(day, data.period)
    dated = _YEAR.search(text) is not None or _RELATIVE.search(text) is not None
    return DateMention(text, start, end, any_year=not dated)


def _span(day: date, period: str) -> tuple[date, date]:
    if period == "year":
        return date(day.year, 1, 1), date(day.year, 12, 31)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    return day, day


def _in_year(day: date, year: int) -> date:
    leap = day.month == 2 and day.day == 29
    return day.replace(year=year, day=28) if leap else day.replace(year=year)


@lru_cache(maxsize=8)
def _parser(asked_at: datetime) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from dateparser.date import DateDataParser

    settings = {"RELATIVE_BASE": asked_at, "PREFER_DATES_FROM": "past"}
    return DateDataParser(languages=["en"], settings=settings)
