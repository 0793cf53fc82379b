"""`iai-mcp undo`, `history` and `diff`: said before it is done, and safe to read on a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_server.cli.main import run


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The memory that the commands open; it has no model."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return Memory(tmp_path / "store", on_commit=lambda: None)


def count(memory: Memory) -> int:
    return memory.store.statistics().live


def test_an_undo_says_what_it_would_do_and_does_it_with_yes_only(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.ingest(["port 1", "port 2\x1b[31m\u202e"])
    assert run(["undo"]) == 2
    shown = capsys.readouterr()
    assert "2 memories, 2 forgotten" in shown.out
    assert "port 1" in shown.out
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out
    assert "add --yes" in shown.err
    assert run(["undo", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["done"], plan["total"], plan["redo"]) == (False, 2, None)
    assert count(memory) == 2
    assert run(["undo", "--yes"]) == 0
    assert "take it back with `iai-mcp undo`" in capsys.readouterr().out
    assert count(memory) == 0
    assert run(["undo", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"restored": 2}
    assert count(memory) == 2


def test_where_nothing_is_to_be_undone_the_exit_code_says_so(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["undo", "--yes"]) == 1
    assert capsys.readouterr().out == "there is nothing to undo\n"
    memory.ingest("port 1")
    assert run(["undo", "--to", "today", "--yes"]) == 1
    assert "there is nothing to undo" in capsys.readouterr().out
    assert run(["undo", "--to", "when the gull came"]) == 2


def test_history_and_diff_are_read_by_people_and_programs(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    [done] = memory.ingest("port 1").results
    memory.forget([str(done.id)], reason="a\nsecond line")
    assert run(["history", str(done.id)]) == 0
    text = capsys.readouterr().out
    assert "--forgotten shows its text" in text
    assert "forgotten by cli, change" in text
    assert "port 1" not in text
    assert run(["history", str(done.id), "--forgotten", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "port 1"
    assert run(["diff", "today"]) == 0
    assert "1 memory, 1 added, 1 forgotten" in capsys.readouterr().out
    assert run(["diff", "today", "--limit", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["total"], found["memories"]) == (1, [])
    assert run(["history", "ffffffff"]) == 1
