"""What the words of a copy's rows are found by: an inverted index in memory, scored by BM25."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from .columns import Places

# Its functions are generated when pyarrow is imported; no type checker sees them.
pc: Any = pyarrow.compute

# Those of LanceDB, as is the idf.
_K1: Final = 1.2
_B: Final = 0.75


@dataclass(frozen=True, slots=True)
class _Part:
    """Which rows say a term, term by term; the rows of a term ascend.

    Attributes:
        terms: Their hashes, ascending, int64, (t,). A million terms hold two of one hash with a
            chance of 3 in 10**8; as strings with their numbers in a `dict` they would take as much
            as all the rest.
        begins: Of each term among the rows, and the end of the last, int64, (t + 1,).
        rows: Counted from the first that was ever copied, int32, (n,).
        times: How often the row says the term, uint16, (n,); more than fits counts as what fits.
    """

    terms: NDArray[np.int64]
    begins: NDArray[np.int64]
    rows: NDArray[np.int32]
    times: NDArray[np.uint16]

    def __len__(self) -> int:
        """How many pairs of a term and a row there are."""
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        return sum(one.nbytes for one in (self.terms, self.begins, self.rows, self.times))

    def span(self, term: int) -> slice:
        """Where the rows of the term are; empty where nobody says it."""
        at = int(self.terms.searchsorted(term))
        if at == len(self.terms) or self.terms[at] != term:
            return slice(0)
        return slice(int(self.begins[at]), int(self.begins[at + 1]))


@dataclass(frozen=True, slots=True)
class Counted:
    """The rows that statistics are of.

    Attributes:
        live: Which, bool, one for each row of the copy; None where all that have terms are.
        rows: How many have terms.
        length: How many those have on average.
    """

    live: NDArray[np.bool_] | None
    rows: int
    length: float

    def frequency(self, rows: NDArray[np.int32]) -> int:
        """How many of these rows are among them."""
        return len(rows) if self.live is None else int(np.count_nonzero(self.live[rows]))


class CopiedTerms:
    """Never changes for those who read it; what is appended makes another one.

    Both share their parts. Each part is at least twice as long as the next one, so there are only
    as many as the logarithm of the rows.
    """

    def __init__(
        self, parts: tuple[_Part, ...] = (), lengths: NDArray[np.int32] | None = None
    ) -> None:
        """For this module only, but for an empty one."""
        self._parts = parts
        self._lengths = np.empty(0, np.int32) if lengths is None else lengths

    @property
    def nbytes(self) -> int:
        """Of everything."""
        return self._lengths.nbytes + sum(part.nbytes for part in self._parts)

    def appended(self, column: pa.ChunkedArray) -> CopiedTerms:
        """These rows and then those.

        Args:
            column: The terms of each, separated by single spaces; null of one that nobody finds.
        """
        part, lengths = _inverted(column.combine_chunks(), len(self._lengths))
        parts, taken = list(self._parts), [part]
        while parts and len(parts[-1]) < 2 * sum(map(len, taken)):
            taken.insert(0, parts.pop())
        parts += [_merged(taken)] if len(part) else []
        return CopiedTerms(tuple(parts), np.concatenate([self._lengths, lengths]))

    def packed(self, places: Places) -> CopiedTerms:
        """The rows at these places, which ascend, and no others, numbered anew."""
        number = np.full(len(self._lengths), -1, np.int32)
        number[places] = np.arange(len(places))
        parts = [_renumbered(part, number) for part in self._parts]
        return CopiedTerms((_merged(parts),) if parts else (), self._lengths[places])

    def counted(self, live: NDArray[np.bool_]) -> Counted:
        """What to score by where these rows count and no others.

        Args:
            live: bool, (rows,).
        """
        spoken = self._lengths > 0
        among = live & spoken
        rows, everywhere = int(np.count_nonzero(among)), int(np.count_nonzero(spoken))
        length = int(self._lengths.sum(where=among)) / max(rows, 1)
        return Counted(None if rows == everywhere else live, rows, length)

    def scores(self, terms: Iterable[str], counted: Counted) -> NDArray[np.float32]:
        """BM25 of every row, float32, (rows,); 0 of one that has none of the terms.

        For each term idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average length)), with
        an idf of ln(1 + (N - df + 0.5) / (df + 0.5)), k1 of 1.2 and b of 0.75. So does LanceDB
        score a `MatchQuery` of these terms. On a compacted table its scores are these to one in a
        million; but it counts forgotten rows too, and those that its index does not know yet are
        off by some per cent. Neither counts a row without terms.
        """
        scores = np.zeros(len(self._lengths), np.float32)
        for term in terms:
            rows, times = self._found(term)
            frequency = counted.frequency(rows)
            if frequency:
                weight = math.log1p((counted.rows - frequency + 0.5) / (frequency + 0.5))
                damping = self._lengths[rows] * np.float32(_K1 * _B / counted.length)
                damping += np.float32(_K1 * (1 - _B))
                scores[rows] += np.float32(weight * (_K1 + 1)) * times / (times + damping)
        return scores

    def _found(self, term: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Which rows say it, and how often."""
        hashed = hash(term)
        spans = [(part, part.span(hashed)) for part in self._parts]
        rows = [part.rows[span] for part, span in spans]
        times = [part.times[span] for part, span in spans]
        if not rows:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        return np.concatenate(rows), np.concatenate(times, dtype=np.float32)


