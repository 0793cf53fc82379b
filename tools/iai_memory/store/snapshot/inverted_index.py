"""An inverted index in memory: postings of each segment, scored by BM25 over all of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..arrow import pc
from ..stable_hash import Hashes, cached_hashes_of, hashes_of

# Those of LanceDB, as is the idf.
_K1: Final = 1.2
_B: Final = 0.75

# Rows that are inverted at a time: meanwhile each pair of a term and a row takes 100 bytes.
_INVERTED_AT_ONCE: Final = 16_384


@dataclass(frozen=True, slots=True)
class Postings:
    """The rows of a segment that contain a term, term by term; read-only.

    Attributes:
        terms: Hashes of the terms, ascending, int64, (t,). A million terms hold two of one hash
            with a chance of 3 in 10**8; as strings with their numbers in a `dict` they would take
            as much as all the rest.
        begins: Where the postings of each term begin, and the end of the last, int64, (t + 1,).
        rows: Ascending for each term, int32, (p,).
        times: How often the row contains the term, uint16, (p,); more than fits counts as what
            fits.
        lengths: How many terms each row has, int32, (n,); 0 of one that nobody finds.
    """

    terms: Hashes
    begins: NDArray[np.int64]
    rows: NDArray[np.int32]
    times: NDArray[np.uint16]
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, column: pa.StringArray) -> Self:
        """Invert a column of terms, separated by single spaces; null in rows that nobody finds."""
        if len(column) > _INVERTED_AT_ONCE:
            starts = range(0, len(column), _INVERTED_AT_ONCE)
            return cls.joined([cls.of(column.slice(at, _INVERTED_AT_ONCE)) for at in starts])
        texts = pc.if_else(pc.equal(column, ""), None, column)
        split = pc.split_pattern(texts, " ")
        lengths = split.value_lengths().fill_null(0).to_numpy().astype(np.int32)
        encoded = split.flatten().dictionary_encode()
        terms, numbers = np.unique(hashes_of(encoded.dictionary.to_pylist()), return_inverse=True)
        # One number for a term and a row, so that one sort puts them side by side.
        pairs = numbers[encoded.indices.to_numpy()] * len(lengths)
        pairs += np.repeat(np.arange(len(lengths)), lengths)
        pairs, times = np.unique(pairs, return_counts=True)
        term, row = np.divmod(pairs, max(len(lengths), 1))
        return cls(
            terms=terms,
            begins=np.searchsorted(term, np.arange(len(terms) + 1)),
            rows=row.astype(np.int32),
            times=np.minimum(times, np.iinfo(np.uint16).max).astype(np.uint16),
            lengths=lengths,
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Concatenate at least one part; rows are numbered one part after the other."""
        if len(parts) == 1:
            return parts[0]
        terms = np.unique(np.concatenate([part.terms for part in parts]))
        counts = np.zeros((len(terms), len(parts)), np.int64)
        for number, part in enumerate(parts):
            counts[np.searchsorted(terms, part.terms), number] = np.diff(part.begins)
        numbers = np.tile(np.arange(len(parts), dtype=np.uint16), len(terms))
        source = np.repeat(numbers, counts.ravel())
        rows, times = np.empty(len(source), np.int32), np.empty(len(source), np.uint16)
        first = 0
        for number, part in enumerate(parts):
            its = source == number
            rows[its], times[its] = part.rows + first, part.times
            first += len(part.lengths)
        lengths = np.concatenate([part.lengths for part in parts])
        return cls(terms, _prefix_sums(counts.sum(axis=1)), rows, times, lengths)

    def only(self, kept: NDArray[np.bool_]) -> Postings:
        """Drop the rows that are not kept, and number the others anew; bool, (n,)."""
        number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
        rows = number[self.rows]
        stay = rows >= 0
        begins = _prefix_sums(stay)[self.begins]
        said = np.diff(begins) > 0
        return Postings(
            self.terms[said],
            np.append(begins[:-1][said], begins[-1]),
            rows[stay],
            self.times[stay],
            self.lengths[kept],
        )

    @property
    def nbytes(self) -> int:
        """Size of all arrays."""
        arrays = (self.terms, self.begins, self.rows, self.times, self.lengths)
        return sum(one.nbytes for one in arrays)

    def spans(self, terms: Hashes) -> list[slice]:
        """Return where the postings of each term are; empty where no row contains it."""
        if not len(self.terms):
            return [slice(0)] * len(terms)
        at = self.terms.searchsorted(terms)
        at[at == len(self.terms)] = 0
        begins, ends = self.begins[at].tolist(), self.begins[at + 1].tolist()
        found = (self.terms[at] == terms).tolist()
        return [
            slice(begin, end) if is_there else slice(0)
            for begin, end, is_there in zip(begins, ends, found, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class LivePostings:
    """The postings of a segment with the statistics of its live rows.

    Attributes:
        postings: Of all rows.
        live: bool, (n,); None where all rows that have terms are live.
        rows: Number of live rows that have terms.
        length: Number of terms in those rows.
    """

    postings: Postings
    live: NDArray[np.bool_] | None
    rows: int
    length: int

    @classmethod
    def of(cls, postings: Postings, live: NDArray[np.bool_]) -> Self:
        """Count the terms of the live rows; bool, (n,)."""
        found = postings.lengths > 0
        among = live & found
        rows = int(np.count_nonzero(among))
        length = int(postings.lengths.sum(where=among))
        return cls(postings, None if rows == np.count_nonzero(found) else live, rows, length)

    def document_frequency(self, span: slice) -> int:
        """Count the live rows among these postings."""
        if self.live is None:
            return len(self.postings.rows[span])
        return int(np.count_nonzero(self.live[self.postings.rows[span]]))


class InvertedIndex:
    """The postings of all segments together, with the statistics of their live rows. Read-only."""

    def __init__(self, parts: Sequence[LivePostings]) -> None:
        """Sum the statistics; rows are numbered one part after the other."""
        self._parts = parts
        self._firsts = [0, *accumulate(len(part.postings.lengths) for part in parts)]
        self._rows = sum(part.rows for part in parts)
        self._length = sum(part.length for part in parts) / max(self._rows, 1)

    def scores(self, terms: Iterable[str]) -> NDArray[np.float32]:
        """Return the BM25 score of every row, float32, (rows,); 0 where it has none of the terms.

        For each term idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average length)), with
        an idf of ln(1 + (N - df + 0.5) / (df + 0.5)), k1 of 1.2 and b of 0.75. So does LanceDB
        score a `MatchQuery` of these terms. On a compacted table its scores are these to one in a
        million; but it counts forgotten rows too, and those that its index does not know yet are
        off by some per cent. Neither counts a row without terms.
        """
        scores = np.zeros(self._firsts[-1], np.float32)
        hashed = cached_hashes_of(terms)
        spans = [part.postings.spans(hashed) for part in self._parts]
        weights = self._weights(spans)
        for part, first, of_terms in zip(self._parts, self._firsts, spans, strict=False):
            _add_scores(scores[first:], part.postings, of_terms, weights, self._length)
        return scores

    def known(self, terms: Collection[str]) -> set[str]:
        """Return those of the terms that any live row has."""
        return {term for term, count in self._frequencies(terms).items() if count}

    def frequency(self, term: str) -> int:
        """Return how many live rows have the term."""
        return self._frequencies([term])[term]

    def _frequencies(self, terms: Collection[str]) -> dict[str, int]:
        hashed, found = cached_hashes_of(terms), dict.fromkeys(terms, 0)
        for part in self._parts:
            for term, span in zip(terms, part.postings.spans(hashed), strict=True):
                found[term] += part.document_frequency(span)
        return found

    def _weights(self, spans: Sequence[Sequence[slice]]) -> list[float]:
        """Weigh each term, given the spans of all terms in each part."""
        weights = list[float]()
        for of_parts in zip(*spans, strict=True):
            pairs = zip(self._parts, of_parts, strict=True)
            frequency = sum(part.document_frequency(span) for part, span in pairs)
            idf = math.log1p((self._rows - frequency + 0.5) / (frequency + 0.5))
            weights.append(idf * (_K1 + 1) if frequency else 0.0)
        return weights


def _add_scores(
    scores: NDArray[np.float32],
    postings: Postings,
    spans: Sequence[slice],
    weights: Sequence[float],
    average: float,
) -> None:
    """Add the score of each term to its rows, term by term."""
    for span, weight in zip(spans, weights, strict=True):
        if weight and span.stop:
            rows, times = postings.rows[span], postings.times[span].astype(np.float32)
            damping = postings.lengths[rows] * np.float32(_K1 * _B / average)
            damping += np.float32(_K1 * (1 - _B))
            scores[rows] += np.float32(weight) * times / (times + damping)


def _prefix_sums(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Return the prefix sums, starting at 0, int64, (n + 1,)."""
    sums = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=sums[1:])
    return sums
