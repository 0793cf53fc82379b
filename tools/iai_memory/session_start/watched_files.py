"""Links to the files of a project's last session, by which the recall hook sees a change of one.

Beside the page `x.cached.md` they lie in the folder `x.files`. As with transcripts
(`capture/watched`), what a file was when the page was made stands in the name of its link, and what
it is now in what `stat` says of it. No link leads to another file system than the store's, which
may not answer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

from ..base.files import make_private_folder
from ..base.foreign_file import within
from ..errors import ForeignFileFault
from .cache import files_folder, remove_links
from .changed_since import LeftFile, Since

MAX_WATCHED: Final = 12

_ANSWERS_WITHIN: Final = 0.25
_THERE: Final = (Since.SAME, Since.CHANGED, Since.BACK)


def watch_files(cache: Path, files: Iterable[LeftFile]) -> None:
    """Make the links of a page those of its files that are there, of the last twelve.

    Raises:
        OSError: The folder cannot be written.
    """
    folder = files_folder(cache)
    wanted = dict(_links(cache, files))
    if not wanted:
        remove_links(folder)
        return
    make_private_folder(folder)
    for name, target in wanted.items():
        link = folder / name
        if _target(link) != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    for link in folder.iterdir():
        if link.name not in wanted:
            link.unlink(missing_ok=True)


def are_as_watched(cache: Path, files: Iterable[LeftFile]) -> bool:
    """Return whether `watch_files` would change nothing."""
    folder = files_folder(cache)
    try:
        present = {link.name: _target(link) for link in folder.iterdir()}
    except FileNotFoundError:
        present = {}
    return present == dict(_links(cache, files))


def _links(cache: Path, files: Iterable[LeftFile]) -> Iterator[tuple[str, str]]:
    """Yield name and target of each link; the name is time, size, and a digest of the target."""
    device = cache.parent.stat().st_dev
    there = [file.path for file in files if file.since in _THERE]
    for path in there[-MAX_WATCHED:]:
        try:
            about = within(path, partial(os.stat, path), _ANSWERS_WITHIN)
        except ForeignFileFault:
            continue
        if about.st_dev == device and stat.S_ISREG(about.st_mode):
            digest = blake2b(os.fsencode(path), digest_size=8).hexdigest()
            yield f"{int(about.st_mtime)}-{about.st_size}.{digest}", path


def _target(link: Path) -> str | None:
    try:
        return str(link.readlink())
    except OSError:
        return None
