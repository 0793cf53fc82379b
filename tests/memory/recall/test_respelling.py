"""A question with a misspelt word finds what has it spelled rightly, and says how it was read."""

from __future__ import annotations

import pytest

from iai_memory import Memory
from iai_memory.recall.respelling import respell
from iai_memory.recall.unknown_names import names_only_unknown
from iai_memory.store.snapshot.reader import SnapshotReader

TEXTS = (
    "Nicolas lives in Lisbon.",
    "Zo\u00eb bought a bike in M\u00fcller's shop.",
    "\u041d\u0430\u0442\u0430\u043b\u044c\u044f lives in Oslo with two cats.",
    "\u5317\u4eac is where the spring meeting takes place.",
    "The team from Shanghai visits in May.",
    "Hugo repairs clocks.",
    "The staging database listens on port 5544, its release is 2.13.",
    "parseConfig reads what deploy_token.py wrote.",
    "Biking is fun, says the hug therapist.",
)
MISSPELT = {
    "Where does Nikolas live?": "Nicolas",
    "where does nicloas live": "Nicolas",
    "Where does Nocilas live?": "Nicolas",
    "What did Nicollas' sister say?": "Nicolas",
    "What is sold in Mueller's shop?": "M\u00fcller",
    "Where does Natalya live?": "\u041d\u0430\u0442\u0430\u043b\u044c\u044f",
    "Where does Natalia live?": "\u041d\u0430\u0442\u0430\u043b\u044c\u044f",
    "What takes place in Beijing?": "\u5317\u4eac",
    "\u8c01\u4ece\u4e0a\u6d77\u6765\uff1f": "Shanghai",
    "What does Huo repair?": "Hugo",
    "On which port is the databse?": "database",
}
KNOWN = (
    "Where does Nicolas live?",
    "What did Zoe buy?",
    "On which port is the database, 5545?",
    "Is there a release 2.14?",
    "Who wrote deploy_tokem.py?",
    "What does parseConfg read?",
    "Do we like hiking?",
    "Does the API of NICO answer?",
    "Where does Zelda live?",
)


@pytest.fixture
def told(memory: Memory) -> Memory:
    memory.ingest([{"text": text} for text in TEXTS])
    return memory


def test_a_misspelt_word_is_read_as_the_memories_spell_it(told: Memory) -> None:
    found = {question: respell(question, told.store.latest, told.encoder) for question in MISSPELT}
    assert {q: [known for _, known in one.changed] for q, one in found.items()} == {
        q: [known] for q, known in MISSPELT.items()
    }


def test_known_words_numbers_codes_and_other_people_are_asked_as_they_stand(told: Memory) -> None:
    for question in KNOWN:
        assert respell(question, told.store.latest, told.encoder).text == question


def test_the_answer_is_found_and_says_how_the_name_was_read(told: Memory) -> None:
    found = told.recall("Where does Nikolas live?")
    assert found.hits[0].text == TEXTS[0]
    as_known = told.recall("Where does Nicolas live?").confidence
    assert found.confidence is not None
    assert as_known is not None
    assert 0.5 < found.confidence < as_known  # it may have been another one
    assert found.coverage.note == "Nikolas was read as Nicolas, as memories spell it"
    assert found.coverage.complete


def test_a_misspelt_question_that_a_host_stored_is_no_spelling(told: Memory) -> None:
    question = "Where does Nikolas live?"
    told.ingest([{"text": question, "role": "user"}])
    assert respell(question, told.store.latest, told.encoder).changed
    assert told.recall(question).hits[0].text == TEXTS[0]


def test_a_name_that_one_memory_tells_of_is_asked_as_it_stands(told: Memory) -> None:
    told.ingest([{"text": "Nikolas repairs bikes."}])
    question = "What does Nikolas repair?"
    assert not respell(question, told.store.latest, told.encoder).changed
    assert told.recall(question).hits[0].text == "Nikolas repairs bikes."


def test_somebody_who_is_not_known_stays_unknown(memory: Memory) -> None:
    memory.ingest([{"text": text} for text in TEXTS if text.isascii()])
    assert not memory.recall("Where does Zelda live?").hits


def test_a_forgotten_name_is_no_spelling(told: Memory) -> None:
    told.forget([told.recall("Where does Nicolas live?").hits[0].id])
    assert not respell("Where does Nikolas live?", told.store.latest, told.encoder).changed


def test_a_name_is_found_in_the_snapshot_and_in_the_table_alike(told: Memory) -> None:
    table = {question: respell(question, told.store.latest, told.encoder) for question in MISSPELT}
    for _ in range(3):
        told.recall("which port?")
    latest = told.store.latest
    assert isinstance(latest, SnapshotReader)
    assert latest.is_in_memory
    assert {q: respell(q, latest, told.encoder) for q in MISSPELT} == table


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("Paula keeps bees.", "What does Paul keep?"),
        ("Christian manages the office.", "What does Christina manage?"),
        ("Alexander collects stamps.", "What does Alexandra collect?"),
        ("Julia hates coriander.", "What does Julian hate?"),
        ("Eric wrote the parser.", "What did Erica write?"),
        ("Johnson signed the lease.", "What did Johnston sign?"),
        ("Martin likes chess.", "What does Marvin like?"),
    ],
)
def test_two_well_known_names_are_two_people(memory: Memory, known: str, asked: str) -> None:
    memory.ingest([{"text": known}])
    assert not respell(asked, memory.store.latest, memory.encoder).changed


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("Catherine teaches physics.", "What does Katherine teach?"),
        ("Sarah has a boat.", "What does Sara have?"),
        ("\u0930\u093e\u091c\u0947\u0936 cooks.", "What does Rajesh cook?"),
    ],
)
def test_a_name_that_is_written_in_two_ways_is_one(memory: Memory, known: str, asked: str) -> None:
    memory.ingest([{"text": known}])
    assert respell(asked, memory.store.latest, memory.encoder).changed


def test_what_is_asked_of_a_name_two_edits_away_is_less_than_half_sure(memory: Memory) -> None:
    memory.ingest([{"text": "Our summer holiday was in Granada."}])
    found = memory.recall("What does Grafana show?")
    assert found.confidence is not None
    assert found.confidence < 0.5


def test_a_capital_of_any_alphabet_is_that_of_a_name() -> None:
    for question in (
        "O\u00f9 habite \u00c9tienne ?",
        "\u0413\u0434\u0435 \u0418\u0432\u0430\u043d?",
    ):
        assert names_only_unknown(question, [])


def test_without_a_model_a_name_is_found_too(words_only: Memory) -> None:
    words_only.ingest([{"text": text} for text in TEXTS])
    found = words_only.recall("Where does Nikolas live?")
    assert found.hits[0].text == TEXTS[0]


def test_a_pasted_text_is_parted_between_words(told: Memory) -> None:
    # Cut at 2,000 characters the name is Shangha, which would be read as Shanghai.
    before = "the ports are " + "5544 " * 400
    pasted = f"{before[:1_992]} Shanghai is where they are, says the log."
    assert told.recall(pasted, min_confidence=0.0).coverage.note is None
