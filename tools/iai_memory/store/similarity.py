"""Cosines of a query with a text: with the whole of it, and with its best passage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..embedding.passages import Span


class Similarity(NamedTuple):
    """Two cosines, each -1..1.

    Attributes:
        whole: Of the query with the whole text.
        best_passage: With the most similar passage; that of the whole text where it has none.
        span: Where this passage begins and ends in the text; None where it has none.
    """

    whole: float
    best_passage: float
    span: Span | None


def similarities_of(
    ids: Sequence[str],
    counts: NDArray[np.int64],
    cosines: NDArray[np.float32],
    spans: NDArray[np.int32],
) -> dict[str, Similarity]:
    """Return similarities by id, from the cosines of all vectors side by side.

    Args:
        ids: Of n records.
        counts: (n,), at least 1: the number of vectors of each, the whole text's first.
        cosines: (counts.sum(),).
        spans: (counts.sum(), 2); those of whole texts are not looked at.
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
        id_: Similarity(whole, cosine, (start, end) if count > 1 else None)
        for id_, count, whole, cosine, (start, end) in zip(
            ids,
            counts.tolist(),
            cosines[begins].tolist(),
            best.tolist(),
            spans[first].tolist(),
            strict=True,
        )
    }
