"""A memory without a model, as no vector is needed here."""

from __future__ import annotations

from weakref import WeakValueDictionary

import pytest

from iai_memory import Memory


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """An empty memory without a model."""
    return words_only


@pytest.fixture(autouse=True)
def nothing_is_measured_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test loads the model anew: how long a step of embedding is depends on what it took."""
    loaded: WeakValueDictionary[object, object] = WeakValueDictionary()
    monkeypatch.setattr("iai_memory.embedding.encoder._loaded", loaded)
