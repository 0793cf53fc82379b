"""A record with what its ranking reads off the text, each thing once however often it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..recall.intent import is_question, tells_count, tells_name, tells_time
from ..text.speakers import Utterance, utterance
from .record import Record, from_table, record_columns

CANDIDATE_COLUMNS = [*record_columns(), "terms"]


@dataclass(frozen=True)
class Candidate:
    """What may answer.

    Attributes:
        record: As the table holds it.
        terms: What its words are searched by, separated by spaces.
    """

    record: Record
    terms: str

    @classmethod
    def of(cls, parts: Iterable[pa.Table]) -> dict[str, Candidate]:
        """By id, those of rows with `CANDIDATE_COLUMNS`."""
        return {
            record.id: cls(record, terms)
            for part in parts
            for record, terms in zip(from_table(part), part["terms"].to_pylist(), strict=True)
        }

    def holds(self, term: str) -> bool:
        """Whether this is one of its terms."""
        # A set of them would be found in sooner, and takes ten times as long to make.
        return f" {term} " in f" {self.terms} "

    @cached_property
    def said(self) -> Utterance:
        """Its text without the name in front."""
        return utterance(self.record.text)

    @cached_property
    def asks(self) -> bool:
        """Whether its text ends as a question."""
        return is_question(self.record.text)

    @cached_property
    def tells_time(self) -> bool:
        """Whether what is said has a word for a time."""
        return tells_time(self.said.words)

    @cached_property
    def tells_name(self) -> bool:
        """Whether what is said has a name inside a sentence, or a title."""
        return tells_name(self.said.words)

    @cached_property
    def tells_count(self) -> bool:
        """Whether what is said has a number."""
        return tells_count(self.said.words)


def holding(candidates: Sequence[Candidate], terms: Sequence[str]) -> NDArray[np.bool_]:
    """Which of the terms each candidate holds, (n, k)."""
    wanted = [f" {term} " for term in terms]
    texts = [f" {one.terms} " for one in candidates]
    held = bytes([term in text for text in texts for term in wanted])
    return np.frombuffer(held, np.bool_).reshape(len(candidates), len(terms))
