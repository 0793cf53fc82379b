"""A new file under a name that somebody chose: whole when it gets the name, or not there."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from .files import PRIVATE_FILE, sync_folder

_PREFIX, _SUFFIX = ".iai-mcp-", ".tmp"
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NO_HARD_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
_OLD_SEC: Final = 60.0  # by then whoever made a file has locked it
_KINDS: Final = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NameTaken(OSError):
    """Something has the name already; the text says what."""


@contextmanager
def new_file(path: Path) -> Generator[IO[bytes]]:
    """Yield a file, mode 0600, that gets its name when the block ends without an error.

    Until then it has a name of its own beside it. What a killed process left under such a name, the
    next call removes. Of two that make the same file at once one gets the name.

    Raises:
        NameTaken: Something has the name: a file, a link, a FIFO.
        OSError: The folder cannot be written, or the disk is full; then nothing is left.
    """
    require_free(path)
    _remove_leftovers(path.parent)
    temporary = path.parent / f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}"
    try:
        with os.fdopen(os.open(temporary, _FLAGS, PRIVATE_FILE), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            _give_name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def replaced_file(path: Path) -> Generator[IO[bytes]]:
    """Yield a file, mode 0600, that takes another one's place when the block ends without an error.

    Raises:
        OSError: The folder cannot be written, or the disk is full; then the old file is untouched.
    """
    _remove_leftovers(path.parent)
    temporary = path.parent / f"{_PREFIX}{os.urandom(8).hex()}{_SUFFIX}"
    try:
        with os.fdopen(os.open(temporary, _FLAGS, PRIVATE_FILE), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def require_free(path: Path) -> None:
    """Refuse a name that something has.

    Raises:
        NameTaken: Something has it, even a link to nothing.
        OSError: The folder cannot be looked into.
    """
    with suppress(FileNotFoundError):
        kind = _KINDS.get(stat.S_IFMT(path.lstat().st_mode), "something")
        raise NameTaken(errno.EEXIST, f"there is {kind} of that name")
    path.parent.lstat()  # the folder itself may be what is not there


def _give_name(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)  # unlike a renaming, it replaces nothing
    except FileExistsError:
        require_free(path)
        raise
    except OSError as exc:
        if exc.errno not in _NO_HARD_LINKS:
            raise
        require_free(path)
        temporary.rename(path)


def _remove_leftovers(folder: Path) -> None:
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        # Another user's, or just removed by another process: then it is not ours to remove.
        with suppress(OSError):
            if left.is_symlink() or not left.is_file():
                continue
            if time.time() - left.stat().st_mtime > _OLD_SEC and _is_nobodys(left):
                left.unlink()


def _is_nobodys(path: Path) -> bool:
    """Return whether the process that wrote the file has ended."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
