"""The process's two pipes, taken for the protocol before anything else can print or read.

Standard library only, and little of it: this is imported before the handshake is answered.
"""

from __future__ import annotations

import fcntl
import io
import os
import sys

TYPE_CHECKING = False  # typing itself costs 5 ms of the handshake
if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import WriteableBuffer


def claim_stdout() -> TextIO:
    """Takes stdout for the protocol alone and returns the only way to it, line-buffered UTF-8.

    Whatever anyone prints from here on goes to stderr: Python code, libraries in C, child
    processes, and what still stands in a buffer when the interpreter ends. Done before anything is
    loaded, because a library may print while it is imported.
    """
    sys.stdout.flush()
    wire = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(wire, "w", encoding="utf-8", newline="\n")


def claim_stdin() -> int:
    """Takes stdin for the protocol alone and returns the only descriptor that reads it.

    Whoever else reads stdin from here on, a child process too, finds it at its end.
    """
    source = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return source


class Resumed(io.RawIOBase):
    """A descriptor, read from the point where its first reader left off."""

    def __init__(self, lead: bytes, descriptor: int) -> None:
        """`lead` is read before what the descriptor still holds; the descriptor stays open."""
        super().__init__()
        self._lead = memoryview(lead)
        self._descriptor = descriptor

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Reads what is there at once, and 0 at the end; waits while there is nothing."""
        if not self._lead:
            return os.readv(self._descriptor, [buffer])
        space = memoryview(buffer).cast("B")
        count = min(len(space), len(self._lead))
        space[:count] = self._lead[:count]
        self._lead = self._lead[count:]
        return count
