"""The dates in a question, as ranges of days that a text may be about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from ..text.time_expressions import time_expressions

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
        zone: In which these are days.
    """

    text: str
    start: date
    end: date
    any_year: bool
    zone: tzinfo | None

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day on which people talk about it."""
        if self.start == self.end:
            return self.start - _DAYS_BEFORE, self.end + _DAYS_AFTER
        return self.start, self.end

    def is_of(self, moment: datetime) -> bool:
        """Return whether the moment is of the days that are named."""
        return self._within(moment, self.start, self.end)

    def is_near(self, moment: datetime) -> bool:
        """Return whether a text of that time may be about these days."""
        return self._within(moment, *self.days)

    def _within(self, moment: datetime, start: date, end: date) -> bool:
        day = moment.astimezone(self.zone).date()
        if not self.any_year:
            return start <= day <= end
        # The range may cross the end of a year.
        return any(
            _in_year(start, year) <= day <= _in_year(start, year) + (end - start)
            for year in (day.year - 1, day.year)
        )


def date_mentions(question: str, asked_at: datetime) -> list[DateMention]:
    """Return every date that the question names, read as of `asked_at` and in its zone.

    "7 May" and "in May" name no year and mean every year; "last May" is the latest one that began
    before the question.
    """
    return [
        DateMention(one.text, one.start.date(), one.end.date(), one.any_year, asked_at.tzinfo)
        for one in time_expressions(question, asked_at)
        if not one.last_session
    ]


def named_period(question: str, asked_at: datetime) -> tuple[datetime, datetime] | None:
    """Return the first and the last moment of the times that the question names, in UTC.

    None where it names none, or where their year is open.
    """
    named = time_expressions(question, asked_at)
    if not named or any(one.any_year or one.last_session for one in named):
        return None
    first, last = min(one.start for one in named), max(one.end for one in named)
    return first.astimezone(UTC), last.astimezone(UTC)


def _in_year(day: date, year: int) -> date:
    leap = day.month == 2 and day.day == 29
    return day.replace(year=year, day=28) if leap else day.replace(year=year)
