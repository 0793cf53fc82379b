"""A HOME of its own, an app without a memory, and an empty memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.pages import opened

from iai_memory import Memory, load_settings
from iai_server.mcp.app import App
from iai_server.mcp.server import build_app
from iai_server.serving.runtime import Runtime


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HOME, and a folder that is worked in."""
    for name in list(os.environ):
        if name.startswith(("IAI_MCP_", "CLAUDE_", "CODEX_", "XDG_")):
            monkeypatch.delenv(name)
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(project)
    umask = os.umask(0o022)
    yield home
    os.umask(umask)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The real server without a memory, which nothing here asks for."""
    folder = tmp_path_factory.mktemp("handshake")
    return build_app(Runtime(load_settings(store=folder / "store"), folder).for_request)


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty store without a model, which the environment names."""
    found = opened(tmp_path / "store")
    monkeypatch.setenv("IAI_MCP_STORE", str(found.paths.root))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return found
