"""A question's number or code: nobody's is not another one, and who has it comes first."""

from __future__ import annotations

import pytest
from tests.support.records import candidate, record

from iai_memory import Memory
from iai_memory.recall.asked_references import has_another, names_untold_reference

TEXTS = (
    "Bug 48213 was closed by the vendor.",
    "Port 8443 serves the dashboard.",
    "Invoice INV-2024-0817 was paid.",
    "PostgreSQL 15.4 runs on db-primary-02.",
    "Chapter three tells of the flood.",
    "The dentist costs 1,234 euros a year.",
)


@pytest.fixture
def told(memory: Memory) -> Memory:
    memory.ingest(list(TEXTS))
    return memory


@pytest.mark.parametrize(
    ("asked", "other"),
    [
        ("Who closed bug 48213?", "Who closed bug 48231?"),
        ("Which service is on port 8443?", "Which service is on port 8444?"),
        ("Was invoice INV 2024 0817 paid?", "Was invoice INV-2042-0817 paid?"),
        ("What runs on db-primary-2?", "What runs on db-primary-03?"),
        ("Do we use PostgreSQL 15?", "Do we use PostgreSQL 15.5?"),
        ("What does chapter 3 tell of?", "What does chapter 4 tell of?"),
    ],
)
def test_a_number_that_no_memory_has_is_answered_unsurely(
    told: Memory, asked: str, other: str
) -> None:
    sure, unsure = told.recall(asked), told.recall(other)
    assert sure.confidence is not None
    assert unsure.confidence is not None
    assert sure.confidence > 0.9
    assert unsure.confidence <= 0.2
    assert unsure.hits[0].text == sure.hits[0].text  # near, but perhaps not it
    assert (unsure.hits[0].confidence or 0) <= unsure.confidence


def test_a_rough_figure_is_no_number_that_somebody_has(told: Memory) -> None:
    assert (told.recall("Is the dentist about 1200 euros a year?").confidence or 0) > 0.9


def test_who_has_the_number_comes_before_nearer_texts_with_another(memory: Memory) -> None:
    memory.ingest([f"Note {n}: the lamp costs {n} crowns." for n in range(1200, 1290)])
    for number in (1207, 1234, 1288):
        [first] = memory.recall(f"How much does note {number} cost?", limit=1).hits
        assert first.text.startswith(f"Note {number}:")


def another(question: str, *texts: str) -> list[bool]:
    held = [candidate(record(str(at), text)) for at, text in enumerate(texts)]
    return [bool(one) for one in has_another(question, held)]


def test_another_number_of_the_same_kind_is_another_one_where_the_right_one_is_known() -> None:
    texts = ("Port 8443 is open.", "Port 80 is closed.", "Bug 80 is open.", "80 people came.")
    assert another("Is port 8443 open?", *texts) == [False, True, False, False]
    assert another("Is port 9000 open?", *texts) == [False] * 4
    assert another("What does LH1877 cost?", "LH1877: 90", "LH1878: 80") == [False, True]


def test_a_short_number_is_held_by_what_tells_of_its_kind() -> None:
    held = [
        candidate(record(str(at), text)) for at, text in enumerate(("Room 5 is small.", "7 pm"))
    ]
    assert names_untold_reference("Who sits in room 7?", held)
    assert not names_untold_reference("Who sits in room 5?", held)
