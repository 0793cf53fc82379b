"""Whether files are still as a session left them, looked up on the disk.

A page waits for the answer, so there are few looks, each of a bounded file and in a bounded time.
Only files inside the project's folder are looked at, and only where that folder is there: what is
elsewhere, or of another machine, is named without a word on what became of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePath
from typing import Final

from ..base.foreign_file import within
from ..base.inner_file import missing_inner, read_inner
from ..errors import ForeignFileFault, ForeignFileMissing
from ..store.changed_files import FileChange, content_digest
from ..text.inert import neutralise

MAX_LOOKS: Final = 24
"""Files of one session that are looked at."""

_MAX_BYTES: Final = 1 << 20
_ANSWERS_WITHIN: Final = 0.25
_MAX_SECONDS: Final = 1.0
_PATH_CHARS: Final = 80
_NOTED_WITHIN: Final = 60.0  # a host may write a file after the words on it
# A redacted or escaped path is not the file's own.
_NOT_ITS_OWN: Final = ("[redacted", "\\")


class Since(StrEnum):
    """What became of a file after the session."""

    UNKNOWN = ""
    SAME = "same"
    CHANGED = "changed since"
    GONE = "gone"
    DELETED = "deleted"
    """By the session itself."""
    BACK = "deleted, and there again"


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file that a session changed.

    Attributes:
        path: As the record has it.
        since: What became of it.
    """

    path: str
    since: Since


def states_of(
    changes: Sequence[FileChange], folders: Sequence[str], ended_at: datetime
) -> list[LeftFile]:
    """Return the files of a session with what became of them, in their order.

    Args:
        changes: The last change of each file.
        folders: Of the project; a file of none of them is not looked at.
        ended_at: When the session was last heard of. What was written before is the session's own,
            by a formatter or a shell.
    """
    ends = time.monotonic() + _MAX_SECONDS
    folders = [one for one in folders if _is_there(one)]
    looks = MAX_LOOKS
    found: list[LeftFile] = []
    for change in reversed(changes):  # the last ones are shown first
        folder = _folder_of(change.path, folders)
        since = Since.DELETED if change.is_deleted else Since.UNKNOWN
        if folder is not None and looks > 0 and time.monotonic() < ends:
            looks -= 1
            since = _state_of(change, folder, ended_at)
        found.append(LeftFile(change.path, since))
    return found[::-1]


def gone_of(paths: Sequence[str], folders: Sequence[str]) -> set[str]:
    """Return those of the files that are not there any more, as far as somebody can look for them.

    Args:
        paths: Of the files; none is opened.
        folders: Of the project; a file of none of them is not looked for.
    """
    found: set[str] = set()
    for folder in folders:
        inside = [path for path in paths if _folder_of(path, folders) == folder]
        with suppress(ForeignFileFault):  # that of a folder which does not answer
            found |= missing_inner(inside, folder, timeout=_ANSWERS_WITHIN) if inside else set()
    return found


def shown_path(path: str, folders: Sequence[str], *, most: int = _PATH_CHARS) -> str:
    """Return a path as it is shown: from the project's folder on, its end if it is long."""
    for folder in folders:
        if PurePath(path).is_relative_to(folder):
            path = str(PurePath(path).relative_to(folder))
            break
    shown = neutralise(path)
    return shown if len(shown) <= most else f"…{shown[-most:]}"


def _folder_of(path: str, folders: Sequence[str]) -> str | None:
    if any(mark in path for mark in _NOT_ITS_OWN):
        return None
    return next((one for one in folders if Path(path).is_relative_to(one)), None)


def _state_of(change: FileChange, folder: str, ended_at: datetime) -> Since:
    try:
        file = read_inner(change.path, folder, _MAX_BYTES, timeout=_ANSWERS_WITHIN)
    except ForeignFileMissing:
        return Since.DELETED if change.is_deleted else Since.GONE
    except ForeignFileFault:
        return Since.DELETED if change.is_deleted else Since.UNKNOWN
    if change.is_deleted:
        return Since.BACK
    if file.changed_at <= ended_at.timestamp():
        return Since.SAME
    if change.digest is None or file.content is None:
        is_later = file.written_at > ended_at.timestamp() + _NOTED_WITHIN
        return Since.CHANGED if is_later else Since.UNKNOWN
    return Since.SAME if content_digest(file.content) == change.digest else Since.CHANGED


def _is_there(folder: str) -> bool:
    try:
        return within(folder, partial(_is_folder, folder), _ANSWERS_WITHIN)
    except ForeignFileFault:
        return False


def _is_folder(folder: str) -> bool:
    return Path(folder).is_dir()
