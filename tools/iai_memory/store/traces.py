"""Traces of a store whose table is not there: by them a lost one is told from a new one.

A new store is a folder that is missing or empty, or that has only what may come before a table:
logs, lock files, rings of hooks, cards of servers, a ledger of servers that could not begin. All
else is made from a table or beside one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ..base.json_file import read_own_file
from ..base.ledger import Ledger
from ..base.paths import StorePaths

_BEFORE_A_TABLE: Final = ("server_started", "capture_ring_nameless", "capture_rings_unreadable")
_FAILED: Final = "_failed"
_MAX_EVENTS: Final = 200
_MAX_CURSORS: Final = 64 << 20
_STATE_FILES: Final = (
    ("store.json", "store.json"),
    ("maintenance.json", "the state of a compaction"),
    ("sleep.json", "the state of a sleep"),
    ("topics.json", "topics"),
    ("imported.json", "a record of imports"),
    ("projects.json", "names of projects"),
    ("backup-state.json", "a note of backups"),
    ("erasures.json", "a list of what was purged"),
    (".session-start-payload.cached.md", "session-start pages"),
    (".page-behind", "a mark of a change"),
)


def has_version(table_folder: Path) -> bool:
    """Return whether the folder of a table has a version of it, readable or not."""
    return _has_file(table_folder / "_versions", ".manifest")


def has_data(table_folder: Path) -> bool:
    """Return whether the folder of a table has a file of its rows."""
    return _has_file(table_folder / "data", ".lance")


def traces_of(paths: StorePaths) -> list[str]:
    """Return what is left of a store whose table is gone, as nouns; [] for a new one."""
    return list(dict.fromkeys(_traces(paths)))


def _traces(paths: StorePaths) -> Iterator[str]:
    for name, what in _STATE_FILES:
        if os.path.lexists(paths.root / name):
            yield what
    if has_data(paths.table):
        yield "data files of the table"
    if any(paths.root.glob(f"{paths.database.name}.*")):
        yield "another folder of the table"
    if any((paths.root / "session-start").glob("*.md")):
        yield "session-start pages"
    if _has_events(paths):
        yield "a ledger"
    if _has_cursors(paths):
        yield "cursors of the spool"
    if any((paths.root / "backups").glob("*")):
        yield "backups"


def _has_file(folder: Path, ending: str) -> bool:
    try:
        with os.scandir(folder) as found:
            return any(one.name.endswith(ending) for one in found)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _has_events(paths: StorePaths) -> bool:
    """Return whether the ledger tells of anything but servers that could not begin."""
    return any(
        name not in _BEFORE_A_TABLE and not name.endswith(_FAILED)
        for event in Ledger(paths).newest(_MAX_EVENTS)
        if isinstance(name := event.get("event"), str)
    )


def _has_cursors(paths: StorePaths) -> bool:
    """Return whether turns of a transcript were stored, by the state of the spool's sessions."""
    try:
        content = read_own_file(paths.spool / "sessions.json", _MAX_CURSORS) or b""
        sessions: Any = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return False
    values = sessions.values() if isinstance(sessions, dict) else ()
    books = [one.get("books") for one in values if isinstance(one, dict)]
    return any(isinstance(counts, dict) and counts.get("stored") for counts in books)
