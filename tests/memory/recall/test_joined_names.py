"""Names of code are found by the words that one says for them, whatever their case and signs."""

from __future__ import annotations

import pytest

from iai_memory import Memory
from iai_memory.recall.joined_names import join_names

NAMES = (
    "getUserById returns null for an unknown number.",
    "We renamed parse_config last week.",
    "conftest.py sets the time zone.",
    "See tools/memory/page_header.rs for the limits.",
    "The OAuth2Client is slow.",
    "Set MAX-RETRY-COUNT to five.",
    "tsconfig.json must be strict.",
    "Every weekday we have a standup.",
)
SAID = {
    "what does get user by ID return?": "what does getUserById return?",
    "who renamed the parse config?": "who renamed the parse_config?",
    "why is the OAuth2 client slow?": "why is the OAuth2Client slow?",
    "what is the max retry count?": "what is the MAX-RETRY-COUNT?",
    "how strict is the TS config?": "how strict is the tsconfig?",
}
PLAIN = (
    "what does getUserById return?",
    "which week day has a standup?",  # a plain word is no name of code
    "can the user get an id?",
    "parse, config",
    "wer parse st\u00e4ndig?",
    "?",
)


@pytest.fixture
def told(words_only: Memory) -> Memory:
    words_only.ingest([{"text": text} for text in NAMES])
    return words_only


def test_words_that_say_a_name_are_read_as_the_name(told: Memory) -> None:
    assert {asked: join_names(asked, told.store.latest) for asked in SAID} == SAID


def test_other_words_are_asked_as_they_stand(told: Memory) -> None:
    for question in PLAIN:
        assert join_names(question, told.store.latest) == question


def test_the_name_stands_before_a_text_with_the_same_words_apart(told: Memory) -> None:
    told.ingest([{"text": "The user must get a card by Friday, with an ID; user and ID, by post."}])
    assert told.recall("get user by ID").hits[0].text == NAMES[0]


@pytest.mark.parametrize(
    "asked", ["conftest", "page_header.rs", "memory/page_header.rs", "tsconfig"]
)
def test_a_file_is_found_without_its_extension_and_by_the_end_of_its_path(
    told: Memory, asked: str
) -> None:
    name = asked.rpartition("/")[2].partition(".")[0]
    assert name in told.recall(asked).hits[0].text


@pytest.mark.parametrize("asked", ["parseConfig", "PARSE-CONFIG", "parse_config", "parseconfig"])
def test_a_name_is_found_in_every_case_style(told: Memory, asked: str) -> None:
    assert told.recall(asked).hits[0].text == NAMES[1]
