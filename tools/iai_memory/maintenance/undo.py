"""Undo: the last change of a store, or all since a time, taken back by a change of its own.

A change is everything that one wish did: one forget of a thousand ids, one import, one batch of a
drain. Its number stands in each row that came with it, and in the past of each that it changed, so
that no clock decides what belongs together. Nothing is destroyed: what came is forgotten, what was
changed has the values from before, and undoing the undo does the change again. Vectors, compaction
and the folding of an upgrade are no changes. What scrub or purge removed is in no past.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..store.reader import TableReader
from ..store.record import BY_TOOL, Change, Record
from ..store.settled_times import SettledTimes
from ..store.table import Store
from ..store.writer import Writer
from .differences import FIELDS_WITH_A_PAST, shows_the_same, undone


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """One change of a store.

    Attributes:
        number: Its number; None for one of a version that did not count them.
        at: When it was made, by the clock of who made it.
    """

    number: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What an undo would do, or did.

    Attributes:
        change: The change that is taken back; None where it is all since a time.
        to: That time.
        states: Of each memory that changes, the state now and the one that it gets, with the past
            that led to it.
        kept: How many memories of the change were changed again since, and stay as they are.
    """

    change: ChangeMade | None
    to: datetime | None
    states: tuple[tuple[Record, Record], ...]
    kept: int = 0


def plan_undo(
    store: Store, reader: TableReader, to: datetime | None, number: int | None = None
) -> UndoPlan:
    """Return what an undo would do; nothing is changed.

    Args:
        store: The store.
        reader: Of the version to look at.
        to: Back to that time; None is one change.
        number: Which change; None is the last one.

    Raises:
        StoreFault: The store could not be read.
    """
    if to is not None:
        plan = _plan_to(reader, to, store.settled_times())
    else:
        change = _last_change(reader) if number is None else _change(reader, number)
        if change is None:
            return UndoPlan(None, None, ())
        plan = _plan_of(reader, change)
    # Of a purge that was killed half-way rows are left.
    purged = store.erasures.now().purged
    return replace(plan, states=tuple(one for one in plan.states if one[0].id not in purged))


def undo(
    store: Store, to: datetime | None, number: int | None = None, by: str = ""
) -> tuple[UndoPlan, int | None]:
    """Take back one change, or all since a time, in one commit.

    Args:
        store: The store.
        to: Back to that time; None is one change.
        number: Which change; None is the last one.
        by: Which way the wish came, see `Origin`.

    Returns:
        What was done, and the number of the change that did it; None where nothing was to be done.

    Raises:
        StoreFault: The store could not be written; then nothing was undone.
    """
    with store.writing() as writer:
        plan = plan_undo(store, writer.reader, to, number)
        if not plan.states:
            return plan, None
        _apply(writer, plan, by)
        return plan, writer.newest.number


def _apply(writer: Writer, plan: UndoPlan, by: str) -> None:
    at = writer.now()
    rows = {row.record.id: row for row in writer.reader.rows([one.id for one, _ in plan.states])}
    changed = [
        replace(
            rows[now.id],
            record=now.changed(at, _by(now, then, by), **_values(now, then, at)),
        )
        for now, then in plan.states
    ]
    writer.update(changed, at)


def _by(now: Record, then: Record, by: str) -> str:
    """Return which way a change of an undo came: what a model had pinned or tagged stays its."""
    tags = set(then.tags) - set(now.tags)
    back = (then.pinned_by if not now.pinned else None, *(then.tagged_by(tag) for tag in tags))
    return BY_TOOL if any(back) else by


def _values(now: Record, then: Record, at: datetime) -> dict[str, Any]:
    """Return the values that differ; what is forgotten is so from now on."""
    values = {
        name: getattr(then, name)
        for name in FIELDS_WITH_A_PAST
        if getattr(then, name) != getattr(now, name)
    }
    if now.is_live() and not then.is_live() and then.tombstoned_at is _NOW:
        values["tombstoned_at"] = at
    return values


# Stands for the time of the undo in a state that is planned.
_NOW: Any = datetime.max.replace(tzinfo=UTC)


# One change


def _last_change(reader: TableReader) -> ChangeMade | None:
    """Return the change with the largest number, or a later one that has none.

    Those are of earlier versions, which may write beside this one: they are known by their times.
    """
    last = _last_numbered(reader)
    if last is None or last.number is None:
        return _latest(reader.records_meeting("true"))
    since = reader.records_meeting(f"arrival IS NULL AND table_version > {last.number}")
    unnumbered = _latest(since)
    return unnumbered if unnumbered is not None and unnumbered.at > last.at else last


