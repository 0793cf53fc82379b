"""A store without a model, and the command line on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.pages import opened

from iai_memory import Memory
from iai_server.cli.main import run


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """An empty store without a model, whose interval is nothing."""
    return opened(tmp_path / "store")


@pytest.fixture
def command(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs `iai-mcp` on that store in this process; gives what it prints."""
    monkeypatch.setenv("IAI_MCP_STORE", str(memory.paths.root))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")

    def printed(*arguments: str) -> str:
        assert run(list(arguments)) == 0
        return capsys.readouterr().out

    return printed
