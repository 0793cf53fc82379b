"""What does not belong in the spool, and keeps hooks from ringing or drains from reading.

Looked for at each drain, status and doctor, so that it is named until it is gone: a hook that meets
it cannot say so to anybody.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from ..base.machine_faults import machine_fault
from ..text.visible import escape_unprintable

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS: Final = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
)
_FILES: Final = re.compile(
    r"doorbell.*\.json.*|answered-.*\.jsonl|sessions\.json(\.\d+\.[0-9a-f]+\.tmp)?|offsets\.json"
    r"|\.waiter|\.waiter-again|lost-.*"
)
_FAILED: Final = "failed"
_NAMED: Final = 5


class NotAFile(Exception):
    """Something else stands in the place of a spool file; the text says what, and the command."""


def opened(path: Path) -> BinaryIO:
    """Open a file of the spool; nothing but a regular file of ours is waited for.

    Raises:
        FileNotFoundError: It is gone.
        NotAFile: It cannot be read, or it is something else.
    """
    try:
        what = kind_of(path.lstat().st_mode)
        if what is not None:
            raise NotAFile(f"{_shown(path)} is {what}: remove it with {_removal(path, what)}")
        stream = os.fdopen(os.open(path, _FLAGS), "rb")
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise NotAFile(
            f"{_shown(path)} cannot be read ({exc.strerror}): run {_command('chmod u+rw', path)}"
        ) from exc
    about = os.fstat(stream.fileno())
    if stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid():
        return stream
    stream.close()
    raise NotAFile(f"{_shown(path)} is not a file of yours: remove it with {_removal(path)}")


def kind_of(mode: int) -> str | None:
    """Return what something other than a regular file is; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a device")


def spool_faults(folder: Path, *, strays: bool = True) -> tuple[str, ...]:
    """Return a sentence with the next command for everything that does not belong there.

    Costs one listing and the opening of each file. No spool is no fault.

    Args:
        folder: The spool.
        strays: Whether files count that are none of the spool's, and bar neither hook nor drain.
    """
    try:
        about = folder.lstat()
    except FileNotFoundError:
        return ()
    except OSError as exc:
        return (machine_fault(exc, f"{_shown(folder)} cannot be read"),)
    what = kind_of(about.st_mode) or "a file"
    if what != "a folder":
        return (
            f"{_shown(folder)} is {what}, and no folder: remove it with {_removal(folder, what)}",
        )
    found = [*_faults_of_folder(folder, about.st_uid), *_faults_in(folder, strays=strays)]
    more = len(found) - _NAMED
    return (*found[:_NAMED], *([f"{more} more of that kind"] if more > 0 else []))


def bars_hooks(folder: Path) -> bool:
    """Return whether no hook can ring: by a fault of the folder or of their file."""
    try:
        about = folder.lstat()
    except OSError:
        return False  # made by the next hook
    return (
        not stat.S_ISDIR(about.st_mode)
        or any(_faults_of_folder(folder, about.st_uid))
        or any(_faults_of_file(folder / "doorbell.jsonl"))
    )


def _faults_of_folder(folder: Path, owner: int) -> Iterator[str]:
    if owner != os.geteuid():
        yield f"{_shown(folder)} is not a folder of yours: run {_command('rm -r', folder)}"
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield (
            f"{_shown(folder)} cannot be written: run {_command('chmod u+rwx', folder)}, or make "
            f"its file system writable"
        )


def _faults_in(folder: Path, *, strays: bool) -> Iterator[str]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return  # a fault of the folder
    for path in paths:
        yield from _faults_of(path, strays=strays)


def _faults_of(path: Path, *, strays: bool) -> Iterator[str]:
    """Yield what is wrong with one entry of the spool."""
    if path.name == _FAILED:
        yield from _faults_of_failed(path)
    elif _FILES.fullmatch(path.name):
        yield from _faults_of_file(path)
    elif strays and not path.name.startswith(
        "."
    ):  # file systems and desktops keep names of theirs so
        yield f"{_shown(path)} does not belong in the spool: move it away"


def _faults_of_failed(folder: Path) -> Iterator[str]:
    try:
        what = kind_of(folder.lstat().st_mode) or "a file"
        if what != "a folder":
            yield (
                f"{_shown(folder)} is {what}, and no folder: remove it with "
                f"{_removal(folder, what)}"
            )
            return
        for path in sorted(folder.iterdir()):
            yield from _faults_of_file(path)
    except OSError as exc:
        yield (
            f"{_shown(folder)} cannot be read ({exc.strerror}): run "
            f"{_command('chmod u+rwx', folder)}"
        )


def _faults_of_file(path: Path) -> Iterator[str]:
    try:
        opened(path).close()
    except FileNotFoundError:
        return  # answered by a drain since
    except NotAFile as exc:
        yield str(exc)
    else:
        if not os.access(path, os.W_OK):
            yield f"{_shown(path)} cannot be written: run {_command('chmod u+rw', path)}"


def _removal(path: Path, what: str = "") -> str:
    return _command("rm -r" if what == "a folder" else "rm", path)


def _command(command: str, path: Path) -> str:
    return f"`{command} {escape_unprintable(shlex.quote(str(path)))}`"


def _shown(path: Path) -> str:
    return escape_unprintable(str(path))
