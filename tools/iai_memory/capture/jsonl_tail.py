"""Reading a growing JSONL file from a remembered place, line by line, in bounded memory.

A host appends while we read, and may truncate, rotate or replace the file between two reads. The
newline is the host's commit; whether bytes after the last one are a line, the reader's caller says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, BinaryIO

from .long_line import LongLine

AT_REST_SEC = 1.0
_LONG_LINE_BYTES = 512 * 1024
_PIECE = 64 * 1024
_MARK_BYTES = 1024


@dataclass(frozen=True, slots=True)
class FileCursor:
    """The place in a file up to which it was read, and what identifies the file.

    Attributes:
        inode: st_ino of the file that was read.
        size: Its size in bytes when reading began.
        offset: End of the last line taken, in bytes from the start.
        mark: Digest of the bytes just before the offset. A file system hands a freed inode to the
            next file, so the inode alone does not tell a replaced file from a grown one.
        state: The parser's `state()` after that line, so that no line before it is read again.
    """

    inode: int
    size: int
    offset: int
    mark: str
    state: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        data: Its bytes without the newline, shortened if they are many.
        end_offset: Bytes from the start of the file to just after its newline.
        mark: The `FileCursor.mark` for that place.
        is_ended: Whether it has a newline; only the last line of a file may have none.
        is_cut: Whether members of its object were left out, which may have held words.
    """

    data: bytes
    end_offset: int
    mark: str
    is_ended: bool = True
    is_cut: bool = False


def read_lines(stream: BinaryIO, start: int = 0, stop: int | None = None) -> Iterator[Line]:
    """Yield the lines from one byte offset on.

    Args:
        stream: A buffered binary stream that can seek.
        start: Offset of the first byte of a line.
        stop: Offset at which no other line is begun, None for the end of the file: a file that
            grows as fast as it is read has no end.
    """
    stream.seek(start)
    offset = start
    while stop is None or offset < stop:
        data = stream.readline(_LONG_LINE_BYTES)
        if data.endswith(b"\n"):
            offset += len(data)
            yield Line(data[:-1], offset, _mark(data))
        elif len(data) == _LONG_LINE_BYTES:
            line = _long_line(stream, data, offset)
            del data  # a long line must not be held while the next one is read
            offset = line.end_offset
            yield line
            del line
        else:
            if data:
                yield Line(data, offset + len(data), _mark(data), is_ended=False)
            return


def _long_line(stream: BinaryIO, piece: bytes, offset: int) -> Line:
    line = LongLine()
    tail = b""
    while piece:
        offset += len(piece)
        tail = (tail + piece)[-_MARK_BYTES:]
        line.feed(piece.removesuffix(b"\n"))
        if piece.endswith(b"\n"):
            break
        piece = stream.readline(_PIECE)
    return Line(line.end(), offset, _mark(tail), tail.endswith(b"\n"), line.is_cut)


def offset_to_resume(
    stream: BinaryIO, stat: os.stat_result, cursor: FileCursor | None, *, is_packed: bool = False
) -> int:
    """Return the cursor's offset if the cursor still fits the file, else 0.

    Offsets of a packed file count what it unpacks to; its size says nothing of them.

    It fits when the inode is the same, the file has not shrunk, and the bytes before the offset
    are those that were read. Starting again from 0 is always safe: ingest is idempotent by
    session, role and turn.
    """
    if cursor is None or cursor.offset <= 0:
        return 0
    if cursor.inode != stat.st_ino or stat.st_size < cursor.size:
        return 0
    if stat.st_size < cursor.offset and not is_packed:
        return 0
    length = _mark_length(cursor.mark)
    if length is None or length > cursor.offset:
        return 0
    stream.seek(cursor.offset - length)
    return cursor.offset if _mark(stream.read(length)) == cursor.mark else 0


def is_at_rest(stat: os.stat_result) -> bool:
    """Return whether nobody wrote to the file for a second; a clock may be wrong both ways."""
    return abs(time.time() - stat.st_mtime) > AT_REST_SEC


def _mark(data: bytes) -> str:
    tail = data[-_MARK_BYTES:]
    return f"{len(tail)}-{blake2b(tail, digest_size=8).hexdigest()}"


def _mark_length(mark: str) -> int | None:
    length, _, _ = mark.partition("-")
    if not (length.isascii() and length.isdigit() and len(length) <= 4):
        return None
    return min(int(length), _MARK_BYTES)
