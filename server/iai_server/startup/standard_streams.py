"""Standard streams that a caller closed, or whose reader is gone or full."""

from __future__ import annotations

import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDOUT = "stdout"
"""The file name of an error that stdout raises."""

_MODES = (os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)


class _Stdout(FileIO):
    """Stdout whose errors say that they are its."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as exc:
            exc.filename = STDOUT
            raise


def prepare_standard_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, and let no character stop them.

    Call it before any file is opened: the next one would get the number of a closed stdout, and
    what is printed would go into a file of the store. A closed stdin is at its end, what is
    written to a closed stdout fails, and to a closed stderr is lost.
    """
    for descriptor, mode in enumerate(_MODES):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, mode)
            assert opened == descriptor, "the lowest number that is free"
            os.set_inheritable(descriptor, True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None or isinstance(sys.stdout, TextIOWrapper):
        sys.stdout = _stdout(sys.stdout)
    if isinstance(sys.stderr, TextIOWrapper):
        # A locale without a memory's characters must not keep the rest of it from being shown.
        sys.stderr.reconfigure(errors="backslashreplace")


def give_up_stdout() -> None:
    """Lose what is left in stdout's buffer, or the interpreter would fail at it once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _stdout(before: TextIOWrapper | None) -> TextIOWrapper:
    """Return a stream on stdout like the one before, whose errors are told from those of files."""
    if before is not None:
        before.flush()
    return TextIOWrapper(
        BufferedWriter(_Stdout(1, "w", closefd=False)),
        encoding="utf-8" if before is None else before.encoding,
        errors="backslashreplace",
        line_buffering=before is not None and before.line_buffering,
    )
