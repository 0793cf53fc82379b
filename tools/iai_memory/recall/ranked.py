"""A candidate with its score and the parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..embedding.passages import Span
from ..store.record import Record
from ..store.session_order import Exchange


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score and the parts that add up to it.

    Attributes:
        record: The record that may answer.
        score: The sum of the parts.
        parts: The part of each signal by its name, rounded to three digits.
        similarity: Cosine of the query with the text or its best passage, whichever is larger; 0.0
            without vectors.
        coverage: The share of the query's words, rare ones counting more, in the text itself, 0..1.
        reads: How far the model reads the query and the text, whichever less, 0..1.
        span: The passage that matched best, None for a text of one passage.
        nearness: Mean cosine of the query's content tokens with the nearest token of the hit, see
            `late_interaction`; None without token vectors.
        copies: Ids of the candidates that say the same in the same words and are not shown.
        matched_wording: Id of the earlier wording of this fact that matched, None where its own
            did.
        confidence: The probability that it answers, 0..1; None until it is calibrated.
        exchange: The exchange of a turn, None where it is not known or has none.
        turns: The other turns that are shown with it, in their order.
        earlier_than: Id of the newer hit that says the same thing of the same subject; None where
            there is none.
    """

    record: Record
    score: float
    parts: Mapping[str, float]
    similarity: float = 0.0
    coverage: float = 0.0
    reads: float = 1.0
    span: Span | None = None
    nearness: float | None = None
    copies: tuple[str, ...] = ()
    matched_wording: str | None = None
    confidence: float | None = None
    exchange: Exchange | None = None
    turns: tuple[Record, ...] = ()
    earlier_than: str | None = None

    @property
    def reason(self) -> str:
        """The sum that made the score, as text."""
        parts = [
            f"{'-' if value < 0 else '+'} {name} {abs(value):.3f}"
            for name, value in self.parts.items()
            if value
        ]
        total = f"{' '.join(parts).removeprefix('+ ') or 'nothing'} = {self.score:.3f}"
        if self.matched_wording:
            total += f"; matched as it was said in {self.matched_wording}"
        return f"{total}; {len(self.copies)} more say the same" if self.copies else total

    def with_part(self, name: str, value: float, *, nearness: float | None = None) -> Ranked:
        """Return a copy with one more part, rounded to three digits, in its score.

        Args:
            name: Of the part.
            value: What it adds.
            nearness: What the copy has instead; None leaves it as it is.
        """
        value = round(value, 3)
        parts = {**self.parts, name: value}
        near = self.nearness if nearness is None else nearness
        return replace(self, score=round(self.score + value, 3), parts=parts, nearness=near)


def sort_key(one: Ranked) -> tuple[float, float, str]:
    """Sort higher scores first, and of equal ones the newer record."""
    return (-one.score, -one.record.created_at.timestamp(), one.record.id)
