"""A server whose store is moved away or lost says so, makes nothing in its place, and recovers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from tests.support.pages import until
from tests.support.talking import ChildServer, child_environment, child_server

from iai_memory import Memory, load_settings
from iai_memory.base.paths import StorePaths
from iai_memory.base.presence import alive_servers
from iai_server.cli.main import run

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("recall", {"query": "lamp"}),
    ("ingest", {"memories": [{"text": "said meanwhile"}]}),
    ("status", {}),
    ("timeline", {}),
    ("session_start", {}),
)


@pytest.fixture
def store(tmp_path: Path) -> StorePaths:
    memory = Memory(settings=load_settings(store=tmp_path / "store"))
    memory.ingest("the lamp is changed in March")
    return memory.paths


@pytest.fixture
def server(store: StorePaths) -> Generator[ChildServer]:
    """A server that has answered from the store and is announced in it."""
    with child_server(store.root, None) as child:
        child.ask("status")
        until("its card", lambda: alive_servers(store))
        yield child


def test_a_store_that_was_moved_away_is_missed_in_every_answer_and_used_when_it_is_back(
    store: StorePaths, server: ChildServer
) -> None:
    away = store.root.rename(store.root.with_name("away"))
    for tool, arguments in CALLS:
        assert "is gone: put it back" in server.refused(tool, arguments)
    assert not store.root.exists()
    subprocess.run(["cp", "-a", away, store.root], check=True)
    shutil.rmtree(away)
    assert server.ask("ingest", {"memories": [{"text": "said afterwards"}]})
    assert server.ask("status")["records"] == 2
    until("its card", lambda: alive_servers(store))


@pytest.mark.slow
def test_a_server_that_ends_while_its_store_is_away_leaves_nothing_in_its_place(
    store: StorePaths, server: ChildServer
) -> None:
    shutil.rmtree(store.root)
    assert "is gone: put it back" in server.refused("status")
    code, _, _ = server.end()
    assert code == 0
    assert not store.root.exists()


@pytest.mark.slow
def test_a_server_that_starts_on_a_lost_store_says_so_and_recovers(store: StorePaths) -> None:
    table = store.table.rename(store.root.with_name("table"))
    before = {path.relative_to(store.root) for path in store.root.rglob("*")}
    with child_server(store.root, None) as child:
        for tool, arguments in CALLS:
            assert "iai-mcp doctor --repair" in child.refused(tool, arguments)
        now = {path.relative_to(store.root) for path in store.root.rglob("*")}
        assert {path.parts[0] for path in now - before} <= {"locks", "logs"}
        table.rename(store.table)
        assert child.ask("status")["records"] == 1
        until("its card", lambda: alive_servers(store))


@pytest.mark.parametrize("command", ["status", "drain", "doctor"])
def test_a_command_on_a_lost_store_names_the_way_back(
    store: StorePaths,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in child_environment(store.root, None).items():
        monkeypatch.setenv(name, value)
    shutil.rmtree(store.table)
    assert run([command]) == 1
    told = "".join(capsys.readouterr())
    assert "is gone, and what is left is" in told
    assert "iai-mcp doctor --repair" in told
    assert not store.table.exists()
