"""Dates in questions: found where they stand, read as of the asking, not read into verbs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_memory import Memory
from iai_memory.recall.date_mentions import date_mentions

ASKED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def covered(question: str, *days: str) -> list[bool]:
    found = date_mentions(question, ASKED)
    moments = [datetime.fromisoformat(f"{day}T12:00:00+00:00") for day in days]
    return [any(one.is_near(moment) for one in found) for moment in moments]


@pytest.mark.parametrize(
    ("question", "inside", "outside"),
    [
        ("What did we decide on 7 May?", "2023-05-08", "2023-05-20"),
        ("What happened on May 7th, 2023?", "2023-05-07", "2024-05-07"),
        ("the 7th of May 2023 meeting", "2023-05-11", "2023-05-12"),
        ("Who came in May 2024?", "2024-05-31", "2023-05-31"),
        ("Who came in May?", "2021-05-01", "2021-06-01"),
        ("What about last May?", "2026-05-15", "2025-05-15"),
        ("the release of 2026-05-08", "2026-05-09", "2026-04-08"),
        ("What did I say yesterday?", "2026-11-22", "2026-11-02"),
        ("two weeks ago", "2026-11-10", "2026-11-20"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("What was new in 2022?", "2022-12-31", "2023-01-01"),
        ("New Year, 31 December", "2020-01-02", "2020-02-02"),
    ],
)
def test_a_date_covers_what_was_said_about_it(question: str, inside: str, outside: str) -> None:
    assert covered(question, inside, outside) == [True, False]


@pytest.mark.parametrize(
    "question", ["What may we do?", "March on!", "Which port?", "", "version 2.10.2024", "12 items"]
)
def test_a_question_without_a_date_names_none(question: str) -> None:
    assert date_mentions(question, ASKED) == []


def test_what_was_said_on_a_day_holds_the_words_that_name_it(memory: Memory) -> None:
    memory.ingest({"text": "Nate cooked a lentil soup.", "created_at": "2026-05-17"})
    then = memory.recall("Which dish did Nate make on 17 May?", min_confidence=0).confidence
    later = memory.recall("Which dish did Nate make on 17 July?", min_confidence=0).confidence
    assert then is not None and later is not None
    assert then > later


@pytest.mark.parametrize(
    "day", ["9999-12-31", "9998-12-31", "0001-01-01", "0002-01-01", "0000-00-00"]
)
def test_a_day_at_the_end_of_the_calendar_can_be_asked_for(words_only: Memory, day: str) -> None:
    words_only.ingest("the release is on some day")
    assert words_only.recall(f"what about the release on {day}?").hits


@given(st.text(max_size=80))
def test_any_text_can_be_asked(question: str) -> None:
    for mention in date_mentions(question, ASKED):
        assert mention.start <= mention.end


@given(st.integers(1, 31), st.sampled_from(["February", "Dec.", "may"]), st.integers(1970, 2100))
def test_a_day_covers_itself_in_every_year_or_is_no_day(day: int, month: str, year: int) -> None:
    for mention in date_mentions(f"on {day} {month} {year}", ASKED):
        assert mention.is_near(
            datetime(mention.start.year, mention.start.month, mention.start.day, tzinfo=UTC)
        )


def test_the_day_that_is_asked_for_decides_between_equal_memories(words_only: Memory) -> None:
    for day in (3, 17, 28):
        words_only.ingest(
            {"text": f"the deploy went well, run {day}", "created_at": f"2026-05-{day:02}"}
        )
    found = words_only.recall("how did the deploy go on 17 May?").hits
    assert found[0].text.endswith("run 17")
    assert "date 0.440" in found[0].reason


def test_of_a_pasted_log_only_the_first_dates_are_asked_about() -> None:
    pasted = "".join(f"2026-05-{day:02} the backup ran\n" for day in range(1, 29)) * 200
    assert 28 <= len(date_mentions(pasted, ASKED)) <= 100
