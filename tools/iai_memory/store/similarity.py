"""How like a query a text is: as a whole, and in the passage that is most like it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..embedding.passages import Span


class Likeness(NamedTuple):
    """Two cosines.

    Attributes:
        whole: Of the query with the whole text, -1..1.
        best: With the passage that is most like it; that of the whole text where it has none.
        span: Where this passage stands in the text; None where it has none.
    """

    whole: float
    best: float
    span: Span | None


def likenesses_of(
    ids: Sequence[str],
    counts: NDArray[np.int64],
    cosines: NDArray[np.float32],
    spans: NDArray[np.int32],
) -> dict[str, Likeness]:
    """By id, from the cosines of all vectors side by side.

    Args:
        ids: Of n records.
        counts: (n,), at least 1: how many vectors each has, the whole text's first.
        cosines: (counts.sum(),).
        spans: (counts.sum(), 2); that of a whole text is not looked at.
    """
    if not ids:
        return {}
    begins = np.cumsum(counts) - counts
    parts = cosines.copy()
    parts[begins[counts > 1]] = -np.inf
    best = np.maximum.reduceat(parts, begins)
    where = np.flatnonzero(parts == np.repeat(best, counts))
    first = where[np.searchsorted(where, begins)]
    return {
        id_: Likeness(whole, cosine, (start, end) if count > 1 else None)
        for id_, count, whole, cosine, (start, end) in zip(
            ids,
            counts.tolist(),
            cosines[begins].tolist(),
            best.tolist(),
            spans[first].tolist(),
            strict=True,
        )
    }
