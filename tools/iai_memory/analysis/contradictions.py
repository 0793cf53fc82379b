"""Pairs of memories that seem to contradict each other: a list to look at, nothing is changed.

Two current memories are compared if each is among the nearest of the other in its project, by
cosine, and if the later one may end the earlier one as `recall.slots` sees it; `claims.evidence`
weighs their sentences. On the held-out half of the longitudinal world, where dozens of texts are
about every subject, .60 of the listed pairs are right, and .19 of the changes are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..base.clock import iso, utc_now
from ..base.progress import Progress
from ..embedding.identity import text_cosine
from ..projects.names import ProjectNames
from ..recall.slots import in_order, may_end
from ..results import RecordView, Result
from ..store.filter import Filter
from ..store.record import Record
from ..store.record_view import view_of
from ..store.table import Store
from ..store.vector_rows import Vector
from .claims import Corpus, EvidenceWeights, evidence
from .recent_vectors import MAX_MEMORIES, recent_vectors

MIN_COSINE: Final = 0.40
"""Of all-MiniLM-L6-v2; of another model the cosine that means as much."""

NEIGHBOURS: Final = 12
"""Of each memory. For a farther neighbour the rank alone costs more than all evidence can give."""

_OF_THE_USER: Final = ("user", "note")
_BLOCK: Final = 1_024


class Contradiction(Result):
    """Two memories that may not both be true.

    Attributes:
        older: The memory that was said first.
        newer: The other memory.
        score: Evidence for it less evidence against it, in log-odds.
        reason: The sum that makes the score.
        next: The command that settles it: the newer one replaces the older one, or is forgotten
            where it is trusted less.
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
    store: Store,
    limit: int,
    *,
    weights: EvidenceWeights | None = None,
    progress: Progress | None = None,
) -> list[Contradiction]:
    """Return candidates among the newest 20,000 memories with a vector, newest first.

    Args:
        store: The table to search.
        limit: Maximum number of pairs; the newest are kept.
        weights: None stands for the fitted ones.
        progress: Reports each page that is read.

    Raises:
        Interrupted: The caller interrupted it.
        StoreFault: The store could not be read.
    """
    weights = weights or EvidenceWeights()
    pages = recent_vectors(store, Filter(), progress or Progress("contradictions"), rounds=0)
    rows = [row for page in pages for row in page]
    min_cosine = text_cosine(store.embedder, MIN_COSINE)
    now = utc_now()
    rows = [(record, vector) for record, vector in rows if record.valid_from <= now]
    corpus = Corpus(record.text for record, _ in rows)
    found = [
        candidate
        for group in _by_project(rows, store.project_names)
        for pair in _near_pairs(group, min_cosine)
        if (candidate := _candidate(pair, corpus, weights)) is not None
    ]
    found.sort(key=lambda one: (one.newer.created_at, one.score), reverse=True)
    return found[:limit]


def _by_project(
    rows: Sequence[tuple[Record, Vector]], names: ProjectNames
) -> list[list[tuple[Record, Vector]]]:
    groups: dict[str | None, list[tuple[Record, Vector]]] = {}
    for record, vector in rows:
        groups.setdefault(names.canonical(record.project), []).append((record, vector))
    return list(groups.values())


def _near_pairs(group: Sequence[tuple[Record, Vector]], min_cosine: float) -> Iterator[_Pair]:
    """Yield pairs of memories that are among the nearest of each other, each pair once."""
    records = [record for record, _ in group]
    ranks = _ranks(np.stack([vector for _, vector in group]), min_cosine)
    for (one, other), rank in ranks.items():
        back = ranks.get((other, one))
        if one < other and back is not None:
            pair = in_order(records[one], records[other])
            if pair is not None and may_end(pair[1].text, pair[0].text):
                yield _Pair(*pair, max(rank, back))


def _ranks(vectors: NDArray[np.float32], min_cosine: float) -> dict[tuple[int, int], int]:
    """Return the rank of each row's nearest other rows, by (row, other row); 0 is the nearest.

    Args:
        vectors: float32, (n, dim), L2-normalised rows.
        min_cosine: Rows that are not as near have no rank.
    """
    ranks: dict[tuple[int, int], int] = {}
    for start in range(0, len(vectors), _BLOCK):
        cosines = vectors[start : start + _BLOCK] @ vectors.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -np.inf
        nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
        for row, found in enumerate(nearest.tolist()):
            for rank, other in enumerate(found):
                if cosines[row, other] >= min_cosine:
                    ranks[start + row, other] = rank
    return ranks


def _candidate(pair: _Pair, corpus: Corpus, weights: EvidenceWeights) -> Contradiction | None:
    claims = [corpus.claims(record.text) for record in (pair.older, pair.newer)]
    parts = evidence(claims[0], claims[1], pair.rank, corpus, weights)
    if parts is None:
        return None
    # Rounded before it is added, so that the sum that decides is the sum that a reader sees.
    rounded = {name: round(value, 2) for name, value in parts.items() if round(value, 2)}
    score = round(sum(rounded.values()), 2)
    if score < weights.threshold:
        return None
    # What speaks for it comes first: a line that begins with a dash looks like one of a list.
    ordered = sorted(rounded.items(), key=lambda part: part[1] < 0)
    terms = [f"{'-' if value < 0 else '+'} {name} {abs(value)}" for name, value in ordered]
    return Contradiction(
        older=view_of(pair.older),
        newer=view_of(pair.newer),
        score=score,
        reason=f"{' '.join(terms).removeprefix('+ ')} = {score}",
        next=_settling(pair),
    )


def _settling(pair: _Pair) -> str:
    """Return the command for the likelier case.

    What is trusted less replaces nothing, nor does an assistant's or a tool's word the user's.
    """
    if pair.newer.trust < pair.older.trust or (
        pair.older.role in _OF_THE_USER and pair.newer.role not in _OF_THE_USER
    ):
        return f"iai-mcp forget {pair.newer.id}"
    return f'iai-mcp supersede {pair.older.id} "…" --at {iso(pair.newer.valid_from)}'


def not_compared(store: Store) -> tuple[int, int]:
    """Return how many memories are too old to be compared, and how many wait for their vectors.

    Raises:
        StoreFault: The store could not be read.
    """
    tally = store.latest.tally(Filter())
    return max(0, tally.rows - MAX_MEMORIES), tally.pending
