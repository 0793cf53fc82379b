"""Two states of one memory, and in words what is different between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Final, Literal

from ..store.record import Change, Record

Difference = Literal[
    "added",
    "forgotten",
    "restored",
    "superseded",
    "current again",
    "pinned",
    "unpinned",
    "tagged",
    "folded",
]

FIELDS_WITH_A_PAST: Final = (
    *("pinned", "tags", "valid_to", "superseded_by", "tombstoned_at", "folded_into"),
)
"""The fields whose former values a record keeps."""


def differences(before: Record | None, after: Record) -> list[Difference]:
    """Return what happened to a memory between two of its states; [] where they show the same.

    Args:
        before: The earlier state; None where it was not there yet.
        after: The later one.
    """
    found: list[Difference] = []
    if before is None:
        found.append("added")
        if not after.is_live():
            found.append("folded" if after.folded_into else "forgotten")
        return found + _validity(None, after)
    if before.is_live() != after.is_live():
        found.append("restored" if after.is_live() else "forgotten")
    if after.folded_into and not before.folded_into:
        found = ["folded"]
    found += _validity(before.superseded_by, after)
    if before.pinned != after.pinned:
        found.append("pinned" if after.pinned else "unpinned")
    if before.tags != after.tags:
        found.append("tagged")
    return found


def _validity(before: str | None, after: Record) -> list[Difference]:
    if before == after.superseded_by:
        return []
    return ["current again"] if after.superseded_by is None else ["superseded"]


def steps(record: Record) -> Iterator[tuple[list[Change], Record, Record]]:
    """Yield the changes that were made at once, with the states before and after, newest first."""
    after = record
    for _, group in groupby(reversed(record.history), key=lambda one: (one.number, one.at)):
        changes = list(group)
        before = undone(after, changes)
        yield changes[::-1], before, after
        after = before


def shows_the_same(one: Record, other: Record) -> bool:
    """Return whether two states of a memory differ in no field that has a past."""
    return all(getattr(one, name) == getattr(other, name) for name in FIELDS_WITH_A_PAST)


def undone(record: Record, changes: Iterable[Change]) -> Record:
    """Return the record without these changes, which are given newest first."""
    return replace(record, **{change.field: change.before for change in changes})
