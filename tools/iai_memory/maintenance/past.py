"""The past of one memory, and what is different in a whole store between two times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ..base.checks import check_ids
from ..base.clock import parse_time
from ..base.ledger import Ledger
from ..errors import InvalidInput, UnknownRecord
from ..results import PURGED, ChangedMemory, MemoryHistory, PastState, StoreDiff, Wording
from ..store.record import Change, Record
from ..store.supersession_chain import predecessors, successors
from ..store.table import Store
from ..writing.lookup import named_records
from .differences import differences, steps

_EVENTS: Final = 5_000
_SURELY_AN_ID: Final = 8  # fewer digits begin many ids
_NOTED_WITHIN: Final = timedelta(minutes=1)
"""A reason is written into the ledger right after its commit."""


# One memory


def history(store: Store, ledger: Ledger, id_: str, *, forgotten: bool = False) -> MemoryHistory:
    """Return every state of one memory, oldest first, and the wordings before and after it.

    Args:
        store: The store.
        ledger: Its events, which know the reasons.
        id_: Its id, or the beginning of it that no other one has.
        forgotten: Show the texts of forgotten memories, too.

    Raises:
        UnknownRecord: No memory has that id.
        InvalidInput: Several have ids that begin so.
        StoreFault: The store could not be read.
    """
    reader = store.latest
    [id_] = check_ids([id_])
    named = named_records(reader, [id_], lambda record: True)
    if id_ not in named:
        if len(id_) >= _SURELY_AN_ID and any(
            purged.startswith(id_.lower()) for purged in store.erasures.now().purged
        ):
            raise UnknownRecord(f"{id_[:80]!r} {PURGED}: it has no history")
        raise UnknownRecord(f"no memory has the id {id_[:80]!r}: send an id that recall returned")
    record = named[id_]
    known = store.settled_times()
    settled = record if known is None else known.settle(record)
    reasons = _Reasons.of(ledger, record.id)
    states = [_stored(settled)]
    states += reversed([_state(*step, reasons) for step in steps(settled)])
    [before] = predecessors(reader, [record]).values()
    [after] = successors(reader, [record]).values()
    return MemoryHistory(
        id=record.id,
        text=_text(record, forgotten=forgotten),
        role=record.role,
        project=record.project,
        created_at=record.created_at,
        forgotten=not record.is_live(),
        folded_into=record.folded_into or None,
        states=states,
        replaced=[_wording(one) for one in reversed(before)],
        replaced_by=[_wording(one) for one in after],
    )


def _stored(record: Record) -> PastState:
    return PastState(
        at=record.arrived_at or record.ingested_at,
        change=record.arrival,
        what=["added"],
        by=record.origin,
        pinned=None,
        tags=None,
    )


def _state(
    changes: Sequence[Change], before: Record, after: Record, reasons: _Reasons
) -> PastState:
    first = changes[0]
    what = differences(before, after)
    return PastState(
        at=first.at,
        change=first.number,
        what=[*what] or ["confirmed"],
        by=reasons.undo_of(first.number) or first.by or None,
        reason=reasons.of_change(first.at, what),
        other=after.superseded_by if "superseded" in what else after.folded_into or None,
        pinned=after.pinned if after.pinned != before.pinned else None,
        tags=list(after.tags) if after.tags != before.tags else None,
    )


def _wording(record: Record) -> Wording:
    return Wording(id=record.id, text=record.text, since=record.valid_from)


def _text(record: Record, *, forgotten: bool) -> str | None:
    return record.text if record.is_live() or forgotten else None


@dataclass(frozen=True, slots=True)
class _Reasons:
    """What the ledger knows of the changes of one memory.

    Attributes:
        noted: When and by which event a reason was noted, and the reason.
        undos: By the numbers of changes that were an undo, what they took back.
    """

    noted: list[tuple[datetime, str, str]]
    undos: dict[int, str]

    @classmethod
    def of(cls, ledger: Ledger, id_: str) -> _Reasons:
        noted: list[tuple[datetime, str, str]] = []
        for name in ("superseded", "forgotten", "restored"):
            for event in ledger.newest(_EVENTS, event=name):
                if id_ in _ids_of(event) and event.get("reason"):
                    noted.append((_time_of(event), name, str(event["reason"])))
        undos = {
            int(event["number"]): "undo"
            for event in ledger.newest(_EVENTS, event="undone")
            if isinstance(event.get("number"), int)
        }
        return cls(noted, undos)

    def of_change(self, at: datetime, what: Iterable[str]) -> str | None:
        """Return the reason that was noted for a change, if any was."""
        near = [one for one in self.noted if one[1] in what and abs(one[0] - at) < _NOTED_WITHIN]
        return min(near, key=lambda one: abs(one[0] - at))[2] if near else None

    def undo_of(self, number: int | None) -> str | None:
        """Return "undo" for a change that was one."""
        return None if number is None else self.undos.get(number)


def _ids_of(event: dict[str, Any]) -> list[str]:
    ids = event.get("ids")
    return [*(ids if isinstance(ids, list) else []), str(event.get("old_id"))]


def _time_of(event: dict[str, Any]) -> datetime:
    try:
        return parse_time(str(event.get("at")), "at")
    except InvalidInput:
        return parse_time("0001-01-02", "at")  # of a damaged line


# A whole store


def diff(
    store: Store,
    since: datetime,
    until: datetime | None,
    limit: int,
    *,
    forgotten: bool = False,
) -> StoreDiff:
    """Return what is different between two times, the newest first.

    Args:
        store: The store.
        since: The earlier time.
        until: The later one; None is now.
        limit: Maximum number of memories that are listed; all are counted.
        forgotten: Show the texts of what is forgotten, too.

    Raises:
        InvalidInput: The earlier time is the later one.
        StoreFault: The store could not be read.
    """
    if until is not None and since >= until:
        raise InvalidInput("since is not before until: swap them")
    times = store.settled_times()
    found: list[tuple[datetime, ChangedMemory]] = []
    for record in store.latest.changed_after(since, times):
        settled = record if times is None else times.settle(record)
        before, after = _at(settled, since), settled if until is None else _at(settled, until)
        what = [] if after is None else differences(before, after)
        if after is not None and what:
            shown = changed_memory(after, what, forgotten=forgotten)
            found.append((_last(settled, until), shown))
    found.sort(key=lambda pair: pair[0], reverse=True)
    counts: dict[str, int] = {}
    for _, one in found:
        for kind in one.what:
            counts[kind] = counts.get(kind, 0) + 1
    return StoreDiff(
        since=since,
        until=until,
        total=len(found),
        counts=counts,
        memories=[one for _, one in found[:limit]],
    )


def changed_memory(
    record: Record, what: Sequence[str], *, forgotten: bool = False
) -> ChangedMemory:
    """Return a memory with what happened to it; the text of a forgotten one only if wanted."""
    return ChangedMemory(
        id=record.id,
        what=[*what],
        role=record.role,
        project=record.project,
        created_at=record.created_at,
        text=_text(record, forgotten=forgotten),
        superseded_by=record.superseded_by,
    )


def _at(record: Record, moment: datetime) -> Record | None:
    came = record.arrived_at or record.ingested_at
    return record.as_of(moment) if came <= moment else None


def _last(record: Record, until: datetime | None) -> datetime:
    times = [record.arrived_at or record.ingested_at, *(one.at for one in record.history)]
    return max(at for at in times if until is None or at <= until)
