"""Where a store's backups are, and whether they may be written there."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from ..base.clock import iso, parse_time
from ..base.files import PRIVATE_FOLDER, make_private_folder
from ..base.foreign_file import within
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..base.state_file import read_state, write_state
from ..errors import BackupFault, ForeignFileFault, InvalidInput
from ..settings import Settings
from ..store.store_identity import read_identity
from .folder import BackupFolder, Owner
from .sealing import Keys

IN_CLEAR: Final = "none"
"""The recipient that ends the sealing of backups."""

_FORMAT: Final = 1


class LastBackup(NamedTuple):
    """What a store remembers of its last backup in one folder.

    Attributes:
        when: When it was taken; None before the first.
        table_version: Of the table that it is of.
        tried: When somebody last tried to take one.
        fault: Why that failed; empty where it did not.
    """

    when: datetime | None
    table_version: int
    tried: datetime
    fault: str = ""


def folder_of(
    paths: StorePaths, settings: Settings, *, identity: Path | None = None
) -> BackupFolder:
    """Return the folder of the store's backups, with its keys; nothing is looked at.

    Args:
        paths: The store's.
        settings: They say where it is.
        identity: A file of the user's with the key that opens them, beside the store's own.
    """
    return folder_at(settings.backup or paths.backups, paths, settings, identity=identity)


def folder_at(
    path: Path, paths: StorePaths, settings: Settings, *, identity: Path | None = None
) -> BackupFolder:
    """Return any folder of backups of the store, as `folder_of` does."""
    return BackupFolder(path, Keys(paths.backup_key, settings.backup_recipient, identity))


def store_id(paths: StorePaths) -> str:
    """Return the id of the store; empty where nobody knows it any more."""
    identity = read_identity(paths)
    return "" if identity is None else identity.id


def backups_elsewhere(paths: StorePaths, settings: Settings) -> list[str]:
    """Return the folder that the settings name, as a noun, if the store's backups are there.

    A store without a table that has backups was lost. [] also where the folder cannot be read.
    """
    if settings.backup is None:
        return []
    try:
        owner = folder_of(paths, settings).owner()
    except BackupFault:
        return []
    own = owner is not None and owner.root == str(paths.root)
    return [f"backups in {settings.backup} (IAI_MCP_BACKUP)"] if own else []


def require_own(folder: BackupFolder, paths: StorePaths) -> Owner | None:
    """Return whose backups these are; None for a folder without any.

    Raises:
        BackupFault: They are another store's, or the folder cannot be read.
    """
    owner, own = folder.owner(), store_id(paths)
    if owner is not None and owner.store and own and owner.store != own:
        raise BackupFault(
            f"{folder.path} holds the backups of another store ({owner.root or owner.store}): set "
            f"IAI_MCP_BACKUP to another folder"
        )
    return owner


def claimed(
    paths: StorePaths, settings: Settings, *, make: bool, anew: bool = False
) -> BackupFolder:
    """Return the folder of the store's backups, ready to be written.

    Args:
        paths: The store's.
        settings: Where it is.
        make: Whether a folder that the settings name and that is missing may be made. That beside
            the table always is.
        anew: Whether backups may begin anew where there were some.

    Raises:
        BackupFault: It is missing, another store's, or cannot be written.
        StoreUnavailable: That beside the table cannot be made.
    """
    folder = folder_of(paths, settings)
    if settings.backup is None:
        if folder.path.exists() and not folder.path.is_dir():
            raise BackupFault(
                f"{folder.path} is no folder: move it away, or set IAI_MCP_BACKUP to a folder"
            )
        make_private_folder(folder.path)
    else:
        _require_outside(folder.path, paths)
        _require_present(folder, paths, make=make, anew=anew)
    owner = require_own(folder, paths)
    known = owner or Owner("", "")
    # While somebody commits, the file that says which store this is may be half-written.
    own = Owner(store_id(paths) or known.store, str(paths.root), known.recipient)
    if owner is not None:
        require_no_copy(folder, owner, paths)
    if owner != own or not folder.has_segments():
        folder.claim(own)
    keep_sealing(folder, own)
    return folder


def keep_sealing(folder: BackupFolder, owner: Owner) -> None:
    """Let new backups be sealed for whom the former ones are, where the settings name nobody.

    A server has the environment of its host, and a command that of a shell.
    """
    keys = folder.segments.keys
    if keys.recipient is None and owner.recipient:
        keys.recipient = owner.recipient
    elif keys.recipient == IN_CLEAR:
        keys.recipient = None


def began(paths: StorePaths) -> datetime | None:
    """Return when the store began; None where nobody knows."""
    identity = read_identity(paths)
    try:
        return None if identity is None else parse_time(identity.created, "created")
    except InvalidInput:
        return None  # somebody else wrote it


def last_backups(paths: StorePaths) -> dict[str, LastBackup]:
    """Return what the store remembers of each folder that it has backups in, by its path."""
    found: dict[str, LastBackup] = {}
    fields = read_state(paths.backup_state, _FORMAT) or {}
    folders = fields.get("folders")
    for folder, known in folders.items() if isinstance(folders, dict) else ():
        try:
            when = known["when"]
            # That in the store is noted by its name: a copy of the store has a copy of it.
            found[str(paths.root / folder)] = LastBackup(
                None if when is None else parse_time(str(when), "when"),
                int(known["table_version"]),
                parse_time(str(known["tried"]), "tried"),
                str(known["fault"]),
            )
        except (KeyError, TypeError, ValueError):
            continue  # somebody else wrote it
    return found


def note_backup(paths: StorePaths, folder: Path, last: LastBackup) -> None:
    """Remember what became of the last backup in a folder.

    Raises:
        BackupFault: The store's folder cannot be written.
    """
    known = {**last_backups(paths), str(folder): last}
    fields = {
        _noted(Path(path), paths): {
            **one._asdict(),
            "when": None if one.when is None else iso(one.when),
            "tried": iso(one.tried),
        }
        for path, one in known.items()
    }
    try:
        write_state(paths.backup_state, _FORMAT, {"folders": fields})
    except OSError as exc:
        raise BackupFault(machine_fault(exc, f"{paths.backup_state} cannot be written")) from exc


def _require_outside(folder: Path, paths: StorePaths) -> None:
    """Refuse a folder among the store's own files, but for that of its backups, and a broken link.

    Raises:
        BackupFault: It is one.
    """
    if folder.is_symlink() and not folder.exists():
        raise BackupFault(f"{folder} is a link to nothing: mount its disk, or name a folder")
    place, root = folder.resolve(), paths.root.resolve()
    if place == paths.backups.resolve():
        return
    if place == root or root in place.parents:
        raise BackupFault(f"{folder} lies in the store: set IAI_MCP_BACKUP to a folder elsewhere")


def _noted(folder: Path, paths: StorePaths) -> str:
    inside = paths.root in folder.parents
    return str(folder.relative_to(paths.root) if inside else folder)


def _require_present(folder: BackupFolder, paths: StorePaths, *, make: bool, anew: bool) -> None:
    """Refuse a folder that is missing, as that of a disk which is not mounted."""
    last = last_backups(paths).get(str(folder.path))
    was_there = last is not None and last.when is not None
    try:
        is_there = within(str(folder.path), folder.path.exists)
        if is_there and not folder.path.is_dir():
            raise BackupFault(f"{folder.path} is no folder: set IAI_MCP_BACKUP to one")
        if was_there and not anew and (not is_there or folder.owner() is None):
            raise BackupFault(
                f"the backups in {folder.path} are gone: mount its disk; to begin anew there, run "
                f"`iai-mcp backup --into {folder.path}`"
            )
        if not is_there and not make:
            raise BackupFault(
                f"{folder.path} does not exist: mount its disk, or run `iai-mcp backup`, which "
                f"makes it"
            )
        if not is_there and not folder.path.parent.is_dir():
            raise BackupFault(f"{folder.path.parent} does not exist: mount its disk, or make it")
        if not is_there:
            folder.path.mkdir(mode=PRIVATE_FOLDER)
    except ForeignFileFault as exc:
        raise BackupFault(f"{folder.path} {exc.what}: look at its disk") from exc
    except OSError as exc:
        raise BackupFault(machine_fault(exc, f"{folder.path} cannot be made")) from exc


def require_no_copy(folder: BackupFolder, owner: Owner, paths: StorePaths) -> None:
    """Refuse the backups of a store that is still where it was: this one is a copy of it.

    Those beside the table are the copy's own.

    Raises:
        BackupFault: It names the store.
    """
    if owner.root in ("", str(paths.root)) or paths.root in folder.path.parents:
        return
    other = Path(owner.root)
    try:
        still_there = within(owner.root, (other / "lancedb").is_dir)
    except ForeignFileFault:
        return  # nobody can say, and it is not there
    if still_there and other.resolve() != paths.root.resolve():
        raise BackupFault(
            f"{folder.path} holds the backups of the store in {owner.root}, of which this one is a "
            f"copy: set IAI_MCP_BACKUP to another folder"
        )
