"""A fact that a writer with a clock ahead of ours superseded is superseded at once, everywhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.page_text import shown

from iai_memory import Memory
from iai_memory.errors import InvalidInput
from iai_memory.store.filter import Filter


@pytest.fixture(params=[timedelta(minutes=7), timedelta(days=400)], ids=["minutes", "a year"])
def memory(words_only: Memory, request: pytest.FixtureRequest) -> Memory:
    """A fact, and what replaced it by a clock that is ahead."""
    old = words_only.ingest({"text": "The port is 5544.", "project": "gull", "pinned": True})
    done = words_only.supersede(str(old.results[0].id), "The port is 6000.")
    with words_only.store.writing() as writer:
        later = writer.now() + request.param
        rows = writer.reader.rows([done.old_id, done.new_id])
        ahead = [
            replace(row.record, valid_to=later)
            if row.record.superseded_by
            else replace(row.record, created_at=later, valid_from=later, ingested_at=later)
            for row in rows
        ]
        writer.update(
            [replace(row, record=one) for row, one in zip(rows, ahead, strict=True)], later
        )
    return Memory(words_only.paths.root)


def test_recall_and_page_show_the_fact_that_holds(memory: Memory) -> None:
    assert [hit.text for hit in memory.recall("port", project="gull").hits] == ["The port is 6000."]
    page = shown(memory, "gull")
    assert "6000" in page
    assert "5544" not in page


def test_counts_and_the_snapshot_agree_that_one_memory_holds(memory: Memory) -> None:
    assert (memory.status().records, memory.status().superseded) == (1, 1)
    assert memory.store.latest.count(Filter()) == 1
    assert [one.text for one in memory.store.latest.newest(Filter(), 9)] == ["The port is 6000."]
    held = [one.superseded_by is None for one in memory.timeline(turns=True).records]
    assert sorted(held) == [False, True]


def test_it_cannot_be_superseded_twice_and_is_brought_back_by_restore(memory: Memory) -> None:
    [old] = [one.id for one in memory.timeline(turns=True).records if one.superseded_by]
    with pytest.raises(InvalidInput, match="was already superseded: supersede"):
        memory.supersede(old, "The port is 7000.")
    assert memory.restore([old]).restored == [old]
    assert memory.record(old).superseded_by is None
