"""Pairs of memories that seem to say different things of one subject: to look at, never acted on.

Two current memories are compared where each is among the nearest of the other in its project, by
vector; what their sentences say is weighed by `claims.evidence`. On the held-out half of the
longitudinal world, where every subject is talked about in dozens of texts, half of the listed pairs
are right, and a fifth of the changes is listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..base.clock import iso
from ..base.progress import Progress
from ..results import RecordView, Result
from ..store.filter import Filter
from ..store.record import Record
from ..store.record_view import view_of
from ..store.table import Store
from ..store.vector_rows import Vector
from .claims import Corpus, Weights, evidence
from .recent_vectors import newest_live

LEAST_COSINE: Final = 0.40
NEIGHBOURS: Final = 12
"""Of each memory. Further down the list the nearness alone takes more than all evidence gives."""

_BLOCK: Final = 1_024


class Contradiction(Result):
    """Two memories that may not both be true.

    Attributes:
        older: What was said first.
        newer: What was said later.
        score: What speaks for it less what speaks against it.
        reason: The sum that made the score.
        next: The command that makes the newer one replace the older one, if it does.
    """

    older: RecordView
    newer: RecordView
    score: float
    reason: str
    next: str


@dataclass(frozen=True, slots=True)
class _Pair:
    older: Record
    newer: Record
    rank: int


def find_contradictions(
    store: Store, limit: int, *, weights: Weights | None = None, progress: Progress | None = None
) -> list[Contradiction]:
    """Candidates among the newest 20,000 memories with a vector, newest first.

    Args:
        store: Whose.
        limit: How many at most; where there are more, the newest are told.
        weights: What counts; None is the measured ones.
        progress: Reports each page that is read.

    Raises:
        Interrupted: The caller interrupted it.
        StoreFault: The store could not be read.
    """
    weights = weights or Weights()
    pages = newest_live(store, Filter(), progress or Progress("contradictions"), rounds=0)
    rows = [row for page in pages for row in page]
    corpus = Corpus(record.text for record, _ in rows)
    found = [
        candidate
        for group in _by_project(rows)
        for pair in _near_pairs(group)
        if (candidate := _weighed(pair, corpus, weights)) is not None
    ]
    found.sort(key=lambda one: (one.newer.created_at, one.score), reverse=True)
    return found[:limit]


def _by_project(rows: Sequence[tuple[Record, Vector]]) -> list[list[tuple[Record, Vector]]]:
    groups: dict[str | None, list[tuple[Record, Vector]]] = {}
    for record, vector in rows:
        groups.setdefault(record.project, []).append((record, vector))
    return list(groups.values())


def _near_pairs(group: Sequence[tuple[Record, Vector]]) -> Iterator[_Pair]:
    """The pairs of which each is among the nearest of the other, each once."""
    records = [record for record, _ in group]
    ranks = _ranks(np.stack([vector for _, vector in group]))
    for (one, other), rank in ranks.items():
        back = ranks.get((other, one))
        if one < other and back is not None:
            first, second = sorted(
                (records[one], records[other]), key=lambda record: (record.created_at, record.id)
            )
            yield _Pair(first, second, max(rank, back))


def _ranks(vectors: NDArray[np.float32]) -> dict[tuple[int, int], int]:
    """Of each row its nearest other rows, with how many are nearer; (n, dim), unit length."""
    ranks: dict[tuple[int, int], int] = {}
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -np.inf
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
        for row, found in enumerate(nearest.tolist()):
            for rank, other in enumerate(found):
                if cosines[row, other] >= LEAST_COSINE:
                    ranks[start + row, other] = rank
    return ranks


def _weighed(pair: _Pair, corpus: Corpus, weights: Weights) -> Contradiction | None:
    claims = [corpus.claims(record.text) for record in (pair.older, pair.newer)]
    parts = evidence(claims[0], claims[1], pair.rank, corpus, weights)
    if parts is None:
        return None
    # Rounded first and added then, so that the sum a reader sees is the sum that decided.
    rounded = {name: round(value, 2) for name, value in parts.items() if round(value, 2)}
    score = round(sum(rounded.values()), 2)
    if score < weights.least:
        return None
    told = [f"{'-' if value < 0 else '+'} {name} {abs(value)}" for name, value in rounded.items()]
    return Contradiction(
        older=view_of(pair.older),
        newer=view_of(pair.newer),
        score=score,
        reason=f"{' '.join(told).removeprefix('+ ')} = {score}",
        next=f'iai-mcp supersede {pair.older.id} "…" --at {iso(pair.newer.valid_from)}',
    )
