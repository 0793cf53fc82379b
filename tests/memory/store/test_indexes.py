"""An index of vectors that compactions took apart is made whole while the store sleeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
import pytest

from iai_memory import Memory
from iai_memory.embedding.passages import Passages
from iai_memory.maintenance import sleep
from iai_memory.store import indexes
from iai_memory.store.filter import Filter
from iai_memory.store.vector_rows import Row, Vector
from iai_memory.writing.ingest import ingest
from iai_memory.writing.new_memory import NewMemory

KEEP = timedelta(minutes=10)


@pytest.fixture
def memory(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A store whose vectors are indexed from a few hundred on."""
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    monkeypatch.setattr(indexes, "VECTOR_INDEX_ROWS", 300)
    monkeypatch.setattr(indexes, "PASSAGE_INDEX_ROWS", 300)
    return Memory(tmp_path / "store", on_commit=lambda: None)


def unit_vectors(chance: np.random.Generator, count: int) -> Vector:
    vectors: Vector = chance.standard_normal((count, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def add(memory: Memory, chance: np.random.Generator, count: int) -> None:
    """Stores texts with vectors of their own, and compacts as a server does now and then."""
    [sample, *_] = memory.store.latest.all_rows()
    with memory.store.writing() as writer:
        writer.insert(
            [
                Row(
                    replace(sample.record, idem=chance.bytes(32).hex()),
                    unit_vectors(chance, 1)[0],
                    Passages(unit_vectors(chance, 2), ((0, 4), (5, 9))),
                )
                for _ in range(count)
            ]
        )
    memory.store.compact(keep=KEEP)


def parts_of(memory: Memory) -> dict[str, int]:
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    names = {index.columns[0]: index.name for index in table.list_indices()}
    found = {column: table.index_stats(names[column]) for column in ("vector", "passages")}
    return {column: (stats and stats.num_indices) or 0 for column, stats in found.items()}


def found_by_themselves(memory: Memory) -> bool:
    """Whether each vector's own record is the nearest to it, of old parts and of new ones."""
    everything = list(memory.store.latest.all_rows())
    rows = everything[::25] + everything[-3:]
    snapshot = memory.store.pinned_reader()
    firsts = [
        next(iter(snapshot.nearest(row.vector, Filter(), 10, nprobes=50)))
        for row in rows
        if row.vector is not None
    ]
    return firsts == [row.record.id for row in rows]


def test_a_sleep_makes_an_index_whole_and_everything_is_still_found(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sleep, "_MAX_INDEX_PARTS", 2)
    chance = np.random.default_rng(7)
    memory.ingest("One text for all of them.")
    for count in (310, 20, 20):
        add(memory, chance, count)
    assert parts_of(memory) == {"vector": 3, "passages": 3}
    assert found_by_themselves(memory)
    memory.sleep(force=True)
    assert parts_of(memory) == {"vector": 1, "passages": 1}
    assert found_by_themselves(memory)
    assert memory.store.statistics().total == 351


def test_an_index_of_few_parts_is_left_alone(memory: Memory) -> None:
    chance = np.random.default_rng(8)
    memory.ingest("One text for all of them.")
    for count in (310, 20):
        add(memory, chance, count)
    version = memory.store.version
    memory.store.merge_index_parts(2)
    assert memory.store.version == version
    assert parts_of(memory) == {"vector": 2, "passages": 2}


def indexed(memory: Memory) -> set[str]:
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    return {index.columns[0] for index in table.list_indices()}


def give_vectors(memory: Memory, chance: np.random.Generator, count: int) -> None:
    """Gives vectors to so many memories that wait for theirs."""
    with memory.store.writing() as writer:
        rows = [
            Row(
                replace(row.record, embedder=writer.embedder),
                unit_vectors(chance, 1)[0],
                Passages(unit_vectors(chance, 2), ((0, 4), (5, 9))),
            )
            for row in writer.reader.pending(count)
        ]
        writer.update(rows, writer.now())


def test_many_words_without_a_vector_are_compacted_and_get_their_index_with_the_vectors(
    memory: Memory,
) -> None:
    chance = np.random.default_rng(9)
    said = [f"Hive number {number} is in the orchard." for number in range(700)]
    ingest(memory.store, None, [NewMemory(text) for text in said], origin="import")
    memory.store.compact(keep=KEEP)
    assert indexed(memory) & {"vector", "passages"} == set()
    give_vectors(memory, chance, 250)
    memory.store.compact(keep=KEEP)
    assert indexed(memory) & {"vector", "passages"} == set()
    give_vectors(memory, chance, 450)
    memory.store.compact(keep=KEEP)
    assert indexed(memory) >= {"vector", "passages"}
    assert found_by_themselves(memory)


def test_a_store_that_lost_its_vectors_to_another_model_is_compacted_and_merged(
    memory: Memory,
) -> None:
    chance = np.random.default_rng(10)
    memory.ingest("One text for all of them.")
    for count in (310, 20, 20):
        add(memory, chance, count)
    with memory.store.writing() as writer:
        writer.drop_vectors()
    memory.store.merge_index_parts(2)
    memory.store.compact(keep=KEEP)
    give_vectors(memory, chance, 351)
    memory.store.compact(keep=KEEP)
    memory.store.merge_index_parts(2)
    assert found_by_themselves(memory)
    assert memory.store.statistics().pending == 0
