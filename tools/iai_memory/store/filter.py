"""A filter of records, as one value: LanceDB applies it as SQL, `admits` decides it in full."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from .record import Record
from .sql import sql_in, sql_text, sql_time

if TYPE_CHECKING:
    from .settled_times import SettledTimes

# No tag has a line break, see `names`.
_LOWER_TAGS: Final = "string_to_array(lower(array_to_string(tags, '\n')), '\n')"


@dataclass(frozen=True, slots=True)
class Filter:
    """The records a query may see; by default those neither forgotten nor superseded.

    With `as_of` the answer is bitemporal. Valid time is `as_of`. Transaction time is `as_of` too:
    records that arrived later are not there, and later changes are undone. Only for a time before
    the first record arrived (`hindsight`) transaction time is now, and records count from when
    they were said. Where a clock ran ahead, `times` bounds what it stamped.

    Attributes:
        project: Only this project; None is every project.
        same_project: With `project`: its other names, as records have them.
        or_no_project: With `project`: records of no project too.
        session_id: Only this session.
        not_session_id: All but this session.
        since: Created at or after.
        until: Created at or before.
        as_of: As the store was at that time, with the facts that were true then.
        hindsight: With `as_of`: that time is before the first record arrived.
        times: With `as_of`: what settles times that lie ahead of now; None where none does.
        tags: Records that have every one of these, in capital or small letters.
        roles: Records with one of these roles; empty is every role.
        origins: Records with one of these origins; empty is every origin.
        pinned: Only pinned ones.
        embedded: Only those that have all their vectors.
        include_superseded: Superseded ones too.
        include_tombstoned: Forgotten ones too.
    """

    project: str | None = None
    same_project: tuple[str, ...] = ()
    or_no_project: bool = False
    session_id: str | None = None
    not_session_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    hindsight: bool = False
    times: SettledTimes | None = None
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    pinned: bool = False
    embedded: bool = False
    include_superseded: bool = False
    include_tombstoned: bool = False

    @property
    def project_names(self) -> tuple[str, ...]:
        """Every name of the project; empty for every project."""
        return () if self.project is None else (self.project, *self.same_project)

    def to_sql(self) -> str | None:
        """Return the SQL condition, None for none; with `as_of` it may admit too many records.

        A record that was changed after `as_of` is let by whatever its state is now, because only
        its history knows its state then; `admits` decides.
        """
        parts = [*self._scope_sql(), *self._state_sql()]
        return " AND ".join(parts) or None

    def admits(self, record: Record) -> bool:
        """Return whether the record, as the table holds it now, passes; decided in full."""
        settled = self._settled(record)
        return (
            self._scope_admits(record)
            and self._existed(settled)
            and self._state_admits(self.at_time(settled))
        )

    def within(self, start: datetime, end: datetime) -> Filter:
        """Return the filter that wants also that a record is of the time from `start` to `end`."""
        return replace(
            self,
            since=start if self.since is None else max(self.since, start),
            until=end if self.until is None else min(self.until, end),
        )

    def at_time(self, record: Record) -> Record:
        """Return the record as it was at `as_of`; without `as_of` as it is.

        In hindsight it is as it is now, but for a supersession after `as_of`.
        """
        if self.as_of is None:
            return record
        record = self._settled(record)
        if not self.hindsight:
            return record.as_of(self.as_of)
        if record.valid_to is not None and record.is_current(self.as_of):
            return replace(record, valid_to=None, superseded_by=None)
        return record

    def _settled(self, record: Record) -> Record:
        return record if self.times is None else self.times.settle(record)

    def _scope_admits(self, record: Record) -> bool:
        return (
            (
                self.project in (None, record.project)
                or record.project in self.same_project
                or (self.or_no_project and record.project is None)
            )
            and self.session_id in (None, record.session_id)
            and (self.not_session_id is None or record.session_id != self.not_session_id)
            and (self.since is None or record.created_at >= self.since)
            and (self.until is None or record.created_at <= self.until)
            and (not self.roles or record.role in self.roles)
            and (not self.origins or record.origin in self.origins)
            and (not self.embedded or record.embedder is not None)
        )

    def _existed(self, record: Record) -> bool:
        """Return whether the record was stored, or in hindsight said, and true by `as_of`."""
        if self.as_of is None:
            return True
        came = record.created_at if self.hindsight else record.ingested_at
        return came <= self.as_of and record.valid_from <= self.as_of

    def _state_admits(self, then: Record) -> bool:
        return (
            (self.include_tombstoned or then.is_live())
            and (self.include_superseded or then.is_current(self.as_of))
            and {tag.lower() for tag in self.tags} <= {tag.lower() for tag in then.tags}
            and (then.pinned or not self.pinned)
        )

    def _scope_sql(self) -> list[str]:
        parts: list[str] = []
        if self.project is not None:
            mine = sql_in("project", self.project_names)
            parts.append(f"({mine} OR project IS NULL)" if self.or_no_project else mine)
        if self.session_id is not None:
            parts.append(f"session_id = {sql_text(self.session_id)}")
        if self.not_session_id is not None:
            other = f"session_id != {sql_text(self.not_session_id)}"
            parts.append(f"(session_id IS NULL OR {other})")
        if self.since is not None:
            parts.append(f"created_at >= {sql_time(self.since)}")
        if self.until is not None:
            parts.append(f"created_at <= {sql_time(self.until)}")
        if self.roles:
            parts.append(sql_in("role", self.roles))
        if self.origins:
            parts.append(sql_in("origin", self.origins))
        if self.embedded:
            parts.append("embedder IS NOT NULL")
        return parts

    def _state_sql(self) -> list[str]:
        current = [] if self.include_tombstoned else ["tombstoned_at IS NULL"]
        if not self.include_superseded:
            current.append(
                "superseded_by IS NULL"
                if self.as_of is None
                else f"(valid_to IS NULL OR valid_to > {sql_time(self.as_of)})"
            )
        current += [f"array_has({_LOWER_TAGS}, {sql_text(tag.lower())})" for tag in self.tags]
        if self.pinned:
            current.append("pinned")
        if self.as_of is None:
            return current
        if self.times is not None:
            # The columns hold what a clock said that ran ahead; `admits` knows better.
            return [f"(history IS NOT NULL OR ({' AND '.join(current)}))"] if current else []
        moment = sql_time(self.as_of)
        there = [f"{'created_at' if self.hindsight else 'ingested_at'} <= {moment}"]
        there.append(f"valid_from <= {moment}")
        if self.hindsight or not current:
            return [*there, *current]
        changed_since = f"(history IS NOT NULL AND updated_at > {moment})"
        return [*there, f"({changed_since} OR ({' AND '.join(current)}))"]


EVERYTHING: Final = Filter(include_superseded=True, include_tombstoned=True)
