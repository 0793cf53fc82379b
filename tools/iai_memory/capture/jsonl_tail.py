"""Reading a growing JSONL file from a remembered place, complete lines only.

A host appends while we read, and may truncate, rotate or replace the file between two reads. The
newline is the host's commit: bytes after the last one are left for the next read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, BinaryIO

MAX_LINE_BYTES = 16 * 1024 * 1024

_CHUNK = 64 * 1024
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
    """One complete line.

    Attributes:
        data: Its bytes without the newline; None when they are more than MAX_LINE_BYTES.
        end_offset: Bytes from the start of the file to just after its newline.
        mark: The `FileCursor.mark` for that place.
    """

    data: bytes | None
    end_offset: int
    mark: str


def read_lines(stream: BinaryIO, start: int = 0) -> Iterator[Line]:
    """Yield the complete lines from one byte offset on.

    A line over MAX_LINE_BYTES is passed over in small pieces and yielded without its data, so that
    no more than two such lines' worth of memory is ever held.

    Args:
        stream: A buffered binary stream that can seek.
        start: Offset of the first byte of a line.
    """
    stream.seek(start)
    offset = start
    while True:
        data = stream.readline(MAX_LINE_BYTES + 1)
        offset += len(data)
        if data.endswith(b"\n"):
            mark = _mark(data)
            data = data[:-1]
            yield Line(data, offset, mark)
            del data  # a huge line must not be held while the next one is read
            continue
        if len(data) <= MAX_LINE_BYTES:
            return  # the file ends here: empty, or a line still being written
        tail = data[-_MARK_BYTES:]
        del data
        while not tail.endswith(b"\n"):
            piece = stream.readline(_CHUNK)
            if not piece:
                return
            offset += len(piece)
            tail = (tail + piece)[-_MARK_BYTES:]
        yield Line(None, offset, _mark(tail))


def offset_to_resume(stream: BinaryIO, stat: os.stat_result, cursor: FileCursor | None) -> int:
    """Return the cursor's offset if the cursor still fits the file, else 0.

    It fits when the inode is the same, the file has not shrunk, and the bytes before the offset
    are those that were read. Starting again from 0 is always safe: ingest is idempotent by
    session, role and turn.
    """
    if cursor is None or cursor.offset <= 0:
        return 0
    if cursor.inode != stat.st_ino or stat.st_size < max(cursor.size, cursor.offset):
        return 0
    length = _mark_length(cursor.mark)
    if length is None or length > cursor.offset:
        return 0
    stream.seek(cursor.offset - length)
    return cursor.offset if _mark(stream.read(length)) == cursor.mark else 0


def _mark(data: bytes) -> str:
    tail = data[-_MARK_BYTES:]
    return f"{len(tail)}-{blake2b(tail, digest_size=8).hexdigest()}"


def _mark_length(mark: str) -> int | None:
    length, _, _ = mark.partition("-")
    if not (length.isascii() and length.isdigit() and len(length) <= 4):
        return None
    return min(int(length), _MARK_BYTES)
