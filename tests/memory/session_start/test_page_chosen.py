"""What the user decided, corrected and prefers: chosen out of all that was said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support.host_turns import turns
from tests.support.page_text import CHOSEN, assert_page, shown
from tests.support.themes import store_all

from iai_memory import Memory
from iai_memory.session_start.chosen_part import fit_recent
from iai_memory.session_start.sections import Line, Room

RULE = "Please never write docstrings in specs, they only repeat the names of the functions."
CORRECTED = "No, that is wrong: move the file with git, so that its history stays."
DECIDED = "Let's take uv then, instead of pip, I want it to install on a new laptop."
TALK = [
    ("user", "hello there, are you up and running today?"),
    ("assistant", "Yes! Let me check that we always have a clean tree."),
    ("user", "ok, great, go on"),
    ("assistant", "Running the tests, I never saw them fail."),
    ("user", "thanks a lot"),
    ("assistant", "You're welcome."),
    ("user", "what does this function do?"),
]


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """The user's memory."""
    return words_only


def chosen(memory: Memory, project: str | None = None) -> list[str]:
    return assert_page(shown(memory, project)).get(CHOSEN, [])


def much_later(memory: Memory, **more: Any) -> None:
    """So much is said that no earlier turn is among the recent ones."""
    row = "of a long table " * 60
    said = [(role, f"row {n} {row}") for n in range(4) for role in ("user", "assistant")]
    store_all(memory, turns(*said, session="later", hour=20, **more))


def old(text: str, session: str = "old", **more: Any) -> list[dict[str, Any]]:
    return turns(("user", text), ("assistant", "Done."), session=session, **more)


@pytest.mark.parametrize("said", [RULE, CORRECTED, DECIDED])
def test_what_holds_beyond_its_exchange_stays_on_the_page(memory: Memory, said: str) -> None:
    store_all(memory, old(said))
    much_later(memory)
    assert chosen(memory) == ["2026-05-08:", f'- "{said}"']


def test_small_talk_and_an_assistants_words_are_not_chosen(memory: Memory) -> None:
    store_all(memory, turns(*TALK))
    much_later(memory)
    assert chosen(memory) == []


@pytest.mark.parametrize(
    "said",
    [
        "Bitte nie wieder direkt auf main pushen, ich will immer einen Branch.",
        "Nunca uses tabuladores en este proyecto, prefiero espacios.",
        "Ne mets jamais de commentaires dans les tests, je préfère des noms clairs.",
        "Preferisco sempre un solo commit per ogni modifica.",
        "Nunca mais use esse servidor, prefiro o nosso.",
        "以后不要在测试里写注释。",
        "今後テストにコメントを書かないで、絶対に。",
        "Никогда не пиши комментарии в тестах, хочу ясные имена.",
    ],
)
def test_a_preference_is_known_in_many_languages(memory: Memory, said: str) -> None:
    store_all(memory, old(said))
    much_later(memory)
    assert chosen(memory)[1:] == [f'- "{said}"']


def test_of_a_long_turn_the_sentence_that_decides_is_shown(memory: Memory) -> None:
    around = "The page looked odd to me this morning. It was late. "
    store_all(memory, old(around * 3 + RULE + " " + around * 3))
    much_later(memory)
    assert chosen(memory)[1:] == [f'- "{RULE}"']


def test_in_a_conversation_it_is_said_who_said_it(memory: Memory) -> None:
    said = "Melanie: It rained. We always look forward to camping in July."
    store_all(memory, old(said))
    much_later(memory)
    assert chosen(memory)[1:] == ['- Melanie: "We always look forward to camping in July."']


def test_a_question_stands_with_its_answer_or_not_at_all(memory: Memory) -> None:
    asked = "We never agreed on a licence, which one do we want to keep?"
    store_all(memory, turns(("user", asked), ("assistant", "MIT, as the vision says.")))
    store_all(memory, turns(("user", f"And yet: {asked}"), session="open"))
    much_later(memory)
    assert chosen(memory)[1:] == [f'- "{asked}" → assistant: MIT, as the vision says.']


def test_a_question_to_which_the_answer_gives_in_is_a_wish(memory: Memory) -> None:
    asked = "Shouldn't we always name the file library_spec, as is the convention?"
    store_all(memory, turns(("user", asked), ("assistant", "You're right, renamed.")))
    much_later(memory)
    assert chosen(memory)[1:] == [f'- "{asked}"']


def test_a_short_turn_stands_with_what_it_answers(memory: Memory) -> None:
    before = [("user", "hi"), ("assistant", "Shall I store a snapshot?")]
    store_all(memory, turns(*before, ("user", "no, never, I want columns"), ("assistant", "Ok.")))
    much_later(memory)
    assert chosen(memory)[1:] == [
        '- assistant: Shall I store a snapshot? → "no, never, I want columns"'
    ]


