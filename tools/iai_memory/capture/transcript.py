"""One transcript file as a stream of turns, from the beginning or from where reading ended."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

from ..base.foreign_file import open_foreign
from ..errors import EmptyTranscript, ForeignFileFault, TranscriptFault
from ..store.plausible_times import MAX_AHEAD
from ..text.same_words import CUT
from .damaged_line import objects_of, salvage
from .file_hints import FileHints
from .hosts.decoding import Malformed, decode, moment
from .hosts.registry import HOSTS, Parser
from .jsonl_tail import FileCursor, is_at_rest, offset_to_resume, read_lines
from .packed_file import MAGIC_BYTES, UnpackedStream, packed_by, unpacked
from .turn import Host, LineOutcome, Parsed, Skipped, Turn

_LINES_WITHOUT_TIME: Final = 50
# A session may begin with many lines of its host that say little: summaries, snapshots of files.
_BYTES_TO_DETECT: Final = 8 * 1024 * 1024
_BLANK: Final = b" \t\r\n\0\xef\xbb\xbf"
# How a file begins in them, with a byte order mark and without.
_ENCODINGS: Final = {
    "UTF-32": (b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
    "UTF-32LE": (b'{\0\0\0"\0\0\0',),
    "UTF-32BE": (b'\0\0\0{\0\0\0"',),
    "UTF-16": (b"\xff\xfe", b"\xfe\xff"),
    "UTF-16LE": (b'{\0"\0',),
    "UTF-16BE": (b'\0{\0"',),
}
_PEEKED: Final = max(MAGIC_BYTES, 8)


def read_transcript(
    path: str | os.PathLike[str], host: Host, cursor: FileCursor | None = None
) -> Iterator[Parsed]:
    """Yield every complete line of a transcript, in order, from the cursor on.

    A line that is still being written is left for the next call. If the cursor no longer fits the
    file (truncated, rotated, replaced), reading starts again from the first line. The file is
    streamed: one line is in memory at a time.

    Args:
        path: The transcript.
        host: Which host wrote it; see `detect_host`.
        cursor: The `Parsed.cursor` of the last line that was dealt with, None for all of it.

    Raises:
        TranscriptFault: The file cannot be read. Comes with the first item, not with the call.
    """
    with _opened(path) as source:
        stat = source.about
        start = offset_to_resume(source.stream, stat, cursor, is_packed=source.stop is None)
        modified_at = _past(stat.st_mtime)
        # A copy may keep an older time of its last write.
        latest = max(modified_at, _past(stat.st_ctime)) + MAX_AHEAD
        hints = FileHints(
            path,
            modified_at,
            lambda: _first_time(path, start, latest),
            lambda: _lines_before(path, start),
            latest=latest,
        )
        parser = HOSTS[host].parser(cursor.state if cursor and start else None, hints)
        for line in read_lines(source.stream, start, source.stop):
            if not line.is_ended and not (is_at_rest(stat) and _ends_whole(line.data)):
                break
            outcomes = line_outcomes(parser, line.data)
            if line.is_cut:
                outcomes.append(Skipped("line_too_long"))
            place = FileCursor(
                stat.st_ino, stat.st_size, line.end_offset, line.mark, parser.state()
            )
            for outcome in outcomes:
                yield Parsed(outcome, place)
        source.require_whole()


def read_objects(path: str | os.PathLike[str]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield each object of a transcript with its own bytes; what is none is passed over.

    Raises:
        TranscriptFault: The file cannot be read. Comes with the first item, not with the call.
    """
    with _opened(path) as source:
        for line in read_lines(source.stream, stop=source.stop):
            if line.is_ended or _ends_whole(line.data):
                yield from objects_of(line.data)
        source.require_whole()


def line_outcomes(parser: Parser, line: bytes) -> list[LineOutcome]:
    """Return the outcome of each object of a line; never raise on any bytes.

    What could not be kept is one more outcome: a part of the line that is no object, the middle of
    a text that was too long.

    Args:
        parser: Of the transcript; its state moves on.
        line: Without its newline.
    """
    try:
        return _outcomes(parser, decode(line), line)
    except Malformed:
        return _outcomes_of_damaged(parser, line) if line.strip() else [None]


def _outcomes(
    parser: Parser, fields: dict[str, Any], line: bytes, marks: tuple[str, ...] = ()
) -> list[LineOutcome]:
    try:
        outcome = parser.parse(fields, line)
    except Malformed:
        return [Skipped("unparsable")]
    if isinstance(outcome, Turn) and CUT.strip() == outcome.text.strip():
        return [Skipped("line_too_long")]
    if isinstance(outcome, Turn) and CUT in outcome.text:
        return [_marked(outcome, (*marks, "cut")), Skipped("too_long")]
    return [_marked(outcome, marks) if marks and isinstance(outcome, Turn) else outcome]


