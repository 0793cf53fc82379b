"""What still holds: a replaced wording leads to what replaced it; history comes on request."""

from __future__ import annotations

import pytest

from iai_memory import Memory
from iai_memory.text.excerpt import excerpt
from iai_memory.text.tokens import estimate_tokens

FIRST, SECOND, THIRD = (
    "Ines has a flat in Lisbon, ten minutes from the station.",
    "The lease is signed, Ines has relocated to Ghent.",
    "The boxes are packed: from May on Ines is to be found in Turin.",
)
OTHERS = (
    "Ines borrowed the projector on Tuesday.",
    "Tomas has a flat in Cork with a tiny balcony.",
    "The station is closed for repairs until June.",
    "The lease of the office printer runs out in May.",
)


@pytest.fixture
def memory(memory: Memory) -> Memory:
    memory.ingest(
        [{"text": text, "created_at": f"2026-01-0{n}"} for n, text in enumerate(OTHERS, 1)]
    )
    return memory


@pytest.fixture
def ids(memory: Memory) -> list[str]:
    """The three wordings of where Ines lives, oldest first, each replaced by the next."""
    first = memory.ingest([{"text": FIRST, "created_at": "2026-02-01"}]).results[0].id
    assert first is not None
    second = memory.supersede(first, SECOND).new_id
    return [first, second, memory.supersede(second, THIRD).new_id]


def test_a_question_in_the_words_of_a_replaced_fact_is_answered_by_what_holds(
    memory: Memory, ids: list[str]
) -> None:
    hits = memory.recall("who has a flat ten minutes from the station?").hits
    assert (hits[0].id, hits[0].text, hits[0].superseded_by) == (ids[2], THIRD, None)
    assert f"matched as it was said in {ids[0]}" in hits[0].reason
    assert not {ids[0], ids[1]} & {hit.id for hit in hits}


def test_replaced_facts_stand_right_behind_what_replaced_them_when_included(
    memory: Memory, ids: list[str]
) -> None:
    hits = memory.recall("where is the flat of Ines?", include_superseded=True).hits
    assert [hit.id for hit in hits[:3]] == ids[::-1]
    assert [hit.superseded_by for hit in hits[:3]] == [None, ids[2], ids[1]]


def test_a_question_for_what_was_before_has_the_fact_before_the_present_one_first(
    memory: Memory, ids: list[str]
) -> None:
    hits = memory.recall("where did Ines live before?").hits
    assert (hits[0].id, hits[0].superseded_by) == (ids[1], ids[2])
    assert {ids[0], ids[2]} <= {hit.id for hit in hits}


def test_a_fact_that_came_back_in_the_same_words_stays_apart_from_what_was_replaced(
    memory: Memory, ids: list[str]
) -> None:
    again = memory.supersede(ids[2], FIRST).new_id
    hits = memory.recall("where is the flat of Ines?", include_superseded=True).hits
    same = [(hit.id, hit.superseded_by) for hit in hits if hit.text == FIRST]
    assert same == [(again, None), (ids[0], ids[1])]


def test_a_fact_whose_only_successor_was_forgotten_stands_for_nothing(
    memory: Memory, ids: list[str]
) -> None:
    memory.forget([ids[2]])
    found = {hit.id for hit in memory.recall("where is the flat of Ines?").hits}
    assert not found & set(ids)


def test_a_restored_fact_is_found_again(memory: Memory, ids: list[str]) -> None:
    memory.forget([ids[2], ids[1]])
    memory.restore([ids[0]])
    assert memory.recall("where is the flat of Ines?").hits[0].id == ids[0]


def test_the_successor_must_pass_the_filter_itself(memory: Memory, ids: list[str]) -> None:
    found = memory.recall("where is the flat of Ines?", until="2026-02-28").hits
    assert not {hit.id for hit in found} & set(ids)


@pytest.mark.parametrize("budget", [20, 40, 80, 400])
def test_a_cut_text_shows_what_matched(budget: int) -> None:
    words = [f"word{n}" for n in range(400)]
    text = " ".join(words)
    begin = text.index("word300")
    shown = excerpt(text, (begin, begin + len("word300 word301")), budget)
    assert "word300 word301" in shown
    assert estimate_tokens(shown) <= budget
    assert shown.startswith("[cut] … ")


def test_a_hit_shows_the_passage_that_matched(memory: Memory) -> None:
    filler = " ".join(f"Paragraph {n} tells of the weather on the coast." for n in range(150))
    memory.ingest(f"{filler} The safe opens with the code 8812. {filler}")
    hit = memory.recall("what is the code of the safe?", budget_tokens=200).hits[0]
    assert "The safe opens with the code 8812." in hit.text
    assert "[cut]" in hit.text
