"""The best hits within a budget of tokens; a long text is cut around what matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..results import Hit
from ..text.excerpt import excerpt
from ..text.tokens import estimate_tokens
from .ranked import Ranked

_MIN_CUT_TOKENS: Final = 24
_FAIR_SHARES: Final = 3  # equal shares of the rest that a long text may take while others follow


@dataclass(frozen=True, slots=True)
class FittedHits:
    """Hits within a budget, best first, and the estimated tokens of their texts."""

    hits: list[Hit]
    tokens: int


def fit_budget(ranked: Sequence[Ranked], budget: int) -> FittedHits:
    """Cut long texts, and leave out the last hits, until all fit in `budget` estimated tokens."""
    hits: list[Hit] = []
    left = budget
    for remaining, one in zip(range(len(ranked), 0, -1), ranked, strict=True):
        room = min(left, max(_FAIR_SHARES * left // remaining, _MIN_CUT_TOKENS))
        text = excerpt(one.record.text, one.span, room)
        if not text:
            continue
        left -= estimate_tokens(text)
        hits.append(_hit(one, text))
    return FittedHits(hits, budget - left)


def _hit(one: Ranked, text: str) -> Hit:
    record = one.record
    return Hit(
        id=record.id,
        ids=[record.id, *one.copies] if one.copies else [],
        text=text,
        score=one.score,
        role=record.role,
        origin=record.origin,
        host=record.host,
        project=record.project,
        session_id=record.session_id,
        created_at=record.created_at,
        valid_to=record.valid_to,
        superseded_by=record.superseded_by,
        tags=list(record.tags),
        pinned=record.pinned,
        confidence=one.confidence,
        reason=one.reason,
    )
