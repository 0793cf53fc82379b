"""The digest of each file of the table: LanceDB writes a file once, so another content is damage.

The list lies beside the table, a line a file, and each line ends in a check of its own. It is
derived: what it lacks, because an earlier version wrote the file or the list was damaged, the next
commit adds. It is not synced, so a power cut may cost its last lines.

Digests are taken under the write lock, right after files were written and synced: a bit that flips
on the disk later is found, and so are files that were cut, emptied, exchanged or removed.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import Final

from ..base.files import PRIVATE_FILE, replace_file
from ..base.machine_faults import machine_fault, told_by_system

_log = logging.getLogger(__name__)

LIST_NAME: Final = "files.list"
_DIGEST_BYTES: Final = 16
_CHUNK_BYTES: Final = 1 << 20
_MAX_LIST_BYTES: Final = 64 << 20
_HINT: Final = "latest_version_hint"  # LanceDB writes it anew with each commit, and needs it not


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file of the table held when it was written.

    Attributes:
        size: In bytes.
        digest: BLAKE2b of its content, in hex.
    """

    size: int
    digest: str


class FileDigests:
    """The list of one table; who writes it holds the store's write lock."""

    def __init__(self, database: Path, table_folder: Path) -> None:
        """Bind the files; nothing is read.

        Args:
            database: LanceDB's folder, in which the list lies.
            table_folder: The table's.
        """
        self._path = database / LIST_NAME
        self._folder = table_folder
        self._read: tuple[int, int] | None = None
        self._known: dict[str, FileDigest] = {}

    def known(self) -> Mapping[str, FileDigest]:
        """Return the digests by path in the table's folder; read anew where others wrote.

        A list that cannot be read has none.
        """
        try:
            found = self._path.stat()
            if self._read != (found.st_ino, found.st_size):
                with _opened(self._path, os.O_RDONLY, "rb") as file:
                    lines = file.read(_MAX_LIST_BYTES).splitlines()
                self._known = dict(filter(None, map(_from_line, lines)))
                self._read = (found.st_ino, found.st_size)
        except OSError:
            self._known, self._read = {}, None
        return self._known

    def note(self, files: Iterable[str]) -> None:
        """Append the digests of these files that have none; costs one read of each.

        A list that cannot be written is logged: the commit, whose files these are, is made.

        Args:
            files: Their paths; files that are no part of the table's versions are left out.
        """
        known = self.known()
        names = {os.path.relpath(path, self._folder): path for path in files}
        new = {name: path for name, path in names.items() if _is_kept(name) and name not in known}
        found: dict[str, FileDigest] = {}
        for name in sorted(new):
            try:
                found[name] = digest_of(Path(new[name]))
            except FileNotFoundError:
                continue  # a writer's temporary file
            except OSError as exc:
                _log.warning("%s", machine_fault(exc, f"{new[name]} cannot be read"))
        if not found:
            return
        lines = [_line(name, one) for name, one in found.items()]
        try:
            with _opened(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, "ab") as file:
                # Behind a line that a kill cut, on a line of its own.
                file.write(("\n" + "".join(lines)).encode())
                about = os.fstat(file.fileno())
            self._known |= found
            self._read = (about.st_ino, about.st_size)
        except OSError as exc:
            _log.warning("%s", machine_fault(exc, f"{self._path} cannot be written"))

    def forget_removed(self) -> None:
        """Drop the files from the list that are gone, after a compaction removed them."""
        known = self.known()
        kept = {name: one for name, one in known.items() if (self._folder / name).exists()}
        if len(kept) == len(known):
            return
        try:
            lines = [_line(name, one) for name, one in sorted(kept.items())]
            replace_file(self._path, "".join(lines).encode())
        except OSError as exc:
            _log.warning("%s", machine_fault(exc, f"{self._path} cannot be written"))


def files_of(table_folder: Path) -> list[str]:
    """Return the paths, in its folder, of the files that make up a table."""
    # Not by `rglob`, which fails where somebody removes a folder meanwhile.
    found = [f"{parent}/{name}" for parent, _, names in os.walk(table_folder) for name in names]
    return sorted(filter(_is_kept, (os.path.relpath(path, table_folder) for path in found)))


def digest_of(path: Path) -> FileDigest:
    """Read a file and return its digest.

    Raises:
        OSError: It cannot be read.
    """
    digest, size = blake2b(digest_size=_DIGEST_BYTES), 0
    with _opened(path, os.O_RDONLY, "rb") as file:
        # No more than there is: most files are small, and a buffer of a megabyte takes longer.
        room = min(os.fstat(file.fileno()).st_size + 1, _CHUNK_BYTES)
        while part := file.read(room):
            digest.update(part)
            size += len(part)
    return FileDigest(size, digest.hexdigest())


def fault_of(path: Path, written: FileDigest, *, whole: bool) -> str | None:
    """Return what is wrong with a file, as the rest of a sentence; None for nothing.

    Args:
        path: The file.
        written: What it held.
        whole: Read it; else only its size is looked at.
    """
    try:
        about = path.stat()
        size = about.st_size
        if not stat.S_ISREG(about.st_mode):
            return "is no file"
        if size != written.size:
            return "is empty" if not size else f"has {size:,} of {written.size:,} bytes"
        if whole and digest_of(path) != written:
            return "is not what was written"
    except FileNotFoundError:
        return "is missing"
    except OSError as exc:
        return f"cannot be read ({told_by_system(exc)})"
    return None


def _opened(path: Path, flags: int, mode: str) -> FileIO:
    """Open a file of ours; a FIFO in its place is an error, and is not waited for.

    Raises:
        OSError: It cannot be opened, or is no file.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, PRIVATE_FILE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no file", str(path))
    return FileIO(descriptor, mode)


def _is_kept(name: str) -> bool:
    """Return whether a path in the table's folder is that of a finished file."""
    last = name.rpartition("/")[2]
    return "/" in name and _HINT not in last and "#" not in last and "tmp" not in last


def _line(name: str, one: FileDigest) -> str:
    content = f"{one.digest} {one.size} {name}"
    return f"{content} {zlib.crc32(content.encode()):08x}\n"


def _from_line(line: bytes) -> tuple[str, FileDigest] | None:
    """Return what a line says; None for one that is none, or was damaged."""
    content, _, check = line.rpartition(b" ")
    if check != b"%08x" % zlib.crc32(content):
        return None
    digest, size, name = content.decode().split(" ", 2)
    return name, FileDigest(int(size), digest)
