"""A memory without a model, as no vector is needed here."""

from __future__ import annotations

import pytest

from iai_memory import Memory


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """An empty memory without a model."""
    return words_only