def test_of_what_was_said_twice_the_newest_stands_once_and_first(memory: Memory) -> None:
    for hour in range(3):
        other = f"We should always keep the log of part {hour} for a month, I think."
        store_all(memory, old(other, f"other {hour}", hour=8 + hour))
    store_all(memory, old(RULE, "first", hour=6))
    again = RULE.replace("Please never", "Again, never")
    store_all(memory, old(again, "second", hour=7))
    much_later(memory)
    lines = chosen(memory)
    assert RULE not in "\n".join(lines)
    assert sum(again.removeprefix("Again, ") in line for line in lines) == 1


def test_what_is_gone_or_was_replaced_is_not_chosen(memory: Memory) -> None:
    store_all(memory, old(RULE, "a", tags=["rewound"]))
    ids = store_all(memory, [*old(CORRECTED, "b"), *old(DECIDED, "c")])
    memory.forget([ids[0]])
    memory.supersede(ids[2], "We use pip again.")
    much_later(memory)
    assert chosen(memory) == []


def test_what_models_noted_is_not_chosen(memory: Memory) -> None:
    model = Memory(memory.paths.root, origin="tool", on_commit=lambda: None)
    store_all(model, old(RULE))
    much_later(memory)
    assert chosen(memory) == []


def test_another_projects_words_stand_only_on_the_page_of_all(memory: Memory) -> None:
    store_all(memory, old(RULE, project="acme"))
    store_all(memory, old(DECIDED, "mine", project="zenith"))
    much_later(memory, project="zenith")
    assert chosen(memory, "zenith") == ["2026-05-08:", f'- "{DECIDED}"']
    assert [line for line in chosen(memory) if not line.startswith("-")] == [
        "2026-05-08 [zenith]:",
        "2026-05-08 [acme]:",
    ]


def test_old_imported_history_is_chosen_from(memory: Memory) -> None:
    memory.ingest(old(RULE), origin="import")
    much_later(memory)
    assert chosen(memory) == ["2026-05-08:", f'- "{RULE}"']


def test_however_much_is_chosen_the_newest_exchange_has_its_place(memory: Memory) -> None:
    for n in range(60):
        word = f"{chr(97 + n // 10)}{chr(97 + n % 10)}"
        said = f"I want {word}lora, {word}mina and {word}kano never to come back."
        store_all(memory, old(said, f"s{n}", hour=n % 12))
    store_all(memory, turns(("user", "typed now"), session="now", hour=20))
    page = assert_page(shown(memory))
    assert page["Most recent work"][0] == "- 2026-05-08 user: typed now → no answer yet"
    assert len(page[CHOSEN]) > 10
    assert "typed now" not in "".join(page[CHOSEN])


def test_a_turn_of_a_few_sentences_stands_whole_where_room_is_left(memory: Memory) -> None:
    both = f"{RULE} Dates are ISO strings in UTC and no numbers."
    store_all(memory, old(both))
    much_later(memory)
    assert chosen(memory) == ["2026-05-08:", f'- "{both}"']


@pytest.mark.parametrize(("room", "first"), [(13, "- it"), (14, "- it and more of it all")])
def test_more_of_a_turn_takes_no_room_from_another(room: int, first: str) -> None:
    lines = [Line("day:", "it", ("1",), longer="it and more of it all"), Line("day:", "so", ("2",))]
    rooms = (Room(0, 0), Room(room, 200))
    assert fit_recent([], lines, rooms, set(), set())[1:] == ["day:", first, "- so"]


def test_the_choice_is_the_same_whatever_the_order_of_rows(memory: Memory) -> None:
    for n in range(30):
        store_all(memory, old(f"We never want {n} of these, and always {n + 1}.", f"s{n}"))
    before = shown(memory)
    memory.store.compact(keep=timedelta(0))
    assert shown(memory) == before


# Topics with the newest that was said of each


def test_a_topic_stands_with_its_newest_fact_until_that_is_gone(memory: Memory) -> None:
    text = "That was late. The shadow branch is named after its commit. And more."
    [fact] = store_all(memory, turns(("user", text)))
    label = "shadow branch (12 memories, newest 2026-05-09)"

    def topics() -> list[str]:
        return assert_page(shown(memory, topics=[label], topic_facts=[fact]))["Topics"]

    said = "The shadow branch is named after its commit."
    assert topics() == [f"- shadow branch (12 memories): 2026-05-08 user: {said}"]
    memory.supersede(fact, "It has a name of its own.")
    assert topics() == [f"- {label}"]


def test_a_topics_fact_of_another_project_is_not_shown(memory: Memory) -> None:
    [fact] = store_all(memory, turns(("user", "the vault of acme"), project="acme"))
    store_all(memory, turns(("user", "hello"), session="x", project="zenith"))
    page = shown(memory, "zenith", topics=["vault (3 memories)"], topic_facts=[fact])
    assert assert_page(page)["Topics"] == ["- vault (3 memories)"]
