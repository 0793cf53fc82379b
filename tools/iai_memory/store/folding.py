"""Folding: of several records of one turn one stays, and the others are hidden behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from .record import Record

_FIELDS: Final = (*("pinned", "tags", "valid_to", "superseded_by", "tombstoned_at", "folded_into"),)


def fold(copies: Sequence[Record], at: datetime) -> list[Record]:
    """Return the copies of one turn that change, with their history.

    The oldest that is live stays, else the oldest: a turn is forgotten only if all its copies are.
    What the user did to a live copy is done to the one that stays: its pin, its tags, the fact that
    replaced it, of several the earliest.

    Args:
        copies: Records of one turn, two or more, none of them folded.
        at: When they are folded.
    """
    ordered = sorted(copies, key=lambda one: one.id)
    live = [one for one in ordered if one.is_live()]
    kept = (live or ordered)[0]
    merged = kept.changed(at, **_merged(kept, live))
    hidden = [
        one.changed(at, tombstoned_at=one.tombstoned_at or at, folded_into=kept.id)
        for one in ordered
        if one is not kept
    ]
    return hidden if merged.history == kept.history else [merged, *hidden]


def unfold(folded: Sequence[Record], kept: Iterable[Record], at: datetime) -> list[Record]:
    """Return the records as they were before they were folded; what changed since stays.

    Args:
        folded: Folded ones.
        kept: Those that they were folded into.
        at: When it is undone.
    """
    moments: dict[str, set[datetime]] = {}
    undone: list[Record] = []
    for record in folded:
        since = {change.at for change in record.history if change.field == "folded_into"}
        moments.setdefault(record.folded_into, set()).update(since)
        undone.append(_reverted(record, since, at))
    undone += [_reverted(record, moments.get(record.id, set()), at) for record in kept]
    return undone


def _reverted(record: Record, moments: set[datetime], at: datetime) -> Record:
    """Return the record with the fields that were last changed at one of these moments undone."""
    last = {change.field: change for change in record.history}
    before = {
        name: change.before
        for name, change in last.items()
        if name in _FIELDS and change.at in moments
    }
    return record.changed(at, **before)


def _merged(kept: Record, live: Sequence[Record]) -> dict[str, Any]:
    if not live:
        return {}
    replaced = [(one.valid_to, one) for one in live if one.valid_to is not None]
    first = min(replaced, default=None, key=lambda pair: pair[0])
    return {
        "pinned": any(one.pinned for one in live),
        "tags": tuple(dict.fromkeys(tag for one in live for tag in one.tags)),
        "valid_to": None if first is None else first[0],
        "superseded_by": None if first is None else first[1].superseded_by,
    }
