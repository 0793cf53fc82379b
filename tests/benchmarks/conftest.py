"""The model of the benchmarks, which they take from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def model(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks take the model that the environment names."""
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
