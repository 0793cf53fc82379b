"""Transcripts that could not be read at any attempt: a note of each in `spool/failed`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from ..base.files import make_private_folder, replace_file
from ..base.foreign_file import within
from ..base.json_file import read_object, read_own_file
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..errors import ForeignFileFault, ForeignFileMissing, StoreUnavailable
from .ring import Ring, objects_in, ring_of, text_of, time_of

_MAX_NOTES: Final = 200
_MAX_BYTES: Final = 64 << 20
_MAX_WHY_CHARS: Final = 1_000
_FIELDS: Final = ("session_id", "transcript_path", "cwd")
_ACCEPTED: Final = "accepted"
_RING: Final = frozenset({*_FIELDS, "event", "at"})


@dataclass(frozen=True, slots=True)
class Note:
    """One transcript that could not be read.

    Attributes:
        file: Of the note.
        name: The transcript; of a ring that named none, its session.
        why: Why it could not be read.
        accepted: Whether the user does without it; then no answer tells of it.
    """

    file: Path
    name: str
    why: str
    accepted: bool


class GivenUp:
    """The notes of one store; they name transcripts and hold no text of them."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the notes of the store at `paths`; nothing is created."""
        self._folder = paths.spool / "failed"

    def notes(self) -> list[Path]:
        """Return the file of each note."""
        found = self._folder.glob("*.json")
        return sorted(path for path in found if path.is_file() and not path.is_symlink())

    def present(self) -> list[str]:
        """Return the transcripts that are there now and that nobody does without.

        Whatever does not answer counts.
        """
        accepted = {note.name for note in self.listed() if note.accepted}
        return [path for path in self.rings() if path not in accepted and _is_there(path)]

    def listed(self) -> list[Note]:
        """Return what each note says, sorted by its name."""
        found: list[Note] = []
        for file in self.notes():
            noted = read_object(file, _MAX_BYTES) or {}
            ring = noted.get("ring")
            fields = ring if isinstance(ring, dict) else {}
            path = text_of(fields, "transcript_path")
            session = text_of(fields, "session_id") or "that nobody named"
            name = str(Path(path)) if path else f"session {session}"
            why = str(noted.get("why") or "its note cannot be read")
            found.append(Note(file, name, why, noted.get(_ACCEPTED) is True))
        return sorted(found, key=lambda note: note.name)

    def accept(self, notes: Iterable[Note], *, accepted: bool = True) -> None:
        """Note that the user does without these transcripts, or no more; the notes stay.

        The caller holds the `drain` lock. One that is mended is read all the same.

        Raises:
            StoreUnavailable: The folder cannot be written.
        """
        for note in notes:
            fields = read_object(note.file, _MAX_BYTES) or {}
            if isinstance(ring := fields.get("ring"), dict):
                self._write(note.file, note.why, ring, accepted=accepted)

    def rings(self) -> dict[str, Ring]:
        """Return the noted rings by the transcript that they name; the others are left out."""
        found: dict[str, Ring] = {}
        for path in self.notes():
            noted = read_object(path, _MAX_BYTES) or {}
            if isinstance(fields := noted.get("ring"), dict):
                ring = ring_of(
                    fields, time_of(fields, datetime.fromtimestamp(_modified(path), UTC))
                )
                found |= {ring.transcript_path: ring} if ring else {}
        return found

    def add(self, ring: Ring, why: str, *, name: str = "") -> None:
        """Note a transcript, in place of an earlier note of it; keep the newest 200 notes.

        Of a ring that names none its session is noted.

        Raises:
            StoreUnavailable: The folder cannot be written.
        """
        make_private_folder(self._folder)
        self._write(self._note_of(name or ring.transcript_path), why, ring.to_fields())
        for old in sorted(self.notes(), key=_modified)[:-_MAX_NOTES]:
            old.unlink(missing_ok=True)

    def remove(self, transcript_path: str) -> None:
        """Remove the note of a transcript that could be read after all."""
        # What cannot be removed is named by `spool_faults`; the ring is answered all the same.
        with suppress(OSError):
            self._note_of(transcript_path).unlink(missing_ok=True)

    def has_foreign(self) -> bool:
        """Return whether `strip` would find files under other names; one listing."""
        return any(True for _ in self._foreign())

    def strip(self) -> None:
        """Rewrite what holds more than a note: notes of earlier versions, files of other names.

        Of a file under another name a note stays where it holds a ring.

        Raises:
            StoreUnavailable: The folder cannot be written.
        """
        for path in self.notes():
            noted = read_object(path, _MAX_BYTES)
            if noted is None or not _is_note(noted):
                self._strip(path, noted)
        for path in self._foreign():
            for fields in _objects_of(path):
                self._strip(path.with_name(f"{path.name}.json"), fields)
            self._unlink(path)

    def _strip(self, path: Path, noted: dict[str, Any] | None) -> None:
        """Write the note of what an old note, or the host's JSON itself, names."""
        why = "what this file said cannot be read"
        fields = noted or {}
        for name in ("ring", "doorbell"):
            if isinstance(inner := fields.get(name), dict):
                why, fields = str(fields.get("why"))[:_MAX_WHY_CHARS], inner
                break
        kept = {name: text_of(fields, name) for name in _FIELDS}
        event = text_of(fields, "event") or text_of(fields, "hook_event_name")
        self._write(path, why, {"event": event, **kept})

    def _foreign(self) -> Iterator[Path]:
        """Yield the regular files that are no notes; a killed process may have left one half."""
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            for path in sorted(self._folder.iterdir()):
                if path.suffix != ".json" and path.is_file() and not path.is_symlink():
                    yield path

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{path} cannot be removed")) from exc

    def _note_of(self, transcript_path: str) -> Path:
        digest = blake2b(transcript_path.encode(), digest_size=8).hexdigest()
        return self._folder / f"{digest}.json"

    def _write(self, path: Path, why: str, ring: dict[str, Any], *, accepted: bool = False) -> None:
        noted = {"why": why, "ring": ring, **({_ACCEPTED: True} if accepted else {})}
        try:
            replace_file(path, json.dumps(noted).encode())
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{path} cannot be written")) from exc


def _is_note(noted: dict[str, Any]) -> bool:
    ring = noted.get("ring")
    named = noted.keys() - {_ACCEPTED} == {"why", "ring"}
    return named and isinstance(ring, dict) and ring.keys() <= _RING


def _objects_of(path: Path) -> list[dict[str, Any]]:
    """Return the last object of a file that may hold rings, as a list; empty for none."""
    try:
        content = read_own_file(path, _MAX_BYTES)
    except OSError:
        return []
    return objects_in((content or b"").decode("utf-8", "replace"))[-1:]


def _is_there(path: str) -> bool:
    try:
        within(path, partial(os.stat, path))
    except ForeignFileMissing:
        return False
    except ForeignFileFault:
        return True
    return True


def _modified(path: Path) -> float:
    return path.lstat().st_mtime
