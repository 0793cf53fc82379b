"""Copies of the hook scripts in the store's folder: a host's file names a path that stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iai_memory.base.files import make_private_folder, replace_file

from .errors import HostFileFault
from .hook_files import CAPTURE_HOOK, RECALL_HOOK, hook_file

_MODE = 0o755


@dataclass(frozen=True, slots=True)
class ScriptFault:
    """A hook script that would not do what it should; `what` is a predicate."""

    path: Path
    what: str


def install_scripts(folder: Path) -> list[Path]:
    """Brings both scripts up to date; returns those that were not.

    Raises:
        StoreUnavailable: The folder cannot be made.
        HostFileFault: A script cannot be written.
    """
    stale = stale_scripts(folder)
    try:
        if stale:
            make_private_folder(folder)
        for path in stale:
            replace_file(path, hook_file(path.name).read_bytes())
            path.chmod(_MODE)
    except OSError as exc:
        raise HostFileFault(
            f"{folder} cannot be written ({exc.strerror}): run `ls -ld {folder}`"
        ) from exc
    return stale


def stale_scripts(folder: Path) -> list[Path]:
    """The scripts of the folder that are missing, of another version, or not executable."""
    return [folder / name for name in (RECALL_HOOK, CAPTURE_HOOK) if script_fault(folder / name)]


def script_fault(path: Path) -> ScriptFault | None:
    """What is wrong with a copy of a script; None for nothing."""
    try:
        content, mode = path.read_bytes(), path.stat().st_mode & 0o777
    except FileNotFoundError:
        return ScriptFault(path, "is missing")
    except OSError as exc:
        return ScriptFault(path, f"cannot be read ({exc.strerror})")
    if content != hook_file(path.name).read_bytes():
        return ScriptFault(path, "is of another version")
    if mode != _MODE:
        return ScriptFault(path, f"has mode {mode:o} instead of {_MODE:o}")
    return None
