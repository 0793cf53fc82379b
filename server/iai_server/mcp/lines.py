"""Lines of the protocol, read in bounded memory however long they are."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

MAX_LINE_BYTES: Final = 32 << 20
"""Of a message: 30 texts of the largest size that is stored."""

_KEPT_BYTES: Final = 64 << 10
_PIECE_BYTES: Final = 1 << 20


class Lines(Protocol):
    """A stream of bytes, such as a buffered reader."""

    def readline(self, size: int, /) -> bytes:
        """Return the next line, or its first `size` bytes; nothing at the end."""
        ...


class CutLine(NamedTuple):
    """What was kept of a line that is too long.

    Attributes:
        head: Its first 64 KiB.
        tail: Its last 64 KiB.
    """

    head: bytes
    tail: bytes


def read_line(stream: Lines) -> bytes | CutLine | None:
    """Return the next line, what was kept of one that is too long, or None at the end.

    Raises:
        OSError: The stream cannot be read.
    """
    line = stream.readline(MAX_LINE_BYTES + 1)
    if len(line) <= MAX_LINE_BYTES:
        return line or None
    head, tail = line[:_KEPT_BYTES], line[-_KEPT_BYTES:]
    del line
    while not tail.endswith(b"\n"):
        piece = stream.readline(_PIECE_BYTES)
        tail = (tail + piece)[-_KEPT_BYTES:]
        if not piece:
            break
    return CutLine(head, tail)
