"""Confidence intervals by the percentile bootstrap (Efron, 1979), and tables that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1_000
SEED = 20261123
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over questions with the ends of its 95 % interval, all three None for no values."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        """As a cell of a table, such as ".764 .733-.794", or ".020 -.010..050" with a sign."""
        if self.value is None or self.low is None or self.high is None:
            return "-"
        between = ".." if self.low < 0 else "-"
        return f"{_short(self.value)} {_short(self.low)}{between}{_short(self.high)}"

    def plain(self) -> dict[str, float | int | None]:
        """As JSON has it."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def mean_with_interval(
    values: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Mean:
    """The mean and its interval, drawn with replacement; equal calls agree.

    Questions are drawn, or with `groups`, the group of each value, whole groups (the cluster
    bootstrap; Field and Welsh, 2007): questions of one group are alike, and more of them say less
    than their number. A single group has no interval to speak of, it is the mean itself.
    """
    if not values:
        return Mean(None, None, None, 0)
    array = np.asarray(values, dtype=np.float64)
    draw = np.random.default_rng(seed)
    names = range(len(array)) if groups is None else groups
    _, of = np.unique(np.asarray(names), return_inverse=True)
    sums, counts = np.bincount(of, weights=array), np.bincount(of)
    drawn = draw.integers(0, len(sums), (resamples, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Mean(
        round(float(array.mean()), 4), round(float(low), 4), round(float(high), 4), len(array)
    )


def table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[object]]) -> str:
    """A titled table: the name of each row on the left, columns as wide as they need."""
    cells = {name: [str(value) for value in row] for name, row in rows.items()}
    first = max(len(title), *(len(name) for name in cells)) + 2
    widths = [
        max(len(column), *(len(row[at]) for row in cells.values())) + 2
        for at, column in enumerate(columns)
    ]
    lines = [(title, list(columns)), *cells.items()]
    return "\n".join(
        f"{name:<{first}}" + "".join(f"{c:>{w}}" for c, w in zip(row, widths, strict=True))
        for name, row in lines
    )


def _short(value: float) -> str:
    return f"{value:.2f}" if value >= 1 else f"{value + 0.0:.3f}".replace("0.", ".", 1)
