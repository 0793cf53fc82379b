"""Where the real hosts are, and a place of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.checkout import ROOT

from .place import Place


@pytest.fixture(scope="session")
def clients() -> Path:
    """The folder of the hosts' commands, as `make test-clients` installs them."""
    return _commands("clients", "claude", "codex", "mcpb")


@pytest.fixture(scope="session")
def newest_clients() -> Path:
    """The same of the newest hosts."""
    return _commands("clients-newest", "claude", "codex")


@pytest.fixture
def place(tmp_path: Path, clients: Path, model_folder: Path) -> Place:
    """An empty HOME, a project and a store."""
    return Place(tmp_path, clients, model_folder)


def _commands(cache: str, *names: str) -> Path:
    folder = ROOT / ".cache" / cache / "node_modules" / ".bin"
    for name in names:
        if not os.access(folder / name, os.X_OK):
            pytest.fail(f"no {name} in {folder}: run `make test-clients`")
    return folder
