"""A host's file and what we change in it, planned first and then done in one step.

Nothing is written before every file of a host was planned, a file that somebody else changed in
between is left alone, and what we replace stays beside it as a backup.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from iai_memory.base.files import PRIVATE_FILE

from .errors import CannotMerge, HostFileFault
from .launch_command import SERVER

BACKUP = ".iai-mcp-backup-"
_SHARED_FILE = 0o644
_BOM = "\ufeff"


class Kind(Protocol):
    """What is ours in one kind of file, and how it gets in and out.

    `ours` is whatever `found` gives and `connected` takes; its type is the kind's own. Each method
    raises `NotMergeable` with a predicate of the file, such as "is not JSON".
    """

    def found(self, text: str) -> Any:
        """What is ours in the text, None for nothing."""
        ...

    def connected(self, text: str, ours: Any) -> str:
        """The text with ours in it; the same text if it is there already."""
        ...

    def disconnected(self, text: str, before: str) -> str:
        """The text without ours; what `before` did not have and is empty now goes as well."""
        ...

    def block(self, ours: Any) -> str:
        """What a user can paste."""
        ...


class NotMergeable(Exception):
    """The file cannot be changed safely; the message is a predicate of the file."""


@dataclass(frozen=True, slots=True)
class HostFile:
    """One file of a host.

    Attributes:
        path: Where the host looks for it; may be a link.
        kind: What is ours in it.
        ours: What `connect` puts into it.
        shared: Whether it is a project's, which others read as well.
    """

    path: Path
    kind: Kind
    ours: Any
    shared: bool = False

    def connect(self) -> Change | None:
        """What connecting changes, None for nothing.

        Raises:
            CannotMerge: It cannot be changed safely.
            HostFileFault: It cannot be read.
        """
        before = _read(self.path)
        after = self._merged(before)
        return None if after == before else self._change(before, after)

    def disconnect(self) -> Change | None:
        """What disconnecting changes, None for nothing.

        The bytes from before `connect` come back when nothing else changed since: that is so when
        connecting them anew gives the bytes that are there now.

        Raises:
            CannotMerge: It cannot be changed safely.
            HostFileFault: It cannot be read.
        """
        before = _read(self.path)
        if before is None:
            return None
        text, bom = self._text(before)
        try:
            ours = self.kind.found(text)
            if ours is None:
                return None
            old = list(self._without_ours())
            for content in [*old, None]:
                if self._reconnected(content, ours) == before:
                    return self._change(before, content)
            had = self._text(old[0])[0] if old else ""
            after = (bom + self.kind.disconnected(text, had)).encode()
        except NotMergeable as exc:
            raise HostFileFault(
                f"{self.path} {exc}: nothing was changed; take what names {SERVER} out of it "
                f"yourself"
            ) from exc
        return self._change(before, after)

    def present(self) -> Any:
        """What is ours in the file now, None for nothing.

        Raises:
            HostFileFault: It cannot be read, or is not what its host could read.
        """
        content = _read(self.path)
        if content is None:
            return None
        try:
            return self.kind.found(self._text(content)[0])
        except NotMergeable as exc:
            raise HostFileFault(f"{self.path} {exc}: mend it, its host cannot read it") from exc

    def _merged(self, before: bytes | None) -> bytes:
        text, bom = self._text(before or b"")
        try:
            return (bom + self.kind.connected(text, self.ours)).encode()
        except NotMergeable as exc:
            raise CannotMerge(self.path, str(exc), self.kind.block(self.ours)) from exc

    def _reconnected(self, content: bytes | None, ours: Any) -> bytes | None:
        text, bom = self._text(content or b"")
        try:
            return (bom + self.kind.connected(text, ours)).encode()
        except NotMergeable:
            return None

    def _text(self, content: bytes) -> tuple[str, str]:
        """The text, and the byte order mark before it."""
        try:
            text = content.decode()
        except UnicodeDecodeError as exc:
            raise CannotMerge(self.path, "is not UTF-8", self.kind.block(self.ours)) from exc
        return (text[1:], _BOM) if text.startswith(_BOM) else (text, "")

    def _without_ours(self) -> Iterator[bytes]:
        """The backups that nothing of ours is in, newest first."""
        for backup in reversed(backups(self.path)):
            content = _read(backup)
            try:
                if content is not None and self.kind.found(self._text(content)[0]) is None:
                    yield content
            except (NotMergeable, CannotMerge):
                # It was never connected in this state, so it cannot be what connect replaced.
                continue

    def _change(self, before: bytes | None, after: bytes | None) -> Change:
        return Change(self.path, before, after, _SHARED_FILE if self.shared else PRIVATE_FILE)


@dataclass(frozen=True, slots=True)
class Change:
    """New bytes for one file.

    Attributes:
        path: The file as the host names it.
        before: What it holds; None if it does not exist.
        after: What it shall hold; None if it shall not exist.
        mode: Its mode if it is new.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    mode: int

    def diff(self) -> str:
        """The change as a unified diff."""
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
        """Makes a backup and the change; returns the backup. A link keeps pointing where it does.

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
        """Does it, unless the file is no longer what was planned on."""
        temporary = real.with_name(f"{real.name}.{os.urandom(6).hex()}.tmp")
        try:
            if self.after is not None:
                _write_new(temporary, self.after, mode)
            if _read(real) != self.before:
                return False
            if self.after is None:
                real.unlink()
            else:
                temporary.replace(real)
        finally:
            temporary.unlink(missing_ok=True)
        return True


def backups(path: Path) -> list[Path]:
    """The backups of a file, oldest first."""
    real = path.resolve()
    return sorted(real.parent.glob(f"{_escaped(real.name)}{BACKUP}*"))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HostFileFault(
            f"{path} cannot be read ({exc.strerror}): see its mode with `ls -l {path}`"
        ) from exc


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
