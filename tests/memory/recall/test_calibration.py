"""Saying no: how sure an answer is, and no hits where nothing in the store answers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from tests.support.records import candidate, record
from tests.support.themes import OpenMemory

from iai_memory import Memory
from iai_memory.base.defaults import MIN_CONFIDENCE
from iai_memory.errors import InvalidInput
from iai_memory.recall.unknown_names import names_only_unknown
from iai_memory.writing.ingest import ingest
from iai_memory.writing.new_memory import new_memories

TEXTS = (
    "Greta plays the cello in the evenings.",
    "The staging database listens on port 5544.",
    "We decided to ship the release of Quill on Friday.",
    "Tomas is allergic to peanuts, please keep them off the plate.",
    "The backup of kestrel runs at three in the night.",
    "Ines borrowed the projector on Tuesday.",
)


@pytest.fixture
def memory(memory: Memory) -> Memory:
    memory.ingest(list(TEXTS))
    return memory


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which instrument does Greta play?", TEXTS[0]),
        ("which port is staging on?", TEXTS[1]),
        ("when does Quill ship?", TEXTS[2]),
        ("backup kestrel", TEXTS[4]),
    ],
)
def test_an_answer_that_is_there_is_given_and_sure(
    memory: Memory, question: str, text: str
) -> None:
    found = memory.recall(question)
    assert found.hits[0].text == text
    assert found.confidence is not None
    assert found.confidence > 0.5
    assert found.hits[0].confidence is not None
    assert found.hits[0].confidence > (found.hits[-1].confidence or 0)


@pytest.mark.parametrize(
    "question",
    [
        "Who repairs the violin of Zelda?",
        "What did Casimir name his sailing boat?",
        "Which visa does one need for Mongolia?",
    ],
)
def test_a_question_that_nothing_answers_has_no_hits(memory: Memory, question: str) -> None:
    found = memory.recall(question)
    assert found.hits == []
    assert found.tokens == 0
    assert found.confidence is not None
    assert found.confidence < MIN_CONFIDENCE


def test_a_store_of_one_memory_answers_what_it_knows_and_nothing_else(
    open_memory: OpenMemory,
) -> None:
    memory = open_memory("another")
    memory.ingest("The violin is kept in the attic.")
    assert memory.recall("where is my string instrument?").hits
    assert not memory.recall("What is the capital of Mongolia?").hits


def test_the_nearest_hits_of_an_unsure_answer_can_be_asked_for(memory: Memory) -> None:
    question = "Who repairs the violin of Zelda?"
    found = memory.recall(question, min_confidence=0)
    assert found.hits
    assert all((hit.confidence or 0) <= (found.confidence or 0) for hit in found.hits)
    assert memory.recall("which port is staging on?", min_confidence=1).hits == []


@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", True, float("nan")])
def test_a_confidence_that_is_no_share_is_refused(memory: Memory, value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"min_confidence is .*: send a number from 0 to 1"):
        memory.recall("port", min_confidence=value)


def test_without_vectors_nobody_claims_to_be_sure(words_only: Memory) -> None:
    words_only.ingest(list(TEXTS))
    found = words_only.recall("Zelda borrowed a projector")
    assert (found.degraded, found.confidence) == (True, None)
    assert [hit.confidence for hit in found.hits] == [None]


def test_a_question_of_emoji_alone_is_asked_by_words_only(memory: Memory) -> None:
    memory.ingest("The release is out 🎉 at last.")
    found = memory.recall("🎉")
    assert (found.mode, found.degraded, found.confidence) == ("lexical", False, None)
    assert [hit.text for hit in found.hits] == ["The release is out 🎉 at last."]


def unknown(question: str, *texts: str) -> bool:
    held = [candidate(record(str(at), text)) for at, text in enumerate(texts)]
    return names_only_unknown(question, held)


def test_a_question_of_whose_names_no_candidate_holds_one_names_only_unknown_things() -> None:
    assert unknown("What does Zelda play?", "Greta plays the cello.")
    assert not unknown("What do Zelda and Greta play?", "Greta plays the cello.")
    assert unknown("What raises ERR_42X?", "Something raises an error.")
    assert not unknown("What raises ERR_42X?", "The parser raises ERR_42X.")


def test_dates_the_first_word_and_german_nouns_are_no_names() -> None:
    assert not unknown("Where was she on Friday, in May?", "She was here.")
    assert not unknown("Greta", "nothing of the sort")
    assert not unknown("Wo ist denn nur die Datensicherung von gestern?", "Die Kopie liegt hier.")


def test_a_german_name_is_what_follows_a_verb_without_an_article() -> None:
    known = "Matthias arbeitet bei Siemens."
    for asked in (
        "Wo arbeitet J\u00fcrgen?",
        "Mit wem spielt Svenja Tennis?",
        "Wie hei\u00dft die Frau von Ralf?",
        "Mag Uwe Kaffee?",
    ):
        assert unknown(asked, known), asked
    assert not unknown("Wo arbeitet Matthias?", known)
    assert not unknown("Wie hei\u00dft Matthias' Firma?", known)


def test_a_german_noun_is_no_name() -> None:
    for asked in (
        "Wo arbeitet die Nachbarin?",
        "Wer trinkt Kaffee?",
        "Welcher Dienst braucht Strom?",
        "Wann ist der Termin mit dem Vermieter?",
        "Was kostet Benzin?",
        "Wer wohnt seit Ostern nebenan?",
        "Wann beginnt Datensicherung und wann Wartung?",
    ):
        assert not unknown(asked, "nichts dergleichen"), asked
    assert not unknown("Wie lange h\u00e4lt Milch?", "Der Milchpreis steigt.")


def test_a_turkish_question_begins_with_the_name() -> None:
    known = "Ay\u015fe domates yeti\u015ftiriyor."
    assert unknown("Hasan ne yeti\u015ftiriyor?", known)
    assert unknown("Hasan'\u0131n kedisi nerede ya\u015f\u0131yor?", known)
    assert not unknown("Ay\u015fe ne yeti\u015ftiriyor?", known)
    assert not unknown("Ka\u00e7 ki\u015fi domates yeti\u015ftiriyor?", known)


def test_an_answer_about_an_unknown_name_is_no_surer_than_its_hits(memory: Memory) -> None:
    memory.ingest(["We shipped the order to Austria in March."])
    found = memory.recall("Did we ship the order to Australia in March?")
    most = 1 - math.prod(1 - (hit.confidence or 0) for hit in found.hits)
    assert found.confidence is not None
    assert found.confidence <= most + 0.001
    assert found.confidence < 0.5


def test_hits_that_wait_for_their_vectors_are_not_dropped_as_far_away(memory: Memory) -> None:
    memory.ingest([{"text": f"The kitchen of house {n} is painted green."} for n in range(30)])
    turns = [
        {"text": f"The summary file of run {n} was dropped.", "role": "user"} for n in range(12)
    ]
    ingest(memory.store, None, new_memories(turns), origin="hook")
    found = memory.recall("why was the summary file dropped?")
    assert found.hits
    assert "summary file" in found.hits[0].text
    assert found.confidence is None
    assert found.degraded
    while memory.embed_pending():
        pass
    assert memory.recall("why was the summary file dropped?").confidence is not None


WORK = {
    "de": (
        ("Bitte sieh dir das Modul {} an.", "Das Modul {} ist geprüft und die Tests laufen durch."),
        "Wo liegt die Anleitung für den Drucker?",
        "Die Anleitung für den Drucker liegt im Ordner Technik.",
        "Was hat das neue Dach gekostet?",
    ),
    "es": (
        ("Mira el módulo {}, por favor.", "El módulo {} está revisado y las pruebas pasan."),
        "¿Dónde está el manual de la impresora?",
        "El manual de la impresora está en la carpeta técnica.",
        "¿cuánto costó el tejado nuevo?",
    ),
    "fr": (
        ("Regarde le module {}, s'il te plaît.", "Le module {} est relu et les tests passent."),
        "Où est le manuel de l'imprimante ?",
        "Le manuel de l'imprimante est dans le dossier technique.",
        "combien a coûté le nouveau toit ?",
    ),
}


@pytest.mark.parametrize("language", WORK)
def test_in_sessions_of_another_language_nearness_of_all_is_no_confidence(
    memory: Memory, language: str
) -> None:
    talk, question, answer, nothing = WORK[language]
    talks = [[one.format(number) for one in talk] for number in range(60)] + [[question, answer]]
    memory.ingest(
        [
            {"text": text, "role": role, "host": "codex", "session_id": f"{number}"}
            for number, talk in enumerate(talks)
            for role, text in zip(("user", "assistant"), talk, strict=True)
        ]
    )
    found = memory.recall(question)
    assert answer in {found.hits[0].text, *(turn.text for turn in found.hits[0].turns)}
    assert (found.confidence or 0) > 0.9
    assert (memory.recall(nothing).confidence or 0) < 0.3


def test_a_hit_is_surer_the_farther_it_is_before_the_next(memory: Memory) -> None:
    def say(things: list[str]) -> None:
        memory.ingest(
            [
                {"text": text, "role": role, "host": "codex", "session_id": thing}
                for thing in things
                for role, text in (
                    ("user", f"Where is the manual of the {thing}?"),
                    ("assistant", f"The manual of the {thing} is in the blue folder."),
                )
            ]
        )

    def sureness() -> float:
        return memory.recall("which folder holds the printer's manual?").hits[0].confidence or 0.0

    say(["printer"])
    memory.ingest(
        [
            {
                "text": f"{word} the {part} is done.",
                "role": role,
                "host": "codex",
                "session_id": word,
            }
            for word in ("Painting", "Moving", "Washing", "Repairing", "Selling", "Weighing")
            for role, part in (("user", "shed"), ("assistant", "fence"))
        ]
    )
    alone = sureness()
    say(["scanner", "shredder", "telephone", "kettle", "projector"])
    assert sureness() < alone - 0.1
