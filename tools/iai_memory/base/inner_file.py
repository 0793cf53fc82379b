"""A file of which somebody else says that it is in a folder, read only if it is.

A host names the files that it changed. What such a path leads to may be a link to anywhere, a FIFO,
or gigabytes; a session-start page waits for the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import ForeignFileFault
from .foreign_file import ANSWERS_WITHIN, open_foreign, within


@dataclass(frozen=True, slots=True)
class InnerFile:
    """What was found at the path.

    Attributes:
        written_at: When its content was last written, seconds since 1970.
        changed_at: When content, name or rights of it were last changed; nobody sets that back.
        content: None where it has more bytes than were asked for.
    """

    written_at: float
    changed_at: float
    content: bytes | None


def missing_inner(
    paths: Sequence[str], folder: str, *, timeout: float = ANSWERS_WITHIN
) -> set[str]:
    """Return the paths that lead into a folder, once every link is followed, and to nothing there.

    None is opened. Of a folder that is not there nothing is known to be missing.

    Args:
        paths: Absolute, as somebody else spelled them.
        folder: Absolute, too.
        timeout: Seconds that the file system has for all of them together.

    Raises:
        ForeignFileFault: There is no answer.
    """
    return within(folder, partial(_missing, paths, folder), timeout)


def read_inner(
    path: str, folder: str, max_bytes: int, *, timeout: float = ANSWERS_WITHIN
) -> InnerFile:
    """Return a regular file that lies in the folder once every link is followed.

    Args:
        path: The file, absolute, as somebody else spelled it.
        folder: Absolute, too.
        max_bytes: Of a larger file nothing is read.
        timeout: Seconds that the file system has for one answer.

    Raises:
        ForeignFileMissing: One of the two is not there.
        ForeignFileFault: It lies elsewhere, is no regular file, cannot be read or does not answer.
    """
    real = within(path, partial(_resolved, path, folder), timeout)
    if real is None:
        raise ForeignFileFault(path, f"is not in {folder}")
    with open_foreign(real, timeout=timeout) as stream:
        about = stream.about
        content = None if about.st_size > max_bytes else stream.read(max_bytes + 1)
    if content is not None and len(content) > max_bytes:
        content = None  # it grew while it was read
    return InnerFile(about.st_mtime, max(about.st_mtime, about.st_ctime), content)


def _missing(paths: Sequence[str], folder: str) -> set[str]:
    if not Path(folder).is_dir():
        return set()
    found: set[str] = set()
    for path in paths:
        try:
            _resolved(path, folder)
        except FileNotFoundError:
            found.add(path)
        except OSError:  # of this one nobody can tell
            continue
    return found


def _resolved(path: str, folder: str) -> str | None:
    """Return the path without links; None if that is not in the folder, there or not.

    Raises:
        OSError: One of the two is not there.
    """
    if not Path(path).is_absolute() or not Path(folder).is_absolute():
        return None
    try:
        real = Path(path).resolve()
        # First of all: nobody learns what is there outside of the folder.
        if not real.is_relative_to(Path(folder).resolve(strict=True)):
            return None
        real.lstat()
    except RuntimeError:  # a loop of links, before Python 3.13
        return None
    return str(real)
