"""Doctor says how old the newest backup is that it has read, and what is wrong with others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.backups import backed_up_in, backups, segment_files, take
from tests.support.damage import emptied

from iai_memory import Memory
from iai_memory.backup.daily import back_up
from iai_server.doctor.backup_checks import check_backups
from iai_server.doctor.check import Check, run_check


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    (tmp_path / "disk").mkdir()
    memory = backed_up_in(tmp_path / "disk", tmp_path / "store")
    memory.ingest("sugar feeds bees")
    return memory


def checked(memory: Memory) -> Check:
    return run_check("backups", lambda: check_backups(memory))


def test_a_new_store_needs_none(memory: Memory) -> None:
    assert checked(memory).state == "ok"


def test_a_backup_on_the_disk_of_the_store_is_a_hint(memory: Memory, tmp_path: Path) -> None:
    back_up(memory.store, memory.settings, datetime.now(UTC))
    found = checked(memory)
    assert found.state == "ok"
    assert f"{tmp_path}/disk is on the disk of the store" in found.finding


def test_an_old_one_is_told_only_if_memories_changed(memory: Memory) -> None:
    back_up(memory.store, memory.settings, datetime.now(UTC) - timedelta(days=4))
    assert "memories changed since" not in checked(memory).finding
    memory.ingest("hive two swarmed")
    assert "memories changed since: run `iai-mcp backup`" in checked(memory).finding


def test_damaged_files_are_named(memory: Memory, tmp_path: Path) -> None:
    take(memory, 0)
    take(memory, 1)
    [segment] = segment_files(tmp_path / "disk")
    index = tmp_path / "disk" / f"{backups(memory)[1].name}.json"
    emptied(segment)
    emptied(index)
    found = checked(memory)
    assert found.state == "warning"
    assert str(segment) in found.finding
    assert str(index) in found.finding


def test_a_folder_that_is_gone_is_named(memory: Memory, tmp_path: Path) -> None:
    take(memory)
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    assert f"those in {tmp_path}/disk are gone" in checked(memory).finding
