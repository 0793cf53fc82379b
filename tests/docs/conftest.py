"""A user's place for documents: a HOME with transcripts, a store, the command on the PATH."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.checkout import EXAMPLES

from iai_memory import Memory

BIN = Path(sys.executable).parent


@pytest.fixture
def home(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A HOME that holds the sample transcripts; the working folder is an empty one beside it.

    No variable of ours or of a host is set but the model's, so the store is `~/.iai-mcp`.
    """
    home = tmp_path / "home"
    shutil.copytree(EXAMPLES / "transcripts/claude", home / ".claude/projects")
    shutil.copytree(EXAMPLES / "transcripts/codex", home / ".codex/sessions")
    for name in list(os.environ):
        if name.startswith(("IAI_MCP_", "CLAUDE_", "CODEX_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    umask = os.umask(0o077)
    yield home
    os.umask(umask)


@pytest.fixture
def used(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A memory in a store that the environment names."""
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    return Memory()
