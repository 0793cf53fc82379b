"""A change of one file: planned on its bytes, made in one step.

Every file of a host is planned before any is written. A file that somebody else changed since is
left alone.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from iai_memory.base.files import PRIVATE_FILE, make_private_folder, replace_file
from iai_memory.base.foreign_file import read_foreign
from iai_memory.errors import ForeignFileFault, ForeignFileMissing

from .errors import HostFileFault

_MAX_BYTES: Final = 64 << 20  # Claude Code keeps histories in its settings


@dataclass(frozen=True, slots=True)
class Change:
    """New bytes for one file.

    Attributes:
        path: The file as the host names it.
        before: Its bytes; None if it does not exist.
        after: Its bytes after the change; None to remove it.
        mode: Its mode if it is new.
        original: Where to keep the bytes from before; None to keep what is there.
        obsolete: Kept originals that the change makes superfluous.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    mode: int
    original: Path | None = None
    obsolete: tuple[Path, ...] = ()

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

    def apply(self) -> None:
        """Keep the original, make the change, drop what is obsolete. A link stays a link.

        Raises:
            HostFileFault: The file changed since it was planned, or cannot be written.
            StoreUnavailable: The folder of the originals cannot be made.
        """
        real = self.path.resolve()
        try:
            _make_folder(real.parent, private=self.mode == PRIVATE_FILE)
            mode = self.mode if self.before is None else real.stat().st_mode & 0o7777
            if self.original is not None and self.before is not None:
                make_private_folder(self.original.parent)
                replace_file(self.original, self.before)
            if not self._replaced(real, mode):
                raise HostFileFault(f"{self.path} was changed meanwhile: run the command again")
            for kept in self.obsolete:
                kept.unlink(missing_ok=True)
        except OSError as exc:
            raise HostFileFault(
                f"{real} cannot be changed ({exc.strerror}): see the modes of its folder with "
                f"`ls -ld {real.parent}`"
            ) from exc

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


def _make_folder(folder: Path, *, private: bool) -> None:
    # A host's own folder holds its credentials; in a project others work as well.
    folder.mkdir(mode=0o700 if private else 0o755, parents=True, exist_ok=True)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _lines(content: bytes | None) -> list[str]:
    lines = (content or b"").decode(errors="replace").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines


def apply(changes: list[Change]) -> None:
    """Make the changes in their order.

    Raises:
        HostFileFault: One could not be made; those before it are.
        StoreUnavailable: The folder of the originals cannot be made.
    """
    for change in changes:
        change.apply()
