"""Superseding, forgetting and restoring, each in one commit."""

from __future__ import annotations

import pytest

from iai_memory import Memory
from iai_memory.errors import UnknownRecord


def test_supersede_is_one_commit_that_links_both_ways(memory: Memory) -> None:
    old = memory.ingest({"text": "tea", "project": "p", "tags": ["drink"], "pinned": True})
    version = memory.store.version
    done = memory.supersede(str(old.results[0].id), "coffee")
    assert memory.store.version == version + 1
    before, after = memory.store.latest.get([done.old_id, done.new_id])
    assert (before.superseded_by, before.valid_to) == (after.id, after.valid_from)
    assert (after.project, after.tags, after.pinned) == ("p", ("drink",), True)
    assert before.text == "tea"


def test_forget_and_restore_bring_the_record_back_as_it_was(memory: Memory) -> None:
    stored = memory.ingest({"text": "keep me", "tags": ["a"], "pinned": True}).results[0]
    memory.forget([str(stored.id)])
    with pytest.raises(UnknownRecord, match="was forgotten: run `iai-mcp restore"):
        memory.record(str(stored.id))
    memory.restore([str(stored.id)])
    view = memory.record(str(stored.id))
    assert (view.text, view.tags, view.pinned, view.tombstoned_at) == ("keep me", ["a"], True, None)
