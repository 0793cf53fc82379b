"""The spool: rings that the capture hook appends and a drain claims.

A ring says that a transcript grew. It is one line of JSON without any text of the conversation,
appended to `doorbell.jsonl` with one write:

    {"event":"Stop","session_id":"…","transcript_path":"…","cwd":"…","at":1764500000}

A claim moves files from name to name, so that a drain that is killed at any point loses no ring:

    doorbell.jsonl             hooks append here
    doorbell.claimed-<ns>.jsonl    a drain reads it; found here, it waits for the next drain
    answered-<ns>.jsonl        every ring that was read is answered; read to its end, then removed

A hook that had the file open may still append to it. Once it has, it looks for a file named
`doorbell*`; without one it appends once more. So a ring is either read from the answered file or
written twice, and the second time finds nothing new.

Earlier versions wrote the host's whole JSON, to `doorbell.jsonl`, `doorbell.old.jsonl` and
`doorbell-*.json`. Those are read for the same fields and leave with the first claim.
"""

from __future__ import annotations

import json
import os
import re
import stat
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from ..base.files import PRIVATE_FILE, make_private_folder, replace_file
from ..base.json_file import read_object
from ..base.paths import StorePaths
from ..errors import StoreUnavailable

DOORBELL: Final = "doorbell.jsonl"
WAITING: Final = "doorbell*.json*"
_CLAIMED: Final = "doorbell.claimed-{}.jsonl"
_ANSWERED: Final = "answered-{}.jsonl"
# Written by earlier versions: how far each file had been read, by inode.
_OFFSETS: Final = "offsets.json"
_MAX_OFFSETS_BYTES: Final = 1 << 20
MAX_RING_BYTES: Final = 64 << 10
_MAX_PATH_CHARS: Final = 16 << 10
_MAX_FAILED: Final = 200
_MAX_FAILED_BYTES: Final = 64 << 20
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MEMBER: Final = re.compile(r'[\s,{]*("(?:[^"\\]|\\.)*")\s*:\s*')
_KINDS: Final = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True, slots=True)
class Ring:
    """What one call of the capture hook said.

    Attributes:
        transcript_path: Absolute path of the transcript.
        session_id: The host's id; None where it gave none.
        cwd: The folder that was worked in; None where the host gave none.
        event: The host's name of the event; None where it gave none.
        at: When the hook rang, UTC.
    """

    transcript_path: str
    session_id: str | None
    cwd: str | None
    event: str | None
    at: datetime

    def to_fields(self) -> dict[str, Any]:
        """Return the ring as the hook writes it."""
        return {
            "event": self.event,
            "session_id": self.session_id,
            "transcript_path": self.transcript_path,
            "cwd": self.cwd,
            "at": int(self.at.timestamp()),
        }

    def to_line(self) -> bytes:
        """Return the ring as a line of the spool."""
        return json.dumps(self.to_fields(), separators=(",", ":")).encode() + b"\n"


class Waiting(NamedTuple):
    """What waits in a spool.

    Attributes:
        rings: How many rings.
        since: When the oldest of them was rung; None without a ring.
        size: Bytes of their files.
        faults: A sentence for each spool file that cannot be read.
    """

    rings: int
    since: datetime | None
    size: int
    faults: tuple[str, ...]


@dataclass(slots=True)
class Rings:
    """The rings of several files, folded: one for each transcript, the newest.

    Attributes:
        by_transcript: By path of the transcript.
        count: How many rings, those that name no transcript included.
        since: When the oldest was rung.
        unreadable: Lines that are no ring.
    """

    by_transcript: dict[str, Ring] = field(default_factory=dict[str, Ring])
    count: int = 0
    since: datetime | None = None
    unreadable: int = 0

    def add(self, line: bytes, *, is_cut: bool, written_at: datetime) -> None:
        """Add the rings of one line.

        Args:
            line: The line, or its first 64 KiB.
            is_cut: Whether it goes on.
            written_at: When its file was last written: the time of a ring that names none.
        """
        objects = _objects(line.decode("utf-8", "replace"), is_cut=is_cut)
        self.unreadable += not objects
        for fields in objects:
            self.count += 1
            at = _time(fields.get("at"), written_at)
            self.since = at if self.since is None else min(self.since, at)
            ring = _ring(fields, at)
            known = self.by_transcript.get(ring.transcript_path) if ring else None
            if ring is not None and (known is None or known.at <= ring.at):
                self.by_transcript[ring.transcript_path] = ring


