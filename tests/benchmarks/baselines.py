"""What others do, as a measure: plain cosine, plain BM25, and both fused by rank."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


def cosine_ranking(query: NDArray[np.float32], vectors: NDArray[np.float32]) -> list[int]:
    """Row numbers by cosine, best first, equal ones in their order.

    Args:
        query: float32, (dim,), unit length.
        vectors: float32, (n, dim), unit rows.
    """
    return [int(row) for row in np.argsort(-(vectors @ query), kind="stable")]


class Bm25:
    """Okapi BM25 (Robertson and Zaragoza, 2009) over lower-case words as they stand."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        """Indexes the texts."""
        self._k1 = k1
        self._counts = [Counter(_words(text)) for text in texts]
        lengths = [counts.total() for counts in self._counts]
        mean = sum(lengths) / max(1, len(lengths))
        self._norms = [k1 * (1 - b + b * length / mean) for length in lengths]
        self._documents = Counter(word for counts in self._counts for word in counts)

    def scores(self, query: str) -> list[float]:
        """The score of each text, in their order."""
        weights = self._weights(query)
        return [
            self._score(weights, counts, norm)
            for counts, norm in zip(self._counts, self._norms, strict=True)
        ]

    def score(self, query: str, number: int) -> float:
        """The score of one text."""
        return self._score(self._weights(query), self._counts[number], self._norms[number])

    def ranking(self, query: str) -> list[int]:
        """Numbers of the texts that share a word with the query, best first."""
        scores = self.scores(query)
        order = sorted(range(len(scores)), key=lambda number: -scores[number])
        return [number for number in order if scores[number] > 0]

    def _weights(self, query: str) -> list[tuple[str, float]]:
        return [(word, self._weight(word)) for word in _words(query)]

    def _score(
        self, weights: Sequence[tuple[str, float]], counts: Counter[str], norm: float
    ) -> float:
        return sum(
            weight * counts[word] * (self._k1 + 1) / (counts[word] + norm)
            for word, weight in weights
            if word in counts
        )

    def _weight(self, word: str) -> float:
        having, total = self._documents[word], len(self._counts)
        return math.log(1 + (total - having + 0.5) / (having + 0.5))


def fused_by_rank(rankings: Sequence[Sequence[int]], *, k: int = 60) -> list[int]:
    """Reciprocal-rank fusion (Cormack, Clarke and Büttcher, 2009), best first."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1.0 / (k + rank)
    return sorted(scores, key=lambda number: (-scores[number], number))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
