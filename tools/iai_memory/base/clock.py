"""Times: aware, in UTC, to the microsecond; ISO 8601 as text."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

from ..errors import InvalidInput


def utc_now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """Return ISO 8601 in UTC with a trailing Z; microseconds only if there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_time(
    value: str | datetime, name: str, *, end_of_day: bool = False, zone: tzinfo = UTC
) -> datetime:
    """Parse an ISO 8601 date or time; return it in UTC.

    Args:
        value: A date ("2026-05-08"), a time ("2026-05-08T14:00:00+02:00") or an aware datetime.
        name: The argument's name, for the error.
        end_of_day: A bare date is its last microsecond, so that "until a day" includes the day.
        zone: Of a date, and of a time that names none.

    Raises:
        InvalidInput: The text is neither; the message names the argument and shows a value.
    """
    try:
        if isinstance(value, datetime):
            moment = value
        elif len(text := value.strip()) == len("2026-05-08"):
            moment = datetime.combine(date.fromisoformat(text), time.max if end_of_day else time())
        else:
            moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise InvalidInput(
            f"{name} is not an ISO date or time: send for example "
            f'"2026-05-08" or "2026-05-08T14:00:00Z"'
        ) from exc
