"""What the ledger says became of memories, held against states that may be older than it.

Of a damaged table, or from a backup, an older state of a memory may be all that is left. What was
forgotten or replaced since must not come back with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ..base.clock import parse_time
from ..base.ledger import Ledger
from ..store.record import Record

_ALL: Final = 1 << 40
_MARGIN: Final = timedelta(days=1)
_SCRUB_MARK: Final = "[redacted"


@dataclass(frozen=True, slots=True)
class _Said:
    """The last that was said of a memory: hidden or not, or replaced by which."""

    at: datetime
    hidden: bool | None = None
    replaced_by: str | None = None


class LedgerAccount:
    """The events of a store's ledger, by the memories that they name.

    Attributes:
        since: Time of its oldest event; None for an empty ledger.
        is_whole: Whether it reaches back to the store's beginning.
        named: Ids of all memories that it names, and that were not purged.
        purged: Ids of those that were.
        hidden: Ids of those that were forgotten or replaced, and not restored since.
        kept: By name the tables that a repair replaced, or that one made and that was put away;
            of these the time since which their new memories are in no other table. A table that a
            restore replaced was set aside by the user's wish, and is none of them.
    """

    def __init__(self, ledger: Ledger) -> None:
        """Read the ledger; what is damaged in it is left out."""
        self.since: datetime | None = None
        self._undone: datetime | None = None
        self.is_whole = not ledger.previous.exists()
        self.named = set[str]()
        self.purged = set[str]()
        self.kept: dict[str, datetime | None] = {}
        self._kept_at: dict[str, datetime] = {}
        self._scrubbed = set[str]()
        self._said: dict[str, _Said] = {}
        for event in reversed(ledger.newest(_ALL)):
            self._take(event)
        self.named -= self.purged

    @property
    def hidden(self) -> set[str]:
        """Ids of the memories that were forgotten or replaced, and not restored since."""
        return {id_ for id_, said in self._said.items() if said.hidden or said.replaced_by}

    def reaches_back_to(self, moment: datetime) -> bool:
        """Return whether the ledger says everything since then."""
        if self._undone is not None and moment <= self._undone:
            return False  # which memories that hid or brought back it does not say
        return self.is_whole or (self.since is not None and self.since <= moment)

    def brought_up(self, record: Record, now: datetime) -> Record | None:
        """Return the record as the events after it leave it; None for one that is gone for good.

        Args:
            record: In whatever state it was found.
            now: The time.
        """
        if record.id in self.purged:
            return None
        if record.id in self._scrubbed and _SCRUB_MARK not in record.text:
            return None  # its words are those from before the scrub
        said = self._said.get(record.id)
        if said is None or said.at < record.updated_at <= now + _MARGIN:
            return record
        if said.hidden:
            return record.changed(said.at, tombstoned_at=said.at) if record.is_live() else record
        if said.replaced_by is not None:
            if not record.is_current():
                return record
            return record.changed(said.at, valid_to=said.at, superseded_by=said.replaced_by)
        return _restored(record, said.at)

    def _take(self, event: Mapping[str, Any]) -> None:
        at, name = _time_of(event), event.get("event")
        if at is None:
            return
        self.since = at if self.since is None else self.since
        ids = [id_ for id_ in event.get("ids") or () if isinstance(id_, str)]
        match name:
            case "table_replaced" if event.get("purpose") == "restore":
                # What was brought back after the backup that the user went back to counts no more.
                self._forget_what_was_brought_back()
            case "table_replaced" if event.get("purpose") == "repair":
                self._keep(event, at, None)
            case "table_put_back" if event.get("put_back") in self.kept:
                self._keep(event, at, self._kept_at[str(event.get("put_back"))])
            case "undone":
                self._undone = at
                self._forget_what_was_brought_back()
            case "forgotten":
                self._say(ids, _Said(at, hidden=True))
            case "restored":
                self._say(ids, _Said(at, hidden=False))
            case "superseded":
                old, new = event.get("old_id"), event.get("new_id")
                if isinstance(old, str) and isinstance(new, str):
                    self._say([old], _Said(at, replaced_by=new))
                    self.named.add(new)
            case "purged":
                self.purged.update(ids)
            case "scrubbed":
                self._scrubbed.update(ids)
            case _:
                return

    def _forget_what_was_brought_back(self) -> None:
        self._said = {id_: one for id_, one in self._said.items() if one.hidden or one.replaced_by}

    def _keep(self, event: Mapping[str, Any], at: datetime, since: datetime | None) -> None:
        name = str(event.get("kept"))
        self.kept[name], self._kept_at[name] = since, at

    def _say(self, ids: list[str], said: _Said) -> None:
        self._said.update(dict.fromkeys(ids, said))
        self.named.update(ids)


def _restored(record: Record, at: datetime) -> Record:
    if not record.is_live():
        return record if record.folded_into else record.changed(at, tombstoned_at=None)
    if record.is_current():
        return record
    return record.changed(at, valid_to=None, superseded_by=None)


def _time_of(event: Mapping[str, Any]) -> datetime | None:
    at = event.get("at")
    try:
        return parse_time(at, "at") if isinstance(at, str) else None
    except ValueError:
        return None
