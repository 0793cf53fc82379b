"""One score from all signals, and the parts that add up to it.

Fusion by rank would throw away the distances that tell a clear winner from noise, so the signals
are weighted and added.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..store.record import Record
from .candidates import CandidateSet
from .neighbours import Floats
from .query import Query
from .ranked import Ranked
from .signals import SIGNALS, SignalInputs
from .weights import Weights

MAX_RANKED: Final = 150
_RANKED_PER_EXCHANGE: Final = 6  # each has several turns
_RANKED_PER_HIT: Final = 3  # several of them may become one hit


def score(found: CandidateSet, query: Query, weights: Weights) -> list[Ranked]:
    """Return the best candidates, best first; of equal scores the newer one first.

    Of the turns of an exchange with an assistant only the best stands for it.
    """
    if not found.candidates:
        return []
    inputs = SignalInputs(found, query)
    signals = [signal for signal in SIGNALS if signal.weight(weights)]
    weighted = [signal.weight(weights) * signal.compute(inputs) for signal in signals]
    # Rounded before they are added, so that the sum in the reason is the score.
    parts = np.round(np.stack(weighted, axis=1), 3)
    scores = np.round(parts.sum(axis=1), 3)
    names = [signal.name for signal in signals]
    similarities = np.maximum(inputs.whole_cosine, inputs.passage_cosine)
    rows = _best_rows(inputs.records, scores, _limit(found, query))
    if found.has_exchanges:
        rows = inputs.exchanges.first_rows(rows)
    return [
        Ranked(
            inputs.records[row],
            total,
            dict(zip(names, values, strict=True)),
            similarity,
            covered,
            reads,
            inputs.similarities[row].span,
        )
        for row, total, values, similarity, covered, reads in zip(
            rows,
            scores[rows].tolist(),
            parts[rows].tolist(),
            similarities[rows].tolist(),
            inputs.coverage[rows].tolist(),
            inputs.reads[rows].tolist(),
            strict=True,
        )
    ]


def _limit(found: CandidateSet, query: Query) -> int:
    """Return how many to rank: more where several wordings or turns become one hit."""
    if any(one.record.valid_to is not None for one in found.candidates):
        return MAX_RANKED
    return (_RANKED_PER_EXCHANGE if found.has_exchanges else _RANKED_PER_HIT) * query.limit


def _best_rows(records: Sequence[Record], scores: Floats, limit: int) -> list[int]:
    """Return the rows of the best, in the order of `ranked.sort_key`; only these are sorted."""
    lowest = np.sort(scores)[-limit:][0]
    rows = np.flatnonzero(scores >= lowest).tolist()
    # Each sort keeps the order of equal ones, so the last one counts most.
    rows.sort(key=lambda row: records[row].id)
    rows.sort(key=lambda row: records[row].created_at, reverse=True)
    rows.sort(key=scores.tolist().__getitem__, reverse=True)
    return rows[:limit]
