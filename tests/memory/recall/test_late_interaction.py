"""The best hits are compared word by word, and go on in their order where that cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_memory import Memory, load_settings
from iai_memory.recall.late_interaction import NAME
from iai_memory.recall.weights import NOTES

# All name the same subject; the question has no other word of any.
NOTED = [
    "Marta bought a grey cat from the shelter.",
    "Marta drives to the office with a small red car.",
    "Marta's sister sings in a choir on Tuesdays.",
    "Marta painted the kitchen walls in a warm yellow.",
    "Marta flies to Lisbon in the second week of May.",
]
ASKED = "Which vehicle does Marta use for her commute?"


@pytest.fixture
def told(tmp_path: Path, model_folder: Path) -> Memory:
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    memory = Memory(settings=settings, on_commit=lambda: None)
    memory.ingest([*NOTED])
    return memory


def without_tokens(memory: Memory, where: str = "true") -> None:
    names = ("token_vectors", "token_key", "row_digest")
    table = memory.store._table  # pyright: ignore[reportPrivateUsage]
    table.update(where=where, values_sql=dict.fromkeys(names, "NULL"))


def parts(memory: Memory) -> dict[str, float]:
    """How much late interaction adds to each hit, by its text."""
    found: dict[str, float] = {}
    for hit in memory.recall(ASKED, limit=6, min_confidence=0.0).hits:
        said = [part for part in hit.reason.split(" + ") if part.startswith(NAME)]
        found[hit.text] = float(said[0].split()[2]) if said else 0.0
    return found


def test_the_text_whose_words_are_nearest_gets_the_whole_weight(told: Memory) -> None:
    found = parts(told)
    assert max(found, key=lambda text: found[text]) == NOTED[1]
    assert found[NOTED[1]] == pytest.approx(NOTES.late_interaction)
    assert min(found.values()) == 0.0


def test_without_token_vectors_all_is_found_as_it_was(told: Memory) -> None:
    without_tokens(told)
    assert parts(told) == dict.fromkeys(NOTED, 0.0)


def test_one_without_them_is_neither_first_nor_last(told: Memory) -> None:
    without_tokens(told, f"text LIKE '{NOTED[0][:20]}%'")
    found = parts(told)
    assert 0.0 < found[NOTED[0]] < NOTES.late_interaction


def test_where_few_have_them_nobody_is_put_in_front(told: Memory) -> None:
    without_tokens(told, f"text != '{NOTED[0]}'")
    assert set(parts(told).values()) == {0.0}


def test_a_question_of_function_words_is_compared_by_them(told: Memory) -> None:
    assert told.recall("what is it about?", min_confidence=0.0).hits


def test_a_single_hit_has_nothing_to_be_compared_with(tmp_path: Path, model_folder: Path) -> None:
    settings = load_settings(store=tmp_path / "one", model=model_folder)
    memory = Memory(settings=settings, on_commit=lambda: None)
    memory.ingest([NOTED[1]])
    assert parts(memory) == {NOTED[1]: 0.0}


def test_a_text_of_which_only_the_beginning_was_read_is_neither_first_nor_last(
    told: Memory,
) -> None:
    long = f"{NOTED[1]} {'The harbour was quiet and the boats lay still. ' * 40}"
    told.ingest(long)
    found = parts(told)
    of_long = found.pop(max(found, key=len))
    assert of_long == pytest.approx(sum(found.values()) / len(found), abs=0.002)
