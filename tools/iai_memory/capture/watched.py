"""Links to the transcripts that were read, for the recall hook: one `stat` shows it which grew.

A host may write after its last ring, and then nothing waits in the spool. The hook may start no
Python for that, and shells read files a byte at a time. So the size that was read stands in the
name of a link, and the size that is there in what `stat` says of it. No link leads to another file
system than the store's, which may not answer: growth there is found by the next drain.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Final

from ..base.files import make_private_folder
from ..base.foreign_file import within
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..errors import ForeignFileFault, StoreUnavailable
from .session_state import MAX_ATTEMPTS, Session

MAX_WATCHED: Final = 32
FOLDER: Final = ".watched"


def watch(paths: StorePaths, sessions: Iterable[Session]) -> None:
    """Make the links those of the transcripts that rang last.

    A new link stands before its old one goes: in between the hook sees one that grew, and renders.

    Raises:
        StoreUnavailable: The spool cannot be written.
    """
    folder = paths.spool / FOLDER
    try:
        make_private_folder(folder)
        device = folder.stat().st_dev
        wanted = dict(_links(sessions, device))
        present = {link.name: _target(link) for link in folder.iterdir()}
        for name, target in wanted.items():
            if present.get(name) != target:
                _link(folder / name, target)
        for name in present.keys() - wanted.keys():
            (folder / name).unlink(missing_ok=True)
    except OSError as exc:
        raise StoreUnavailable(machine_fault(exc, f"{folder} cannot be written")) from exc


def _links(sessions: Iterable[Session], device: int) -> Iterator[tuple[str, str]]:
    """Yield name and target of each link; the name is the size, and a digest of the target."""
    newest = sorted(sessions, key=lambda one: one.queued_at, reverse=True)[:MAX_WATCHED]
    for session in newest:
        if session.attempts >= MAX_ATTEMPTS:
            continue  # the live command would not read it either
        try:
            about = within(str(session.transcript), session.transcript.stat)
        except ForeignFileFault:
            continue
        size = session.read_size
        if size is None and not session.has_grown(about.st_size):
            size = about.st_size
        if about.st_dev == device:
            shown = "unread" if size is None else str(size)
            yield f"{shown}.{_digest(session.transcript)}", str(session.transcript)


def _digest(path: Path) -> str:
    return blake2b(os.fsencode(path), digest_size=8).hexdigest()


def _target(link: Path) -> str | None:
    try:
        return str(link.readlink())
    except OSError:
        return None


def _link(link: Path, target: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
