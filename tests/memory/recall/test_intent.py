"""What a question asks for, and who was said to stand beside whom."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from iai_memory import Memory, Record
from iai_memory.recall.features import Features
from iai_memory.recall.intent import intent_of
from iai_memory.recall.neighbours import neighbouring_turns, turn_order
from iai_memory.store.session_order import SessionOrder


@pytest.mark.parametrize(
    "question",
    [
        "Where did Ines live previously?",
        "What was the port before the latest change?",
        "Which editor did I use before?",
        "Where did she used to work?",
        "Which host was the primary until recently?",
        "What was the price under the old contract?",
        "How much did Uwe weigh to begin with?",
        "Wo wohnte Nina anfangs?",
        "Wo hat Nina fr\u00fcher gewohnt?",
        "\u00bfD\u00f3nde viv\u00eda Nina antes?",
        "O\u00f9 habitait Nina au d\u00e9but ?",
    ],
)
def test_a_question_for_what_is_no_longer_so_is_known_as_one(question: str) -> None:
    assert intent_of(question).past


@pytest.mark.parametrize(
    "question",
    [
        "Which tests must run before the merge?",
        "Who must sign until the release?",
        "What is the key used to sign?",
        "Where does Ines live?",
        "Where is the old contract kept?",
        "Wo wohnt Nina?",
        "\u00bfQu\u00e9 hay que hacer antes de desplegar?",
        "Que faut-il faire avant la livraison ?",
        "Who won the war of that era?",
    ],
)
def test_the_order_of_things_is_not_the_past(question: str) -> None:
    assert not intent_of(question).past


@pytest.mark.parametrize(
    "question",
    [
        "Wo hat Nina gewohnt?",
        "\u00bfD\u00f3nde viv\u00eda Nina?",
        "O\u00f9 habitait Nina ?",
        "Wer war das?",
    ],
)
def test_a_verb_in_the_past_may_ask_for_an_earlier_state(question: str) -> None:
    assert intent_of(question).maybe_past


@pytest.mark.parametrize(
    ("question", "role"),
    [
        ("What did I say about the port?", "user"),
        ("What did you suggest for the index?", "assistant"),
        ("What did you say when I asked?", None),
        ("Which port is it?", None),
    ],
)
def test_a_question_may_name_a_side_of_the_talk(question: str, role: str | None) -> None:
    assert intent_of(question).role == role


def test_texts_tell_times_names_counts_and_ask() -> None:
    assert Features("we met last week").has_time and not Features("we met").has_time
    assert Features("she read “Dune”").has_name and Features("we saw Malmo").has_name
    assert not Features("We saw").has_name
    assert Features("three of them").has_number and not Features("some of them").has_number
    assert Features("why\uff1f ").is_question and not Features("why.").is_question


def records(**sessions: str) -> list[Record]:
    """One record for each letter, in the order in which the letters stand."""
    at = datetime(2026, 5, 8, tzinfo=UTC)
    return [
        Record(id, id, "note", "cli", at, at, at, at, idem=id, session_id=session)
        for session, ids in sessions.items()
        for id in ids
    ]


def test_neighbours_are_those_of_the_same_session_only() -> None:
    sessions = {"s": SessionOrder(("a", "b", "c")), "t": SessionOrder(("d",))}
    order = turn_order([*records(s="c"), *records(t="d", s="ba")], sessions)
    assert order.before.tolist() == [2, -1, 3, -1]
    assert order.after.tolist() == [-1, -1, 0, 2]
    assert neighbouring_turns(records(s="b", t="d", gone="e"), sessions) == {"a", "c"}


def test_what_is_further_away_counts_less() -> None:
    order = turn_order(records(s="abcdefgh"), {"s": SessionOrder(tuple("abcdefgh"))})
    values = np.zeros(8)
    values[0] = 1.0
    around = order.neighbour_max(values).tolist()
    assert around[0] == 1.0
    assert around == sorted(around, reverse=True)
    assert around[-1] == 0.0 < around[5]


def test_a_text_taken_with_those_around_it_is_as_near_as_all_of_them_or_nearer() -> None:
    order = turn_order(
        records(s="abc", t="d"), {"s": SessionOrder(tuple("abc")), "t": SessionOrder(("d",))}
    )
    together = order.pooled_cosine(np.array([0.6, 0.2, 0.6, 0.6]))
    assert together[3] == 0.6  # of a session of its own
    assert 0.2 < together[1] < 0.6
    # What came before weighs more than what came after, and the far end of a session sees less.
    assert (
        order.pooled_cosine(np.array([1.0, 0.0, 0.0, 0.0]))[1]
        > (order.pooled_cosine(np.array([0.0, 0.0, 1.0, 0.0]))[1])
    )


def test_an_answer_is_found_by_the_question_before_it(memory: Memory) -> None:
    said = [
        ("1", "Ann: Good morning, did you sleep well?"),
        ("1", "Bob: Not much, the baby was awake."),
        ("2", "Ann: Where did you spend the summer holidays, Bob?"),
        ("2", "Bob: We took the caravan up to Bergen."),
        ("2", "Ann: Lovely, I have never been that far north."),
        ("3", "Bob: I spend too much on holidays, I know."),
        ("3", "Ann: Summer is too hot for me."),
    ]
    memory.ingest(
        [
            {"text": text, "session_id": session, "created_at": f"2026-05-0{session}T10:0{at}:00Z"}
            for at, (session, text) in enumerate(said)
        ]
    )
    hits = memory.recall("Where did Bob spend the summer holidays?").hits
    assert hits[0].text == "Bob: We took the caravan up to Bergen."
    assert " reply " in hits[0].reason
