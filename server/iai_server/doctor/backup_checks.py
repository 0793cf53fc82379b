"""The check of the store's own backups: read, each file of them, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from iai_memory import Memory
from iai_memory.base.clock import utc_now
from iai_memory.base.foreign_file import within
from iai_memory.errors import BackupFault, ForeignFileFault

from .check import WeakLink

if TYPE_CHECKING:
    from iai_memory.backup.reading import Backup

_OLD: Final = timedelta(days=3)
_SHOWN: Final = 5


def check_backups(memory: Memory) -> str:
    """Return what the newest whole backup is; reads every file of all of them.

    Raises:
        WeakLink: One is damaged, or old while memories changed, or cannot be taken.
    """
    from iai_memory.backup.place import began, last_backups

    folder = memory.settings.backup or memory.paths.backups
    last = last_backups(memory.paths).get(str(folder))
    try:
        found = memory.backups()
        faults = memory.damaged_backups()
    except BackupFault as exc:
        raise WeakLink(f"none can be read: {exc}") from exc
    if last is not None and last.fault:
        raise WeakLink(f"the last one failed: {last.fault}")
    if last is not None and last.when is not None and not found and not faults:
        raise WeakLink(f"those in {folder} are gone: mount its disk, or run `iai-mcp backup`")
    read: dict[str, str] = {}
    whole = [one for one in found if one.verify(read)]
    faults += [fault for fault in read.values() if fault]
    if faults:
        more = f" and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise WeakLink(f"damaged: {'; '.join(faults[:_SHOWN])}{more}: run `iai-mcp backup`")
    if whole:
        return _judged(memory, whole, folder)
    first = began(memory.paths)
    if first is not None and utc_now() - first > _OLD and memory.store.statistics().total:
        raise WeakLink("there is none: run `iai-mcp backup`")
    return "none yet: the first is taken in a sleep, or a day after the store began"


def _judged(memory: Memory, whole: Sequence[Backup], folder: Path) -> str:
    newest, count = whole[0], len(whole)
    kept = "it is" if count == 1 else f"all {count} are"
    told = f"the newest is of {newest.when:%Y-%m-%d %H:%M} UTC, {kept} whole"
    if utc_now() - newest.when > _OLD and memory.store.version > newest.table_version:
        raise WeakLink(f"{told}; memories changed since: run `iai-mcp backup`")
    if _same_disk(folder, memory.paths.root):
        return (
            f"{told}; {folder} is on the disk of the store, and would be lost with it: set "
            f"IAI_MCP_BACKUP to a folder on another one"
        )
    return f"{told}, in {folder}"


def _same_disk(folder: Path, root: Path) -> bool:
    try:
        return within(str(folder), folder.stat).st_dev == root.stat().st_dev
    except (ForeignFileFault, OSError):
        return False
