"""The spool: doorbells that the capture hook rang and nobody has answered yet.

A doorbell is the JSON that the host gave its hook. Small ones are lines of one file that hooks
append to; a large one is a file of its own. What was answered is remembered as an offset per file,
so that nothing that hooks write is ever moved or cut under their hands.
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
class Doorbell:
    """One ring of the capture hook.

    Attributes:
        fields: What the host told its hook; empty for a line that is no JSON object.
        file: The spool file that it stands in.
        end: Where it ends in that file, in bytes.
        size: Its own bytes.
        rung_at: When its file was last written; the ring was not later.
    """

    fields: dict[str, Any]
    file: Path
    end: int
    size: int
    rung_at: datetime

    def text(self, name: str) -> str | None:
        """A field that is text, None for anything else."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None


class Spool:
    """The doorbells of one store."""

    def __init__(self, paths: StorePaths) -> None:
        """The spool of the store at `paths`; nothing is created."""
        self._folder = paths.spool

    def change_token(self) -> tuple[int, int]:
        """Moves with every ring and with no work on the spool; costs microseconds."""
        lines = self._folder / LINES
        try:
            size = lines.stat().st_size if lines.exists() else 0
            return size, len(list(self._folder.glob(LARGE)))
        except OSError:
            # `unanswered` meets the same and says so.
            return 0, 0

    def unanswered(self) -> list[Doorbell]:
        """Every doorbell that was not answered yet, oldest file first.

        Raises:
            StoreUnavailable: The spool cannot be read.
        """
        try:
            offsets = self._offsets()
            lines = [bell for path in self._line_files() for bell in _lines(path, offsets)]
            return lines + [_whole(path) for path in sorted(self._folder.glob(LARGE))]
        except OSError as exc:
            raise StoreUnavailable(
                f"{self._folder} cannot be read ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc

    def answered(self, bells: list[Doorbell]) -> None:
        """Forgets these doorbells; of a file of lines they must be the first ones.

        Raises:
            StoreUnavailable: The spool cannot be written; they will be answered again.
        """
        if not bells:
            return
        try:
            offsets = self._offsets()
            for bell in bells:
                if bell.file.name in (LINES, RETIRED):
                    offsets[str(bell.file.stat().st_ino)] = bell.end
                else:
                    bell.file.unlink(missing_ok=True)
            self._retire(offsets)
            alive = {str(path.stat().st_ino) for path in self._line_files()}
            kept = {inode: end for inode, end in offsets.items() if inode in alive}
            make_private_folder(self._folder)
            replace_file(self._folder / _OFFSETS, json.dumps(kept).encode())
        except OSError as exc:
            raise StoreUnavailable(
                f"{self._folder} cannot be written ({exc.strerror}): run `iai-mcp doctor`"
            ) from exc

    def give_up(self, bell: Doorbell, why: str) -> Path:
        """Copies a doorbell that cannot be answered into `failed/`, where `doctor` finds it."""
        folder = make_private_folder(self._folder / "failed")
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        path = folder / f"{stamp}-{os.getpid()}.json"
        replace_file(path, json.dumps({"why": why, "doorbell": bell.fields}).encode())
        return path

    def failed(self) -> list[Path]:
        """The doorbells that were given up."""
        return sorted((self._folder / "failed").glob("*.json"))

    def _line_files(self) -> list[Path]:
        return [p for p in (self._folder / RETIRED, self._folder / LINES) if p.is_file()]

    def _offsets(self) -> dict[str, int]:
        # Without it everything is answered again, which stores nothing twice.
        fields = read_object(self._folder / _OFFSETS, _MAX_OFFSETS_BYTES) or {}
        return {inode: offset for inode, offset in fields.items() if type(offset) is int}

    def _retire(self, offsets: dict[str, int]) -> None:
        """Starts a new file of lines once the old one is large and answered to its end.

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


def _lines(path: Path, offsets: dict[str, int]) -> Iterator[Doorbell]:
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        start = offsets.get(str(stat.st_ino), 0)
        file.seek(start if start <= stat.st_size else 0)
        end = file.tell()
        rung_at = datetime.fromtimestamp(stat.st_mtime, UTC)
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            if line.strip():
                yield Doorbell(_object(line), path, end, len(line), rung_at)


def _whole(path: Path) -> Doorbell:
    content = path.read_bytes()
    rung_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Doorbell(_object(content), path, len(content), len(content), rung_at)


def _object(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
