"""Which session got which page: out of the recall hook's log into the ledger, a line at most once.

The hook logs the session and the mark of its page (`session_start.page_ids`), and starts nothing.
Whoever is about to replace or remove pages, or wants to know what a session was given, calls
`note_page_hits` first, while the ids of the page are still on the disk.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from ..base.clock import utc_now
from ..base.locks import held
from ..errors import StoreBusy, StoreUnavailable
from ..session_start.cache import cache_path, project_caches
from ..session_start.page_ids import ids_by_mark
from .events import EVENT, MAX_EVENTS, note_given

if TYPE_CHECKING:
    from pathlib import Path

    from ..base.ledger import Ledger
    from ..base.paths import StorePaths

SESSION_START: Final = "session start"
"""The reason for which a page is given."""

_REASONS: Final = {"cache-hit": SESSION_START, "stale-served": f"{SESSION_START}, an old page"}
_NEWEST_FILES: Final = 3
_TAIL_BYTES: Final = 256 << 10
_SAFE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (cache-hit|stale-served) [ a-z0-9=]{0,80}"
    r"session=([\w.-]{1,128}) page=([0-9a-f]{16})",
    re.ASCII,
)
_log = logging.getLogger(__name__)


class _Hit(NamedTuple):
    """A session that got a page; two within a second are one."""

    at: str
    session: str
    page: str


def note_page_hits(paths: StorePaths, ledger: Ledger, *, wait_sec: float = 1.0) -> None:
    """Note in the ledger each session that got one of the pages that are there, once.

    A page is known by its mark and never by a time, so a wrong clock spoils the order alone.
    Processes note one after the other; what is not noted now, is by whoever comes next.

    Args:
        paths: Of the store.
        ledger: The store's.
        wait_sec: How long another process is waited for.
    """
    if not _unnoted(paths, ledger):
        return
    try:
        with held(paths.lock("hits"), timeout=wait_sec):
            for hit, (reason, ids) in _unnoted(paths, ledger).items():
                note_given(
                    ledger,
                    "page",
                    ids,
                    session=hit.session,
                    reason=reason,
                    page=hit.page,
                    given_at=hit.at,
                )
    except (StoreBusy, StoreUnavailable) as exc:
        _log.info("the sessions that got a page are noted later: %s", exc)


def _unnoted(paths: StorePaths, ledger: Ledger) -> dict[_Hit, tuple[str, tuple[str, ...]]]:
    """Return what is logged of pages whose ids are there, and not in the ledger."""
    logged = {hit: reason for path in _logs(paths) for hit, reason in _hits(path)}
    if not logged:
        return {}
    pages = ids_by_mark([*project_caches(paths), cache_path(paths, None)])
    of_pages = {
        hit: (reason, pages[hit.page]) for hit, reason in logged.items() if pages.get(hit.page)
    }
    noted = ledger.newest(MAX_EVENTS, event=EVENT, by="page") if of_pages else []
    for one in noted:
        hit = _Hit(str(one.get("given_at")), str(one.get("session")), str(one.get("page")))
        of_pages.pop(hit, None)
    return of_pages


def _logs(paths: StorePaths) -> set[Path]:
    """Return the newest logs by name, and those of today and yesterday.

    A clock that was ahead for a while leaves names that stay the newest.
    """
    now = utc_now()
    days = (now, now - timedelta(days=1))
    newest = sorted(paths.logs.glob("recall-*.log"))[-_NEWEST_FILES:]
    return {*newest, *(paths.logs / f"recall-{day:%Y-%m-%d}.log" for day in days)}


def _hits(log: Path) -> Iterator[tuple[_Hit, str]]:
    """Yield what a log has of sessions that got a page; nothing of what is no file."""
    tail = b""
    with suppress(OSError), os.fdopen(os.open(log, _SAFE), "rb") as file:
        about = os.fstat(file.fileno())
        if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
            file.seek(max(0, about.st_size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES)
    for line in tail.decode("ascii", "replace").split("\n"):
        if match := _LINE.fullmatch(line):
            yield _Hit(match[1], match[3], match[4]), _REASONS[match[2]]
