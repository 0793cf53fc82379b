"""When the table compacts, and what files it leaves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from iai_memory import Memory


def test_compaction_runs_on_its_budget_and_keeps_files_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_COMMIT_BUDGET", "8")
    memory = Memory(tmp_path / "store")
    for number in range(40):
        memory.ingest(f"number {number}")
    assert memory.store.commits_since_compaction() < 8
    memory.store.compact(keep=timedelta(0))
    data = list((memory.paths.database / "memories.lance" / "data").iterdir())
    versions = list((memory.paths.database / "memories.lance" / "_versions").glob("*.manifest"))
    assert len(data) <= 2
    assert len(versions) <= 2
    assert memory.store.statistics().total == 40


def test_a_new_table_is_of_the_format_whose_columns_of_one_value_are_not_read_whole(
    memory: Memory,
) -> None:
    memory.ingest("before a compaction")
    memory.ingest("and after it")
    memory.store.compact(keep=timedelta(0))
    files = list((memory.paths.database / "memories.lance" / "data").iterdir())
    # The footer of a Lance file: major and minor version, then the magic bytes.
    assert {file.read_bytes()[-8:] for file in files} == {b"\x02\x00\x01\x00LANC"}


def test_a_larger_store_is_compacted_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_COMMIT_BUDGET", "4")
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = Memory(tmp_path / "store")
    most = []
    for stored in (0, 300, 2_000):
        if stored:
            memory.ingest([f"stored {stored}, {number}" for number in range(stored)])
        memory.store.compact(keep=timedelta(0))
        since = []
        for number in range(20):
            memory.ingest(f"after {stored}, {number}")
            since.append(memory.store.commits_since_compaction())
        most.append(max(since))
    # One commit of the budget compacts, so it is never seen.
    assert most == [3, 6, 15]
