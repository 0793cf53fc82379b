"""Two tables change places: a swap that a kill at any moment leaves whole, done or not begun.

It is two renames under the write lock, while nobody reads. Who dies between them leaves
`replacing.json`; whoever opens the store next, or meets the missing table, finishes the swap, or
forgets it where it had not begun::

    lancedb/             the table
    lancedb.new/         the one that takes its place, see `replacement`
    replacing.json       while the two change places: which they are
    lancedb.damaged-…/   the one whose place was taken, with the time of the swap
"""

from __future__ import annotations

import json
import os
import re
import shutil
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Final

from ..base.clock import utc_now
from ..base.files import replace_file, sync_folder
from ..base.json_file import read_object
from ..base.last_moment import about_to_change
from ..base.ledger import Ledger
from ..base.locks import held
from ..base.machine_faults import machine_fault
from ..base.page_mark import page_change
from ..base.paths import NEW_DATABASE, StorePaths
from ..base.store_guard import unguard
from ..errors import InvalidInput, StoreBusy, StoreUnavailable
from .read_lock import ReadLock
from .store_identity import expect_another_table

_WAIT_FOR_READERS_SEC: Final = 60.0
_WAIT_SEC: Final = 60.0  # for the write lock
_MAX_JOURNAL_BYTES: Final = 4 << 10
_KEPT: Final = re.compile(r"lancedb\.damaged-\d{8}T\d{6}Z(-\d+)?")
_TIME: Final = "%Y%m%dT%H%M%SZ"
# What is made of the table, or says how much of a transcript is in it.
_DERIVED: Final = ("topics.json", "folds.json", "sleep.json", "maintenance.json", "imported.json")


def settle_replacement(paths: StorePaths, *, wait_sec: float = _WAIT_SEC) -> bool:
    """Finish or undo a swap whose process died; return whether there was one.

    Costs a look at two names. Also removes a table that was never finished, if nobody builds it.

    Args:
        paths: The store's.
        wait_sec: How long to wait for the write lock.

    Raises:
        StoreBusy: Another process kept the write lock for longer.
        StoreUnavailable: The folder cannot be written.
    """
    if paths.replacing.exists():
        with held(paths.lock("write"), timeout=wait_sec):
            return settle(paths)
    if paths.new_database.exists():
        try:
            with held(paths.lock("write"), timeout=0):
                settle(paths)
        except StoreBusy:
            pass  # it is being built
    return False


def kept_tables(paths: StorePaths) -> list[Path]:
    """Return the folders of the tables that were replaced, the newest first."""
    found = [path for path in paths.root.glob("lancedb.damaged-*") if _KEPT.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)


def replaced_at(kept: Path) -> datetime:
    """Return when a table was replaced, by its name; to a second, rounded down."""
    time = kept.name.removeprefix("lancedb.damaged-").split("-")[0]
    return datetime.strptime(time, _TIME).replace(tzinfo=UTC)


def undo_replacement(paths: StorePaths, kept: Path) -> Path | None:
    """Put a table that was replaced back byte for byte; return where the present one is kept now.

    What was stored since then is in that one only.

    Args:
        paths: The store's.
        kept: One of `kept_tables`.

    Raises:
        InvalidInput: It is none of them.
        StoreFault: See `Replacement.swap`.
    """
    os.umask(os.umask(0o077) | 0o077)
    with held(paths.lock("write"), timeout=_WAIT_SEC):
        settle(paths)
        if kept not in kept_tables(paths):
            raise InvalidInput(f"{kept} is no table that was replaced: see `iai-mcp doctor`")
        about_to_change()
        now_kept = exchange(paths, kept)
    Ledger(paths).write("table_put_back", kept=now_kept and now_kept.name, put_back=kept.name)
    return now_kept


def exchange(paths: StorePaths, source: Path) -> Path | None:
    """Put the table of the folder `source` in the present one's place, while nobody reads.

    Returns:
        Where the old one is; None where there was none.
    """
    unguard(paths.root)
    kept = None if _is_empty(paths.database) else _free_name(paths)
    journal = {"source": source.name, "kept": kept and kept.name}
    # Where this process dies, the next one may sit before the first rename or behind the last.
    with (
        ReadLock(paths.lock("reading")).alone(_WAIT_FOR_READERS_SEC),
        page_change(paths, urgent=True),
    ):
        try:
            replace_file(paths.replacing, json.dumps(journal).encode())
            sync_folder(paths.root)
            if kept is not None:
                paths.database.rename(kept)
            _put_in_place(paths, source, kept)
            sync_folder(paths.root)
            _remove_derived(paths)
            paths.replacing.unlink()
        except OSError as exc:
            raise StoreUnavailable(
                machine_fault(exc, f"the new table cannot be put in its place in {paths.root}")
            ) from exc
    return kept


def _put_in_place(paths: StorePaths, source: Path, kept: Path | None) -> None:
    try:
        source.rename(paths.database)
    except OSError:
        if kept is not None:
            kept.rename(paths.database)
        paths.replacing.unlink()
        raise


def settle(paths: StorePaths) -> bool:
    """Finish or undo a swap whose process died; return whether there was one.

    Under the write lock. As long as the old table is in its place the swap has not begun.
    """
    try:
        if not paths.replacing.exists():
            _remove(paths.new_database)
            return False
        unguard(paths.root)
        journal = read_object(paths.replacing, _MAX_JOURNAL_BYTES) or {}
        is_moved = _is_empty(paths.database)
        if is_moved:
            names = [journal.get("source"), paths.new_database.name, journal.get("kept")]
            for folder in [paths.root / str(name) for name in names if _is_ours(name)]:
                if folder.exists():
                    folder.rename(paths.database)
                    sync_folder(paths.root)
                    break
        _remove_derived(paths)
        paths.replacing.unlink()
        _remove(paths.new_database)
    except OSError as exc:
        raise StoreUnavailable(
            machine_fault(exc, f"a table cannot be put in its place in {paths.root}")
        ) from exc
    Ledger(paths).write("replacement_settled", moved=is_moved)
    return True


def _is_ours(name: object) -> bool:
    return isinstance(name, str) and (name == NEW_DATABASE or _KEPT.fullmatch(name) is not None)


def _is_empty(folder: Path) -> bool:
    """Return whether nothing is there: to connect to a folder that is gone makes an empty one."""
    try:
        return next(folder.iterdir(), None) is None
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False  # something else in its place is put away like a table


def _free_name(paths: StorePaths) -> Path:
    name = f"lancedb.damaged-{utc_now():{_TIME}}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(path for path in map(paths.root.joinpath, names) if not path.exists())


def remove_kept_tables(paths: StorePaths) -> list[str]:
    """Remove the tables that were replaced; return their names.

    Raises:
        StoreUnavailable: One cannot be removed.
    """
    kept = kept_tables(paths)
    try:
        for folder in kept:
            shutil.rmtree(folder)
    except OSError as exc:
        raise StoreUnavailable(
            machine_fault(exc, f"what a repair kept in {paths.root} cannot be removed")
        ) from exc
    return [folder.name for folder in kept]


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _remove_derived(paths: StorePaths) -> None:
    """Remove what is made of a table, or says what is in it; pages stay, marked as behind."""
    expect_another_table(paths)
    for name in _DERIVED:
        (paths.root / name).unlink(missing_ok=True)
