"""The checks of a store at rest: who reads its files without this system, and who copies them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from iai_memory import Memory

from .check import Check, WeakLink, run_check
from .mounts import PROC, SYS, Encryption, encryption_of, mount_of

# What a program that synchronises leaves in the folder that it is told to.
_MARKS: Final = {
    ".stfolder": "Syncthing",
    ".dropbox": "Dropbox",
    ".dropbox.cache": "Dropbox",
    ".nextcloudsync.log": "Nextcloud",
    ".owncloudsync.log": "ownCloud",
    ".sync/ID": "Resilio Sync",
    ".tmp.drivedownload": "Google Drive",
    ".tmp.driveupload": "Google Drive",
    ".849C9593-D756-4E56-8D6E-42412F2A707B": "OneDrive",
    ".SynologyWorkingDirectory": "Synology Drive",
}
# How such a folder is called in a home folder, where nobody chose otherwise; some leave no mark.
_NAMES: Final = {
    "box": "Box",
    "box sync": "Box",
    "dropbox": "Dropbox",
    "google drive": "Google Drive",
    "iclouddrive": "iCloud",
    "mega": "MEGA",
    "megasync": "MEGA",
    "nextcloud": "Nextcloud",
    "onedrive": "OneDrive",
    "owncloud": "ownCloud",
    "pclouddrive": "pCloud",
    "seafile": "Seafile",
    "synologydrive": "Synology Drive",
    "yandex.disk": "Yandex Disk",
}
_REMOTE: Final = (
    "9p",
    "afs",
    "ceph",
    "cifs",
    "davfs",
    "fuse.glusterfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
)


def check_at_rest(memory: Memory) -> Iterator[Check]:
    """Check whether the store's disk is encrypted, and whether somebody copies its folder."""
    root = memory.paths.root.resolve()
    yield run_check("at rest: disk", lambda: check_disk(root))
    yield run_check("at rest: copies", lambda: _check_copies(root))


def check_disk(root: Path, *, proc: Path = PROC, sysfs: Path = SYS) -> str:
    """Return what is known of a folder's disk.

    Raises:
        WeakLink: It is not encrypted.
    """
    found = encryption_of(root, proc=proc, sys=sysfs)
    if found is Encryption.CLEAR:
        mount = mount_of(root, proc=proc)
        device = "its disk" if mount is None else mount.source
        raise WeakLink(
            f"{device} is not encrypted by this system, so who has the disk reads the store: use "
            f"an encrypted disk or home folder for {root}"
        )
    if found is Encryption.UNKNOWN:
        how = ", see `fdesetup status`" if sys.platform == "darwin" else ""
        return f"this system does not tell whether the disk is encrypted{how}"
    if found is Encryption.IN_MEMORY:
        return "in memory, gone when the machine stops"
    return "encrypted"


def _check_copies(root: Path) -> str:
    mount = mount_of(root)
    if mount is not None and mount.kind in _REMOTE:
        raise WeakLink(
            f"{root} is on {mount.kind} ({mount.source}), so another machine holds its files, and "
            f"locks may not hold: set IAI_MCP_STORE to a folder on a disk of this machine"
        )
    if (copies := synchroniser(root)) is not None:
        raise WeakLink(
            f"{root} is in a folder of {copies}, which copies it to other machines, half-written "
            f"files too: set IAI_MCP_STORE to another folder, and move the store there while no "
            f"server runs"
        )
    return "no known program that synchronises folders has it"


def synchroniser(folder: Path) -> str | None:
    """Return the program that copies a folder to other machines; None where no known one does.

    It is known by what it leaves in its folder, or by the name of that. Where a Mac keeps Desktop
    and Documents in iCloud, nothing shows it.

    Args:
        folder: Absolute, its links followed.
    """
    home = Path.home()
    for place in (folder, *folder.parents):
        for mark, program in _MARKS.items():
            if (place / mark).exists():
                return program
        if place.parent == home:
            # "OneDrive - Name of a company"
            name = place.name.casefold().split(" - ")[0]
            if name in _NAMES:
                return _NAMES[name]
        if place.parent == home / "Library" / "CloudStorage":
            return place.name.split("-")[0]
        if place == home / "Library" / "Mobile Documents":
            return "iCloud"
    return None
