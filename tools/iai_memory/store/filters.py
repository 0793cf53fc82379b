"""Which records a query may see, as one value and as the SQL that LanceDB filters by.

LanceDB has no bind parameters; every value passes through `sql_text`, `sql_time` or `int`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..clock import utc_now
from ..records import Record


def sql_text(value: str) -> str:
    """A SQL string literal; a quote is doubled, and nothing else has a meaning inside one."""
    return "'" + value.replace("'", "''") + "'"


def sql_time(moment: datetime) -> str:
    """A SQL timestamp literal in UTC, to the microsecond."""
    return f"timestamp '{moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}'"


def sql_in(column: str, values: Iterable[str]) -> str:
    """`column IN (…)`; no value at all matches nothing."""
    listed = ", ".join(sql_text(value) for value in values)
    return f"{column} IN ({listed})" if listed else "false"


@dataclass(frozen=True, slots=True)
class Filter:
    """The records a query may see; the default sees what is neither forgotten nor superseded.

    Attributes:
        project: Only this project; None is every project.
        or_no_project: With `project`: records of no project too.
        session_id: Only this session.
        since: Created at or after.
        until: Created at or before.
        as_of: What the store held and held true at that time.
        tags: Records that have every one of these.
        roles: Records with one of these roles; empty is every role.
        origins: Records with one of these origins; empty is every origin.
        pinned: Only pinned ones.
        include_superseded: Superseded ones too.
        include_tombstoned: Forgotten ones too.
    """

    project: str | None = None
    or_no_project: bool = False
    session_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    pinned: bool = False
    include_superseded: bool = False
    include_tombstoned: bool = False

    def to_sql(self, now: datetime | None = None) -> str | None:
        """The SQL condition, None where it would be empty; with `as_of` it may let too many by.

        A record that was changed after `as_of` is let by whatever it says now, because only its
        history knows what it said then; `admits` decides.
        """
        parts = [*self._scope(), *self._state(now or utc_now())]
        return " AND ".join(parts) or None

    def admits(self, record: Record, now: datetime | None = None) -> bool:
        """Whether the record passes what SQL could not decide: its state at `as_of`."""
        if self.as_of is None:
            return True
        then = record.as_of(self.as_of)
        return (
            (self.include_tombstoned or then.is_live())
            and (self.include_superseded or then.is_current(self.as_of))
            and set(self.tags) <= set(then.tags)
            and (then.pinned or not self.pinned)
        )

    def _scope(self) -> list[str]:
        parts: list[str] = []
        if self.project is not None:
            mine = f"project = {sql_text(self.project)}"
            parts.append(f"({mine} OR project IS NULL)" if self.or_no_project else mine)
        if self.session_id is not None:
            parts.append(f"session_id = {sql_text(self.session_id)}")
        if self.since is not None:
            parts.append(f"created_at >= {sql_time(self.since)}")
        if self.until is not None:
            parts.append(f"created_at <= {sql_time(self.until)}")
        if self.roles:
            parts.append(sql_in("role", self.roles))
        if self.origins:
            parts.append(sql_in("origin", self.origins))
        return parts

    def _state(self, now: datetime) -> list[str]:
        current = [] if self.include_tombstoned else ["tombstoned_at IS NULL"]
        if not self.include_superseded:
            moment = sql_time(self.as_of or now)
            current.append(f"(valid_to IS NULL OR valid_to > {moment})")
        current += [f"array_has(tags, {sql_text(tag)})" for tag in self.tags]
        if self.pinned:
            current.append("pinned")
        if self.as_of is None:
            return current
        held = f"created_at <= {sql_time(self.as_of)}"
        if not current:
            return [held]
        return [held, f"(history IS NOT NULL OR ({' AND '.join(current)}))"]
