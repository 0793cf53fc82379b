"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.checkout import ROOT


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """The real model, only to read: IAI_MCP_MODEL, else where `make setup` puts it."""
    named = os.environ.get("IAI_MCP_MODEL")
    folder = Path(named) if named else ROOT / ".cache" / "model"
    if not folder.is_dir():
        pytest.fail(f"no embedding model in {folder}: run `make setup`")
    return folder
