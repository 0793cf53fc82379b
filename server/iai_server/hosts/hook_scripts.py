"""Copies of the hook files in the store's folder: a host's file names a path that stays."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_memory.base.files import make_private_folder, replace_file
from iai_memory.base.foreign_file import open_foreign
from iai_memory.errors import ForeignFileFault, ForeignFileMissing

from .errors import HostFileFault
from .hook_files import HOOK_FILES, hook_file

_READABLE_BY_OTHERS = 0o055
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ScriptFault:
    """A hook file that a host cannot use as it is; `what` is a predicate of it."""

    path: Path
    what: str


def install_scripts(folder: Path) -> list[Path]:
    """Bring the hook files up to date; return those that it wrote.

    Raises:
        StoreUnavailable: The folder cannot be made.
        HostFileFault: A file cannot be written, or the folder below is a link.
    """
    stale = stale_scripts(folder)
    try:
        for path in stale:
            if path.parent.is_symlink() and path.parent != folder:
                raise HostFileFault(
                    f"{path.parent} is a link, and connect writes nothing behind it: "
                    f"run `rm {path.parent}`"
                )
            make_private_folder(path.parent)
            name = path.relative_to(folder).as_posix()
            replace_file(path, hook_file(name).read_bytes())
            path.chmod(_private_mode(name))
    except OSError as exc:
        raise HostFileFault(
            f"{folder} cannot be written ({exc.strerror}): run `ls -ld {folder}`"
        ) from exc
    return stale


def stale_scripts(folder: Path) -> list[Path]:
    """Return every hook file of the folder; none if all of them are of this version.

    They are replaced together, since a script of one version does not fit the `lib/` of another.
    """
    ours = {name: (hook_file(name).read_bytes(), _private_mode(name)) for name in HOOK_FILES}
    try:
        installed = {name: _content_and_mode(folder / name) for name in HOOK_FILES}
    except ForeignFileFault:
        installed = {}
    if _checksum(installed) == _checksum(ours):
        return []
    return [folder / name for name in HOOK_FILES]


def script_faults(script: Path) -> list[ScriptFault]:
    """Return the faults of the hook files beside a script that a host runs."""
    folder = (script.resolve() if script.is_symlink() else script).parent
    faults = (_fault(folder / name, name) for name in HOOK_FILES)
    return [fault for fault in faults if fault is not None]


def _fault(path: Path, name: str) -> ScriptFault | None:
    try:
        content, mode = _content_and_mode(path)
    except ForeignFileMissing:
        return ScriptFault(path, "is missing")
    except ForeignFileFault as exc:
        return ScriptFault(path, exc.what)
    if content != hook_file(name).read_bytes():
        return ScriptFault(path, "is of another version")
    # A host may also run the scripts of a checkout, which others may read.
    if mode & ~_READABLE_BY_OTHERS != _private_mode(name):
        return ScriptFault(path, f"has mode {mode:o} instead of {_private_mode(name):o}")
    return None


def _private_mode(name: str) -> int:
    """Return the mode of an installed hook file: like all of a store, its owner's alone."""
    return HOOK_FILES[name] & stat.S_IRWXU


def _content_and_mode(path: Path) -> tuple[bytes, int]:
    with open_foreign(path) as file:  # a host names it
        return file.read(_MAX_BYTES), file.about.st_mode & 0o777


def _checksum(files: Mapping[str, tuple[bytes, int]]) -> str:
    """Return one SHA-256 over name, mode and content of all files."""
    total = hashlib.sha256()
    for name, (content, mode) in files.items():
        total.update(f"{name} {mode:o} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()
