"""Which backups stay: the newest of each of seven days and of each of four weeks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from .point import Point

DAYS: Final = 7
WEEKS: Final = 4


def kept_points(points: Sequence[Point]) -> list[Point]:
    """Return those that stay, newest first.

    Days and weeks on which no backup was taken do not count: after a month without one the older
    ones are still there, and a clock that was wrong once drops none.

    Args:
        points: Newest first.
    """
    days, weeks = dict[object, Point](), dict[object, Point]()
    for point in points:
        days.setdefault(point.when.astimezone(UTC).date(), point)
        weeks.setdefault(_week(point.when), point)
    kept = {*list(days.values())[:DAYS], *list(weeks.values())[:WEEKS]}
    return [point for point in points if point in kept]


def _week(when: datetime) -> tuple[int, int]:
    year, week, _ = when.astimezone(UTC).isocalendar()
    return year, week
