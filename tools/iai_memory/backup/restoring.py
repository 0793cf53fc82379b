"""A store from a backup: in a folder of its own, or in the place of the table that is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Final

from ..base.clock import iso, parse_time, utc_now
from ..base.files import PRIVATE_FOLDER, make_private_folder, sync_folder
from ..base.ledger import Ledger
from ..base.locks import held
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..base.store_guard import unguard
from ..errors import BackupFault, InvalidInput, StoreFault
from ..settings import Settings
from ..store.connection import write_lock
from ..store.record import Record
from ..store.replacement import replacement
from ..store.store_identity import StoreIdentity, note_identity, read_identity
from ..store.table import Store
from ..store.vector_rows import Row
from .reading import Backup, backups_of
from .since import Counts, Since, later_states
from .small_files import write_files

_UNFINISHED: Final = ".iai-mcp-restoring"
_LOCK: Final = "restoring.lock"

RESTORED_INTO: Final = "backup_restored_into"
"""The event of a store that was made of a backup, with its folder."""


@dataclass(frozen=True, slots=True)
class RestoredBackup:
    """A store that was restored.

    Attributes:
        backup: The backup that it is of.
        memories: Number of its memories, the forgotten ones too.
        missing: Number of memories that lie in damaged files of the backup.
        faults: A sentence for each damaged file that was met.
        counts: What is not as it was in the backup.
        folder: The store's.
        kept: Where the table that was there before is now; None where there was none.
    """

    backup: Backup
    memories: int
    missing: int
    faults: tuple[str, ...]
    counts: Counts
    folder: Path
    kept: Path | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A backup that was chosen.

    Attributes:
        backup: The backup.
        newer: Those after it, oldest first.
        older: Those before it, newest first, which complete it; () of one that is whole.
    """

    backup: Backup
    newer: tuple[Backup, ...]
    older: tuple[Backup, ...] = ()


def choose(
    paths: StorePaths,
    settings: Settings,
    when: str | None,
    zone: tzinfo,
    *,
    any_store: bool = False,
    identity: Path | None = None,
) -> Choice:
    """Return the backup that is wanted: the newest, not after `when`.

    What it lacks where it is damaged, older ones complete.

    Args:
        paths: The store's.
        settings: They say where its backups are.
        when: Name of a backup; or an ISO date, which is its whole day, or time. None is any.
        zone: Of a date, and of a time that names none.
        any_store: Whether another store's backups will do.
        identity: A file with the key that opens them.

    Raises:
        InvalidInput: `when` is neither.
        BackupFault: There is no such backup, no key opens it, or their folder cannot be read.
    """
    found = backups_of(paths, settings, any_store=any_store, identity=identity)
    if not found:
        folder = settings.backup or paths.backups
        raise BackupFault(
            f"no backup is in {folder}: name the folder with --from, or set IAI_MCP_BACKUP"
        )
    named = [one for one in found if one.name == when]
    chosen = (named or _until(found, when, zone))[0]
    chosen.require_open()
    at = found.index(chosen)
    older = () if chosen.verify() else tuple(found[at + 1 :])
    return Choice(chosen, tuple(found[:at][::-1]), older)


def restore_into(
    folder: Path,
    choice: Choice,
    paths: StorePaths,
    open_store: Callable[[], Store],
    *,
    embedder: str,
) -> RestoredBackup:
    """Make a new store of a backup; the store that it is of is not changed.

    Killed, it leaves a folder beside the new one, which the next call removes.

    Args:
        folder: Of the new store; it does not exist, or is empty.
        choice: The backup.
        paths: The store's that the backup is of.
        open_store: Opens its table.
        embedder: Key of the embedder of this installation.

    Raises:
        InvalidInput: The folder is not empty.
        BackupFault: It cannot be made.
        StoreFault: It cannot be written.
    """
    building = folder.with_name(f".{folder.name}{_UNFINISHED}")
    place = folder.resolve()
    for taken in (paths.root.resolve(), choice.backup.folder.resolve()):
        if place == taken or place in taken.parents or taken in place.parents:
            raise InvalidInput(f"{folder} and {taken} lie in each other: name another folder")
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InvalidInput(f"{folder} is no folder: name a new one, or an empty one")
        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput(f"{folder} is not empty: name a folder that is")
        folder.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        building.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        with held(building / _LOCK, timeout=0):
            for left in building.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)
                elif left.name != _LOCK:
                    left.unlink()
            built = _build(StorePaths(building), choice, paths, open_store, embedder)
            (building / _LOCK).unlink()
            # Where there is an empty folder, it takes its place.
            building.rename(folder)
        sync_folder(folder.parent)
    except OSError as exc:
        raise BackupFault(machine_fault(exc, f"{folder} cannot be made")) from exc
    rows, kept, counts = built
    if paths.ledger.is_dir():  # a scrub of that store names this one
        Ledger(paths).write(RESTORED_INTO, name=choice.backup.name, folder=str(place))
    return _report(choice, rows, counts, folder, kept)


