"""Days and moments that a question means, reckoned from the moment at which it is asked."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from .time_locale import Ago

DAY: Final = timedelta(days=1)
EARLIEST: Final = date(1970, 1, 1)
# At the ends of the calendar a day has no neighbour, or none in another zone.
_FIRST_YEAR: Final = 2
_LAST_YEAR: Final = 9998


@dataclass(frozen=True, slots=True)
class Days:
    """First and last day of a time, or its moments."""

    start: date
    end: date
    any_year: bool = False
    moments: tuple[datetime, datetime] | None = None
    last_session: bool = False


class Asked:
    """The moment of a question, and what its words mean then.

    Attributes:
        at: The moment, in the zone of the user.
        today: Its day.
    """

    def __init__(self, at: datetime) -> None:
        """Reckon from that moment."""
        self.at = at
        self.today = at.date()

    def ago(self, ago: Ago) -> Days | None:
        """Return the unit that was so many units ago: the day, the week from Monday, the month.

        None before the calendar begins.
        """
        try:
            return _in_calendar(self._ago(ago))
        except (OverflowError, ValueError):
            return None

    def _ago(self, ago: Ago) -> Days:
        if ago.unit in ("minute", "hour"):
            step = timedelta(minutes=1 if ago.unit == "minute" else 60)
            middle = self.at - ago.count * step
            around = (middle - step, min(middle + step, self.at))
            return Days(around[0].date(), around[1].date(), moments=around)
        if ago.unit == "day":
            day = self.today - ago.count * DAY
            return Days(day, day)
        if ago.unit == "week":
            monday = self.today - (self.today.weekday() + 7 * ago.count) * DAY
            return Days(monday, monday + 6 * DAY)
        if ago.unit == "month":
            months = self.today.year * 12 + self.today.month - 1 - ago.count
            return month_of(months // 12, months % 12 + 1)
        year = self.today.year - ago.count
        return Days(date(year, 1, 1), date(year, 12, 31))

    def lasting(self, count: int, unit: str) -> Days | None:
        """Return the last so many units until now; of days and longer ones, whole days."""
        try:
            if unit in ("minute", "hour"):
                start = self.at - timedelta(minutes=count * (1 if unit == "minute" else 60))
                return Days(start.date(), self.today, moments=(start, self.at))
            days = count * {"day": 1, "week": 7, "month": 30, "year": 365}[unit]
            return _in_calendar(Days(self.today - days * DAY, self.today))
        except OverflowError:
            return None

    def weekday(self, number: int, *, this_week: bool = False) -> Days:
        """Return the latest such weekday before today, or that of this week."""
        back = (self.today.weekday() - number) % 7 or 7
        if this_week:
            back = self.today.weekday() - number
        day = self.today - back * DAY
        return Days(day, day)

    def day(self, day: int, month: int, year: int | None = None) -> Days | None:
        """Return the day; without a year the latest one. None where there is no such day."""
        if year is not None:
            found = day_of(_full_year(year), month, day)
            return None if found is None else Days(found, found)
        years = range(self.today.year, self.today.year - 9, -1)
        dates = [one for year in years if (one := day_of(year, month, day)) is not None]
        past = [one for one in dates if one <= self.today]
        return Days(past[0], past[0], any_year=True) if past else None

    def month(self, month: int, year: int | None = None) -> Days:
        """Return the month; without a year the latest one that has begun."""
        if year is not None:
            return month_of(min(max(year, _FIRST_YEAR), _LAST_YEAR), month)
        latest = self.today.year - (month > self.today.month)
        return replace(month_of(latest, month), any_year=True)

    def numbered_week(self, week: int, year: int | None = None) -> Days | None:
        """Return the week of that ISO number; without a year the latest one that has begun."""
        years = [year] if year is not None else range(self.today.year + 1, self.today.year - 7, -1)
        for one in years:
            monday = _monday_of(one, week)
            if monday is not None and (year is not None or monday <= self.today):
                return Days(monday, monday + 6 * DAY, any_year=year is None)
        return None

    def quarter(self, number: int, year: int | None = None) -> Days | None:
        """Return the quarter; without a year the latest one that has begun."""
        latest = self.today.year - (3 * number - 2 > self.today.month)
        return _quarter_of(latest if year is None else year, number, any_year=year is None)

    def quarters_ago(self, count: int) -> Days | None:
        """Return the quarter that was so many before the present one."""
        quarters = self.today.year * 4 + (self.today.month - 1) // 3 - count
        return _quarter_of(quarters // 4, quarters % 4 + 1)


def _monday_of(year: int, week: int) -> date | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def _quarter_of(year: int, number: int, *, any_year: bool = False) -> Days | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    first, last = month_of(year, 3 * number - 2), month_of(year, 3 * number)
    return Days(first.start, last.end, any_year)


def month_of(year: int, month: int) -> Days:
    """Return the days of a month."""
    return Days(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def day_of(year: int, month: int, day: int) -> date | None:
    """Return the day; None where there is none, or none on both sides of it."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _full_year(year: int) -> int:
    return year + 2000 if year < 100 else year


def _in_calendar(days: Days) -> Days | None:
    return days if days.start.year >= _FIRST_YEAR else None
