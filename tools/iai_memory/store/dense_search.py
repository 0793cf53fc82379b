"""Search by vector in LanceDB: cosines of whole texts and of passages, the better one counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

import pyarrow as pa
from lancedb.table import LanceTable

from .vector_rows import Vector

# An index gives approximate distances, so this many times the hits are compared in full.
_REFINE: Final = 4
_ATTEMPTS: Final = 3
_PASSAGES: Final = ThreadPoolExecutor(4, "searching-passages")


def nearest_rows(
    table: LanceTable,
    query: Vector,
    condition: str | None,
    limit: int,
    nprobes: int,
    attempts: int = _ATTEMPTS,
) -> pa.Table:
    """Return the nearest rows, best first: columns id, tombstoned_at, _rowid and cosine (float64).

    Whole texts and passages are searched at the same time. Rows without vectors are never found.

    Args:
        table: At the version to search.
        query: float32, (dim,), unit length.
        condition: SQL that rows must pass; None is every row.
        limit: Maximum number of rows.
        nprobes: Partitions to search where the vectors are indexed.
        attempts: Maximum number of searches, if rows move meanwhile.
    """
    by_passage = _PASSAGES.submit(
        _cosines, table, "passages", "cosine", query, condition, limit, nprobes
    )
    best = _cosines(table, "vector", "dot", query, condition, limit, nprobes)
    for row, cosine in by_passage.result().items():
        best[row] = max(cosine, best.get(row, cosine))
    wanted = sorted(best, key=lambda row: -best[row])[:limit]
    found = table.take_row_ids(wanted).select(["id", "tombstoned_at"])
    rows: pa.Table = found.with_row_id().to_arrow()
    if rows.num_rows < len(wanted) and attempts > 1:
        # Some were moved after they were found, and have another row id by now.
        return nearest_rows(table, query, condition, limit, nprobes, attempts - 1)
    cosines = pa.array([best[row] for row in rows["_rowid"].to_pylist()], pa.float64())
    order = [("cosine", "descending"), ("id", "ascending")]
    return rows.append_column("cosine", cosines).sort_by(order)


def _cosines(
    table: LanceTable,
    column: str,
    distance: Literal["cosine", "dot"],
    query: Vector,
    condition: str | None,
    limit: int,
    nprobes: int,
) -> dict[int, float]:
    """Return cosines by row id: reading record ids would cost as much as the search."""
    search = table.search(query, vector_column_name=column).distance_type(distance)
    search = search.nprobes(nprobes).refine_factor(_REFINE).limit(limit)
    search = search.where(condition, prefilter=True) if condition else search
    found = search.select(["_distance"]).with_row_id(True).to_arrow()
    # LanceDB's dot distance is one minus the dot product, which on unit vectors is the cosine.
    cosines = [1.0 - distance for distance in found["_distance"].to_pylist()]
    return dict(zip(found["_rowid"].to_pylist(), cosines, strict=True))
