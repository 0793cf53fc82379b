"""The hooks, each run by every shell that is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.hooks import CaptureRun, PromptRun, RecallRun


@pytest.fixture
def recall(shell: list[str], tmp_path: Path) -> RecallRun:
    """The session-start hook with an empty store and an empty project."""
    made = RecallRun(shell, tmp_path.resolve())
    made.project.mkdir()
    made.store.mkdir(mode=0o700)
    return made


@pytest.fixture
def prompt(shell: list[str], tmp_path: Path) -> PromptRun:
    """The prompt hook with an empty store, in which no server waits."""
    made = PromptRun(shell, tmp_path.resolve())
    made.store.mkdir(mode=0o700)
    return made


@pytest.fixture
def capture(shell: list[str], tmp_path: Path) -> CaptureRun:
    """The capture hook where no store exists yet."""
    return CaptureRun(shell, tmp_path.resolve())
