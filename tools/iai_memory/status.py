"""The state of a store in one answer, including how fresh its payload is."""

from __future__ import annotations

import time
from typing import Any

from .clock import parse_time
from .embedding import ModelFiles
from .errors import MemoryFault
from .ledger import Ledger
from .paths import StorePaths
from .results import Freshness, ModelStatus, Status
from .session_start import SessionStart, read_sidecar
from .store import Store
from .version import __version__

MODEL_FIX = "iai-mcp model install"
_ERRORS_SHOWN = 3


def status(
    store: Store, pages: SessionStart, ledger: Ledger, model: ModelFiles | MemoryFault | None
) -> Status:
    """Looks at everything once.

    Raises:
        StoreFault: The store could not be read.
    """
    contents = store.contents()
    return Status(
        store=str(store.paths.root),
        version=__version__,
        records=contents.live,
        tombstoned=contents.tombstoned,
        superseded=contents.total - contents.live - contents.tombstoned,
        pending=contents.pending,
        table_version=store.version,
        commits_since_compaction=store.commits_since_compaction(),
        disk_bytes=disk_bytes(store.paths),
        spool_bytes=pages.probe().spool_bytes,
        model=_model(model),
        freshness=freshness(store, pages, ledger),
        last_errors=[
            f"{event['at']} {event.get('reason')}: {event.get('error')}"
            for event in ledger.newest(_ERRORS_SHOWN, event="session_start_cache_write_failed")
        ],
    )


def freshness(store: Store, pages: SessionStart, ledger: Ledger) -> Freshness:
    """How the global payload stands to the store: its age, and how many records it is behind."""
    sidecar = read_sidecar(pages.cache)
    success = ledger.last("session_start_cache_write_success")
    failure = ledger.last("session_start_cache_write_failed")
    behind, fresh, reason, age = None, False, "no cache yet", None
    if sidecar is not None:
        age = round(max(0.0, time.time() - pages.cache.stat().st_mtime), 1)
        fresh = pages.probe().same_content(sidecar.watermark)
        newest = sidecar.watermark.max_updated_at
        behind = store.latest.changed_after(parse_time(newest, "sidecar") if newest else None)
        reason = "equal to the store" if fresh else "behind the store"
    return Freshness(
        cache_path=str(pages.cache),
        age_s=age,
        fresh=fresh,
        behind=behind,
        reason=reason,
        last_success=_when(success),
        last_failure=_when(failure),
    )


def disk_bytes(paths: StorePaths) -> int:
    """Bytes of every file of the store."""
    total = 0
    for path in paths.root.rglob("*"):
        try:
            found = path.lstat()
        except FileNotFoundError:
            # A file of a version that is being cleaned up: gone is what it should be.
            continue
        total += found.st_size
    return total


def _model(model: ModelFiles | MemoryFault | None) -> ModelStatus:
    if isinstance(model, ModelFiles):
        return ModelStatus(
            available=True, identity=model.identity.key, folder=str(model.folder), fix=None
        )
    fix = MODEL_FIX if model is None else str(model)
    return ModelStatus(available=False, identity=None, folder=None, fix=fix)


def _when(event: dict[str, Any] | None) -> str | None:
    return None if event is None else str(event.get("at"))
