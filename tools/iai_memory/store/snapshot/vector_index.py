"""A flat search in two stages: a shortlist by Hamming distance of sign bits, then int8 cosines.

Vectors lie segment by segment; a search computes the distances of each segment and draws one
shortlist of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ..quantization import BinaryCodes, Int8Codes, binary_codes, hamming_shortlist
from ..vector_rows import Vector
from .key_index import Rows

# At least this many cosines are computed, and of more vectors this share.
_COMPARED: Final = 1_500
_SHARE: Final = 0.01

_EXTRA_BYTES: Final = 12  # bytes of a vector beside its components and their binary code


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of the rows of a segment, side by side; read-only.

    Attributes:
        codes: Of n vectors.
        binary: Of the codes, uint8, (n, ceil(dim / 8)).
        spans: int32, (n, 2), where the passage stands in its text; 0, 0 of a whole text.
        row: Of each vector, ascending, intp, (n,).
        begins: Where the vectors of each row begin, the whole text's first, and the end of the
            last, int32, (rows + 1,).
    """

    codes: Int8Codes
    binary: BinaryCodes
    spans: NDArray[np.int32]
    row: Rows
    begins: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        codes: Int8Codes,
        binary: BinaryCodes,
        spans: NDArray[np.int32],
        counts: NDArray[np.int32],
    ) -> Self:
        """Take the vectors of rows, row by row; `counts` of each row, int32, (rows,)."""
        row = np.repeat(np.arange(len(counts)), counts)
        begins = np.zeros(len(counts) + 1, np.int32)
        np.cumsum(counts, out=begins[1:])
        return cls(codes, binary, spans, row, begins)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Concatenate at least one part; rows are numbered one part after the other."""
        if len(parts) == 1:
            return parts[0]
        components = np.concatenate([part.codes.components for part in parts])
        inverse = np.concatenate([part.codes.inverse for part in parts])
        return cls.of(
            Int8Codes(components, inverse),
            np.concatenate([part.binary for part in parts]),
            np.concatenate([part.spans for part in parts]),
            np.concatenate([np.diff(part.begins) for part in parts]),
        )

    def only(self, kept: NDArray[np.bool_]) -> Self:
        """Drop the rows that are not kept, and number the others anew; bool, (rows,)."""
        mine = kept[self.row]
        codes = Int8Codes(self.codes.components[mine], self.codes.inverse[mine])
        counts = np.diff(self.begins)[kept]
        return self.of(codes, self.binary[mine], self.spans[mine], counts)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.row)

    @property
    def nbytes(self) -> int:
        """Size of all arrays."""
        arrays = (self.codes.components, self.codes.inverse, self.binary, self.spans)
        return sum(one.nbytes for one in (*arrays, self.row, self.begins))

    def places_of(self, rows: Rows) -> tuple[Rows, Rows]:
        """Return the places of the vectors of these rows, row by row, and the count of each row."""
        begins = self.begins[rows].astype(np.intp)
        counts = self.begins[rows + 1] - begins
        places = np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts)
        return places, counts


class VectorIndex:
    """The vectors of all segments together. Read-only."""

    def __init__(self, parts: Sequence[Vectors]) -> None:
        """Number vectors and rows one part after the other."""
        self._parts = parts
        self._binary = [part.binary for part in parts]
        self._firsts = [0, *accumulate(len(part) for part in parts)]
        self._first_rows = [0, *accumulate(len(part.begins) - 1 for part in parts)]

    def nearest(
        self, query: Vector, admitted: Sequence[NDArray[np.bool_]]
    ) -> tuple[Rows, NDArray[np.float32]]:
        """Compare the 1,500 vectors, or the hundredth, that are likely to be nearest.

        Args:
            query: float32, (dim,), any length but 0.
            admitted: Which rows of each part are searched.

        Returns:
            Their rows, ascending, and the best cosine of each, float32; (m,) each.
        """
        limit = max(_COMPARED, int(_SHARE * self._firsts[-1]))
        code = binary_codes(query[np.newaxis])
        places = hamming_shortlist(code, self._binary, self._admitted_vectors(admitted), limit)
        if not len(places):
            return np.empty(0, np.intp), np.empty(0, np.float32)
        rows, chosen = list[Rows](), list[tuple[Vectors, Rows]]()
        bounds = np.searchsorted(places, self._firsts).tolist()
        for number, (begin, end) in enumerate(pairwise(bounds)):
            if begin < end:
                part, mine = self._parts[number], places[begin:end] - self._firsts[number]
                rows.append(part.row[mine] + self._first_rows[number])
                chosen.append((part, mine))
        row, cosines = np.concatenate(rows), codes_at(chosen).cosines(query)
        begins = np.flatnonzero(np.diff(row, prepend=-1))
        return row[begins], np.maximum.reduceat(cosines, begins)

    def _admitted_vectors(self, rows: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_] | None:
        """Return which vectors are admitted, part by part; None where each is."""
        if all(one.all() for one in rows):
            return None
        pairs = zip(rows, self._parts, strict=True)
        return np.concatenate([one[part.row] for one, part in pairs])


class VectorBuffer:
    """Room for the vectors of one segment: building it holds no second copy of them."""

    def __init__(self, max_bytes: int, dimension: int) -> None:
        """Reserve this many bytes; pages that nothing is written to take no memory."""
        width = -(-dimension // 8)
        self._capacity = max_bytes // (dimension + width + _EXTRA_BYTES)
        self._components = np.empty((self._capacity, dimension), np.int8)
        self._inverse = np.empty(self._capacity, np.float32)
        self._binary = np.empty((self._capacity, width), np.uint8)
        self._spans = np.empty((self._capacity, 2), np.int32)
        self._counts = list[NDArray[np.int32]]()
        self._used = 0

    def append(self, vectors: Vectors) -> bool:
        """Copy vectors behind the others; return False where there is no room."""
        begin, end = self._used, self._used + len(vectors)
        if end > self._capacity:
            return False
        self._components[begin:end] = vectors.codes.components
        self._inverse[begin:end] = vectors.codes.inverse
        self._binary[begin:end] = vectors.binary
        self._spans[begin:end] = vectors.spans
        self._counts.append(np.diff(vectors.begins))
        self._used = end
        return True

    def vectors(self) -> Vectors:
        """Return all of them, in this buffer; nothing may be appended any more."""
        codes = Int8Codes(self._components[: self._used], self._inverse[: self._used])
        counts = np.concatenate([np.empty(0, np.int32), *self._counts])
        return Vectors.of(codes, self._binary[: self._used], self._spans[: self._used], counts)


def codes_at(chosen: Sequence[tuple[Vectors, Rows]]) -> Int8Codes:
    """Gather the codes at some places of some parts, part by part; at least one place."""
    count = sum(len(places) for _, places in chosen)
    codes = chosen[0][0].codes
    components = np.empty((count, codes.components.shape[1]), np.int8)
    inverse = np.empty(count, np.float32)
    end = 0
    for vectors, places in chosen:
        begin, end = end, end + len(places)
        # `take` gathers rows in a seventh of the time of indexing, and any mode but "clip" would
        # copy the result; no place is out of range.
        vectors.codes.components.take(places, 0, components[begin:end], mode="clip")
        vectors.codes.inverse.take(places, 0, inverse[begin:end], mode="clip")
    return Int8Codes(components, inverse)
