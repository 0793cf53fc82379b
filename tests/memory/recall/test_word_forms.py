"""A word that no memory has is found in its other forms, with a stemmer for its language or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from iai_memory import Memory
from iai_memory.recall.word_forms import word_forms
from iai_memory.settings import load_settings
from iai_memory.store.filter import Filter
from iai_memory.store.snapshot.reader import SnapshotReader
from iai_memory.text.word_forms import is_part, likeness

TEXTS = (
    "The harbour office organised the regatta in June.",
    "Ліцензію продовжили до кінця березня.",
    "Човен стоїть у сухому доці.",
    "הרישיון הוארך עד סוף מרץ.",
    "הסירה עומדת במספנה.",
    "Vierasvenettä säilytetään telakalla talven yli.",
    "Lupaa jatkettiin maaliskuun loppuun.",
    "Die Liegeplatzgebühr wurde im März erhöht.",
    "Łódki stoją w suchym doku do kwietnia.",
)
FOUND = {
    "продовження ліцензій": TEXTS[1],
    "сухі доки": TEXTS[2],
    "רישיונות": TEXTS[3],
    "איפה הסירות": TEXTS[4],
    "veneet telakoilla": TEXTS[5],
    "maaliskuussa": TEXTS[6],
    "Wie hoch ist die Gebühr für den Platz?": TEXTS[7],
    "gdzie jest łódka": TEXTS[8],
}


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    folder: Path = tmp_path_factory.mktemp("forms")
    settings = load_settings(store=folder / "store", model=None)
    told = Memory(settings=settings, on_commit=lambda: None)
    told.ingest([{"text": text} for text in TEXTS])
    return told


@pytest.mark.parametrize(("question", "text"), FOUND.items())
def test_another_form_of_the_word_is_found(memory: Memory, question: str, text: str) -> None:
    assert [hit.text for hit in memory.recall(question).hits][:1] == [text]


def test_a_snapshot_and_the_table_know_the_same_forms(memory: Memory) -> None:
    table = memory.store.latest
    assert isinstance(table, SnapshotReader)
    told = {question: word_forms(question, table) for question in FOUND}
    assert sum(map(bool, told.values())) > len(FOUND) / 2
    for _ in range(3):
        memory.store.latest.nearest(np.zeros(384, np.float32), Filter(), 1, nprobes=1)
    assert table.is_in_memory
    assert {question: word_forms(question, table) for question in FOUND} == told


@pytest.mark.parametrize("question", ["the organs of the harbours", "organists", "кінець", "June"])
def test_english_and_words_that_memories_have_keep_their_forms(
    memory: Memory, question: str
) -> None:
    assert not word_forms(question, memory.store.latest)


@pytest.mark.parametrize(
    ("one", "other"),
    [("salasanat", "salasana"), ("коти", "кота"), ("בחיפה", "לחיפה"), ("بالمدينة", "مدينة")],
)
def test_words_that_begin_alike_are_forms_of_one(one: str, other: str) -> None:
    assert likeness(one, other) > 0
    assert likeness(one, one) > likeness(one, other)


@pytest.mark.parametrize(
    ("one", "other"), [("kissa", "kirja"), ("verkko", "verhoilija"), ("дім", "дієта"), ("ab", "ac")]
)
def test_words_that_hardly_begin_alike_are_two(one: str, other: str) -> None:
    assert likeness(one, other) == 0


def test_a_part_of_a_compound_is_its_begin_or_end_and_leaves_a_word() -> None:
    assert is_part("gebühr", "liegeplatzgebühr")
    assert is_part("liegeplatzgebühr", "liegeplatz")
    assert not is_part("platz", "liegeplatzgebühr")
    assert not is_part("stand", "bestand")
    assert not is_part("rat", "fahrrat")
