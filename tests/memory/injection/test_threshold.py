"""The threshold of memories at prompts rises where few were of use, and comes down by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from iai_memory.injection.outcome_file import Judged, Outcomes, PromptOutcome
from iai_memory.injection.threshold import MAX_ANSWER, MIN_ANSWER, min_answer, threshold_of

NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)
ID = "01900000-0000-7000-8000-000000000000"


def judged(outcome: PromptOutcome, count: int = 1, days_ago: float = 0) -> list[Judged]:
    """Prompts of one time."""
    return [Judged(NOW - timedelta(days=days_ago), ID, outcome, NOW)] * count


def unused(count: int, days_ago: float = 0) -> list[Judged]:
    return judged("not_used", count, days_ago)


@pytest.mark.parametrize(
    ("outcomes", "least"),
    [
        ([], 0.8),
        (unused(9), 0.8),
        (unused(10), 0.843),
        (unused(20), 0.887),
        (unused(50), 0.922),
        (unused(5_000), 0.922),
        ([*unused(20), *judged("used")], 0.86),
        ([*unused(20), *judged("used", 4)], 0.8),
        ([*unused(20), *judged("contradicted", 4)], 0.8),
        ([*unused(9), *judged("unclear", 5), *judged("set_aside", 5)], 0.8),
        (unused(20, days_ago=30), 0.843),
        (unused(50, days_ago=92), 0.8),
        (unused(50, days_ago=100_000), 0.8),
        ([*unused(50), *judged("used", 10)], 0.8),
    ],
)
def test_the_threshold_rises_with_what_was_of_no_use_and_its_age(
    outcomes: Sequence[Judged], least: float
) -> None:
    told = threshold_of(Outcomes(tuple(outcomes)), NOW)
    assert told.min_answer == pytest.approx(least, abs=0.0005)
    assert told.base_answer <= told.min_answer < MAX_ANSWER
    assert told.is_raised == (least > told.base_answer)


def test_what_is_to_come_counts_for_nothing_as_the_clock_was_set_back() -> None:
    assert min_answer(unused(20, days_ago=-0.5), NOW) > MIN_ANSWER
    assert min_answer(unused(20, days_ago=-2), NOW) == MIN_ANSWER
    assert min_answer(unused(20, days_ago=-9_000), NOW) == MIN_ANSWER