def _outcomes_of_damaged(parser: Parser, line: bytes) -> list[LineOutcome]:
    found = salvage(line)
    outcomes: list[LineOutcome] = [] if found.is_all else [Skipped("unparsable")]
    for fields, own in found.objects:
        outcomes += _outcomes(parser, fields, own, found.marks)
    return outcomes


def _marked(turn: Turn, marks: tuple[str, ...]) -> Turn:
    return replace(turn, marks=(*turn.marks, *marks))


def _ends_whole(line: bytes) -> bool:
    """Return whether a line without a newline ends with an object, whatever stands before it."""
    try:
        return bool(decode(line))
    except Malformed:
        return salvage(line).ends_whole


def _lines_before(path: str | os.PathLike[str], stop: int) -> Iterator[bytes]:
    with _opened(path) as source:
        for line in read_lines(source.stream):
            if line.end_offset > stop:
                return
            yield line.data


def _past(seconds: float) -> datetime:
    """Return a time of a file, of whatever year, if it is past; else now."""
    return datetime.fromtimestamp(max(0.0, min(seconds, time.time())), UTC)


def _first_time(path: str | os.PathLike[str], start: int, latest: datetime) -> datetime | None:
    with _opened(path) as source:
        for number, line in enumerate(read_lines(source.stream, start)):
            if number >= _LINES_WITHOUT_TIME:
                break
            for fields, _ in objects_of(line.data):
                with suppress(Malformed):
                    if (found := moment(fields)) <= latest:
                        return found
    return None


def detect_host(path: str | os.PathLike[str]) -> Host:
    """Return the host that wrote a transcript, found from its first lines.

    Raises:
        EmptyTranscript: Nothing is written in it yet.
        TranscriptFault: The file cannot be read, or it is neither host's.
    """
    with _opened(path) as source:
        host, is_blank = _host_in(source)
        if host is not None:
            return host
        source.require_whole()
    if is_blank:
        raise EmptyTranscript(f"{path} is empty: run the command again when a session wrote to it")
    raise TranscriptFault(
        f"{path} is neither a Claude Code transcript nor a Codex rollout: "
        f"see `iai-mcp import --help` for the folders where those are kept"
    )


def host_of(path: str | os.PathLike[str]) -> Host | None:
    """Return the host that wrote a transcript; None if its first 8 MB do not show it.

    Raises:
        TranscriptFault: The file cannot be read.
    """
    with _opened(path) as source:
        return _host_in(source)[0]


def _host_in(source: _Source) -> tuple[Host | None, bool]:
    """Return the host that the first lines show, and whether they are all blank."""
    is_blank = True
    for line in read_lines(source.stream, stop=source.stop):
        is_blank = is_blank and not line.data.strip(_BLANK)
        for fields, _ in objects_of(line.data):
            for host in HOSTS.values():
                if host.wrote(fields):
                    return host.name, False
        if line.end_offset > _BYTES_TO_DETECT:
            break
    return None, is_blank


@dataclass(frozen=True, slots=True)
class _Source:
    """An open transcript.

    Attributes:
        stream: Its lines.
        about: The state of its file.
        stop: Offset at which no other line is begun; None for the end of the stream.
    """

    stream: BinaryIO
    about: os.stat_result
    stop: int | None

    def require_whole(self) -> None:
        """Raise the TranscriptFault of a packed file that ended before its end."""
        if isinstance(self.stream, UnpackedStream):
            self.stream.require_whole()


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Generator[_Source]:
    try:
        with open_foreign(path) as stream:
            beginning = stream.peek(_PEEKED)[:_PEEKED]
            if packed_by(beginning) == "zstd":
                plain = unpacked(stream, os.fspath(path), stream.about.st_size)
                beginning = plain.peek(_PEEKED)[:_PEEKED]
                _require_lines(path, beginning)
                yield _Source(plain, stream.about, None)
            else:
                _require_lines(path, beginning)
                yield _Source(stream, stream.about, stream.about.st_size)
    except ForeignFileFault as exc:
        raise TranscriptFault(
            f"{exc.path} {exc.what}: look at it with `ls -lL`, then run the command again"
        ) from exc


def _require_lines(path: str | os.PathLike[str], beginning: bytes) -> None:
    """Refuse a file whose first bytes say that it is no text in UTF-8."""
    packer = packed_by(beginning)
    if packer:
        raise TranscriptFault(
            f"{path} is packed by {packer}: unpack it, then run the command again"
        )
    for encoding, marks in _ENCODINGS.items():
        if beginning.startswith(marks):
            raise TranscriptFault(
                f"{path} is {encoding}: write it anew with `iconv -f {encoding} -t UTF-8`"
            )
