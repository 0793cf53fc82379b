"""Pairs of two lists of values, few of them quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def few_quick(first: Sequence[Any], second: Sequence[Any]) -> list[ParameterSet]:
    """All pairs as parameters: each value of either list is in a quick one, the others are slow."""
    longest = max(len(first), len(second))
    quick = {(at % len(first), at % len(second)) for at in range(longest)}
    return [
        pytest.param(one, other, marks=() if (i, j) in quick else pytest.mark.slow)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
    ]
