"""LanceDB leaves its files to the system's memory; here they are brought to the disk."""

from __future__ import annotations

import os
from pathlib import Path


class SyncedFolder:
    """A folder of files that are written once and never changed, each synced once.

    Without it, a power cut loses what was acknowledged in the last half minute, and all of a
    table whose old files were removed before the new ones had been written.
    """

    def __init__(self, folder: Path) -> None:
        """Binds the folder; of its files none counts as synced yet."""
        self._folder = folder
        self._synced = set[str]()

    def sync(self) -> None:
        """Returns when every file that was in the folder is on the disk, with its name.

        Raises:
            OSError: The disk failed.
        """
        found, changed = set[str](), set[str]()
        for parent, folders, names in os.walk(self._folder):
            inside = {f"{parent}/{name}" for name in (*folders, *names)}
            found |= inside
            new = inside - self._synced
            if new:
                changed.add(parent)
            for path in new.difference(f"{parent}/{name}" for name in folders):
                _fsync(path)
        if not self._synced:
            changed.update((str(self._folder.parent), str(self._folder.parent.parent)))
        # Files before folders: whoever finds the name after a power cut finds what it names.
        for parent in changed:
            _fsync(parent)
        self._synced = found


def _fsync(path: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        # LanceDB writes its hint of the latest version behind the commit, under a name for a while.
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