def restore_in_place(
    choice: Choice, paths: StorePaths, open_store: Callable[[], Store], *, embedder: str
) -> RestoredBackup:
    """Put a backup in the place of the store's table, which is kept beside it.

    Args:
        choice: The backup.
        paths: The store's; it need not have a table.
        open_store: Opens its table.
        embedder: Key of the embedder of this installation.

    Raises:
        StoreFault: The store cannot be written. Then the table is as it was.
    """
    unguard(paths.root)  # that a folder which this process knew is made anew is what was asked for
    _take_identity(paths, choice.backup.point.store)
    rows, kept, counts = _build(paths, choice, paths, open_store, embedder)
    Ledger(paths).write(
        "backup_restored",
        name=choice.backup.name,
        of=iso(choice.backup.when),
        memories=rows,
        kept=kept and kept.name,
    )
    return _report(choice, rows, counts, paths.root, kept)


def _take_identity(paths: StorePaths, store: str) -> None:
    """Make a store that is lost, or empty, the one that the backup is of: its backups go on."""
    known = read_identity(paths)
    if store and (known is None or known.id != store):
        make_private_folder(paths.root)
        with write_lock(paths):
            note_identity(paths, StoreIdentity(store, iso(utc_now()), 0, 0))


def _build(
    target: StorePaths,
    choice: Choice,
    paths: StorePaths,
    open_store: Callable[[], Store],
    embedder: str,
) -> tuple[int, Path | None, Counts]:
    backup = choice.backup
    store: Store | None = None
    if paths.table.is_dir():  # else to open it would begin a new one
        with suppress(StoreFault):
            store = open_store()  # before: it may take the write lock
    os.umask(os.umask(0o077) | 0o077)
    with replacement(target, embedder=embedder, needs_bytes=2 * backup.point.text_bytes) as new:
        # Under the write lock: what is forgotten until the swap must not come back with it.
        later = later_states(backup, choice.newer, paths, store)
        since = Since(backup, later, paths)
        rows = new.fill(Row(record, None) for record in since.applied(_records(choice)))
        done = new.swap()
    write_files(target, backup.file_lines())
    return rows, done.kept, since.counts


def _records(choice: Choice) -> Iterator[Record]:
    """Yield the memories of the backup; of a damaged one also what only older ones have."""
    seen = set[str]()
    for backup in (choice.backup, *choice.older):
        for row in backup.rows():
            if row.record.id not in seen:
                seen.add(row.record.id)
                yield row.record


def _report(
    choice: Choice, rows: int, counts: Counts, folder: Path, kept: Path | None
) -> RestoredBackup:
    backup = choice.backup
    given = rows - counts.successors + counts.removed
    faults = tuple(backup.faults)
    missing = max(0, backup.count - given)
    return RestoredBackup(backup, rows, missing, faults, counts, folder, kept)


def _until(found: Sequence[Backup], when: str | None, zone: tzinfo) -> list[Backup]:
    if when is None:
        return list(found)
    moment = parse_time(when, "WHEN", end_of_day=True, zone=zone)
    until = [one for one in found if one.when <= moment]
    if not until:
        raise BackupFault(
            f"the oldest backup is {found[-1].name}, which is later: see `iai-mcp backup --list`"
        )
    return until