def _inverted(column: pa.StringArray, first: int) -> tuple[_Part, NDArray[np.int32]]:
    """Which rows say what, the first of them having this number, and how many terms each has."""
    texts = pc.if_else(pc.equal(column, ""), None, column)
    split = pc.split_pattern(texts, " ")
    lengths = split.value_lengths().fill_null(0).to_numpy().astype(np.int32)
    encoded = split.flatten().dictionary_encode()
    hashed = np.fromiter(map(hash, encoded.dictionary.to_pylist()), np.int64)
    terms, numbers = np.unique(hashed, return_inverse=True)
    # One number for a term and a row, so that one sort puts them side by side.
    pairs = numbers[encoded.indices.to_numpy()] * len(lengths)
    pairs += np.repeat(np.arange(len(lengths)), lengths)
    pairs, times = np.unique(pairs, return_counts=True)
    term, row = np.divmod(pairs, max(len(lengths), 1))
    part = _Part(
        terms=terms,
        begins=np.searchsorted(term, np.arange(len(terms) + 1)),
        rows=(row + first).astype(np.int32),
        times=np.minimum(times, np.iinfo(np.uint16).max).astype(np.uint16),
    )
    return part, lengths


def _merged(parts: Sequence[_Part]) -> _Part:
    """One of all; the rows of each come after those of the one before."""
    if len(parts) == 1:
        return parts[0]
    terms = np.unique(np.concatenate([part.terms for part in parts]))
    counts = np.zeros((len(terms), len(parts)), np.int64)
    for number, part in enumerate(parts):
        counts[np.searchsorted(terms, part.terms), number] = np.diff(part.begins)
    numbers = np.tile(np.arange(len(parts), dtype=np.uint8), len(terms))
    source = np.repeat(numbers, counts.ravel())
    rows, times = np.empty(len(source), np.int32), np.empty(len(source), np.uint16)
    for number, part in enumerate(parts):
        its = source == number
        rows[its], times[its] = part.rows, part.times
    return _Part(terms, _sums(counts.sum(axis=1)), rows, times)


def _renumbered(part: _Part, number: NDArray[np.int32]) -> _Part:
    """The same with other numbers of its rows; one whose number is negative is left out."""
    rows = number[part.rows]
    kept = rows >= 0
    begins = _sums(kept)[part.begins]
    said = np.diff(begins) > 0
    return _Part(
        part.terms[said],
        np.append(begins[:-1][said], begins[-1]),
        rows[kept],
        part.times[kept],
    )


def _sums(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Of the first none, the first one, the first two, to all of them."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums
