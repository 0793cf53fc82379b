"""The files that the work before a turn changed: path and a short digest of the content after.

A record lists them as texts, a file each: `9f2c01d4ab3e /home/me/p/parser.py`. In place of the
digest stands `-` where the content after is not known, and `deleted` where the file was deleted. No
content is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from ..base.checks import MAX_NAME_LENGTH

MAX_FILES: Final = 50
"""Files of one turn; of more the ones changed last are kept."""

MAX_TURNS_OF_NAME: Final = 200
"""Turns that changed a file of one name; of more the newest are looked at."""

_UNKNOWN: Final = "-"
_DELETED: Final = "deleted"
_DIGEST_CHARS: Final = 12
_HEXADECIMAL: Final = frozenset("0123456789abcdef")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# Who guesses the few bytes of a password file would know by the digest that the guess is right.
_GUESSABLE_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file as the last change left it.

    Attributes:
        path: As `stored_place` stores a folder.
        digest: Of the content after, see `content_digest`; None where that is not known.
        is_deleted: Whether the change deleted it.
    """

    path: str
    digest: str | None = None
    is_deleted: bool = False

    def to_text(self) -> str:
        """Return the change as a record has it."""
        return f"{_DELETED if self.is_deleted else self.digest or _UNKNOWN} {self.path}"


@dataclass(frozen=True, slots=True)
class DatedChange:
    """A change, and when the turn was said that has it."""

    at: datetime
    change: FileChange


def change_from_text(text: str) -> FileChange | None:
    """Return the change that `to_text` wrote; None for a text that is none."""
    mark, space, path = text.partition(" ")
    if not space or not path.strip() or len(path) > MAX_NAME_LENGTH:
        return None
    if mark in (_UNKNOWN, _DELETED):
        return FileChange(path, is_deleted=mark == _DELETED)
    is_digest = len(mark) == _DIGEST_CHARS and _HEXADECIMAL.issuperset(mark)
    return FileChange(path, mark) if is_digest else None


def changes_in(texts: Iterable[str]) -> list[FileChange]:
    """Return the changes of a record's texts; what is none is left out."""
    return [change for text in texts if (change := change_from_text(text)) is not None]


def name_of(path: str) -> str:
    """Return the last part of a path of whatever system."""
    return path.replace("\\", "/").rpartition("/")[2]


def newest_of_name(dated: Iterable[DatedChange]) -> list[DatedChange]:
    """Return changes of one name newest first, at most `MAX_TURNS_OF_NAME`."""
    return sorted(dated, key=lambda one: one.at, reverse=True)[:MAX_TURNS_OF_NAME]


def last_changes(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """Return the last change of each path, in the order of those, at most `MAX_FILES`."""
    last: dict[str, FileChange] = {}
    for change in changes:
        last.pop(change.path, None)
        last[change.path] = change
    return tuple(last.values())[-MAX_FILES:]


def to_texts(changes: Sequence[FileChange]) -> tuple[str, ...]:
    """Return the changes as a record has them."""
    return tuple(change.to_text() for change in changes)


def content_digest(content: bytes) -> str | None:
    """Return 12 hexadecimal digits of SHA-256; None for a short content with a secret in it.

    Equal for contents that differ in a byte order mark and in the kind of their line ends, which a
    host writes as the file had them and reports otherwise.
    """
    from ..privacy.redaction import redact  # parsers of transcripts load without it

    plain = content.removeprefix(_BYTE_ORDER_MARK).replace(b"\r\n", b"\n")
    if len(plain) <= _GUESSABLE_BYTES:
        text = plain.decode("utf-8", "replace")
        if redact(text).text != text:
            return None
    return sha256(plain).hexdigest()[:_DIGEST_CHARS]
