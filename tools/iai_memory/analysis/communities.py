"""Communities: groups of vectors that are nearer to each other than to the rest."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..base.progress import Progress

NEIGHBOURS: Final = 10
_SEED: Final = 7
# 256 rows against 20,000 columns: 20 MB for each of the few arrays of a round.
_BLOCK: Final = 256
_COSINE_STEPS: Final = 1_000

Edge = tuple[int, int, float]


def block_count(count: int) -> int:
    """Return how many blocks of rows `neighbour_edges` goes through for `count` vectors."""
    return -(-count // _BLOCK)


def neighbour_edges(
    vectors: NDArray[np.float32], min_cosine: float, progress: Progress, *, before: int
) -> list[Edge]:
    """Return an edge from each row to its ten nearest rows; each pair once, sorted.

    The weight of an edge is its cosine less `min_cosine`, in thousandths. So a small group, which
    has some of its ten neighbours outside, is not pulled apart by them.

    A cosine is rounded to three places, and of equal ones the lower row is nearer: the last bits of
    a float, which change with batch and machine, do not decide who is a neighbour.

    Args:
        vectors: float32, (n, dim), L2-normalised rows.
        min_cosine: Rows that are not nearer than this get no edge.
        progress: Reports each block of rows.
        before: Rounds that were done before, for the progress.

    Raises:
        Interrupted: The caller interrupted it.
    """
    count = len(vectors)
    if count < 2:
        return []
    floor = round(min_cosine * _COSINE_STEPS)
    parts = [np.empty(0, np.int64)]
    for done, start in enumerate(range(0, count, _BLOCK), 1):
        parts.append(_block_edges(vectors, start, floor))
        progress.report(before + done, before + block_count(count))
    # Sorted, a pair's last entry has its larger cosine: both directions may differ by one step.
    packed = np.sort(np.concatenate(parts))
    if not len(packed):
        return []
    pairs, steps = packed // (_COSINE_STEPS + 1), packed % (_COSINE_STEPS + 1)
    last = np.append(pairs[1:] != pairs[:-1], True)
    return [
        (int(pair) // count, int(pair) % count, int(step) - floor)
        for pair, step in zip(pairs[last], steps[last], strict=True)
    ]


def communities(count: int, edges: list[Edge]) -> list[list[int]]:
    """Return the communities of a graph; rows without an edge are in none.

    Leiden (Traag, Waltman, van Eck 2019) on modularity; equal edges give equal communities.

    Args:
        count: Rows of the graph.
        edges: From `neighbour_edges`.

    Returns:
        Groups of rows, each ascending, ordered by their first row.
    """
    if not edges:
        return []
    # Imported here: only a topic map needs it.
    from graspologic_native import leiden

    width = len(str(count))
    named = [(f"{left:0{width}}", f"{right:0{width}}", weight) for left, right, weight in edges]
    _, found = leiden(
        named,
        starting_communities=None,
        resolution=1.0,
        randomness=0.001,
        iterations=2,
        use_modularity=True,
        seed=_SEED,
        trials=1,
    )
    groups: dict[int, list[int]] = {}
    for row in sorted(int(name) for name in found):
        groups.setdefault(found[f"{row:0{width}}"], []).append(row)
    return sorted(groups.values())


def _block_edges(vectors: NDArray[np.float32], start: int, floor: int) -> NDArray[np.int64]:
    """Return one block's edges, int64: lower row, higher row and cosine step in one number."""
    count = len(vectors)
    steps = np.rint(vectors[start : start + _BLOCK] @ vectors.T * _COSINE_STEPS).astype(np.int32)
    rows = np.arange(len(steps))
    steps[rows, start + rows] = -_COSINE_STEPS
    # Cosine and column in one number: no two are equal, so the ten nearest are always the same.
    keys = steps * np.int32(count) + np.arange(count - 1, -1, -1, dtype=np.int32)
    wanted = min(NEIGHBOURS, count - 1)
    nearest = np.partition(keys, count - wanted, axis=1)[:, count - wanted :].astype(np.int64)
    cosines = np.minimum(nearest // count, _COSINE_STEPS)
    columns = count - 1 - nearest % count
    mine = np.broadcast_to((start + rows)[:, None], columns.shape)
    near = cosines > floor
    pairs = np.minimum(mine, columns) * count + np.maximum(mine, columns)
    packed: NDArray[np.int64] = pairs[near] * (_COSINE_STEPS + 1) + cosines[near]
    return packed
