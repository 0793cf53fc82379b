"""The removal of texts from all that a store wrote, once its rows do not hold them any more.

What is derived from the table is made anew, plain files are changed in place, old versions and
copies of the table are dropped, and running servers drop what they hold. Each step can be done any
number of times, so an erasure that was killed is finished by doing it again.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

from ..backup.place import folder_of, last_backups
from ..base.files import replace_file
from ..base.locks import held
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..privacy import own_formats
from ..privacy.inventory import Treatment, files_of
from ..privacy.sought_text import MARK, SoughtText
from ..settings import Settings
from ..store.exchange import remove_kept_tables
from ..store.table import Store
from .memory_of_servers import servers_that_remember
from .remains import Remains, remains

_WAIT_SEC: Final = 60.0
_OF_PROCESS: Final = re.compile(r"(?:\.(\d+)\.[0-9a-f]+\.tmp|^(\d+)\.json)$")


def clean_files(paths: StorePaths, sought: SoughtText) -> int:
    """Replace a text by a mark in every plain file, and remove temporary files of ended processes.

    Returns how many files were changed.

    Raises:
        StoreBusy: A drain goes on for a minute.
        OSError: A file cannot be written.
    """
    with ExitStack() as stack:
        for name in ("drain", "projects"):
            stack.enter_context(held(paths.lock(name), timeout=_WAIT_SEC))
        for path in files_of(paths.root, Treatment.LEFTOVER):
            if _is_nobodys(path):
                path.unlink(missing_ok=True)
        files = [path for path in files_of(paths.root, Treatment.LINES) if _is_regular(path)]
        return sum(_clean_file(path, sought) for path in files)


def drop_derived(store: Store, *, kept: bool) -> list[str]:
    """Remove every old version, copy and index of the table, and all that is derived from it.

    Args:
        store: The store.
        kept: Whether former tables that a repair or a restore kept go, too.

    Returns the names of those that went.

    Raises:
        StoreFault: The table could not be written.
    """
    paths = store.paths
    with store.writing():
        store.rebuild_indexes()
        # What a killed replacement left: whoever replaces the table holds the write lock.
        shutil.rmtree(paths.new_database, ignore_errors=True)
        # And what a killed write left: LanceDB renames a file when it is whole, and never looks
        # again for one that is not.
        for path in paths.table.rglob(".tmp*"):
            path.unlink(missing_ok=True)
    store.compact(keep=timedelta(0))
    # Urgent: the pages are taken away. One that somebody renders just now may show old topics.
    with page_change(paths, urgent=True):
        for path in files_of(paths.root, Treatment.DERIVED):
            path.unlink(missing_ok=True)
    return remove_kept_tables(paths) if kept else []


def look_for_remains(store: Store, sought: SoughtText, number: int, settings: Settings) -> Remains:
    """Search all for what is left of a text; if the table's files hold some, merge them once more.

    Args:
        store: The store.
        sought: The text.
        number: Of the erasure, which running servers wait for.
        settings: They say where the store's backups are.
    """
    backups = {Path(name) for name in last_backups(store.paths)}
    backups.add(folder_of(store.paths, settings).path)
    found = remains(store.paths, sought, backups)
    if found.files and store.merge_again(found.files):
        found = remains(store.paths, sought, backups)
    found.unread += [
        f"the memory of the server with process id {one.pid}, which does not answer: end it"
        for one in servers_that_remember(store.paths, number)
    ]
    return found


def _clean_file(path: Path, sought: SoughtText) -> bool:
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False  # it is gone since, or the search names it
    clean = own_formats.cleaned(text, lambda words: sought.without(words, MARK))
    if clean == text:
        return False
    replace_file(path, clean.encode("utf-8", "surrogateescape"))
    return True


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_nobodys(path: Path) -> bool:
    """Return whether the process that wrote a temporary file has ended."""
    found = _OF_PROCESS.search(path.name)
    if found is None or not _is_regular(path):
        return False
    try:
        os.kill(int(found[1] or found[2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return int(found[1] or found[2]) == os.getpid()
