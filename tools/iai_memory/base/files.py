"""Private folders and files: made for this user alone, written durably, replaced in one step.

Imports nothing heavy: the hook and the handshake read state files before any library is loaded.
"""

from __future__ import annotations

import os
import stat

from ..errors import StoreUnavailable
from .machine_faults import machine_fault
from .store_guard import require_not_lost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
# Another thing in the file's place is not written to: a link could lead to any file, a FIFO would
# block.
_OVERWRITE = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def make_private_folder(folder: Path) -> Path:
    """Create the folder and its missing parents; the folder itself gets mode 0700.

    Raises:
        StoreUnavailable: The folder cannot be made or its mode cannot be set.
        StoreLost: It is one of a store that was lost or moved away: nothing is made in its place.
    """
    # Locks say nothing about a store, and who mends one needs them.
    if not (folder.name == "locks" and folder.is_dir()):
        require_not_lost(folder)
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(PRIVATE_FOLDER)
    except OSError as exc:
        raise StoreUnavailable(
            machine_fault(exc, f"{folder} cannot be used as a store folder")
        ) from exc
    return folder


def make_private_parents(folder: Path) -> None:
    """Create the folder and its missing parents, each with mode 0700; existing ones stay.

    Raises:
        OSError: A folder cannot be made.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def write_new_file(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, mode 0600; return when it is on the disk.

    Raises:
        FileExistsError: Something has that name, even a dangling link.
        OSError: The folder cannot be written or the disk is full.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, PRIVATE_FILE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, content: bytes) -> None:
    """Replace the file in one step, mode 0600: a reader or a crash sees the old bytes or the new.

    Raises:
        OSError: The folder cannot be written or the disk is full; the old file is untouched.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        write_new_file(temporary, content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def overwrite_file(path: Path, content: bytes) -> bool:
    """Write into the file that is there, without `fsync`; return False where none is this user's.

    One `write`: whoever is killed leaves the old bytes or the new. Costs some microseconds, where a
    renaming may cost half a millisecond. A file with a second name is left alone, since that may be
    in somebody's copy of the folder.

    Raises:
        OSError: The disk failed.
    """
    try:
        descriptor = os.open(path, _OVERWRITE)
    except OSError:
        return False
    try:
        about = os.fstat(descriptor)
        ours = about.st_uid == os.geteuid() and about.st_nlink == 1
        if not (ours and stat.S_ISREG(about.st_mode)):
            return False
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
        return True
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Return when the names in the folder are on the disk.

    Raises:
        OSError: There is no such folder, or the disk failed.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