class Claim:
    """Spool files that this process answers; it holds the `drain` lock for as long.

    Attributes:
        faults: A sentence for each spool file that cannot be read.
    """

    def __init__(self, folder: Path, files: Sequence[Path], offsets: dict[str, int]) -> None:
        """Open the files."""
        self._folder = folder
        self._files: list[_RingFile] = []
        self.faults: list[str] = []
        for path in files:
            try:
                self._files.append(_RingFile(path, offsets))
            except FileNotFoundError:
                continue  # another process answered it since
            except _NotAFile as exc:
                self.faults.append(str(exc))

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
            append_rings(self._folder, list(late.by_transcript.values()))
            for file in self._files:
                file.path.unlink(missing_ok=True)
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
        return any(_is_filled(path) for path in self._files())

    def size(self) -> int:
        """Return the bytes of the files with rings; one `stat` each, nothing is opened.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        return sum(path.lstat().st_size for path in self._files() if _is_filled(path))

    def waiting(self) -> Waiting:
        """Return how many rings wait and since when; nothing is claimed.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        with ExitStack() as stack:
            claim = Claim(self._folder, self._files(), self._offsets())
            stack.callback(claim.close)
            rings = claim.read()
            return Waiting(rings.count, rings.since, claim.size, tuple(claim.faults))

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
        with _reported(self._folder, "written"), suppress(FileNotFoundError):
            if stat.S_ISREG(doorbell.lstat().st_mode):
                doorbell.rename(self._folder / _CLAIMED.format(time.time_ns()))
        return Claim(self._folder, self._files(), self._offsets())

    def give_up(self, ring: Ring, why: str) -> Path:
        """Note in `failed/` that a transcript could not be read; it has one file there.

        Raises:
            StoreUnavailable: The spool cannot be written.
        """
        with _reported(self._folder, "written"):
            folder = make_private_folder(self._folder / "failed")
            path = folder / _failed_name(ring.transcript_path)
            replace_file(path, json.dumps({"why": why, "ring": ring.to_fields()}).encode())
            for old in sorted(self.failed(), key=_modified)[:-_MAX_FAILED]:
                old.unlink(missing_ok=True)
        return path

    def settle(self, transcript_path: str) -> None:
        """Remove what `give_up` noted of a transcript: it could be read after all."""
        with _reported(self._folder, "written"):
            (self._folder / "failed" / _failed_name(transcript_path)).unlink(missing_ok=True)

    def failed(self) -> list[Path]:
        """Return the files of the transcripts that were given up."""
        found = (self._folder / "failed").glob("*.json")
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def strip_failed(self) -> None:
        """Rewrite the files in `failed/` that earlier versions wrote with text of the conversation.

        Raises:
            StoreUnavailable: The spool cannot be written.
        """
        with _reported(self._folder, "written"):
            for path in self.failed():
                noted = read_object(path, _MAX_FAILED_BYTES)
                if noted is not None and "ring" in noted:
                    continue
                old = noted.get("doorbell") if noted else None
                why = str(noted.get("why")) if noted else "what this file said cannot be read"
                fields = old if isinstance(old, dict) else {}
                kept = {name: _text(fields, name) for name in _FIELDS} | {
                    "event": _text(fields, "hook_event_name")
                }
                replace_file(path, json.dumps({"why": why, "ring": kept}).encode())

    def _files(self) -> list[Path]:
        """Return every file with rings, those of an interrupted claim included, sorted.

        Raises:
            StoreUnavailable: The folder is no folder of ours.
        """
        if self._folder.is_symlink() or (self._folder.exists() and not self._folder.is_dir()):
            raise StoreUnavailable(f"{self._folder} is no folder: remove it")
        with _reported(self._folder, "read"):
            return sorted([*self._folder.glob(WAITING), *self._folder.glob(_ANSWERED.format("*"))])

    def _offsets(self) -> dict[str, int]:
        # Without it every ring is read again; ingest stores no turn twice.
        fields = read_object(self._folder / _OFFSETS, _MAX_OFFSETS_BYTES) or {}
        return {inode: offset for inode, offset in fields.items() if type(offset) is int}


_FIELDS: Final = ("session_id", "transcript_path", "cwd")


class _NotAFile(Exception):
    """Something else stands in the place of a spool file; the text says what."""


