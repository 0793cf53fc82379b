"""What the capture hook, and the drains that it started, logged of failures: their only trace."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from ..base.clock import parse_time
from ..base.paths import StorePaths
from ..errors import InvalidInput
from .session_state import Sessions
from .spool import Spool

_RECENT: Final = timedelta(days=1)
_TAIL_BYTES: Final = 64 << 10
_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ((?:failed|drain).{0,300})")
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class HookFailure(NamedTuple):
    """The last failure of a hook since a ring came through.

    Attributes:
        said: What it logged.
        at: When.
        times: How many failures there are since that ring.
        log: The file.
    """

    said: str
    at: datetime
    times: int
    log: Path


def last_failure(paths: StorePaths) -> HookFailure | None:
    """Return the last failure of a day that no ring followed; None for none.

    Raises:
        StoreUnavailable: The spool cannot be read.
    """
    now = datetime.now(UTC)
    logs = [paths.logs / f"capture-{day:%Y-%m-%d}.log" for day in (now - _RECENT, now)]
    since = max([now - _RECENT, *_rings(paths)])
    found = [(at, said, log) for log in logs for at, said in _failures(log) if at > since]
    if not found:
        return None
    at, said, log = max(found)
    return HookFailure(said, at, len(found), log)


def _rings(paths: StorePaths) -> Iterator[datetime]:
    """Yield when the transcripts rang last."""
    for session in Sessions(paths).load().values():
        yield session.queued_at
    for ring in Spool(paths).peek().by_transcript.values():
        yield ring.at


def _failures(log: Path) -> Iterator[tuple[datetime, str]]:
    try:
        with os.fdopen(os.open(log, _FLAGS), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES)
    except OSError:
        return  # none, or nothing that a hook writes to
    for line in tail.decode("utf-8", "replace").split("\n"):
        if (match := _LINE.match(line)) is None:
            continue
        with suppress(InvalidInput):  # no hook wrote that time
            yield parse_time(match[1], "at"), match[2]
