"""A moment as people name it: an ISO date or time, or words ("yesterday", "2 hours ago")."""

from __future__ import annotations

from datetime import UTC, datetime, time

from ..base.clock import parse_time
from ..errors import InvalidInput


def named_moment(value: str | datetime, name: str, now: datetime, *, end: bool) -> datetime:
    """Return the moment in UTC that a text names.

    Args:
        value: A date, a time, or words for one in the languages that a question may be in.
        name: The argument's name, for the error.
        now: The time here, in the user's zone, in which dates and words are read.
        end: Of days the last moment instead of the first.

    Raises:
        InvalidInput: It names none; the message shows what can be sent.
    """
    zone = now.tzinfo or UTC
    try:
        return parse_time(value, name, end_of_day=end, zone=zone)
    except InvalidInput as exc:
        found = _in_words(str(value), now, end=end)
        if found is None:
            raise InvalidInput(f'{exc}, or words as "yesterday" or "2 hours ago"') from exc
        return found.astimezone(UTC)


def _in_words(text: str, now: datetime, *, end: bool) -> datetime | None:
    from ..text.time_expressions import time_expressions  # dateparser's data are large

    named = time_expressions(text, now)
    if len(named) != 1 or text[slice(*named[0].span)].strip() != text.strip():
        return None
    [one] = named
    if one.last_session:
        return None
    if one.start.time() == time() and one.end.time() == time.max:
        return one.end if end else one.start
    if one.end < now:
        # "2 hours ago" is an hour around that moment.
        return one.start + (one.end - one.start) / 2
    return one.end if end else one.start