class _RingFile:
    """One open spool file and how far it was read."""

    def __init__(self, path: Path, offsets: dict[str, int]) -> None:
        self.path = path
        self._stream = _opened(path)
        about = os.fstat(self._stream.fileno())
        self.size = about.st_size
        self._written_at = datetime.fromtimestamp(about.st_mtime, UTC)
        start = offsets.get(str(about.st_ino), 0)
        self._stream.seek(start if 0 <= start <= about.st_size else 0)

    def read(self, rings: Rings, *, to_end: bool = False) -> None:
        """Add the rings from here on; `to_end` takes a last line without its newline too."""
        for line, is_cut in self._lines(to_end=to_end):
            if line.strip(b" \t\r\n\0"):
                rings.add(line, is_cut=is_cut, written_at=self._written_at)

    def retire(self, name: Path) -> None:
        """Move the file to a name under which no hook looks for it."""
        self.path.rename(name)
        self.path = name

    def close(self) -> None:
        self._stream.close()

    def _lines(self, *, to_end: bool) -> Iterator[tuple[bytes, bool]]:
        """Yield the first 64 KiB of each line, and whether it goes on behind them."""
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
            if not is_whole and not _objects(line.decode("utf-8", "replace"), is_cut=False):
                self._stream.seek(start)  # a hook is writing it
                return
            yield line, is_cut


def append_rings(folder: Path, rings: Sequence[Ring]) -> None:
    """Append rings to the spool in one write, and return when they are on the disk.

    Raises:
        OSError: The spool cannot be written.
    """
    if not rings:
        return
    lines = b"".join(
        json.dumps(ring.to_fields(), separators=(",", ":")).encode() + b"\n" for ring in rings
    )
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(folder / DOORBELL, flags, PRIVATE_FILE)
    try:
        written = os.write(descriptor, lines)
        if written != len(lines):
            raise OSError(28, os.strerror(28))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> BinaryIO:
    """Open a spool file; nothing but a regular file of ours is waited for.

    Raises:
        FileNotFoundError: It is gone.
        _NotAFile: It cannot be read, or it is something else.
    """
    try:
        kind = _kind(path.lstat().st_mode)
        if kind is not None:
            raise _NotAFile(f"{path} is {kind}: remove it")
        stream = os.fdopen(os.open(path, _FLAGS), "rb")
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise _NotAFile(f"{path} cannot be read ({exc.strerror}): run `iai-mcp doctor`") from exc
    about = os.fstat(stream.fileno())
    if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
        return stream
    stream.close()
    raise _NotAFile(f"{path} is not a file of yours: remove it")


def _kind(mode: int) -> str | None:
    """Return what something other than a regular file is; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a device")


def _is_filled(path: Path) -> bool:
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size > 0


def _modified(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _failed_name(transcript_path: str) -> str:
    return f"{blake2b(transcript_path.encode(), digest_size=8).hexdigest()}.json"


@contextmanager
def _reported(folder: Path, done: str) -> Generator[None]:
    try:
        yield
    except OSError as exc:
        raise StoreUnavailable(
            f"{folder} cannot be {done} ({exc.strerror}): run `iai-mcp doctor`"
        ) from exc


def _objects(line: str, *, is_cut: bool) -> list[dict[str, Any]]:
    """Return the objects of a line: behind half an object of a killed hook, the next ones too."""
    found: list[dict[str, Any]] = []
    decode = json.JSONDecoder().raw_decode
    start = line.find("{")
    while start >= 0:
        try:
            fields, end = decode(line, start)
        except (ValueError, RecursionError):
            # No text holds these two characters: JSON escapes the second one.
            start = line.find('{"', start + 1)
            continue
        found.append(fields)
        start = line.find("{", end)
    if not found and is_cut:
        found = [_leading_members(line)]
    return [fields for fields in found if fields]


def _leading_members(line: str) -> dict[str, Any]:
    """Return the members of an object whose end is missing, up to the one that is cut.

    Hosts name session, transcript, folder and event before their long texts.
    """
    fields: dict[str, Any] = {}
    decode = json.JSONDecoder().raw_decode
    at = max(0, line.find("{"))
    while member := _MEMBER.match(line, at):
        try:
            value, at = decode(line, member.end())
        except (ValueError, RecursionError):
            break
        fields[json.loads(member[1])] = value
    return fields


def _ring(fields: dict[str, Any], at: datetime) -> Ring | None:
    """Return the ring; None where it names no transcript that could be read."""
    path = _text(fields, "transcript_path")
    if path is None or not path.startswith("/"):
        return None
    return Ring(
        transcript_path=path,
        session_id=_text(fields, "session_id"),
        cwd=_text(fields, "cwd"),
        event=_text(fields, "event") or _text(fields, "hook_event_name"),
        at=at,
    )


def _text(fields: dict[str, Any], name: str) -> str | None:
    """Return a member that can be a path or a name; None for anything else."""
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_PATH_CHARS or "\0" in value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None  # half of a surrogate pair names no file
    return value


def _time(value: Any, written_at: datetime) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return written_at
    try:
        return min(datetime.fromtimestamp(value, UTC), datetime.now(UTC))
    except (ValueError, OverflowError, OSError):
        return written_at
