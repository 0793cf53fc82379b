"""The timeline: exchanges and single memories in time, newest first."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.host_turns import ANSWERED, ASKED, turns
from tests.support.themes import store_all

from iai_memory import Memory
from iai_memory.errors import InvalidInput
from iai_memory.results import TimelineEntry
from iai_memory.text.tokens import estimate_tokens


def exchange(number: int, narration: int = 0) -> list[tuple[str, str]]:
    """One exchange with its number in each text."""
    between = [("assistant", f"step {n} of {number}") for n in range(narration)]
    asked = f"Please explain in detail the module with the number {number}, once more"
    return [("user", asked), *between, ("assistant", f"answer {number}")]


def said(entry: TimelineEntry) -> list[str]:
    return [entry.text, *(turn.text for turn in entry.turns)]


def listed(memory: Memory, **options: Any) -> list[list[str]]:
    return [said(one) for one in memory.timeline(**options).records]


def test_an_exchange_is_one_entry_with_its_answer_and_narration_is_counted(
    words_only: Memory,
) -> None:
    store_all(words_only, turns(*exchange(1, 12), *exchange(2)))
    second, first = words_only.timeline().records
    assert said(first) == [exchange(1)[0][1], "answer 1"]
    assert (first.role, [turn.role for turn in first.turns]) == ("user", ["assistant"])
    assert (first.between, second.between) == (12, 0)
    assert said(second)[1] == "answer 2"
    assert first.created_at < second.created_at


def test_several_turns_of_the_user_in_a_row_are_one_exchange(words_only: Memory) -> None:
    texts = [f"and another thing, number {n}" for n in range(9)]
    dialogue = [*(("user", text) for text in texts), ("assistant", "all done")]
    store_all(words_only, turns(*dialogue))
    [entry] = words_only.timeline().records
    assert said(entry) == [texts[0], *texts[-3:], "all done"]
    assert entry.between == 5


@pytest.mark.parametrize(
    "short", ["yes, do that", "great, commit", "no, remove this again", "好的请这样做", "да"]
)
def test_a_short_turn_stands_with_what_it_answers(words_only: Memory, short: str) -> None:
    dialogue = (("user", ASKED), ("assistant", ANSWERED), ("user", short), ("assistant", "gone"))
    store_all(words_only, turns(*dialogue))
    entry, before = words_only.timeline().records
    assert said(entry) == [short, "gone"]
    assert entry.reply_to is not None
    assert (entry.reply_to.text, entry.reply_to.role) == (ANSWERED, "assistant")
    assert before.reply_to is None


def test_of_a_long_answer_a_short_turn_shows_the_end(words_only: Memory) -> None:
    answer = "word " * 500 + ANSWERED
    store_all(words_only, turns(("user", ASKED), ("assistant", answer), ("user", "yes")))
    reply_to = words_only.timeline(limit=1).records[0].reply_to
    assert reply_to is not None
    assert reply_to.text.startswith("[cut] … ")
    assert reply_to.text.endswith(ANSWERED)


def test_a_short_turn_answers_nothing_of_another_session_or_of_what_is_out_of_sight(
    words_only: Memory,
) -> None:
    ids = store_all(words_only, turns(("user", ASKED), ("assistant", ANSWERED), ("user", "yes")))
    store_all(words_only, turns(("user", "no"), session="t", hour=10))
    assert [one.reply_to for one in words_only.timeline(session_id="t").records] == [None]
    since = words_only.timeline(since="2026-05-08T09:02:00Z", session_id="s").records
    assert [(one.text, one.reply_to) for one in since] == [("yes", None)]
    words_only.forget([ids[1]])
    assert words_only.timeline(session_id="s").records[0].reply_to is None


def test_the_limit_counts_exchanges_and_so_does_what_is_cut(words_only: Memory) -> None:
    for number in range(5):
        store_all(words_only, turns(*exchange(number, 3), session=f"s{number}", hour=number))
    words_only.ingest({"text": "a note of the day", "created_at": "2026-05-08T00:30:00Z"})
    found = words_only.timeline(limit=2)
    assert [said(one)[-1] for one in found.records] == ["answer 4", "answer 3"]
    assert found.coverage.cut == 4
    assert found.coverage.searched.memories == 26
    assert listed(words_only, limit=2) == listed(words_only)[:2]
    assert words_only.timeline(limit=6).coverage.cut == 0
    assert words_only.timeline(limit=2, turns=True).coverage.cut == 24
    assert words_only.timeline(session_id="s1", limit=1).coverage.cut == 0


def test_turns_of_one_moment_are_in_the_order_of_their_arrival(words_only: Memory) -> None:
    same = [{**one, "created_at": "2026-05-08T09:00:00Z"} for one in turns(*exchange(1, 2))]
    store_all(words_only, same)
    [entry] = words_only.timeline().records
    assert (said(entry)[-1], entry.between) == ("answer 1", 2)


def test_sessions_at_the_same_time_are_not_mixed(words_only: Memory) -> None:
    store_all(words_only, turns(*exchange(1, 1), session="a"))
    store_all(words_only, turns(*exchange(2, 1), session="b"))
    assert sorted(said(one)[-1] for one in words_only.timeline().records) == [
        "answer 1",
        "answer 2",
    ]


def test_notes_and_facts_stand_by_themselves(words_only: Memory) -> None:
    store_all(words_only, turns(*exchange(1)))
    noted = [
        {"text": "noted between the two", "created_at": "2026-05-08T09:00:30Z", "session_id": "s"},
        {"text": "noted by the host", "role": "note", "host": "claude-code", "session_id": "s"},
        {"text": "said without a session", "role": "user", "host": "claude-code"},
        {"text": "said to nobody", "role": "user", "session_id": "s"},
    ]
    store_all(words_only, noted)
    found = {one.text: said(one)[1:] for one in words_only.timeline().records}
    assert found == {exchange(1)[0][1]: ["answer 1"], **{one["text"]: [] for one in noted}}


@pytest.mark.parametrize(
    ("window", "seen", "between"),
    [
        ({"since": "2026-05-08T09:01:00Z"}, ["answer 1"], 2),
        ({"until": "2026-05-08T09:00:00Z"}, [exchange(1)[0][1]], 0),
        ({"since": "2026-05-08T09:03:00Z"}, ["answer 1"], 0),
        ({"until": "2026-05-08T09:02:59Z"}, [exchange(1)[0][1], "step 1 of 1"], 1),
    ],
)
def test_of_an_exchange_that_a_filter_cuts_only_what_it_admits_is_shown(
    words_only: Memory, window: dict[str, Any], seen: list[str], between: int
) -> None:
    store_all(words_only, turns(*exchange(1, 2)))
    [entry] = words_only.timeline(**window).records
    assert (said(entry), entry.between) == (seen, between)


def test_an_answer_in_another_project_is_not_taken_for_that_of_the_question_before(
    words_only: Memory,
) -> None:
    one, two, three = (exchange(number) for number in (1, 2, 3))
    first, second, third = turns(*one), turns(*two, hour=10), turns(*three, hour=11)
    for turn in (*first, *third):
        turn["project"] = "alpha"
    second[0]["project"], second[1]["project"] = "beta", "alpha"
    store_all(words_only, [*first, *second, *third])
    assert listed(words_only, project="alpha") == [
        [three[0][1], "answer 3"],
        ["answer 2"],
        [one[0][1], "answer 1"],
    ]
    assert listed(words_only, project="beta") == [[two[0][1]]]
    assert words_only.timeline(project="alpha", limit=1).coverage.cut == 2


def test_as_of_a_time_an_exchange_is_as_it_was_held_then(words_only: Memory) -> None:
    store_all(words_only, turns(*exchange(1)[:1]))
    now = words_only.timeline().records[0].ingested_at
    store_all(words_only, turns(*exchange(1)))
    assert listed(words_only, as_of=now) == [[exchange(1)[0][1]]]
    assert listed(words_only) == [[exchange(1)[0][1], "answer 1"]]


def test_what_was_forgotten_is_no_companion_and_is_not_counted(words_only: Memory) -> None:
    ids = store_all(words_only, turns(*exchange(1, 3)))
    words_only.forget(ids[2:])
    [entry] = words_only.timeline().records
    assert (said(entry), entry.between) == ([exchange(1)[0][1]], 1)
    words_only.forget(ids[:1])
    assert listed(words_only) == [["step 0 of 1"]]


def test_what_was_taken_back_or_superseded_stands_alone(words_only: Memory) -> None:
    gone = [("user", "go the wrong way with all of it, please"), ("assistant", "went wrong")]
    store_all(words_only, turns(*gone, tags=["rewound"]))
    ids = store_all(words_only, turns(*exchange(1, 1), hour=10))
    words_only.supersede(ids[2], "another answer")
    found = listed(words_only, until="2026-05-08")
    assert [exchange(1)[0][1]] in found
    assert ["answer 1"] in found
    assert [gone[0][1]] in found
    assert ["went wrong"] in found
    assert len(found) == 4


def test_each_turn_is_listed_by_itself_for_who_wants_it(words_only: Memory) -> None:
    store_all(words_only, turns(*exchange(1, 2)))
    assert listed(words_only, turns=True) == [
        ["answer 1"],
        ["step 1 of 1"],
        ["step 0 of 1"],
        [exchange(1)[0][1]],
    ]
    with pytest.raises(InvalidInput, match="turns is neither true nor false"):
        listed(words_only, turns="yes")


@pytest.mark.parametrize("size", [1, 40, 400, 100_000])
def test_the_texts_of_an_entry_take_at_most_200_tokens_and_say_where_they_are_cut(
    words_only: Memory, size: int
) -> None:
    text = f"{'word ' * size}\n{' ' * size}the end"
    dialogue = [("user", ASKED), ("assistant", text), *[("user", f"{n} {text}") for n in range(5)]]
    store_all(words_only, turns(*dialogue, ("assistant", text), ("user", "yes")))
    for entry in words_only.timeline().records:
        texts = [*said(entry), *([entry.reply_to.text] if entry.reply_to else [])]
        assert sum(map(estimate_tokens, texts)) <= 200
        assert all("[cut]" in one or len(one) < 400 for one in texts if one.startswith("word"))
        assert said(entry)[0]


def test_a_field_that_says_nothing_is_left_out_of_json(words_only: Memory) -> None:
    words_only.ingest("a fact")
    [plain] = words_only.timeline().model_dump(mode="json")["records"]
    assert {"turns", "between", "reply_to"}.isdisjoint(plain)
    store_all(words_only, turns(*exchange(1, 2)))
    whole = words_only.timeline(until="2026-05-08").model_dump(mode="json")["records"][0]
    assert whole["between"] == 2
    assert [turn["text"] for turn in whole["turns"]] == ["answer 1"]


# --- a session by the beginning of its id --------------------------------------------------------

SESSION = "5f0e2a60-1111-4000-8000-00000000000"


def test_a_session_is_found_by_the_beginning_of_its_id(words_only: Memory) -> None:
    for number in (1, 2):
        dialogue = exchange(number)
        store_all(words_only, turns(*dialogue, session=f"{SESSION}{number}", hour=number))
    store_all(words_only, turns(*exchange(3), session="7B", hour=3))
    for told in ("7B", "7b", "7", SESSION + "1"):
        assert words_only.timeline(session_id=told).coverage.complete
        assert len(words_only.timeline(session_id=told).records) == 1
    with pytest.raises(InvalidInput) as raised:
        words_only.timeline(session_id="5f0e")
    sentence = str(raised.value)
    assert sentence.startswith("2 sessions have ids that begin with 5f0e: send more of the id of")
    assert f"{SESSION}1 (2026-05-08: answer 1); {SESSION}2 (2026-05-08: answer 2)" in sentence


def test_a_whole_id_is_no_beginning_of_a_longer_one(words_only: Memory) -> None:
    store_all(words_only, turns(*exchange(1), session="s"))
    store_all(words_only, turns(*exchange(2), session="s2", hour=10))
    assert [one[-1] for one in listed(words_only, session_id="s")] == ["answer 1"]
    assert listed(words_only, session_id="s", since="2026-05-09") == []


def test_sessions_that_were_forgotten_are_no_candidates(words_only: Memory) -> None:
    secret = store_all(words_only, turns(*exchange(1), session="s-secret"))
    store_all(words_only, turns(*exchange(2), session="s-known", hour=10))
    words_only.forget(secret)
    assert [one[-1] for one in listed(words_only, session_id="s-")] == ["answer 2"]
    assert listed(words_only, session_id="s-secret") == []


def test_a_candidate_shows_no_control_characters_of_its_words(words_only: Memory) -> None:
    for number in (1, 2):
        text = f"\x1b[31mred {number}\x07\nnext \u202eline"
        store_all(words_only, turns(("user", text), session=f"s-{number}"))
    with pytest.raises(InvalidInput) as raised:
        words_only.timeline(session_id="s-")
    assert str(raised.value).isprintable()
    assert "red 1" in str(raised.value)
