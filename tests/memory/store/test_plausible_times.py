"""A time that lies ahead orders nothing: a memory was said when it was stored, at the latest."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lancedb
import pytest

from iai_memory import Memory
from iai_memory.store.filter import Filter


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: times need none."""
    return words_only


def newest_first(memory: Memory) -> list[str]:
    return [record.text for record in memory.timeline(limit=10, turns=True).records]


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("ahead", ["2999-01-01", "9999-12-31", "in two days"])
def test_a_memory_of_a_far_day_is_ordered_by_when_it_came(memory: Memory, ahead: str) -> None:
    ahead = in_days(2) if ahead == "in two days" else ahead
    far = {"text": "far", "created_at": ahead, "tags": ["mine"]}
    memory.ingest(far)
    memory.ingest("near")

    assert newest_first(memory) == ["near", "far"]
    [record] = memory.store.latest.newest(Filter(tags=("time-estimated", "mine")), 10)
    assert record.created_at == record.ingested_at
    assert "2999" not in memory.session_start().payload
    assert memory.ingest(far).duplicates == 1


def test_a_clock_may_be_some_hours_ahead(memory: Memory) -> None:
    told = datetime.now(UTC) + timedelta(hours=14)
    memory.ingest({"text": "zone", "created_at": told.isoformat()})
    [record] = memory.store.latest.newest(Filter(), 10)
    assert (record.created_at, record.tags) == (told, ())


@pytest.mark.parametrize("past", ["0001-01-01", "1969-12-31T23:59:59Z", "1970-01-01"])
def test_a_memory_of_long_ago_stays_where_it_was_told_to_be(memory: Memory, past: str) -> None:
    memory.ingest("near")
    memory.ingest({"text": "long ago", "created_at": past})
    assert newest_first(memory) == ["near", "long ago"]
    assert "long ago" in memory.session_start().payload


def test_a_store_of_earlier_versions_is_mended_when_it_is_opened(memory: Memory) -> None:
    memory.ingest([{"text": "far"}, {"text": "near", "created_at": "2026-05-08"}])
    table = lancedb.connect(memory.paths.database).open_table("memories")
    table.update(where="text = 'far'", values_sql={"created_at": "timestamp '2999-01-01T00:00:00'"})
    assert memory.store.statistics().max_created_at == datetime(2999, 1, 1, tzinfo=UTC)

    opened = Memory(memory.paths.root)
    opened.ingest("later")
    assert newest_first(opened) == ["later", "far", "near"]
    newest = opened.store.statistics().max_created_at
    assert newest is not None
    assert newest.year < 2999
    assert newest_first(memory) == ["later", "far", "near"]
    # Another look finds nothing to mend.
    version = opened.store.version
    assert Memory(memory.paths.root).store.version == version


def test_an_export_with_times_that_lie_ahead_orders_nothing_and_later_changes_keep_their_times(
    memory: Memory, tmp_path: Path
) -> None:
    memory.ingest({"text": "far", "created_at": "2026-05-08"})
    far = dict.fromkeys(("created_at", "ingested_at", "updated_at"), "2999-01-01T00:00:00Z")
    line = {**json.loads(next(memory.export_lines())), **far}
    other = Memory(tmp_path / "other")
    assert [one.stored for one in other.import_lines([json.dumps(line)])] == [1]
    other.ingest("near")
    assert newest_first(other) == ["near", "far"]
    assert all(
        time is None or time < datetime.now(UTC)
        for record in other.store.latest.newest(Filter(), 10)
        for time in (record.created_at, record.ingested_at, record.updated_at)
    )
