"""The file system that a folder lies on, and whether its device is encrypted, as Linux tells it."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
"""Where Linux shows processes and their mounts."""

SYS: Final = Path("/sys")
"""Where Linux shows devices."""

# Above file systems that encrypt by themselves.
_ENCRYPTING: Final = ("ecryptfs", "fuse.gocryptfs", "fuse.encfs", "fuse.cryfs", "fuse.securefs")
_IN_MEMORY: Final = ("tmpfs", "ramfs")
_GET_FLAGS: Final = 0x80086601  # FS_IOC_GETFLAGS of <linux/fs.h>
_ENCRYPTED_FLAG: Final = 0x800  # FS_ENCRYPT_FL: the folder is fscrypt's
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
_MAX_DEPTH: Final = 16  # devices upon devices


class Encryption(Enum):
    """Whether who takes the disk away can read a folder."""

    ENCRYPTED = auto()
    CLEAR = auto()
    IN_MEMORY = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system.

    Attributes:
        folder: Where it is mounted.
        kind: Its type, as `ext4`.
        source: The device or server, as the kernel spells it.
    """

    folder: Path
    kind: str
    source: str


def mount_of(folder: Path, *, proc: Path = PROC) -> Mount | None:
    """Return the mount that a folder lies on; None where this system does not list its mounts.

    Args:
        folder: Absolute, its links followed.
        proc: Where the kernel's files of processes are.
    """
    try:
        lines = (proc / "self" / "mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    found = [mount for mount in map(_mount, lines) if mount and folder.is_relative_to(mount.folder)]
    # Of two mounts on one folder the later one hides the other.
    return max(reversed(found), key=lambda mount: len(mount.folder.parts), default=None)


def encryption_of(folder: Path, *, proc: Path = PROC, sys: Path = SYS) -> Encryption:
    """Return whether the file system of a folder is encrypted; where nothing tells, unknown.

    Of a disk whose machine is a guest, what its host encrypts cannot be seen.
    """
    mount = mount_of(folder, proc=proc)
    if mount is None:
        return Encryption.UNKNOWN
    if mount.kind in _ENCRYPTING or _is_fscrypt(folder):
        return Encryption.ENCRYPTED
    if mount.kind in _IN_MEMORY:
        return Encryption.IN_MEMORY
    try:
        device = os.stat(mount.source).st_rdev  # noqa: PTH116 - what is no path is no device
    except OSError:
        return Encryption.UNKNOWN
    number = f"{os.major(device)}:{os.minor(device)}"
    encrypted = _is_encrypted([sys / "dev" / "block" / number], _MAX_DEPTH) if device else None
    if encrypted is None:
        return Encryption.UNKNOWN
    return Encryption.ENCRYPTED if encrypted else Encryption.CLEAR


def _mount(line: str) -> Mount | None:
    """Return the mount of a line of mountinfo, see proc(5); None where it is none."""
    place, separator, about = line.partition(" - ")
    places, kinds = place.split(" "), about.split(" ")
    if not separator or len(places) < 5 or len(kinds) < 2:
        return None
    return Mount(Path(_unescaped(places[4])), kinds[0], _unescaped(kinds[1]))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)


def _is_encrypted(devices: Sequence[Path], depth: int) -> bool | None:
    """Return whether each of these block devices is encrypted or lies on such ones.

    Args:
        devices: Their folders in sysfs.
        depth: How many layers of devices to look at.
    """
    answers: list[bool | None] = []
    for device in devices:
        try:
            if (device / "dm" / "uuid").read_text("ascii", "replace").startswith("CRYPT-"):
                answers.append(True)
                continue
        except OSError:
            if not device.exists():
                return None  # this kernel shows none of it, as in some containers
        below = sorted((device / "slaves").glob("*"))
        answers.append(_is_encrypted(below, depth - 1) if below and depth else False)
    return None if None in answers else all(answers)


def _is_fscrypt(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        flags = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))
    except OSError:
        return False  # its file system has no flags
    finally:
        os.close(descriptor)
    return bool(int.from_bytes(flags[:4], "little") & _ENCRYPTED_FLAG)
