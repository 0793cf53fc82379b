"""Backups of a store, taken at times that a test names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from iai_memory import Memory, load_settings
from iai_memory.backup.daily import back_up
from iai_memory.backup.reading import Backup, backups_of
from iai_memory.backup.taking import Taken
from iai_memory.store.record import Record

DAY_0 = datetime(2026, 5, 4, 9, tzinfo=UTC)  # a Monday


def nobody() -> None:
    """Follows a commit."""


def take(memory: Memory, day: float = 0, *, make: bool = True) -> Taken:
    """Takes a backup so many days after the first Monday."""
    at = DAY_0 + timedelta(days=day)
    return back_up(memory.store, memory.settings, at, make=make)


def backups(memory: Memory) -> list[Backup]:
    return backups_of(memory.paths, memory.settings)


def records(backup: Backup) -> dict[str, Record]:
    return {row.record.id: row.record for row in backup.rows()}


def segment_files(folder: Path) -> list[Path]:
    """The segments, in the order in which they were written."""
    found = (folder / "segments").iterdir()
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def backed_up_in(folder: Path, store: Path) -> Memory:
    """A memory whose backups go to a folder of the user's."""
    return Memory(settings=load_settings(store=store, backup=folder), on_commit=nobody)
