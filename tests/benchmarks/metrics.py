"""How good a ranking is, for binary relevance.

Every function takes the ranked ids, best first and without repeats, and the relevant ids, at least
one; a function with `k` looks at the first `k`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def recall_any(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """1.0 if any relevant id is among the first k, else 0.0."""
    return float(any(id_ in relevant for id_ in ranked[:k]))


def recall_all(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """1.0 if every relevant id is among the first k, else 0.0."""
    return float(set(relevant) <= set(ranked[:k]))


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 divided by the rank of the first relevant id, 0.0 if there is none."""
    for rank, id_ in enumerate(ranked, 1):
        if id_ in relevant:
            return 1.0 / rank
    return 0.0


def ndcg(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002), 0.0 to 1.0.

    A relevant id at rank r gains 1 / log2(r + 1); the ideal ranking has all relevant ids first.
    """
    gained = sum(_gain(rank) for rank, id_ in enumerate(ranked[:k], 1) if id_ in relevant)
    ideal = sum(_gain(rank) for rank in range(1, min(k, len(set(relevant))) + 1))
    return gained / ideal


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("a percentile of no values: measure at least one")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _gain(rank: int) -> float:
    return 1.0 / math.log2(rank + 1)
