"""SQL literals for LanceDB, which has no bind parameters: every value passes through here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def sql_text(value: str) -> str:
    """Return a SQL string literal; quotes are doubled, no other character means anything in it."""
    return "'" + value.replace("'", "''") + "'"


def sql_time(moment: datetime) -> str:
    """Return a SQL timestamp literal in UTC, to the microsecond."""
    # Not by strftime: of a year before 1000 that writes fewer than four digits.
    plain = moment.astimezone(UTC).replace(tzinfo=None)
    return f"timestamp '{plain.isoformat(timespec='microseconds')}'"


def sql_in(column: str, values: Iterable[str]) -> str:
    """Return `column IN (…)`; an empty list matches nothing."""
    listed = ", ".join(sql_text(value) for value in values)
    return f"{column} IN ({listed})" if listed else "false"
