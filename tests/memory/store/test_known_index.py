"""Many keys are looked up in memory, with the answers that the table gives."""

from __future__ import annotations

import pytest

from iai_memory import Memory
from iai_memory.store import known_index
from iai_memory.store.known_index import KnownIndex


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> KnownIndex:
    """An index that reads the table at the first question, and holds two changed rows."""
    monkeypatch.setattr(known_index, "_KEYS_BEFORE_READING", 0)
    monkeypatch.setattr(known_index, "_MAX_CHANGED", 2)
    return KnownIndex()


def agree(index: KnownIndex, memory: Memory) -> None:
    """The index answers for every key, and for one that is not there, as the table does."""
    reader = memory.store.latest
    keys = [*{record.idem for record in reader.get(reader.ids())}, "nowhere"]
    assert index.known(keys, reader, 7) == reader.known(keys)


def test_an_index_follows_every_change_of_its_table(index: KnownIndex, memory: Memory) -> None:
    other = Memory(memory.paths.root)
    ids = [str(memory.ingest(f"note {number}").results[0].id) for number in range(5)]
    agree(index, memory)
    other.forget([ids[1]])
    agree(index, memory)
    memory.restore([ids[1]])
    new = other.supersede(ids[2], "another note")
    agree(index, memory)
    memory.ingest([f"more {number}" for number in range(4)])
    agree(index, memory)
    other.forget([new.new_id])
    other.ingest("note 2")
    agree(index, memory)
    index.release()
    agree(index, memory)


def test_a_table_that_is_too_large_is_asked_itself(
    index: KnownIndex, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_index, "MAX_ROWS", 1)
    memory.ingest(["one", "two"])
    agree(index, memory)


def test_another_table_in_its_place_is_read_anew(index: KnownIndex, memory: Memory) -> None:
    memory.ingest(["one", "two", "three"])
    agree(index, memory)
    other = Memory(memory.paths.root.with_name("other"))
    other.ingest(["four"])
    reader = other.store.latest
    [key] = [record.idem for record in reader.get(reader.ids())]
    assert index.known([key], reader, 8) == reader.known([key])
