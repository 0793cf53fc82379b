"""Quantized unit vectors: one bit a component for a shortlist, one byte a component for cosines.

Binary quantization keeps the sign of each component. The number of signs in which two vectors
differ, their Hamming distance, grows with the angle between them, but loosely: it only tells which
vectors may be near. Measured on 398,000 sentence embeddings of 384 components: the hundredth of
them with the smallest distance holds .996 of the ten nearest, in half the time of all int8 cosines.

Scalar quantization to int8 scales each vector by its own largest component. It takes a quarter of
the memory of float32 and is compared ten times as fast; on the same embeddings a cosine of two
codes is within 0.003 of that of the vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import simsimd
from numpy.typing import NDArray

_LARGEST: Final = 127

# It can count in integers, in two thirds of the time; its annotations know floats only.
_cdist: Any = simsimd.cdist

# From this many vectors on a second core pays; simsimd's own threads go on waiting at the cost of a
# whole core.
_MIN_FOR_TWO_THREADS: Final = 100_000
_SECOND_HALF: Final = ThreadPoolExecutor(2, "hamming-distances")

BinaryCodes = NDArray[np.uint8]
"""(n, ceil(dim / 8)), the signs of eight components a byte."""


def binary_codes(components: NDArray[Any]) -> BinaryCodes:
    """Return the signs of the components of n vectors, (n, dim)."""
    return np.packbits(components > 0, axis=1)


def hamming_shortlist(
    query: BinaryCodes,
    parts: Sequence[BinaryCodes],
    admitted: NDArray[np.bool_] | None,
    min_count: int,
) -> NDArray[np.intp]:
    """Return the places of the vectors with the smallest Hamming distance, ascending.

    Args:
        query: Of one vector, (1, ceil(dim / 8)).
        parts: Of all n vectors, numbered one part after the other.
        admitted: (n,), which vectors count; None is every one.
        min_count: Minimum number of places, or all admitted ones; more if distances are equal.
    """
    distances = _hamming(query, parts)
    if admitted is not None:
        distances = np.where(admitted, distances, np.iinfo(np.int16).max)
        min_count = min(min_count, int(np.count_nonzero(admitted)))
    if min_count < len(distances):
        farthest = np.partition(distances, min_count - 1)[min_count - 1] if min_count else -1
        return np.flatnonzero(distances <= farthest)
    return np.arange(len(distances))


@dataclass(frozen=True, slots=True)
class Int8Codes:
    """Vectors in int8. Lengths are not kept: a cosine is of directions.

    Attributes:
        components: int8, (n, dim).
        inverse: float32, (n,), one by the length of each row of components; 0 for no direction.
    """

    components: NDArray[np.int8]
    inverse: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Int8Codes:
        """Quantize float32 vectors, (n, dim); the same vector has the same code anywhere."""
        largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
        scale = np.divide(_LARGEST, largest, out=np.zeros_like(largest), where=largest > 0)
        components = np.rint(vectors * scale).astype(np.int8)
        wide = components.astype(np.float32)
        length = np.sqrt(np.einsum("nd,nd->n", wide, wide))
        inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        return cls(components, inverse)

    def __len__(self) -> int:
        """Return the number of vectors."""
        return len(self.components)

    def cosines(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the cosine of each vector with the query, float32, (n,).

        Args:
            query: float32, (dim,), any length but 0.
        """
        if not len(self):
            return np.empty(0, np.float32)
        code = Int8Codes.of(query[np.newaxis])
        dots = np.asarray(simsimd.cdist(code.components, self.components, "dot"))[0]
        cosines: NDArray[np.float32] = dots.astype(np.float32) * self.inverse
        cosines *= code.inverse
        return cosines


def _hamming(query: BinaryCodes, parts: Sequence[BinaryCodes]) -> NDArray[np.int16]:
    """Return the Hamming distance of each vector from the query, (n,)."""
    count = sum(map(len, parts))
    if count < _MIN_FOR_TWO_THREADS:
        return _distances(query, parts)
    first, second = _halves(parts, count // 2)
    distances = _SECOND_HALF.submit(_distances, query, second)
    return np.concatenate([_distances(query, first), distances.result()])


def _halves(
    parts: Sequence[BinaryCodes], middle: int
) -> tuple[list[BinaryCodes], list[BinaryCodes]]:
    """Split before the vector `middle`, in the midst of a part if need be."""
    first, second = list[BinaryCodes](), list[BinaryCodes]()
    for part in parts:
        first.append(part[:middle])
        second.append(part[middle:])
        middle = max(0, middle - len(part))
    return first, second


def _distances(query: BinaryCodes, parts: Sequence[BinaryCodes]) -> NDArray[np.int16]:
    compared = [
        np.asarray(_cdist(query, part, "hamming", dtype="bin8", out_dtype="int16"))[0]
        for part in parts
        if len(part)
    ]
    return np.concatenate(compared) if compared else np.empty(0, np.int16)
