"""One transcript file as a stream of turns, from the beginning or from where reading ended."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from ..base.foreign_file import ForeignFile, open_foreign
from ..errors import ForeignFileFault, TranscriptFault
from .file_hints import FileHints
from .hosts.decoding import Malformed, TooLong, decode, moment, objects_of
from .hosts.registry import HOSTS, Parser
from .jsonl_tail import FileCursor, offset_to_resume, read_lines
from .turn import Host, LineOutcome, Parsed, Skipped

_LINES_TO_DETECT: Final = 50


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
    with _opened(path) as stream:
        stat = stream.about
        start = offset_to_resume(stream, stat, cursor)
        hints = FileHints(
            path,
            datetime.fromtimestamp(stat.st_mtime, UTC),
            lambda: _first_time(path, start),
            lambda: _lines_before(path, start),
        )
        parser = HOSTS[host].parser(cursor.state if cursor and start else None, hints)
        for line in read_lines(stream, start):
            outcomes = line_outcomes(parser, line.data)
            place = FileCursor(
                stat.st_ino, stat.st_size, line.end_offset, line.mark, parser.state()
            )
            for outcome in outcomes:
                yield Parsed(outcome, place)


def read_objects(path: str | os.PathLike[str]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield each object of a transcript with the line that it stands in; others are passed over.

    Raises:
        TranscriptFault: The file cannot be read. Comes with the first item, not with the call.
    """
    with _opened(path) as stream:
        for line in read_lines(stream):
            try:
                objects = objects_of(line.data or b"")
            except (Malformed, TooLong):
                continue
            yield from ((fields, line.data or b"") for fields in objects)


def line_outcomes(parser: Parser, line: bytes | None) -> list[LineOutcome]:
    """Return the outcome of each object of a line; never raise on any bytes.

    Args:
        parser: Of the transcript; its state moves on.
        line: Without its newline; None for one that was too long to be read.
    """
    if line is None:
        return [Skipped("line_too_long")]
    try:
        objects = objects_of(line)
    except TooLong:
        return [Skipped("line_too_long")]
    except Malformed:
        return [Skipped("unparsable")]
    return [_outcome(parser, fields, line) for fields in objects] or [None]


def _outcome(parser: Parser, fields: dict[str, Any], line: bytes) -> LineOutcome:
    try:
        return parser.parse(fields, line)
    except Malformed:
        return Skipped("unparsable")


def _lines_before(path: str | os.PathLike[str], stop: int) -> Iterator[bytes]:
    with _opened(path) as stream:
        for line in read_lines(stream):
            if line.end_offset > stop:
                return
            yield line.data or b""


def _first_time(path: str | os.PathLike[str], start: int) -> datetime | None:
    with _opened(path) as stream:
        for number, line in enumerate(read_lines(stream, start)):
            if number >= _LINES_TO_DETECT:
                break
            try:
                return moment(decode(line.data or b""))
            except (Malformed, TooLong):
                continue
    return None


def detect_host(path: str | os.PathLike[str]) -> Host:
    """Return the host that wrote a transcript, found from its first lines.

    Raises:
        TranscriptFault: The file cannot be read, or it is neither host's.
    """
    with _opened(path) as stream:
        for number, line in enumerate(read_lines(stream)):
            if number >= _LINES_TO_DETECT:
                break
            try:
                fields = decode(line.data or b"")
            except (Malformed, TooLong):
                continue
            for host in HOSTS.values():
                if host.wrote(fields):
                    return host.name
    raise TranscriptFault(
        f"{path} is neither a Claude Code transcript nor a Codex rollout: "
        f"see `iai-mcp import --help` for the folders where those are kept"
    )


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Generator[ForeignFile]:
    try:
        with open_foreign(path) as stream:
            yield stream
    except ForeignFileFault as exc:
        raise TranscriptFault(
            f"{exc.path} {exc.what}: see what it is with `ls -lL`, then run the command again"
        ) from exc
