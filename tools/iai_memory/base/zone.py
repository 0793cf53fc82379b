"""The user's time zone."""

from __future__ import annotations

import os
import warnings
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def user_zone(name: str | None) -> tzinfo:
    """Return the zone of that IANA name; for None that of `TZ`, else of the system.

    With its rules, not only its present offset: a day in another season begins at another one.
    Where neither says more than an offset, that offset.
    """
    if name is not None:
        return ZoneInfo(name)
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        try:
            return ZoneInfo(named)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # A POSIX rule such as "CET-1CEST", or a file: what the C library makes of it.
            return _present_offset()
    import tzlocal

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tzlocal.get_localzone()
    except (LookupError, ValueError, OSError):
        return _present_offset()


def _present_offset() -> tzinfo:
    return datetime.now(UTC).astimezone().tzinfo or UTC
