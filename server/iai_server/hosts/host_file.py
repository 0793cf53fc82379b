"""A file of a host, and the changes that connecting and disconnecting it would make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iai_memory.base.files import PRIVATE_FILE

from .errors import CannotMerge, HostFileFault
from .file_change import Change, read_bytes
from .file_format import FileFormat, NotMergeable
from .launch_command import SERVER
from .originals import original_of, originals

_SHARED_FILE = 0o644
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class HostFile:
    """One file of a host.

    Attributes:
        path: Where the host looks for it; may be a link.
        format: Finds, adds and removes our entry in its text.
        ours: The entry that connecting puts into it.
        originals: Folder of the hosts' files as they were before connecting.
        shared: Whether it is a file of a project, which others read too.
    """

    path: Path
    format: FileFormat
    ours: Any
    originals: Path
    shared: bool = False

    def plan_connect(self) -> Change | None:
        """Return the change that puts our entry in; None if it is there already.

        Raises:
            CannotMerge: It cannot be changed safely.
            HostFileFault: It cannot be read.
        """
        before = read_bytes(self.path)
        after = self._merged(before)
        if after == before:
            return None
        first = self.format.entry_in(self._text(before or b"")[0]) is None
        original = original_of(self.path, self.originals) if first else None
        return Change(self.path, before, after, self._mode, original)

    def plan_disconnect(self) -> Change | None:
        """Return the change that takes our entry out; None if there is none.

        The bytes from before connecting come back if nothing else changed since, that is, if
        connecting them again gives the bytes that are there now.

        Raises:
            CannotMerge: It cannot be changed safely.
            HostFileFault: It cannot be read.
        """
        before = read_bytes(self.path)
        if before is None:
            return None
        text, bom = self._text(before)
        try:
            ours = self.format.entry_in(text)
            if ours is None:
                return None
            old = list(self._without_ours())
            for content in [*old, None]:
                if self._reconnected(content, ours) == before:
                    return self._restored(before, content)
            had = self._text(old[0])[0] if old else ""
            after = (bom + self.format.without_entry(text, had)).encode()
        except NotMergeable as exc:
            raise HostFileFault(
                f"{self.path} {exc}: nothing was changed; take what names {SERVER} out of it "
                f"yourself"
            ) from exc
        return self._restored(before, after)

    def entry(self) -> Any:
        """Return our entry in the file; None without one.

        Raises:
            HostFileFault: It cannot be read, or is not what its host could read.
        """
        content = read_bytes(self.path)
        if content is None:
            return None
        try:
            return self.format.entry_in(self._text(content)[0])
        except NotMergeable as exc:
            raise HostFileFault(f"{self.path} {exc}: mend it, its host cannot read it") from exc

    def _merged(self, before: bytes | None) -> bytes:
        text, bom = self._text(before or b"")
        try:
            return (bom + self.format.with_entry(text, self.ours)).encode()
        except NotMergeable as exc:
            raise CannotMerge(self.path, str(exc), self.format.snippet(self.ours)) from exc

    def _reconnected(self, content: bytes | None, ours: Any) -> bytes | None:
        text, bom = self._text(content or b"")
        try:
            return (bom + self.format.with_entry(text, ours)).encode()
        except NotMergeable:
            return None

    def _text(self, content: bytes) -> tuple[str, str]:
        """Return the text, and the byte order mark before it."""
        try:
            text = content.decode()
        except UnicodeDecodeError as exc:
            raise CannotMerge(self.path, "is not UTF-8", self.format.snippet(self.ours)) from exc
        return (text[1:], _BOM) if text.startswith(_BOM) else (text, "")

    def _without_ours(self) -> Iterator[bytes]:
        """Yield the kept originals without our entry, the best first."""
        for kept in originals(self.path, self.originals):
            content = read_bytes(kept)
            try:
                if content is not None and self.format.entry_in(self._text(content)[0]) is None:
                    yield content
            except (NotMergeable, CannotMerge):
                # It was never connected in this state, so it cannot be what connect replaced.
                continue

    def _restored(self, before: bytes, after: bytes | None) -> Change:
        obsolete = tuple(originals(self.path, self.originals))
        return Change(self.path, before, after, self._mode, obsolete=obsolete)

    @property
    def _mode(self) -> int:
        return _SHARED_FILE if self.shared else PRIVATE_FILE
