"""The merge policy: segments few enough for a search, merges rare enough for a write.

Measured on 10,000 rows and 1,500 changes of one row (CPU time): without a minimum size a change
takes 2.7 ms and a search meets up to 11 segments; with one of 512 rows 3.9 ms and 3 segments; with
2,048 rows 4.9 ms and 2 segments. A segment costs a search with its reads 0.1 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Smaller segments at the end are merged with every change.
_SMALL_ROWS: Final = 512
# A merge holds its rows twice, so it makes no larger segment: growing to 100,000 rows in steps of
# 1,000 no change takes more than 58 MB beside what it leaves.
_LARGE_ROWS: Final = 32_768


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a segment.

    Attributes:
        rows: All rows.
        current: Rows that no newer state of their record replaced.
    """

    rows: int
    current: int


def to_merge(sizes: Sequence[Size]) -> list[slice]:
    """Return runs of segments that become one each, in their order; the last segment is new.

    Afterwards each segment at the end has at least twice the rows of the next one, except where
    both together would be too large. A segment of which half is replaced is rewritten without that
    half: one such at a time, because a merge holds its rows twice.
    """
    begin = len(sizes) - 1
    taken = sizes[-1].current
    while begin and _belongs(sizes[begin - 1].current, taken):
        begin -= 1
        taken += sizes[begin].current
    runs = [slice(at, at + 1) for at in range(begin) if _is_half_replaced(sizes[at])][:1]
    if begin < len(sizes) - 1 or _is_half_replaced(sizes[begin]):
        runs.append(slice(begin, len(sizes)))
    return runs


def _belongs(before: int, taken: int) -> bool:
    return before < max(_SMALL_ROWS, 2 * taken) and before + taken <= _LARGE_ROWS


def _is_half_replaced(size: Size) -> bool:
    return 2 * size.current < size.rows
