"""The spool: a queue of events that the capture hook writes and a drain reads.

An event is the JSON that the host gave its hook. Small ones are lines of one file that hooks
append to, `doorbell.jsonl`; a large one is a file of its own. How far a file was acknowledged is
kept as an offset beside it, so a file that a hook may be writing is never moved or cut.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..base.files import make_private_folder, replace_file
from ..base.json_file import read_object
from ..base.paths import StorePaths
from ..errors import StoreUnavailable

LINES: Final = "doorbell.jsonl"
RETIRED: Final = "doorbell.old.jsonl"
LARGE: Final = "doorbell-*.json"
RETIRE_BYTES: Final = 1 << 20
RETIRED_FOR_SEC: Final = 60.0
_OFFSETS: Final = "offsets.json"
_MAX_OFFSETS_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """One call of the capture hook.

    Attributes:
        fields: The host's JSON; empty for a line that is no JSON object.
        file: The spool file that holds it.
        end: Offset of its end in that file, in bytes.
        size: Its length in bytes.
        queued_at: When its file was last written: at or after the call.
    """

    fields: dict[str, Any]
    file: Path
    end: int
    size: int
    queued_at: datetime

    def text(self, name: str) -> str | None:
        """Return a field that is text and not empty; None for anything else."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None


class Spool:
    """The queued events of one store."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the spool of the store at `paths`; nothing is created."""
        self._folder = paths.spool

    def change_token(self) -> tuple[int, int]:
        """Return a value that changes with each event and not with a drain; costs microseconds."""
        lines = self._folder / LINES
        try:
            size = lines.stat().st_size if lines.exists() else 0
            return size, len(list(self._folder.glob(LARGE)))
        except OSError:
            # `pending` meets the same error and reports it.
            return 0, 0

    def pending(self) -> list[QueuedEvent]:
        """Return the events that are not acknowledged, those of the oldest file first.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        try:
            offsets = self._offsets()
            lines = [event for path in self._line_files() for event in _lines(path, offsets)]
            return lines + [_whole(path) for path in sorted(self._folder.glob(LARGE))]
        except OSError as exc:
            raise StoreUnavailable(
                f"{self._folder} cannot be read ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc

    def acknowledge(self, events: list[QueuedEvent]) -> None:
        """Take these events off the queue; of a file of lines they must be the first pending ones.

        Raises:
            StoreUnavailable: The spool cannot be written; they stay pending.
        """
        if not events:
            return
        try:
            offsets = self._offsets()
            for event in events:
                if event.file.name in (LINES, RETIRED):
                    offsets[str(event.file.stat().st_ino)] = event.end
                else:
                    event.file.unlink(missing_ok=True)
            self._retire(offsets)
            alive = {str(path.stat().st_ino) for path in self._line_files()}
            kept = {inode: end for inode, end in offsets.items() if inode in alive}
            make_private_folder(self._folder)
            replace_file(self._folder / _OFFSETS, json.dumps(kept).encode())
        except OSError as exc:
            raise StoreUnavailable(
                f"{self._folder} cannot be written ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc

    def give_up(self, event: QueuedEvent, why: str) -> Path:
        """Copy an event that cannot be stored into `failed/`, where `doctor` finds it."""
        folder = make_private_folder(self._folder / "failed")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = folder / f"{stamp}-{os.getpid()}.json"
        replace_file(path, json.dumps({"why": why, "doorbell": event.fields}).encode())
        return path

    def failed(self) -> list[Path]:
        """Return the files of the events that were given up."""
        return sorted((self._folder / "failed").glob("*.json"))

    def _line_files(self) -> list[Path]:
        files = (self._folder / RETIRED, self._folder / LINES)
        return [path for path in files if path.is_file()]

    def _offsets(self) -> dict[str, int]:
        # Without it every event is pending again; ingest stores no turn twice.
        fields = read_object(self._folder / _OFFSETS, _MAX_OFFSETS_BYTES) or {}
        return {inode: offset for inode, offset in fields.items() if type(offset) is int}

    def _retire(self, offsets: dict[str, int]) -> None:
        """Start a new file of lines once the old one is large and acknowledged to its end.

        A hook may still hold the old one open; it stays a minute, and its last lines are read.
        """
        lines, retired = self._folder / LINES, self._folder / RETIRED
        if retired.is_file():
            old = retired.stat()
            rested = datetime.now(UTC).timestamp() - old.st_mtime > RETIRED_FOR_SEC
            if rested and offsets.get(str(old.st_ino), 0) >= old.st_size:
                retired.unlink()
        elif lines.is_file():
            new = lines.stat()
            read_to = offsets.get(str(new.st_ino), 0)
            if new.st_size >= RETIRE_BYTES and read_to >= new.st_size:
                lines.replace(retired)


def _lines(path: Path, offsets: dict[str, int]) -> Iterator[QueuedEvent]:
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        start = offsets.get(str(stat.st_ino), 0)
        file.seek(start if start <= stat.st_size else 0)
        end = file.tell()
        queued_at = datetime.fromtimestamp(stat.st_mtime, UTC)
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            if line.strip():
                yield QueuedEvent(_object(line), path, end, len(line), queued_at)


def _whole(path: Path) -> QueuedEvent:
    content = path.read_bytes()
    queued_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return QueuedEvent(_object(content), path, len(content), len(content), queued_at)


def _object(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
