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
