"""Faults of the machine as sentences: what failed, why, and what helps.

The advice is what the user can do about that very fault. `iai-mcp doctor` is none: on a full
disk or a read-only one it meets the same fault.
"""

from __future__ import annotations

import errno
import os
import re
from typing import Final

_MOVE_AWAY: Final = "something else stands in its place: move that away"
_OTHERS: Final = "make it yours and writable, or set IAI_MCP_STORE to another folder"
_ADVICE: Final = {
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "your quota on its disk is used up: delete something there, or have it raised",
    errno.EFBIG: "raise the limit of file sizes: `ulimit -f` shows it",
    errno.EROFS: "make its file system writable, or set IAI_MCP_STORE to a folder on another one",
    errno.EACCES: _OTHERS,
    errno.EPERM: _OTHERS,
    errno.EMFILE: "raise the limit of open files, such as with `ulimit -n 4096`, and start again",
    errno.ENFILE: "end other programs: this computer has no more open files to give",
    errno.ENOMEM: "end other programs, or raise `ulimit -v`: there is no memory left",
    errno.EAGAIN: "raise `ulimit -u`, or end other programs: no thread or process can be started",
    errno.EIO: "save what is on its disk: it fails, or its cable does",
    errno.EEXIST: f"{_MOVE_AWAY}, or set IAI_MCP_STORE to another folder",
    errno.EISDIR: _MOVE_AWAY,
    errno.ENOTDIR: _MOVE_AWAY,
    errno.ENXIO: _MOVE_AWAY,
    errno.ELOOP: _MOVE_AWAY,
    errno.ENOTEMPTY: _MOVE_AWAY,
    errno.ENOENT: "somebody removed it: put it back, or try again",
    errno.ESTALE: "mount its file system again",
    errno.ENOTCONN: "mount its file system again",
    errno.ETIMEDOUT: "mount its file system again",
    errno.ENAMETOOLONG: "set IAI_MCP_STORE to a folder with a shorter name",
    errno.EPIPE: "whoever read it has gone",
    errno.EBADF: "it is closed: leave it open, or send it to a file",
}
_OF_NO_FILE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_UNKNOWN: Final = "look at it and at its disk"
_IN_TEXT: Final = re.compile(r"\(os error (\d{1,3})\)|Os \{ code: (\d{1,3}),")


def machine_fault(error: OSError, what: str) -> str:
    """Return a sentence on an error of the operating system.

    Args:
        error: The error.
        what: What failed, such as "/home/me/.iai-mcp/spool cannot be written".
    """
    why = error.strerror or str(error) or type(error).__name__
    return f"{what} ({why}): {_ADVICE.get(error.errno or 0, _UNKNOWN)}"


def told_by_system(error: OSError) -> str:
    """Return a sentence on an error that names its file itself, or no file."""
    name = error.filename2 or error.filename
    if name is None or error.errno in _OF_NO_FILE:
        return machine_fault(error, "the operating system refused")
    return machine_fault(error, f"{os.fsdecode(name)} cannot be used")


def system_error_in(error: BaseException) -> OSError | None:
    """Return the error of the operating system that an error of LanceDB tells of in its text.

    None for a file that is missing: that is damage of the table, and nothing of the machine.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (found := _IN_TEXT.search(str(error))):
        number = int(found[1] or found[2])
    if number is None or number == errno.ENOENT or number not in _ADVICE:
        return None
    return OSError(number, os.strerror(number))
