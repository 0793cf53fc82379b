"""An environment that names no model."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_model_in_the_environment(monkeypatch: pytest.MonkeyPatch, model_folder: Path) -> None:
    """A test of the embedding names its model itself."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
