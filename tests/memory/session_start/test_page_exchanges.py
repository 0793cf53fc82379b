"""Recent work on the page: what the user asked, and what came of it, one exchange a line."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.host_turns import ANSWERED, ASKED, turns
from tests.support.page_text import HOST_MARKERS, assert_page, shown
from tests.support.themes import store_all

from iai_memory import Memory
from iai_memory.text.tokens import estimate_tokens


def recent(memory: Memory, project: str | None = None, **more: Any) -> list[str]:
    return assert_page(shown(memory, project, **more)).get("Most recent work", [])


def test_a_line_is_what_the_user_asked_and_what_came_of_it(memory: Memory) -> None:
    narration = [("assistant", f"Let me run the tests, part {n}.") for n in range(60)]
    store_all(memory, turns(("user", ASKED), *narration[:40], ("assistant", ANSWERED)))
    again = "And the list of authors, is it sorted by family name?"
    store_all(memory, turns(("user", again), ("assistant", "It is."), session="t", hour=10))
    assert recent(memory) == [
        f"- 2026-05-08 user: {again} → assistant: It is.",
        f"- 2026-05-08 user: {ASKED} → assistant: {ANSWERED}",
    ]


def test_a_short_turn_is_read_with_what_it_answers(memory: Memory) -> None:
    answer = "First some words that nobody needs. " * 20 + ANSWERED
    dialogue = (("user", ASKED), ("assistant", answer), ("user", "yes"), ("assistant", "Gone."))
    store_all(memory, turns(*dialogue))
    line = recent(memory)[0]
    assert line.startswith("- 2026-05-08 assistant: … ")
    assert line.endswith(f"{ANSWERED} → user: yes → assistant: Gone.")


def test_a_question_that_is_not_answered_yet_says_so(memory: Memory) -> None:
    store_all(memory, turns(("user", "an old question that nobody answered"), session="a", hour=8))
    dialogue = (("user", ASKED), ("assistant", ANSWERED), ("user", f"But why? {ASKED}"))
    store_all(memory, turns(*dialogue))
    assert recent(memory) == [
        f"- 2026-05-08 user: But why? {ASKED} → no answer yet",
        f"- 2026-05-08 user: {ASKED} → assistant: {ANSWERED}",
        "- 2026-05-08 user: an old question that nobody answered → no answer yet",
    ]
    memory.ingest({"text": "typed by nobody's host", "role": "user", "created_at": "2026-05-09"})
    assert recent(memory)[0] == "- 2026-05-09 user: typed by nobody's host"


def test_what_was_forgotten_or_taken_back_is_on_no_line(memory: Memory) -> None:
    ids = store_all(memory, turns(("user", ASKED), ("assistant", "one"), ("assistant", ANSWERED)))
    gone = turns(("user", "go wrong"), ("assistant", "went wrong"), hour=10, tags=["rewound"])
    store_all(memory, gone)
    memory.forget([ids[2]])
    assert recent(memory) == [f"- 2026-05-08 user: {ASKED}"]


def test_an_answer_that_was_forgotten_leaves_neither_another_one_nor_an_open_end(
    memory: Memory,
) -> None:
    other = "How long do we keep the logs of the audit?"
    dialogue = (("user", ASKED), ("assistant", ANSWERED), ("user", other), ("assistant", "90 days"))
    ids = store_all(memory, turns(*dialogue, ("user", "and why?"), ("assistant", "The law.")))
    memory.forget([ids[1], ids[5]])
    assert recent(memory) == [
        "- 2026-05-08 assistant: 90 days → user: and why?",
        f"- 2026-05-08 user: {other} → assistant: 90 days",
        f"- 2026-05-08 user: {ASKED}",
    ]


def test_what_replaced_a_turn_answers_nothing_in_its_session(memory: Memory) -> None:
    other = "How long do we keep the logs of the audit?"
    dialogue = (("user", ASKED), ("assistant", ANSWERED), ("user", other), ("assistant", "90 days"))
    ids = store_all(memory, turns(*dialogue))
    memory.supersede(ids[1], "By author, from now on.")
    lines = recent(memory)
    assert f"- 2026-05-08 user: {other} → assistant: 90 days" in lines
    assert f"- 2026-05-08 user: {ASKED}" in lines
    stands_alone = "assistant: By author, from now on."
    assert [line[13:] for line in lines if "author" in line] == [stands_alone]
    [hit] = [one for one in memory.recall("how long do we keep the logs?").hits if one.turns]
    assert "author" not in hit.model_dump_json()


def test_many_turns_that_were_taken_back_take_no_room_of_others(memory: Memory) -> None:
    store_all(memory, turns(("user", ASKED), ("assistant", ANSWERED)))
    gone = turns(*[("user", f"wrong {n}") for n in range(50)], hour=10, tags=["rewound"])
    store_all(memory, gone)
    assert len(recent(memory)) == 1


def test_a_turn_of_another_project_changes_nothing_on_a_page(memory: Memory) -> None:
    first, last = turns(("user", ASKED), ("assistant", ANSWERED), project="p")
    store_all(memory, [first, last])
    before = shown(memory, "p")
    between = {**first, "turn_id": "x", "project": "q", "text": "of q"}
    store_all(memory, [{**between, "created_at": "2026-05-08T09:00:30Z"}])
    assert shown(memory, "p") == before
    assert "of q" in shown(memory)


@pytest.mark.parametrize("budget", [300, 1000, 4000])
@pytest.mark.parametrize("text", ["word " * 400, "漢字" * 400, "x" * 3000, "שלום עולם " * 200])
def test_a_line_keeps_its_size_whatever_was_said(memory: Memory, text: str, budget: int) -> None:
    for hour in range(12):
        dialogue = [("user", f"{hour} {text}"), ("assistant", text), ("user", "yes")]
        dialogue += [("assistant", text), *[("user", f"{n} {text}") for n in range(6)]]
        store_all(memory, turns(*dialogue, session=f"s{hour}", hour=hour, project="漢" * 300))
    made = shown(memory, budget_tokens=budget)
    assert estimate_tokens(made) <= budget
    lines = assert_page(made).get("Most recent work", [])
    assert all(estimate_tokens(line) <= 90 for line in lines)
    assert all("…" in line for line in lines)
    assert lines or budget == 300


@pytest.mark.parametrize("marker", HOST_MARKERS)
def test_what_was_said_in_an_exchange_opens_nothing(memory: Memory, marker: str) -> None:
    text = f"{marker}\n## A heading\n```\n{marker}"
    dialogue = (("user", f"{ASKED} {text}"), ("assistant", text), ("user", "yes"))
    store_all(memory, turns(*dialogue))
    assert recent(memory)[0].endswith("user: yes → no answer yet")


def test_a_pinned_turn_of_an_exchange_stands_on_the_page_once(memory: Memory) -> None:
    ids = store_all(memory, turns(("user", ASKED), ("assistant", ANSWERED)))
    memory.pin(ids[1])
    assert shown(memory).count(ANSWERED) == 1
