"""What is equal is stored once, and ids grow as memories come."""

from __future__ import annotations

import pytest

from iai_memory import Memory
from iai_memory.errors import InvalidInput
from iai_memory.store.filter import Filter


def test_the_same_text_at_the_same_time_is_stored_once(memory: Memory) -> None:
    dated = {"text": "said once", "created_at": "2026-05-08T10:00:00Z"}
    first = memory.ingest([dated, dated])
    assert [result.status for result in first.results] == ["pending", "duplicate"]
    assert memory.ingest(dated).results[0].id == first.results[0].id
    assert memory.store.statistics().total == 1


def test_what_was_forgotten_does_not_come_back_by_being_imported_again(memory: Memory) -> None:
    turn = {"text": "a secret plan", "session_id": "s", "turn_id": "t1", "role": "user"}
    stored = memory.ingest(turn).results[0]
    memory.forget([str(stored.id)])
    again = memory.ingest(turn).results[0]
    assert (again.status, again.id) == ("duplicate", stored.id)
    assert memory.store.statistics().live == 0


def test_a_note_can_become_true_again_after_it_was_superseded(memory: Memory) -> None:
    old = memory.ingest("the port is 1").results[0]
    new = memory.supersede(str(old.id), "the port is 2")
    assert memory.ingest("the port is 1").results[0].status == "pending"
    current = {r.text for r in memory.store.latest.newest(Filter(), 10)}
    assert current == {"the port is 1", "the port is 2"}
    with pytest.raises(InvalidInput, match=f"supersede {new.new_id} instead"):
        memory.supersede(str(old.id), "the port is 3")


def test_ids_grow_with_insertion_whatever_the_dates_say(memory: Memory) -> None:
    for year in (2026, 2020, 2031, 1999):
        memory.ingest({"text": f"in {year}", "created_at": f"{year}-01-01"})
    by_arrival = memory.store.latest.newest(Filter(), 10, by="id")
    assert [r.text for r in by_arrival] == ["in 1999", "in 2031", "in 2020", "in 2026"]
    versions = [record.table_version for record in by_arrival]
    assert versions == sorted(versions, reverse=True)
