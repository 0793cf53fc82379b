"""The transcripts in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..base.foreign_file import within
from ..errors import ForeignFileFault, ForeignFileMissing
from .hosts.registry import HOSTS
from .turn import Host

_ANY = ("*.jsonl", "*.jsonl.zst")


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
    """
    one = HOSTS[host]
    if root is None:
        found = [path for folder in one.folders() for path in _files(folder, one.patterns)]
    else:
        found = list(_files(Path(root), one.patterns)) or list(_files(Path(root), _ANY))
    looks = [look_at(path) for path in found]
    return [look.path for look in sorted(looks, key=lambda look: look.modified_ns)]


def look_at(path: Path) -> FoundTranscript:
    """Return the file's state; of one that is missing or does not answer all is 0."""
    try:
        about = within(str(path), path.stat)
    except ForeignFileFault:
        return FoundTranscript(path, 0, 0, 0)
    return FoundTranscript(path, about.st_size, about.st_mtime_ns, about.st_ino)


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        for path in folder.rglob(pattern):
            try:
                if within(str(path), partial(_is_transcript, path)):
                    yield path
            except ForeignFileMissing:
                continue  # the host removed it between the listing and the look
            except ForeignFileFault:
                yield path  # whoever opens it says what is wrong


def _is_transcript(path: Path) -> bool:
    return not path.is_dir()
