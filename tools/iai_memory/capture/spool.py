"""The spool: rings that the capture hook appends and a drain claims.

A ring is one line, see `ring.py`. Files move from name to name, so that a drain that is killed at
any point loses no ring:

    doorbell.jsonl                 hooks append here, a ring with one write
    doorbell.claimed-<ns>.jsonl    a drain reads it; found here, it waits for the next drain
    answered-<ns>.jsonl            every ring that was read is answered; it is read on and removed

A hook that had the file open may still append to it. Once it has, it looks for a file named
`doorbell*`; without one it appends once more. So a ring is either read from the answered file or
written twice, and the second time finds nothing new.

Earlier versions wrote to `doorbell.old.jsonl` and `doorbell-*.json`, too; those leave with the
first claim.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from ..base.files import PRIVATE_FILE
from ..base.json_file import read_object
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..errors import StoreUnavailable
from .lost_rings import lost_rings
from .ring import MAX_RING_BYTES, Ring, Rings, objects_in
from .spool_faults import NotAFile, opened, spool_faults

DOORBELL: Final = "doorbell.jsonl"
WAITING: Final = "doorbell*.json*"
_CLAIMED: Final = "doorbell.claimed-{}.jsonl"
_ANSWERED: Final = "answered-{}.jsonl"
# Written by earlier versions: how far each file had been read, by inode.
_OFFSETS: Final = "offsets.json"
# By a drain that was killed; one drains at a time.
_HALF_WRITTEN: Final = "sessions.json.*.tmp"
_MAX_OFFSETS_BYTES: Final = 1 << 20


class Waiting(NamedTuple):
    """What waits in a spool.

    Attributes:
        rings: How many rings.
        since: When the oldest of them was rung; None without a ring.
        size: Bytes of their files.
        faults: A sentence for everything that does not belong there; see `spool_faults.py`.
    """

    rings: int
    since: datetime | None
    size: int
    faults: tuple[str, ...]


def rings_wait(count: int) -> str:
    """Return the name of the state, the same wherever it is told: "3 rings wait"."""
    return "1 ring waits" if count == 1 else f"{count} rings wait"


class Claim:
    """Spool files that this process answers; it holds the `drain` lock for as long."""

    def __init__(self, folder: Path, files: Sequence[Path], offsets: dict[str, int]) -> None:
        """Open the files."""
        self._folder = folder
        self._files: list[_RingFile] = []
        for path in files:
            try:
                self._files.append(_RingFile(path, offsets))
            except (FileNotFoundError, NotAFile):
                continue  # another process answered it since; or `faults` names it

    @property
    def size(self) -> int:
        """Bytes of the files, as they were opened."""
        return sum(file.size for file in self._files)

    def read(self) -> Rings:
        """Return the rings that were not read yet.

        Raises:
            StoreUnavailable: The disk failed.
        """
        rings = Rings()
        with _reported(self._folder, "read"):
            for file in self._files:
                file.read(rings)
        return rings

    def answer(self, again: Sequence[Ring]) -> Rings:
        """Take the files away; every ring that was read is answered, or among `again`.

        Args:
            again: Rings to try again, which go back into the spool.

        Returns:
            Rings that a hook appended after the last `read`. They are in the spool again.

        Raises:
            StoreUnavailable: The spool cannot be written; the rings are still claimed.
        """
        late = Rings()
        with _reported(self._folder, "written"):
            append_rings(self._folder, again)
            # Before the files: inodes are used again, and an offset would hide other rings.
            with suppress(IsADirectoryError, PermissionError):  # a folder there hides nothing
                (self._folder / _OFFSETS).unlink(missing_ok=True)
            for number, file in enumerate(self._files):
                file.retire(self._folder / _ANSWERED.format(f"{time.time_ns()}-{number}"))
            for file in self._files:
                file.read(late, to_end=True)
            append_rings(self._folder, [*late.by_transcript.values(), *late.nameless.values()])
            for file in self._files:
                file.path.unlink(missing_ok=True)
            for path in self._folder.glob(_HALF_WRITTEN):
                path.unlink(missing_ok=True)
        return late

    def close(self) -> None:
        """Close the files; those that were not answered wait for the next claim."""
        for file in self._files:
            file.close()


class Spool:
    """The rings of one store."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the spool of the store at `paths`; nothing is created."""
        self._folder = paths.spool

    def change_token(self) -> tuple[int, ...]:
        """Return a value that changes with each ring; costs microseconds.

        Rings that a drain puts back, to try them again, do not change it: they wait for a tick.
        """
        try:
            return ((self._folder / DOORBELL).lstat().st_size,)
        except OSError:
            return (0,)  # a claim meets the same error and reports it

    def has_rings(self) -> bool:
        """Return whether a claim would find a file; one glob, nothing is opened."""
        return any(_is_filled(path) for path in self._files()) or any(self._lost())

    def size(self) -> int:
        """Return the bytes of the files with rings; one `stat` each, nothing is opened.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        return sum(path.lstat().st_size for path in self._files() if _is_filled(path))

    def faults(self) -> tuple[str, ...]:
        """Return a sentence for everything that does not belong there; see `spool_faults.py`."""
        return spool_faults(self._folder)

    def waiting(self) -> Waiting:
        """Return how many rings wait and since when; nothing is claimed.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        with ExitStack() as stack:
            claim = Claim(self._folder, self._files(), self._offsets())
            stack.callback(claim.close)
            rings = claim.read()
            lost = [ring.at for ring in self._lost().values()]
            since = min(filter(None, [rings.since, *lost]), default=None)
            return Waiting(rings.count + len(lost), since, claim.size, self.faults())

    def peek(self) -> Rings:
        """Return the rings that wait; nothing is claimed.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        with ExitStack() as stack:
            claim = Claim(self._folder, self._files(), self._offsets())
            stack.callback(claim.close)
            return claim.read()

    def claim(self) -> Claim:
        """Claim every ring that waits, those of a drain that was killed included.

        The caller holds the `drain` lock, and closes the claim.

        Raises:
            StoreUnavailable: The spool cannot be written.
        """
        doorbell = self._folder / DOORBELL
        with (
            _reported(self._folder, "written"),
            suppress(FileNotFoundError, NotADirectoryError),
        ):
            if not self._folder.is_symlink() and stat.S_ISREG(doorbell.lstat().st_mode):
                doorbell.rename(self._folder / _CLAIMED.format(time.time_ns()))
        self._recover_lost()
        return Claim(self._folder, self._files(), self._offsets())

    def _recover_lost(self) -> None:
        """Write the rings that hooks could not write, where now there is room."""
        lost = self._lost()
        with _reported(self._folder, "written"):
            append_rings(self._folder, list(lost.values()))
            for path in lost:
                path.unlink(missing_ok=True)

    def _lost(self) -> dict[Path, Ring]:
        if self._folder.is_symlink():
            return {}
        with _reported(self._folder, "read"):
            return lost_rings(self._folder)

    def _files(self) -> list[Path]:
        """Return every file with rings, those of an interrupted claim included, sorted.

        None where the folder is none: `faults` names that.

        Raises:
            StoreUnavailable: The folder cannot be read.
        """
        if self._folder.is_symlink():
            return []
        with _reported(self._folder, "read"):
            return sorted([*self._folder.glob(WAITING), *self._folder.glob(_ANSWERED.format("*"))])

    def _offsets(self) -> dict[str, int]:
        # Without it every ring is read again; ingest stores no turn twice.
        fields = read_object(self._folder / _OFFSETS, _MAX_OFFSETS_BYTES) or {}
        return {inode: offset for inode, offset in fields.items() if type(offset) is int}


class _RingFile:
    """One open spool file and how far it was read."""

    def __init__(self, path: Path, offsets: dict[str, int]) -> None:
        self.path = path
        self._stream = opened(path)
        about = os.fstat(self._stream.fileno())
        self.size = about.st_size
        self._written_at = datetime.fromtimestamp(about.st_mtime, UTC)
        start = offsets.get(str(about.st_ino), 0)
        self._stream.seek(start if 0 <= start <= about.st_size else 0)

    def read(self, rings: Rings, *, to_end: bool = False) -> None:
        """Add the rings from here on; `to_end` takes a last line without its newline too."""
        for line in self._lines(to_end=to_end):
            if line.strip(b" \t\r\n\0"):
                rings.add(line, written_at=self._written_at)

    def retire(self, name: Path) -> None:
        """Move the file to a name under which no hook looks for it."""
        self.path.rename(name)
        self.path = name

    def close(self) -> None:
        self._stream.close()

    def _lines(self, *, to_end: bool) -> Iterator[bytes]:
        """Yield the first 64 KiB of each line."""
        while True:
            start = self._stream.tell()
            line = self._stream.readline(MAX_RING_BYTES)
            piece = line
            while len(piece) == MAX_RING_BYTES and not piece.endswith(b"\n"):
                piece = self._stream.readline(MAX_RING_BYTES)
            if not line:
                return
            is_cut = piece is not line
            is_whole = piece.endswith(b"\n") or to_end or is_cut
            if not is_whole and not objects_in(line.decode("utf-8", "replace")):
                self._stream.seek(start)  # a hook is writing it
                return
            yield line


def append_rings(folder: Path, rings: Sequence[Ring]) -> None:
    """Append rings to the spool in one write, and return when they are on the disk.

    Where something else stands in the place of the file that hooks append to, a claimed file takes
    them.

    Raises:
        OSError: The spool cannot be written.
    """
    if not rings:
        return
    lines = b"".join(
        json.dumps(ring.to_fields(), separators=(",", ":")).encode() + b"\n" for ring in rings
    )
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    path = folder / DOORBELL
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path = folder / _CLAIMED.format(time.time_ns())
    descriptor = os.open(path, flags, PRIVATE_FILE)
    try:
        written = os.write(descriptor, lines)
        if written != len(lines):
            raise OSError(28, os.strerror(28))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_filled(path: Path) -> bool:
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size > 0


@contextmanager
def _reported(folder: Path, done: str) -> Generator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreUnavailable(machine_fault(exc, f"{folder} cannot be {done}")) from exc
