"""A memory: with the real model, of words only, or as a server opens it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.themes import OpenMemory

from iai_memory import Memory, load_settings


def nobody() -> None:
    """Follows a commit, as in a server: to render pages after each takes longer than the commits.

    What a test wants done, it does.
    """


@pytest.fixture
def open_memory(tmp_path: Path, model_folder: Path) -> OpenMemory:
    """Opens a store of this test by name, with the real model."""

    def open_(name: str = "store") -> Memory:
        settings = load_settings(store=tmp_path / name, model=model_folder)
        return Memory(settings=settings, on_commit=nobody)

    return open_


@pytest.fixture
def memory(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty memory with the real model, which the environment names."""
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    return Memory(tmp_path / "store", on_commit=nobody)


@pytest.fixture
def words_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty memory without a model: what is found here is found by its words."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return Memory(tmp_path / "store", on_commit=nobody)
