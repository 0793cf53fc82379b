"""The backup that a store takes by itself: when one is due, by one process at a time, in steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from ..base.ledger import Ledger
from ..base.locks import held
from ..base.machine_faults import told_by_system
from ..base.paths import StorePaths
from ..base.progress import never_interrupted
from ..errors import BackupFault, MemoryFault, StoreFault
from ..settings import Settings
from ..store.table import Store
from .folder import BackupFolder
from .place import LastBackup, began, claimed, folder_of, last_backups, note_backup, store_id
from .rewriting import seal_backups
from .taking import Taken, take_backup

DUE_AFTER: Final = timedelta(days=1)
DUE_IN_SLEEP: Final = timedelta(hours=20)
"""Sleeps do not come at the same time of each day."""

_RETRY_AFTER: Final = timedelta(hours=1)


def back_up(
    store: Store,
    settings: Settings,
    now: datetime,
    *,
    make: bool = False,
    anew: bool = False,
    interrupted: Callable[[], bool] = never_interrupted,
) -> Taken:
    """Take a backup of the store, whether one is due or not.

    Args:
        store: The table.
        settings: They say where backups are kept.
        now: The time of the backup.
        make: Whether the folder of the settings may be made where it is missing.
        anew: Whether that is so even if backups were there before.
        interrupted: Called between segments; True ends the call, and the next one goes on.

    Raises:
        StoreBusy: Another process takes one.
        BackupFault: The folder cannot be used.
        StoreFault: The table cannot be read.
    """
    paths = store.paths
    with held(paths.lock("backup"), timeout=0):
        try:
            folder = claimed(paths, settings, make=make, anew=anew)
            _seal_former(folder)
            taken = take_backup(store, folder, store_id(paths), now=now, interrupted=interrupted)
        except (MemoryFault, OSError) as exc:
            told = told_by_system(exc) if isinstance(exc, OSError) else str(exc)
            _note_failure(paths, folder_of(paths, settings).path, now, told)
            raise
        if taken.point is not None:
            point = taken.point
            note_backup(paths, folder.path, LastBackup(now, point.table_version, now))
            Ledger(paths).write(
                "backup_taken",
                name=point.name,
                memories=point.count,
                written=taken.written,
                removed=taken.removed,
                faults=taken.faults,
            )
    return taken


def back_up_if_due(
    store: Store,
    settings: Settings,
    now: datetime,
    *,
    asleep: bool = False,
    max_seconds: float = float("inf"),
    interrupted: Callable[[], bool] = never_interrupted,
) -> Taken | None:
    """Take a backup, or go on with one, where a day has passed since the last.

    Costs a look at one small file where none is due. A failure is noted for doctor and in the
    ledger, and not raised: the work that it follows is done.

    Args:
        store: The table.
        settings: They say where backups are kept.
        now: The time.
        asleep: Whether nobody waits; then the first backup need not wait for a day.
        max_seconds: Time after which no other segment is begun; the next call goes on.
        interrupted: As for `back_up`.
    """
    if not is_due(store.paths, settings, now, asleep=asleep):
        return None
    ends = time.monotonic() + max_seconds
    try:
        if not store.statistics().total:
            return None
        return back_up(
            store,
            settings,
            now,
            interrupted=lambda: interrupted() or time.monotonic() > ends,
        )
    except (MemoryFault, OSError):
        return None


def is_due(paths: StorePaths, settings: Settings, now: datetime, *, asleep: bool = False) -> bool:
    """Return whether a backup is to be taken; see `back_up_if_due`."""
    last = last_backups(paths).get(str(folder_of(paths, settings).path))
    if last is None:
        first = began(paths)
        return asleep or (first is not None and now - first >= DUE_AFTER)
    # A time ahead of ours is of a clock that was wrong.
    if last.fault and timedelta() <= now - last.tried < _RETRY_AFTER:
        return False
    if last.when is None or last.when > now:
        return True
    return now - last.when >= (DUE_IN_SLEEP if asleep else DUE_AFTER)


def _seal_former(folder: BackupFolder) -> None:
    """Seal the former backups, where new ones are to be sealed, or for somebody else."""
    owner, recipient = folder.owner(), folder.segments.keys.recipient or ""
    if owner is None or owner.recipient == recipient:
        return
    if recipient:
        seal_backups(folder)
    folder.claim(replace(owner, recipient=recipient))


def _note_failure(paths: StorePaths, folder: Path, now: datetime, fault: str) -> None:
    Ledger(paths).write("backup_failed", folder=str(folder), error=fault)
    before = last_backups(paths).get(str(folder), LastBackup(None, 0, now))
    with suppress(BackupFault, StoreFault):  # the first fault is raised
        note_backup(paths, folder, before._replace(tried=now, fault=fault))
