"""Stores that are made once for a module and copied for each test that damages or changes one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_memory import Memory, load_settings


def made_once(factory: pytest.TempPathFactory, fill: Callable[[Memory], object]) -> Path:
    """Makes a store without a model and fills it; returns its folder, which is only copied."""
    root = factory.mktemp("made") / "store"
    fill(Memory(settings=load_settings(store=root, model=None), on_commit=_nobody))
    return root


def copied(made: Path, store: Path) -> Path:
    """Copies the store, with the times of its files; returns the copy's folder."""
    return shutil.copytree(made, store)


def _nobody() -> None:
    """Follows a commit."""