def _last_numbered(reader: TableReader) -> ChangeMade | None:
    """Return the change with the largest number; None where none has one."""
    newest = reader.newest_arrival()
    changed = reader.records_meeting(f"history IS NOT NULL AND table_version > {newest or 0}")
    numbered = [
        ChangeMade(one.number, one.at)
        for record in changed
        for one in record.history
        if one.number is not None and one.number > (newest or 0)
    ]
    if numbered:
        return max(numbered, key=lambda one: one.number or 0)
    return None if newest is None else _change(reader, newest)


def _latest(records: Sequence[Record]) -> ChangeMade | None:
    """Return the latest of the changes without a number."""
    folds = _times_of_folding(records)
    times = [one.at for record in records for one in record.history if one.number is None]
    times += [record.ingested_at for record in records if record.arrival is None]
    return max((ChangeMade(None, at) for at in times if at not in folds), key=_time, default=None)


def _change(reader: TableReader, number: int) -> ChangeMade | None:
    """Return the change with this number; None where no memory knows it."""
    for record in reader.records_meeting(f"table_version >= {number}"):
        if record.arrival == number and record.arrived_at is not None:
            return ChangeMade(number, record.arrived_at)
        for change in record.history:
            if change.number == number:
                return ChangeMade(number, change.at)
    return None


def _time(change: ChangeMade) -> datetime:
    return change.at


def _plan_of(reader: TableReader, change: ChangeMade) -> UndoPlan:
    where = "true" if change.number is None else f"table_version >= {change.number}"
    states: list[tuple[Record, Record]] = []
    kept = 0
    for record in reader.records_meeting(where):
        then = _without(record, change)
        if then is None:
            kept += 1
        elif not shows_the_same(then, record):
            states.append((record, then))
    return UndoPlan(change, None, _in_order(states), kept)


def _without(record: Record, change: ChangeMade) -> Record | None:
    """Return the record as if the change had not been made; None where a later one holds it."""
    came = _came_with(record, change)
    mine = [one for one in record.history if _is_of(one, change)]
    if not came and not mine:
        return record
    last = max((at for at, one in enumerate(record.history) if _is_of(one, change)), default=-1)
    fields = {one.field for one in mine} | ({"tombstoned_at"} if came else set())
    if any(one.field in fields for one in record.history[last + 1 :]):
        return None
    rest = tuple(one for one in record.history if not _is_of(one, change))
    then = replace(undone(record, reversed(mine)), history=rest)
    return replace(then, tombstoned_at=_NOW) if came and then.is_live() else then


def _came_with(record: Record, change: ChangeMade) -> bool:
    if change.number is not None:
        return record.arrival == change.number
    return record.arrival is None and record.ingested_at == change.at


def _is_of(one: Change, change: ChangeMade) -> bool:
    if change.number is not None:
        return one.number == change.number
    return one.number is None and one.at == change.at


# Back to a time


def _plan_to(reader: TableReader, to: datetime, times: SettledTimes | None) -> UndoPlan:
    records = reader.changed_after(to, times)
    folds = _times_of_folding(records)
    states: list[tuple[Record, Record]] = []
    for record in records:
        settled = record if times is None else times.settle(record)
        then = _at_time(settled, to, folds)
        if not shows_the_same(then, settled):
            states.append((record, _unsettled(then, settled, record)))
    return UndoPlan(None, to, _in_order(states))


def _at_time(record: Record, to: datetime, folds: set[datetime]) -> Record:
    """Return the record as it was at a time; what came later is forgotten."""
    if (record.arrived_at or record.ingested_at) > to:
        return replace(record, tombstoned_at=_NOW) if record.is_live() else record
    past = tuple(one for one in record.history if one.number is not None or one.at not in folds)
    return replace(record, history=past).as_of(to)


def _unsettled(then: Record, settled: Record, record: Record) -> Record:
    """Return the state with the record's own values where nothing is to be undone."""
    same = [name for name in FIELDS_WITH_A_PAST if getattr(then, name) == getattr(settled, name)]
    return replace(then, **{name: getattr(record, name) for name in same})


def _times_of_folding(records: Iterable[Record]) -> set[datetime]:
    """Return when upgrades folded copies of turns, which is undone by `restore --folded` alone."""
    return {
        change.at
        for record in records
        if record.arrival is None
        for change in record.history
        if change.field == "folded_into" and change.number is None
    }


def _in_order(
    states: Sequence[tuple[Record, Record]],
) -> tuple[tuple[Record, Record], ...]:
    """Return the states, the newest memory first."""
    return tuple(sorted(states, key=lambda pair: (pair[0].created_at, pair[0].id), reverse=True))
