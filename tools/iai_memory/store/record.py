"""The record: one memory without its vectors, its past states included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args

Role = Literal["user", "assistant", "tool", "note"]
Origin = Literal["hook", "tool", "import", "cli"]
Agent = Literal["model"]

MODEL: Final = "model"
BY_TOOL: Final = "tool"
"""The origin of what a model noted, and of what it changed, by calling a tool."""

REWOUND: Final = "rewound"
"""Tag of a turn that the user took back, by going on from a turn before it."""
TIME_ESTIMATED: Final = "time-estimated"
"""Tag of a memory of whose time only this is known: when it was said at the latest."""

ROLES: tuple[str, ...] = get_args(Role)
ORIGINS: tuple[str, ...] = get_args(Origin)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one field.

    Attributes:
        at: When it was changed.
        field: Name of the field.
        before: Its value before; today's value where somebody only stood by it.
        by: Which way the wish for it came, see `Origin`; empty where nobody wished it, or where a
            version changed it that did not note that.
        number: Of the change of the store that it is part of; None where a version made it that did
            not note that, or another store.
    """

    at: datetime
    field: str
    before: Any
    by: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One memory. Its text never changes after it was stored; other fields keep their past.

    Attributes:
        id: UUIDv7 as text; ids grow with arrival.
        text: Verbatim, apart from redacted secrets.
        role: Who said it, see `Role`.
        origin: Which way it came, see `Origin`; stamped by us, never taken from a text.
        created_at: When it was said.
        ingested_at: When it was stored.
        updated_at: When it was last changed.
        valid_from: Since when it is true.
        idem: Idempotency key; the same turn has the same key however often it comes.
        host: The program in whose session it was said.
        session_id: The host's id of the session.
        turn_id: The host's id of the turn.
        project: Name of the project; None is no project.
        cwd: The folder that was worked in.
        valid_to: When something else became true instead.
        superseded_by: Id of the record that replaced it.
        tombstoned_at: When it was forgotten, or folded.
        folded_into: Id of the record of the same turn that is shown in its place; empty for none.
        pinned: Whether it is among the pinned facts.
        tags: In the order in which they were added.
        derived_from: Ids of the records that it was made of.
        trust: 0..1, see `trust`.
        embedder: Key of the embedder of its vectors; None while it waits for some of them.
        history: Each change of another field, with its old value, oldest first.
        table_version: The version of the table that its last change became.
        arrival: Number of the change of the store with which it came into this table; None where an
            earlier version stored it.
        arrived_at: When that was; `ingested_at` is when it came into the first store that had it.
        changed_files: The files that the host's edit tools changed before this turn, see
            `changed_files`; empty, too, where an earlier version stored it.
    """

    id: str
    text: str
    role: str
    origin: str
    created_at: datetime
    ingested_at: datetime
    updated_at: datetime
    valid_from: datetime
    idem: str
    host: str | None = None
    session_id: str | None = None
    turn_id: str | None = None
    project: str | None = None
    cwd: str | None = None
    valid_to: datetime | None = None
    superseded_by: str | None = None
    tombstoned_at: datetime | None = None
    folded_into: str = ""
    pinned: bool = False
    tags: tuple[str, ...] = ()
    derived_from: tuple[str, ...] = ()
    trust: float = 1.0
    embedder: str | None = None
    history: tuple[Change, ...] = field(default=())
    table_version: int = 0
    arrival: int | None = None
    arrived_at: datetime | None = None
    changed_files: tuple[str, ...] = ()

    @property
    def noted_by(self) -> Agent | None:
        """Who chose to note it in these words, where that was a model; else None."""
        return MODEL if self.origin == BY_TOOL else None

    @property
    def pinned_by(self) -> Agent | None:
        """Who pinned it, where that was a model; else None."""
        return self._held_by("pinned", bool) if self.pinned else None

    def tagged_by(self, tag: str) -> Agent | None:
        """Return who gave it the tag, in capital or small letters, where that was a model."""
        wanted = tag.casefold()

        def has(tags: Any) -> bool:
            return any(one.casefold() == wanted for one in tags)

        return self._held_by("tags", has) if has(self.tags) else None

    def _held_by(self, name: str, holds: Callable[[Any], bool]) -> Agent | None:
        """Return `MODEL` if a tool call made the field hold what it holds today."""
        after = getattr(self, name)
        for change in reversed(self.history):
            if change.field != name:
                continue
            if change.before == after or not holds(change.before):
                return MODEL if change.by == BY_TOOL else None
            after = change.before
        return self.noted_by

    def changed(self, at: datetime, by: str = "", **values: Any) -> Record:
        """Return a copy with new values; its history keeps the old ones that differ.

        Args:
            at: When.
            by: Which way the wish for it came, see `Change`.
            values: By the names of the fields.
        """
        kept = tuple(
            Change(at, name, getattr(self, name), by)
            for name, value in values.items()
            if getattr(self, name) != value
        )
        return replace(self, **values, updated_at=at, history=self.history + kept)

    def affirmed(self, at: datetime, by: str, name: str) -> Record:
        """Return a copy whose history says that somebody stands by the value of a field."""
        stood_by = Change(at, name, getattr(self, name), by)
        return replace(self, updated_at=at, history=(*self.history, stood_by))

    def as_of(self, moment: datetime) -> Record:
        """Return the record as the store held it at `moment`: every later change is undone.

        Later are those after the last one that was made by then. Their order counts, for one of
        them may have been made by a clock that ran ahead.
        """
        made = [at for at, change in enumerate(self.history, 1) if change.at <= moment]
        kept = max(made, default=0)
        later = self.history[kept:]
        if not later:
            return self
        undone: dict[str, Any] = {change.field: change.before for change in reversed(later)}
        return replace(self, **undone, history=self.history[:kept])

    def is_live(self) -> bool:
        """Return whether the record is neither forgotten nor folded."""
        return self.tombstoned_at is None

    def is_current(self, moment: datetime | None = None) -> bool:
        """Return whether the record is not superseded, at `moment` or, for None, at all.

        What replaced it says so, not a clock: the clock of the process that wrote its end may be
        ahead of ours.
        """
        if moment is None:
            return self.superseded_by is None
        return self.valid_to is None or self.valid_to > moment
