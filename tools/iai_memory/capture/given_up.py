"""Transcripts that could not be read at any attempt: a note of each in `spool/failed`."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from ..base.files import make_private_folder, replace_file
from ..base.foreign_file import within
from ..base.json_file import read_object
from ..base.paths import StorePaths
from ..errors import ForeignFileFault, ForeignFileMissing, StoreUnavailable
from .ring import Ring, text_of

_MAX_NOTES: Final = 200
_MAX_BYTES: Final = 64 << 20
_FIELDS: Final = ("session_id", "transcript_path", "cwd")


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
        """Return the transcripts that are there now; whatever does not answer counts."""
        noted = [read_object(path, _MAX_BYTES) or {} for path in self.notes()]
        rings = [ring for note in noted if isinstance(ring := note.get("ring"), dict)]
        paths = [text_of(ring, "transcript_path") for ring in rings]
        return [path for path in paths if path is not None and _is_there(path)]

    def add(self, ring: Ring, why: str) -> None:
        """Note a transcript, in place of an earlier note of it; keep the newest 200 notes.

        Raises:
            StoreUnavailable: The folder cannot be written.
        """
        make_private_folder(self._folder)
        self._write(self._note_of(ring.transcript_path), why, ring.to_fields())
        for old in sorted(self.notes(), key=_modified)[:-_MAX_NOTES]:
            old.unlink(missing_ok=True)

    def remove(self, transcript_path: str) -> None:
        """Remove the note of a transcript that could be read after all."""
        # What is no folder holds no note; only `add` has to complain of it.
        with suppress(NotADirectoryError):
            self._note_of(transcript_path).unlink(missing_ok=True)

    def strip(self) -> None:
        """Rewrite the notes of earlier versions, which hold the host's whole JSON.

        Raises:
            StoreUnavailable: The folder cannot be written.
        """
        for path in self.notes():
            noted = read_object(path, _MAX_BYTES)
            if noted is not None and "ring" in noted:
                continue
            why = str(noted.get("why")) if noted else "what this file said cannot be read"
            old = noted.get("doorbell") if noted else None
            fields: dict[str, Any] = old if isinstance(old, dict) else {}
            kept = {name: text_of(fields, name) for name in _FIELDS}
            self._write(path, why, {"event": text_of(fields, "hook_event_name"), **kept})

    def _note_of(self, transcript_path: str) -> Path:
        digest = blake2b(transcript_path.encode(), digest_size=8).hexdigest()
        return self._folder / f"{digest}.json"

    def _write(self, path: Path, why: str, ring: dict[str, Any]) -> None:
        try:
            replace_file(path, json.dumps({"why": why, "ring": ring}).encode())
        except OSError as exc:
            raise StoreUnavailable(
                f"{path} cannot be written ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc


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
