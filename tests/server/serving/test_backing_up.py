"""A server takes the backup of the day while it sleeps, and the last one at its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.backups import backups, nobody
from tests.support.pages import until
from tests.support.talking import WAIT_SEC

from iai_memory import Memory, load_settings
from iai_memory.backup.daily import back_up
from iai_server.serving.refresher import Refresher
from iai_server.serving.runtime import Runtime


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = Memory(tmp_path / "store", on_commit=nobody)
    memory.ingest("sugar feeds bees")
    return memory


@pytest.fixture
def serving(memory: Memory) -> Callable[[float], Refresher]:
    """Starts the sidecar of a server on that store, which sleeps after so many seconds."""

    def start(sleep_after_sec: float) -> Refresher:
        settings = load_settings(store=memory.paths.root).model_copy(
            update={"refresh_tick_sec": 0.2, "sleep_after_sec": sleep_after_sec}
        )
        runtime = Runtime(settings, memory.paths.root)
        runtime.start()
        refresher = Refresher(runtime)
        refresher.start()
        return refresher

    return start


def test_a_server_that_sleeps_takes_a_backup(
    memory: Memory, serving: Callable[[float], Refresher]
) -> None:
    refresher = serving(0.1)
    try:
        until("a backup", lambda: len(backups(memory)) == 1)
    finally:
        assert refresher.stop(WAIT_SEC)


def test_the_last_server_takes_the_backup_that_is_due_at_its_end(
    memory: Memory, serving: Callable[[float], Refresher]
) -> None:
    back_up(memory.store, memory.settings, datetime.now(UTC) - timedelta(days=2))
    first, last = serving(600), serving(600)
    until("two servers", lambda: len(list((memory.paths.root / "servers").glob("*.lock"))) == 2)
    assert first.stop(WAIT_SEC)
    assert len(backups(memory)) == 1
    assert last.stop(WAIT_SEC)
    assert len(backups(memory)) == 2
