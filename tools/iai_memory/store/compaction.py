"""Compaction: small files merged, indexes brought up to date, old versions dropped safely.

When an old version may be dropped depends on three things at once:

- **LanceDB's ages.** `optimize(cleanup_older_than=age)` drops the versions that were *written*
  longer ago than `age`. When a version was *replaced* is recorded nowhere, and only that tells
  whether somebody may still read it: a version that was written a week ago may have been the latest
  until a moment ago. `_age_to_drop` turns the one into the other.
- **The read lock.** A read holds it shared from before it looks for the latest version until it has
  its answer. Once it was free for a moment, every earlier read has ended, and every later one finds
  the version that is the latest by then. So nobody reads an older version, and all of them may go,
  whatever their age. That holds only if nothing is committed after the lock was free; hence the
  last round must have nothing left to merge (`settled`).
- **The disk.** Dropped files are gone at once, but new ones stay in the system's memory for half a
  minute. After a power cut in between, neither would be there. So `sync` brings the merged files to
  the disk before the first old one is dropped.

In time, under the write lock, so that no other process commits meanwhile:

    merge and index until nothing is left to do  →  sync  →  readers gone?
        yes: drop all but the latest version
        no:  drop what was replaced longer than `keep` ago
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from lancedb.table import LanceTable

from ..base.files import replace_file
from ..base.json_file import read_object, whole_numbers
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from .indexes import create_size_indexes
from .lance_files import version_of

_log = logging.getLogger(__name__)

# 10,000 rows are rewritten in 0.5 s, which somebody who writes waits for.
_ROWS_PER_COMMIT: Final = 100
_MAX_BUDGETS: Final = 4
_MAX_ROUNDS: Final = 4
_WRITE_MARGIN: Final = timedelta(minutes=1)
_OLDER_THAN_ANY: Final = timedelta(days=36_500)
_MAX_STATE_BYTES: Final = 64 << 10


def is_due(paths: StorePaths, version: int, budget: int) -> bool:
    """Return whether more commits were made since the last compaction than the table's size allows.

    Allowed are `budget`, and one more for each hundred rows that the last compaction left, up to
    four times the budget: it rewrites them all, so a larger table is compacted less often.
    """
    rows = _state_number(paths, "rows")
    allowed = min(budget + rows // _ROWS_PER_COMMIT, _MAX_BUDGETS * budget)
    return not 0 <= version - compacted_version(paths) < allowed


def compacted_version(paths: StorePaths) -> int:
    """Return the version that the last compaction left; 0 before the first."""
    return _state_number(paths, "compacted_version")


def compact(
    table: LanceTable,
    paths: StorePaths,
    keep: timedelta,
    sync: Callable[[], None],
    readers_are_gone: Callable[[], bool],
) -> None:
    """Merge files, make indexes that the size calls for, drop old versions, note the result.

    Runs under the write lock.

    Args:
        table: At its latest version.
        paths: Its store's.
        keep: A version that was replaced longer ago is dropped even while somebody reads; of zero,
            all but the latest are, and with them what a killed writer left.
        sync: Returns when every file of the table is on the disk.
        readers_are_gone: Waits a little; returns whether every read that was going on has ended.
    """
    create_size_indexes(table)
    settled = _merge_until_settled(table)
    sync()
    versions = paths.database / f"{table.name}.lance" / "_versions"
    # Where it settled, this last round commits nothing, so readers from now on read what stays.
    if not keep:
        _optimize(table, timedelta(0), leftovers=True)
        _drop_future_versions(table, versions)
    elif settled and readers_are_gone():
        _optimize(table, timedelta(0))
        _drop_future_versions(table, versions)
    else:
        _optimize(table, _age_to_drop(versions, keep))
    noted = json.dumps({"compacted_version": table.version, "rows": table.count_rows()})
    try:
        replace_file(paths.maintenance, noted.encode())
    except OSError as exc:
        # Without it the next compaction comes too early; the table is what it should be.
        _log.warning("%s", machine_fault(exc, f"{paths.maintenance} cannot be written"))


def _merge_until_settled(table: LanceTable) -> bool:
    """Merge and index until nothing is left to do; False where four rounds did not get there.

    LanceDB does not merge rows that an index knows with rows that it does not know yet. What one
    round has merged and indexed, the next can merge with the rest.
    """
    for _ in range(_MAX_ROUNDS):
        version = table.version
        _optimize(table, _OLDER_THAN_ANY)
        if table.version == version:
            return True
    return False


def _optimize(table: LanceTable, drop_older_than: timedelta, *, leftovers: bool = False) -> None:
    """Merge and index, and drop the versions of that age.

    Args:
        table: At its latest version.
        drop_older_than: Their age.
        leftovers: Remove files that no version names, too. LanceDB keeps them for a week, for they
            may be those of a writer that goes on; ours write under the lock that the caller holds.
    """
    with warnings.catch_warnings():
        # An age of zero warns about concurrent readers, which the read lock excludes.
        warnings.filterwarnings("ignore", message="optimize", category=UserWarning)
        table.optimize(cleanup_older_than=drop_older_than, delete_unverified=leftovers)


def _drop_future_versions(table: LanceTable, versions: Path) -> None:
    """Drop what an age of zero left of the former versions: those that a clock ahead wrote.

    LanceDB goes by the times in the manifests. By them such a version, with all that was scrubbed
    since, would stay until that clock's time. Whoever is killed in between leaves files that no
    version names, which the next compaction of this kind or a scrub removes.
    """
    former = [path for path in versions.glob("*.manifest") if 0 <= version_of(path) < table.version]
    for path in former:
        path.unlink(missing_ok=True)
    if former:
        _optimize(table, timedelta(0), leftovers=True)


def _age_to_drop(versions: Path, keep: timedelta) -> timedelta:
    """Return the lowest age at which a version was surely replaced longer ago than `keep`.

    A version is replaced when the next one is written. So of the versions that were written longer
    than `keep` ago, all but the youngest were replaced longer than `keep` ago; the youngest may
    have been read until just now.

    Args:
        versions: The folder of LanceDB's manifests, one file a version.
        keep: How long ago a version must have been replaced.
    """
    now = time.time()
    ages = (now - manifest.stat().st_mtime for manifest in versions.glob("*.manifest"))
    old = [age for age in ages if age > keep.total_seconds()]
    # LanceDB dates a version before it writes the manifest.
    return timedelta(seconds=min(old)) + _WRITE_MARGIN if old else _OLDER_THAN_ANY


def _state_number(paths: StorePaths, name: str) -> int:
    """Return a number from the state file of the last compaction; 0 before the first."""
    fields = read_object(paths.maintenance, _MAX_STATE_BYTES) or {}
    [number] = whole_numbers(fields, (name,)) or [0]
    return number
