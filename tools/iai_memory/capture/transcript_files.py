"""The transcripts in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from ..base.foreign_file import within
from ..errors import ForeignFileFault, ForeignFileMissing
from .hosts.registry import HOSTS
from .turn import Host

_ANY: Final = ("*.jsonl", "*.jsonl.zst")
_LISTING_SEC: Final = 60.0


@dataclass(frozen=True, slots=True)
class FoundTranscript:
    """A file that may be a transcript, as it was when it was looked at.

    Attributes:
        path: Its path.
        size: Its length in bytes.
        modified_ns: When it was last written.
        inode: Its st_ino.
    """

    path: Path
    size: int
    modified_ns: int
    inode: int


def find_transcripts(host: Host, root: str | os.PathLike[str] | None = None) -> list[Path]:
    """Return a host's transcripts, the least recently written first.

    Args:
        host: Which host's.
        root: Folder to look in instead of the host's own; if it has none with the host's names for
            them, each of its files with the ending of a transcript. A missing folder has none.

    Raises:
        ForeignFileFault: A folder does not answer.
    """
    one = HOSTS[host]
    if root is None:
        found = [path for folder in one.folders() for path in _files(folder, one.patterns)]
    else:
        found = _files(Path(root), one.patterns) or _files(Path(root), _ANY)
    looks = [look_at(path) for path in found]
    return [look.path for look in sorted(looks, key=lambda look: look.modified_ns)]


def transcripts_at(host: Host, path: Path) -> list[Path]:
    """Return the transcripts in a folder, or the file itself; none where nothing is.

    Raises:
        ForeignFileFault: The folder does not answer.
    """
    try:
        is_folder = within(str(path), partial(_is_folder, path))
        within(str(path), path.lstat)
    except ForeignFileMissing:
        return []
    except ForeignFileFault:
        return [path]  # whoever opens it says what is wrong
    return find_transcripts(host, path) if is_folder else [path]


def look_at(path: Path) -> FoundTranscript:
    """Return the file's state; of one that is missing or does not answer all is 0."""
    try:
        about = within(str(path), path.stat)
    except ForeignFileFault:
        return FoundTranscript(path, 0, 0, 0)
    return FoundTranscript(path, about.st_size, about.st_mtime_ns, about.st_ino)


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return within(str(folder), partial(_listed, folder, patterns), _LISTING_SEC)


def _listed(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    found = (path for pattern in patterns for path in folder.rglob(pattern))
    return [path for path in found if not _is_folder(path)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # no right to look
        return False
