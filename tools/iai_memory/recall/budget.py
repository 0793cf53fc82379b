"""The best hits within a budget of tokens; a long text is cut around what matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..results import Hit, Turn
from ..store.trust import role_of_caller
from ..text.excerpt import beginnings, excerpt
from ..text.tokens import estimate_tokens
from .ranked import Ranked

_MIN_CUT_TOKENS: Final = 24
_FAIR_SHARES: Final = 3  # equal shares of the rest that a long text may take while others follow
_CHARACTERS: Final = 12  # of a token at most, where nothing but the beginning is shown
_KEPT_FOR_EACH: Final = 40  # room that an exchange leaves for each hit after it


@dataclass(frozen=True, slots=True)
class FittedHits:
    """Hits within a budget, best first, and the estimated tokens of their texts."""

    hits: list[Hit]
    tokens: int


def fit_budget(ranked: Sequence[Ranked], budget: int, *, evenly: bool = False) -> FittedHits:
    """Cut long texts, and leave out the last hits, until all fit in `budget` estimated tokens.

    Args:
        ranked: Best first.
        budget: Estimated tokens.
        evenly: No hit is better than another, so none takes more than its share of what is left.
    """
    hits: list[Hit] = []
    left = budget
    for remaining, one in zip(range(len(ranked), 0, -1), ranked, strict=True):
        most = left - _KEPT_FOR_EACH * (remaining - 1) if one.turns else left
        fair = (1 if evenly else _FAIR_SHARES) * left // remaining
        room = min(left, max(min(fair, most), _MIN_CUT_TOKENS))
        text = excerpt(one.record.text, one.span, _own_room(one, room))
        if not text:
            continue
        used = estimate_tokens(text)
        turns = _turns(one, room - used)
        left -= used + sum(estimate_tokens(turn.text) for turn in turns)
        hits.append(_hit(one, text, turns))
    return FittedHits(hits, budget - left)


def _own_room(one: Ranked, room: int) -> int:
    """Return the room of the turn that matched: half of it, or what the others leave."""
    others = 0
    for turn in one.turns:
        others += estimate_tokens(turn.text[: _CHARACTERS * room])
        if others >= room:
            break
    return max(room // 2, room - others)


def _turns(one: Ranked, room: int) -> list[Turn]:
    """Return the other turns of the exchange, the shortest first given the room that it needs."""
    texts = beginnings([turn.text for turn in one.turns], room)
    return [
        Turn(id=turn.id, role=turn.role, text=text)
        for turn, text in zip(one.turns, texts, strict=True)
        if text
    ]


def _hit(one: Ranked, text: str, turns: list[Turn]) -> Hit:
    record = one.record
    return Hit(
        id=record.id,
        ids=[record.id, *one.copies] if one.copies else [],
        text=text,
        score=one.score,
        role=role_of_caller(record.role, record.origin),
        origin=record.origin,
        noted_by=record.noted_by,
        pinned_by=record.pinned_by,
        host=record.host,
        project=record.project,
        session_id=record.session_id,
        created_at=record.created_at,
        valid_to=record.valid_to,
        superseded_by=record.superseded_by,
        earlier_than=one.earlier_than,
        tags=list(record.tags),
        pinned=record.pinned,
        confidence=one.confidence,
        reason=one.reason,
        turns=turns,
    )
