"""How well a number tells questions that have an answer from those that have none.

A question is taken for unanswerable when its number lies under a threshold. The threshold comes
from the tuning half, what it does is told on the held-out half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

NOTHING = -math.inf
"""The number of a question that got an empty answer: under every threshold."""


def area_under_roc(answerable: Sequence[float], unanswerable: Sequence[float]) -> float:
    """The chance that an answerable question has the larger number, ties counting half.

    Raises:
        ValueError: One of the two has no values.
    """
    if not answerable or not unanswerable:
        raise ValueError("no curve without questions of both sorts")
    ordered = np.sort(np.asarray(unanswerable, dtype=np.float64))
    values = np.asarray(answerable, dtype=np.float64)
    below = np.searchsorted(ordered, values, side="left")
    not_above = np.searchsorted(ordered, values, side="right")
    return float((below + not_above).mean() / 2 / len(ordered))


def threshold_that_loses(answerable: Sequence[float], share: float) -> float:
    """The largest of the numbers under which at most `share` of the answerable ones lie.

    Raises:
        ValueError: There are no values.
    """
    if not answerable:
        raise ValueError("no threshold without answerable questions")
    ordered = sorted(answerable)
    return ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))]


def share_under(values: Sequence[float], threshold: float) -> float:
    """The share of the values under the threshold, 0.0 for no values."""
    return sum(value < threshold for value in values) / len(values) if values else 0.0
