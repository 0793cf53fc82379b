"""Durability of LanceDB's files, which LanceDB itself leaves in the system's memory."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class SyncedFolder:
    """A folder of files that are written once and never changed; `sync` syncs each once.

    Without it, a power cut loses commits acknowledged in the last half minute, and a whole table
    whose old files were removed before the new ones were on the disk.
    """

    def __init__(self, folder: Path) -> None:
        """Bind the folder; no file in it counts as synced yet."""
        self._folder = folder
        self._synced = set[str]()

    def sync(self) -> set[str]:
        """Return the files that are new, when all in the folder and their names are on the disk.

        Costs a walk of the folder and one `fsync` for each new file and each folder with one.

        Raises:
            OSError: The disk failed.
        """
        found, changed, files = set[str](), set[str](), set[str]()
        for parent, folders, names in os.walk(self._folder):
            inside = {f"{parent}/{name}" for name in (*folders, *names)}
            found |= inside
            new = inside - self._synced
            if new:
                changed.add(parent)
            for path in new.difference(f"{parent}/{name}" for name in folders):
                _fsync(path)
                files.add(path)
        if not self._synced:
            changed.update((str(self._folder.parent), str(self._folder.parent.parent)))
        # Files before folders: a name that survives a power cut must name a whole file.
        for parent in changed:
            _fsync(parent)
        self._synced = found
        return files


def _fsync(path: str) -> None:
    try:
        # A FIFO in a file's place would block an ordinary open, with the write lock held.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        # LanceDB writes its hint of the latest version after the commit, under a temporary name.
        return
    try:
        kind = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
            raise OSError(errno.EINVAL, "neither a file nor a folder", path)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
