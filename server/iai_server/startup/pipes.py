"""The process's stdin and stdout, claimed for the protocol before anything else can use them."""

from __future__ import annotations

import fcntl
import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

    from _typeshed import WriteableBuffer


def claim_stdout() -> TextIO:
    """Claim stdout for the protocol; return the only stream that reaches it, UTF-8 with `\\n`.

    Whatever is printed from here on goes to stderr: by Python code, by libraries in C, by child
    processes, and from buffers that the interpreter flushes when it ends. Call it before anything
    is loaded, because a library may print while it is imported.
    """
    sys.stdout.flush()
    descriptor = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="\n")


def claim_stdin() -> int:
    """Claim stdin for the protocol; return the only descriptor that reads it.

    Any other reader of stdin, a child process too, finds it at its end from here on.
    """
    descriptor = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return descriptor


class ResumedInput(io.RawIOBase):
    """A descriptor of which some bytes were read before: gives those first, then the rest."""

    def __init__(self, first: bytes, descriptor: int) -> None:
        """Give `first` before the descriptor's own bytes; the descriptor stays open."""
        super().__init__()
        self._first = memoryview(first)
        self._descriptor = descriptor

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what is there, waiting while there is nothing; return the count, 0 at the end."""
        if not self._first:
            return os.readv(self._descriptor, [buffer])
        space = memoryview(buffer).cast("B")
        count = min(len(space), len(self._first))
        space[:count] = self._first[:count]
        self._first = self._first[count:]
        return count
