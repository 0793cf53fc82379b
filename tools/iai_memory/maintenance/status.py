"""The state of a store in one answer, with the freshness of its session-start page."""

from __future__ import annotations

import time
from typing import Any

from ..base.ledger import Ledger
from ..base.locks import stuck_locks
from ..base.paths import StorePaths
from ..base.presence import Server, alive_servers
from ..capture.session_state import Sessions
from ..capture.spool import Spool
from ..embedding.model_files import ModelFiles
from ..errors import MemoryFault
from ..results import Freshness, ModelStatus, ServerView, SessionBooks, Status
from ..session_start.cache import read_sidecar
from ..session_start.refresh import PageManager
from ..store.table import Store
from ..version import __version__
from .capture_state import capture_state

_ERRORS_SHOWN = 3
_SESSIONS_SHOWN = 5
_FAILURES = (
    "session_start_cache_write_failed",
    "capture_failed",
    "capture_ring_nameless",
    "capture_rings_unreadable",
)


def status(
    store: Store,
    pages: PageManager,
    ledger: Ledger,
    model: ModelFiles | MemoryFault | None,
    model_fix: str,
) -> Status:
    """Return the state of the store, its files, its model, its servers and its sessions.

    Args:
        store: The store.
        pages: Its session-start pages.
        ledger: Its events.
        model: Files of the model; None without any, or why they cannot be used.
        model_fix: The command that mends that.

    Raises:
        StoreFault: The store could not be read.
    """
    statistics = store.statistics()
    waiting = Spool(store.paths).waiting()
    capture = capture_state(store.paths, ledger, waiting)
    return Status(
        store=str(store.paths.root),
        version=__version__,
        records=statistics.live,
        tombstoned=statistics.tombstoned,
        folded=statistics.folded,
        superseded=statistics.superseded,
        pending=statistics.pending,
        table_version=store.version,
        commits_since_compaction=store.commits_since_compaction(),
        disk_bytes=disk_bytes(store.paths),
        spool_bytes=waiting.size,
        rings_waiting=waiting.rings,
        rings_since=waiting.since,
        spool_faults=list(waiting.faults),
        capture_state=capture.level,
        capture=capture.finding,
        model=_model(model, model_fix),
        freshness=freshness(store, pages, ledger),
        servers=[
            ServerView(
                pid=server.pid,
                started_at=server.started_at,
                state=server.state,
                refresher=server.refresher,
                step=_step(server),
            )
            for server in alive_servers(store.paths)
        ],
        sessions=_sessions(store.paths),
        last_errors=[*stuck_locks(store.paths.locks), *_errors(ledger)],
    )


def freshness(store: Store, pages: PageManager, ledger: Ledger) -> Freshness:
    """Return how fresh the page of all projects is: its age, and the records that it lacks."""
    sidecar = read_sidecar(pages.cache)
    success = ledger.last("session_start_cache_write_success")
    failure = ledger.last("session_start_cache_write_failed")
    behind, fresh, reason, age = None, False, "no cache yet", None
    if sidecar is not None:
        age = round(max(0.0, time.time() - pages.cache.stat().st_mtime), 1)
        fresh = pages.probe().same_content(sidecar.watermark)
        behind = store.latest.count_changed_after(sidecar.watermark.content_version)
        reason = "equal to the store" if fresh else "behind the store"
    return Freshness(
        cache_path=str(pages.cache),
        age_s=age,
        fresh=fresh,
        behind=behind,
        reason=reason,
        last_success=None if success is None else str(success.get("at")),
        last_failure=None if failure is None else _time_and_reason(failure),
    )


def disk_bytes(paths: StorePaths) -> int:
    """Return the bytes of every file of the store."""
    total = 0
    for path in paths.root.rglob("*"):
        try:
            found = path.lstat()
        except FileNotFoundError:
            # A compaction in another process removed the file of an old version.
            continue
        total += found.st_size
    return total


def _step(server: Server) -> str | None:
    """Return what a server has been at for long, as "capture for 40 s at /path"."""
    if not server.step:
        return None
    seconds = max(0.0, time.time() - server.step_since)
    return f"{server.step} for {seconds:.0f} s{f' at {server.step_at}' if server.step_at else ''}"


def _sessions(paths: StorePaths) -> list[SessionBooks]:
    sessions = Sessions(paths).load().values()
    known = sorted(sessions, key=lambda session: session.queued_at, reverse=True)
    return [
        SessionBooks(
            session_id=session.session_id,
            host=session.host,
            last_at=session.queued_at,
            seen=session.counts.total,
            stored=session.counts.stored,
            duplicate=session.counts.duplicate,
            skipped=dict(session.counts.skipped),
            failed=session.counts.failed,
            fault=session.fault,
        )
        for session in known[:_SESSIONS_SHOWN]
    ]


def _errors(ledger: Ledger) -> list[str]:
    found = [event for name in _FAILURES for event in ledger.newest(_ERRORS_SHOWN, event=name)]
    found.sort(key=lambda event: str(event.get("at")), reverse=True)
    return [f"{event.get('event')}: {_time_and_reason(event)}" for event in found[:_ERRORS_SHOWN]]


def _model(model: ModelFiles | MemoryFault | None, fix: str) -> ModelStatus:
    if isinstance(model, ModelFiles):
        return ModelStatus(
            available=True, identity=model.identity.key, folder=str(model.folder), fix=None
        )
    fault = None if model is None else str(model)
    return ModelStatus(available=False, identity=None, folder=None, fix=fix, fault=fault)


def _time_and_reason(event: dict[str, Any]) -> str:
    why = ": ".join(str(event[name]) for name in ("reason", "error") if event.get(name))
    return f"{event.get('at')} {why}"
