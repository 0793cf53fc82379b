"""A private folder beside a target, in which one process at a time prepares a replacement.

The folder is `.<target>.installing`. An OS lock on a file inside says that its owner is alive: a
killed owner loses the lock, and the next one clears what it left. The last owner removes it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..base.files import PRIVATE_FILE, make_private_parents

_LOCK = "lock"


@contextmanager
def staging_folder(target: Path, on_wait: Callable[[], None]) -> Generator[Path]:
    """Yield an empty folder on the target's file system, for one owner at a time.

    Args:
        target: The path beside which the folder is made.
        on_wait: Called if another process owns the folder, before waiting for it to finish.

    Raises:
        OSError: The folder cannot be made.
    """
    folder = target.with_name(f".{target.name}.installing")
    lock = _acquire(folder, on_wait)
    try:
        _clear(folder)
        try:
            yield folder
        finally:
            _clear(folder)
            (folder / _LOCK).unlink()
            with suppress(OSError):  # not empty: another process has put its own lock there
                folder.rmdir()
    finally:
        os.close(lock)


def replace_folder(new: Path, target: Path, aside: Path) -> None:
    """Rename `new` to `target`; a target that exists goes `aside` first and comes back on failure.

    Between the two renames, for a few microseconds, there is no target: no system call that both
    Linux and macOS have swaps two folders.

    Raises:
        OSError: The target could not be replaced; the old one is back in its place.
    """
    if not target.exists():
        new.rename(target)
        return
    target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        aside.rename(target)
        raise


def _acquire(folder: Path, on_wait: Callable[[], None]) -> int:
    """Open and lock the folder's lock file; return its file descriptor."""
    path = folder / _LOCK
    while True:
        make_private_parents(folder)
        try:
            lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, PRIVATE_FILE)
        except FileNotFoundError:  # an owner removed the folder since
            continue
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(lock, fcntl.LOCK_EX)
            # The owner before us may have unlinked the file: the next process locks another.
            if path.exists() and os.path.samestat(path.stat(), os.fstat(lock)):
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == _LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
