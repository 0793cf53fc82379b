"""A change of one file: planned on its bytes, made in one step, the old bytes kept as a backup.

Every file of a host is planned before any is written. A file that somebody else changed since is
left alone.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from iai_memory.base.files import PRIVATE_FILE
from iai_memory.base.foreign_file import read_foreign
from iai_memory.errors import ForeignFileFault, ForeignFileMissing

from .errors import HostFileFault

_MAX_BYTES: Final = 64 << 20  # Claude Code keeps histories in its settings
BACKUP = ".iai-mcp-backup-"


@dataclass(frozen=True, slots=True)
class Change:
    """New bytes for one file.

    Attributes:
        path: The file as the host names it.
        before: Its bytes; None if it does not exist.
        after: Its bytes after the change; None to remove it.
        mode: Its mode if it is new.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    mode: int

    def diff(self) -> str:
        """Return the change as a unified diff."""
        old, new = (_lines(content) for content in (self.before, self.after))
        return "".join(
            difflib.unified_diff(
                old,
                new,
                "/dev/null" if self.before is None else str(self.path),
                "/dev/null" if self.after is None else str(self.path),
            )
        )

    def apply(self) -> Path | None:
        """Make a backup and the change; return the backup. A link stays a link.

        Raises:
            HostFileFault: The file changed since it was planned, or cannot be written.
        """
        real = self.path.resolve()
        try:
            _make_folder(real.parent, private=self.mode == PRIVATE_FILE)
            mode = self.mode if self.before is None else real.stat().st_mode & 0o7777
            backup = None if self.before is None else _back_up(real, self.before, mode)
            if self._replaced(real, mode):
                return backup
            if backup is not None:
                backup.unlink()
        except OSError as exc:
            raise HostFileFault(
                f"{real} cannot be changed ({exc.strerror}): see the modes of its folder with "
                f"`ls -ld {real.parent}`"
            ) from exc
        raise HostFileFault(f"{self.path} was changed meanwhile: run the command again")

    def _replaced(self, real: Path, mode: int) -> bool:
        """Make the change if the file still has the planned bytes; return whether it has."""
        temporary = real.with_name(f"{real.name}.{os.urandom(6).hex()}.tmp")
        try:
            if self.after is not None:
                _write_new(temporary, self.after, mode)
            if read_bytes(real) != self.before:
                return False
            if self.after is None:
                real.unlink()
            else:
                temporary.replace(real)
        finally:
            temporary.unlink(missing_ok=True)
        return True


def backups(path: Path) -> list[Path]:
    """Return the backups of a file, oldest first."""
    real = path.resolve()
    return sorted(real.parent.glob(f"{_escaped(real.name)}{BACKUP}*"))


def read_bytes(path: Path) -> bytes | None:
    """Return the bytes of the file; None if it does not exist.

    Raises:
        HostFileFault: It cannot be read.
    """
    try:
        return read_foreign(path, _MAX_BYTES)
    except ForeignFileMissing:
        return None
    except ForeignFileFault as exc:
        raise HostFileFault(f"{path} {exc.what}: see what it is with `ls -lL {path}`") from exc


def _back_up(real: Path, content: bytes, mode: int) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return _write_new(real.with_name(f"{real.name}{BACKUP}{stamp}"), content, mode)


def _make_folder(folder: Path, *, private: bool) -> None:
    # A host's own folder holds its credentials; in a project others work as well.
    folder.mkdir(mode=0o700 if private else 0o755, parents=True, exist_ok=True)


def _write_new(path: Path, content: bytes, mode: int) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    return path


def _lines(content: bytes | None) -> list[str]:
    lines = (content or b"").decode(errors="replace").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines


def _escaped(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def apply(changes: list[Change]) -> list[Path]:
    """Make the changes in their order; return the backups.

    Raises:
        HostFileFault: One could not be made; those before it are.
    """
    return [backup for change in changes if (backup := change.apply()) is not None]
