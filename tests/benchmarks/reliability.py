"""How well said probabilities agree with what came true (a reliability diagram as a table)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from .intervals import mean_with_interval

EDGES = (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def reliability(said: Sequence[float], right: Sequence[bool]) -> dict[str, list[object]]:
    """Return for each bin of probabilities how many, what they said and what was right.

    The last row is the whole: the mean of what was said, the share that was right, and the expected
    calibration error, which is the mean distance of the two in a bin, weighted by its size.

    Raises:
        ValueError: There are no values.
    """
    if not said:
        raise ValueError("no calibration without answers that say how sure they are")
    chances, outcomes = np.asarray(said, np.float64), np.asarray(right, np.float64)
    bins = np.clip(np.digitize(chances, EDGES[1:-1]), 0, len(EDGES) - 2)
    rows: dict[str, list[object]] = {}
    error = 0.0
    for number, (low, high) in enumerate(pairwise(EDGES)):
        inside = bins == number
        if not inside.any():
            continue
        mean, share = float(chances[inside].mean()), mean_with_interval(outcomes[inside].tolist())
        error += abs(mean - float(outcomes[inside].mean())) * int(inside.sum()) / len(chances)
        rows[f"{low:.1f} to {high:.1f}"] = [int(inside.sum()), f"{mean:.2f}", share]
    whole = mean_with_interval(outcomes.tolist())
    rows[f"all, error {error:.3f}"] = [len(chances), f"{chances.mean():.2f}", whole]
    return rows
