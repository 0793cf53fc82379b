"""Exchanges and memories in the order of time, each cut to a few lines."""

from __future__ import annotations

from typing import Final

from ..base.out_of_sight import OutOfSight
from ..results import Coverage, Hidden, Timeline, TimelineEntry, Turn
from ..store.filter import Filter
from ..store.record import Record
from ..store.record_view import view_of
from ..store.table import Store
from ..text.excerpt import beginnings, ending
from ..text.tokens import estimate_tokens
from .exchange_list import Listed, list_exchanges, list_turns
from .filter_arguments import in_hindsight
from .project_scope import in_project

MAX_LIMIT: Final = 500
_ENTRY_TOKENS: Final = 200
_ANSWERED_TOKENS: Final = 40


def timeline(store: Store, where: Filter, limit: int, *, turns: bool = False) -> Timeline:
    """Return the newest exchanges and memories that pass, as they were at the filter's `as_of`.

    Newest first. The texts of an entry are cut to 200 estimated tokens together.

    Args:
        store: To read.
        where: Which memories.
        limit: Maximum number of entries.
        turns: List each turn by itself, narration too.

    Raises:
        StoreFault: The store could not be read.
    """
    where = in_project(in_hindsight(where, store), store)
    list_entries = list_turns if turns else list_exchanges
    found, total = list_entries(store.latest, where, limit)
    more = max(0, total - len(found))
    hidden = [Hidden(reason=OutOfSight.BEHIND_LIMIT, count=more)] if more else []
    return Timeline(records=[_entry(one) for one in found], coverage=Coverage(hidden=hidden))


def _entry(listed: Listed) -> TimelineEntry:
    answered = None if listed.before is None else ending(listed.before.text, _ANSWERED_TOKENS)
    room = _ENTRY_TOKENS - estimate_tokens(answered or "")
    texts = beginnings([turn.text for turn in listed.turns], room)
    (lead, text), *others = zip(listed.turns, texts, strict=True)
    return TimelineEntry(
        **dict(view_of(lead, text=text)),
        turns=[_turn(turn, cut) for turn, cut in others if cut],
        between=listed.between,
        reply_to=_turn(listed.before, answered) if listed.before and answered else None,
    )


def _turn(turn: Record, text: str) -> Turn:
    return Turn(id=turn.id, role=turn.role, text=text)
