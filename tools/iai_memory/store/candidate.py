"""A record with the terms that its text is searched by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .record import Record
from .record_rows import from_table, record_columns

CANDIDATE_COLUMNS = [*record_columns(), "terms"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that may answer a query.

    Attributes:
        record: As the table holds it.
        terms: The terms of its text, separated by spaces.
    """

    record: Record
    terms: str

    @classmethod
    def of(cls, parts: Iterable[pa.Table]) -> dict[str, Candidate]:
        """Return the candidates of tables with `CANDIDATE_COLUMNS`, by id."""
        return {
            record.id: cls(record, terms)
            for part in parts
            for record, terms in zip(from_table(part), part["terms"].to_pylist(), strict=True)
        }

    def has_term(self, term: str) -> bool:
        """Return whether the text has this term."""
        # A lookup in a set would be faster, but a set takes ten times as long to make.
        return f" {term} " in f" {self.terms} "


def term_matrix(candidates: Sequence[Candidate], terms: Sequence[str]) -> NDArray[np.bool_]:
    """Return which of k terms each of n candidates has, (n, k)."""
    wanted = [f" {term} " for term in terms]
    texts = [f" {one.terms} " for one in candidates]
    held = bytes([term in text for text in texts for term in wanted])
    return np.frombuffer(held, np.bool_).reshape(len(candidates), len(terms))
