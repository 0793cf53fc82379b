"""Of the backups the newest of seven days and of four weeks stay."""

from __future__ import annotations

from datetime import timedelta

from tests.support.backups import DAY_0

from iai_memory.backup.point import Point
from iai_memory.backup.retention import kept_points


def points(*days: float) -> list[Point]:
    """Backups of these days, newest first."""
    found = [
        Point(str(number), number, DAY_0 + timedelta(days=day), "", 0, 0, 0, ())
        for number, day in enumerate(days)
    ]
    return found[::-1]


def days_of(kept: list[Point]) -> list[float]:
    return [(point.when - DAY_0) / timedelta(days=1) for point in kept]


def test_a_backup_a_day_for_two_months_leaves_seven_days_and_four_weeks() -> None:
    # Day 59 is a Thursday: its week and the one before are among the seven days.
    assert days_of(kept_points(points(*range(60)))) == [59, 58, 57, 56, 55, 54, 53, 48, 41]


def test_of_one_day_the_newest_stays() -> None:
    assert days_of(kept_points(points(0, 0.1, 0.2, 1, 1.1))) == [1.1, 0.2]


def test_after_months_without_one_the_older_ones_are_still_there() -> None:
    assert days_of(kept_points(points(0, 1, 2, 300))) == [300, 2, 1, 0]


def test_a_backup_with_a_wrong_clock_is_one_day_of_seven() -> None:
    assert days_of(kept_points(points(0, 1, 3650, 2))) == [2, 3650, 1, 0]
