"""What a record was at each moment, and every change undone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from iai_memory import Memory
from iai_memory.store.record import Change, Record


def test_as_of_knows_what_was_held_and_true_at_each_moment(memory: Memory) -> None:
    stored = memory.ingest({"text": "port 1", "created_at": "2026-01-01"}).results[0]
    moments: list[datetime] = []

    def now() -> None:
        moments.append(datetime.now(UTC))

    now()
    new = memory.supersede(str(stored.id), "port 2").new_id
    now()
    memory.forget([new])
    now()
    memory.restore([new])
    now()

    def held(moment: datetime) -> list[str]:
        return [hit.text for hit in memory.recall("port", as_of=moment).hits]

    assert [held(moment) for moment in moments] == [["port 1"], ["port 2"], [], ["port 2"]]
    assert held(datetime(2025, 1, 1, tzinfo=UTC)) == []


def test_tags_and_pins_are_answered_as_they_were(memory: Memory) -> None:
    stored = memory.ingest({"text": "port 1", "tags": ["old"]}).results[0]
    before = datetime.now(UTC)
    memory.pin(str(stored.id), add_tags=["new"], remove_tags=["old"])
    then = memory.recall("port", as_of=before, tags=["old"]).hits
    assert [(hit.tags, hit.pinned) for hit in then] == [(["old"], False)]
    assert memory.recall("port", as_of=before, tags=["new"]).hits == []
    assert [hit.tags for hit in memory.recall("port").hits] == [["new"]]


def test_history_survives_the_way_through_the_table(memory: Memory) -> None:
    stored = memory.ingest({"text": "x", "tags": ["a", "ü'"]}).results[0]
    memory.pin(str(stored.id), add_tags=["b"])
    memory.forget([str(stored.id)])
    [record] = memory.store.latest.get([str(stored.id)])
    assert [(change.field, change.before) for change in record.history] == [
        ("pinned", False),
        ("tags", ("a", "ü'")),
        ("tombstoned_at", None),
    ]


def test_undoing_every_change_gives_the_first_state() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record("i", "t", "note", "cli", start, start, start, start, "k")
    changed = record
    for day, tag in enumerate("abc", 1):
        changed = changed.changed(start + timedelta(days=day), tags=(*changed.tags, tag))
    assert changed.as_of(start).tags == ()
    assert changed.as_of(start + timedelta(days=2)).tags == ("a", "b")
    assert changed.history[0] == Change(start + timedelta(days=1), "tags", ())


def test_records_are_plain_data_on_the_way_out(memory: Memory) -> None:
    memory.ingest({"text": "x", "created_at": "2026-05-08T10:00:00+02:00"})
    records: list[dict[str, Any]] = json.loads(memory.timeline(turns=True).model_dump_json())[
        "records"
    ]
    assert records[0]["created_at"] == "2026-05-08T08:00:00Z"
