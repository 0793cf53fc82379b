"""Folding: of several records of one turn one stays, and the others are hidden behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from ..text.same_words import has_all_words
from .idempotency import TurnIdentity, stored_identity
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


def by_words(records: Sequence[Record]) -> list[list[Record]]:
    """Return the records of one key in groups of those that say the same, oldest first.

    All of a group but the first get the key that a turn with other words has under a known id.
    """
    groups: list[list[Record]] = []
    for record in sorted(records, key=lambda one: one.id):
        group = next((one for one in groups if say_the_same(one[0], record)), None)
        if group is None:
            groups.append([record])
        else:
            group.append(record)
    return [groups[0], *([with_other_words(one) for one in group] for group in groups[1:])]


def with_other_words(record: Record) -> Record:
    """Return the record with the key of a turn whose id a turn with other words has already."""
    identity = _identity_by_id(record)
    if identity is None:
        return record
    return replace(record, idem=identity.with_other_words(record.role).key(record.text))


def say_the_same(one: Record, other: Record) -> bool:
    """Return whether two records of one key are of one turn."""
    if _identity_by_id(one) is None:
        return True
    if one.role != other.role:
        return False
    return has_all_words(one.text, other.text, other.text) and has_all_words(
        other.text, one.text, one.text
    )


def is_known_by_id(record: Record) -> bool:
    """Return whether the record's key is its host's id of the turn, without its words."""
    return _identity_by_id(record) is not None


def identity_of(record: Record) -> TurnIdentity | None:
    """Return the identity that the record's turn would have if it came today; None for no turn."""
    return stored_identity(
        record.host,
        record.origin,
        record.session_id,
        record.role,
        record.turn_id,
        record.created_at,
    )


def _identity_by_id(record: Record) -> TurnIdentity | None:
    """Return the identity of a record whose key its host's id is by itself, else None."""
    found = identity_of(record)
    is_by_id = found is not None and not found.with_text and found.key("") == record.idem
    return found if is_by_id else None


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
    before: dict[str, Any] = {}
    changed_since = set[str]()
    for change in reversed(record.history):
        if change.field not in _FIELDS or change.field in changed_since:
            continue
        if change.at in moments:
            before[change.field] = change.before
        else:
            changed_since.add(change.field)
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
