"""A store takes a backup once a day by itself, and tells where it could not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.backups import DAY_0, backed_up_in, backups, nobody, records, take

from iai_memory import Memory, load_settings
from iai_memory.backup.daily import back_up_if_due
from iai_memory.backup.place import last_backups
from iai_memory.backup.taking import Taken


def due(
    memory: Memory, hours: float, *, asleep: bool = False, max_seconds: float = 60
) -> Taken | None:
    """What happens so many hours after the first Monday."""
    at = DAY_0 + timedelta(hours=hours)
    return back_up_if_due(memory.store, memory.settings, at, asleep=asleep, max_seconds=max_seconds)


def test_the_next_backup_is_due_a_day_after_the_last(words_only: Memory) -> None:
    words_only.ingest("sugar feeds bees")
    take(words_only)
    assert due(words_only, 23.9) is None
    assert due(words_only, 24) is not None
    assert due(words_only, 47) is None


def test_a_sleep_takes_it_some_hours_earlier_and_the_first_one_at_once(words_only: Memory) -> None:
    assert due(words_only, 0, asleep=True) is None  # nothing is in it
    words_only.ingest("sugar feeds bees")
    assert due(words_only, 0, asleep=True) is not None
    assert due(words_only, 19, asleep=True) is None
    assert due(words_only, 20, asleep=True) is not None


def test_a_clock_that_was_ahead_puts_no_backup_off(words_only: Memory) -> None:
    words_only.ingest("sugar feeds bees")
    take(words_only, 3650)
    assert due(words_only, 0) is not None


def test_a_bound_in_time_ends_a_call_and_the_next_ones_go_on(
    words_only: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iai_memory.backup.segment.MAX_ROWS", 2)
    words_only.ingest([f"hive {number} swarmed" for number in range(5)])
    written = [due(words_only, hour, asleep=True, max_seconds=0) for hour in range(3)]
    assert [taken and (taken.written, taken.point is None) for taken in written] == [
        (2, True),
        (2, True),
        (1, False),
    ]
    [backup] = backups(words_only)
    assert len(records(backup)) == 5


def test_a_failure_is_told_and_tried_again_after_an_hour(tmp_path: Path) -> None:
    memory = backed_up_in(tmp_path / "disk", tmp_path / "store")
    memory.ingest("sugar feeds bees")
    take(memory)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    assert due(memory, 24) is None
    fault = last_backups(memory.paths)[str(tmp_path / "disk")].fault
    assert "are gone: mount its disk" in fault
    told = memory.ledger.last("backup_failed")
    assert told is not None
    assert told["error"] == fault
    (tmp_path / "unmounted").rename(tmp_path / "disk")
    assert due(memory, 24.9) is None
    assert due(memory, 25) is not None
    assert last_backups(memory.paths)[str(tmp_path / "disk")].fault == ""


def test_a_process_that_stored_something_takes_it_at_its_end(words_only: Memory) -> None:
    words_only.ingest("sugar feeds bees")
    take(words_only)
    process = Memory(words_only.paths.root)
    process.close()
    assert len(backups(words_only)) == 1
    process.ingest("hive two swarmed")
    process.close()
    assert [one.count for one in backups(words_only)] == [2, 1]


def test_a_new_store_waits_for_a_day_unless_it_sleeps(tmp_path: Path) -> None:
    memory = Memory(settings=load_settings(store=tmp_path / "store"), on_commit=nobody)
    memory.ingest("sugar feeds bees")
    now = datetime.now(UTC)
    assert back_up_if_due(memory.store, memory.settings, now) is None
    assert back_up_if_due(memory.store, memory.settings, now, asleep=True) is not None
