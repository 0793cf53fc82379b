"""An index is made of the rows: a damaged one is dropped and built anew, and no answer lacks it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import lancedb
import pytest
from tests.support.damage import DAMAGES, Damaging, index_files, removed, truncated

from iai_memory import Memory
from iai_memory.base.locks import held
from iai_memory.errors import StoreBusy, StoreUnavailable
from iai_memory.store import indexes
from iai_memory.store.filter import Filter

PARTS = ("metadata.lance", "part_0_docs.lance", "part_0_invert.lance", "part_0_tokens.lance")


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """A compacted store, so that an index of words knows its memories."""
    memory.ingest([f"fact {number} of port {5000 + number}" for number in range(30)])
    memory.store.compact(keep=timedelta(0))
    return Memory(memory.paths.root, on_commit=lambda: None)


def texts(memory: Memory, question: str) -> list[str]:
    return [hit.text for hit in memory.recall(question).hits]


def indexed(memory: Memory) -> set[str]:
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    return {index.name for index in table.list_indices()}


@contextmanager
def another_writer(memory: Memory) -> Generator[None]:
    with held(memory.paths.lock("write"), timeout=1):
        yield


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("part", PARTS)
def test_a_damaged_index_of_words_costs_no_answer_and_is_built_anew(
    memory: Memory, damage: Damaging, part: str
) -> None:
    [path] = [path for path in index_files(memory.paths) if path.name == part]
    damage(path)
    answer = memory.recall("port 5007")
    assert answer.hits[0].text == "fact 7 of port 5007"
    assert "index of words" not in (answer.coverage.note or "")
    [event] = memory.ledger.newest(5, event="indexes_mended")
    assert event["indexes"] == ["terms_idx"]
    assert texts(Memory(memory.paths.root), "port 5008")[0] == "fact 8 of port 5008"
    assert len(memory.ledger.newest(5, event="indexes_mended")) == 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_sleep_builds_a_damaged_index_anew_before_anybody_asks(
    memory: Memory, damage: Damaging
) -> None:
    for path in index_files(memory.paths):
        damage(path)
    assert "compact" in memory.sleep(force=True).done
    assert len(memory.ledger.newest(5, event="indexes_mended")) == 1
    assert memory.store.mend_indexes() == []
    assert texts(memory, "port 5007")[0] == "fact 7 of port 5007"


def test_while_nobody_may_write_recall_goes_on_by_meaning_and_says_so(
    memory: Memory, model_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    embedded = Memory(memory.paths.root, on_commit=lambda: None)
    while embedded.embed_pending():
        pass
    for path in index_files(memory.paths):
        truncated(path)
    with another_writer(memory):
        answer = embedded.recall("which port has fact 7?")
    assert answer.hits
    assert (answer.degraded, answer.fix, answer.confidence) == (True, "iai-mcp sleep", None)
    assert [hidden.reason for hidden in answer.coverage.hidden] == ["damaged_words"]
    assert not answer.coverage.complete
    assert answer.coverage.searched.by_words == 0
    assert answer.coverage.note is not None
    assert "the index of words is damaged: run `iai-mcp sleep`" in answer.coverage.note
    assert not embedded.recall("which port has fact 7?").degraded


@pytest.mark.slow
def test_where_neither_words_nor_meaning_can_be_searched_it_is_no_empty_answer(
    memory: Memory,
) -> None:
    for path in index_files(memory.paths):
        removed(path)
    with another_writer(memory), pytest.raises(StoreUnavailable, match="searching words failed"):
        memory.recall("port 5007")
    assert texts(memory, "port 5007")[0] == "fact 7 of port 5007"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_of_keys_is_dropped_and_the_next_compaction_builds_it(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, damage: Damaging
) -> None:
    monkeypatch.setattr(indexes, "KEY_INDEX_ROWS", 10)
    memory.store.compact(keep=timedelta(0))
    assert "id_idx" in indexed(memory)
    for path in index_files(memory.paths):
        if path.name.startswith(("page_", "page")):
            damage(path)
    memory = Memory(memory.paths.root, on_commit=lambda: None)
    [first, *_] = memory.store.latest.newest(Filter(), 1)
    assert memory.record(first.id).id == first.id
    assert "id_idx" not in indexed(memory)
    memory.store.compact(keep=timedelta(0))
    assert "id_idx" in indexed(memory)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_change_that_meets_a_damaged_index_is_made_at_the_second_try(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, damage: Damaging
) -> None:
    monkeypatch.setattr(indexes, "KEY_INDEX_ROWS", 10)
    memory.store.compact(keep=timedelta(0))
    ids = memory.store.latest.ids()
    for path in index_files(memory.paths):
        damage(path)
    memory = Memory(memory.paths.root, on_commit=lambda: None)
    with pytest.raises(StoreBusy, match="an index was damaged, and it is mended: try again"):
        memory.forget(ids[:1])
    assert memory.forget(ids[:1]).forgotten == ids[:1]
    assert memory.store.latest.get(ids[:1])[0].tombstoned_at is not None
    stored = memory.ingest("one more fact").results[0].id
    assert memory.record(str(stored)).text == "one more fact"


def test_a_compaction_mends_the_index_that_stops_it(
    memory: Memory, model_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "VECTOR_INDEX_ROWS", 10)
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    embedded = Memory(memory.paths.root, on_commit=lambda: None)
    while embedded.embed_pending():
        pass
    embedded.store.compact(keep=timedelta(0))
    assert "vector_idx" in indexed(embedded)
    for path in index_files(embedded.paths):
        truncated(path)
    embedded = Memory(memory.paths.root, on_commit=lambda: None)  # which holds no index in memory
    embedded.ingest("one more fact")
    embedded.store.compact(keep=timedelta(0))
    [event] = embedded.ledger.newest(5, event="indexes_mended")
    assert "vector_idx" in event["indexes"]
    assert "vector_idx" in indexed(embedded)
    assert embedded.store.mend_indexes() == []


def test_a_damaged_data_file_is_no_reason_to_drop_an_index(memory: Memory) -> None:
    [path] = (memory.paths.database / "memories.lance" / "data").iterdir()
    truncated(path)
    with pytest.raises(StoreUnavailable):
        memory.recall("port 5007")
    assert indexed(memory) == {"terms_idx"}
    assert memory.ledger.newest(5, event="indexes_mended") == []
