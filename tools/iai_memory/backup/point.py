"""The index of one backup: which segments it consists of. The later state of a memory counts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ..base.clock import iso, parse_time
from ..base.foreign_file import read_foreign
from ..errors import BackupFault, ForeignFileMissing
from .segment import Segment

SUFFIX: Final = ".json"
_FORMAT: Final = 1
_MAX_BYTES: Final = 64 << 20
_NAME: Final = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_SEGMENT: Final = re.compile(r"[0-9a-f]{32}(\.files)?\.jsonl\.zst(\.age)?")


@dataclass(frozen=True, slots=True)
class Point:
    """One backup.

    Attributes:
        name: Of its index, without the suffix: the time in UTC.
        number: One more than that of the backup before; orders them, whatever the clock said.
        when: When it was taken.
        store: Id of the store.
        table_version: The version of the table that it is of.
        count: Number of its memories, the forgotten ones too.
        text_bytes: Of the texts of its memories.
        segments: Its states, older ones first.
        files: Segments of the small files that no table has, such as the aliases of projects.
    """

    name: str
    number: int
    when: datetime
    store: str
    table_version: int
    count: int
    text_bytes: int
    segments: tuple[Segment, ...]
    files: tuple[Segment, ...] = ()

    @property
    def parts(self) -> tuple[Segment, ...]:
        """Every file of it but the index."""
        return self.segments + self.files


class DamagedIndex(BackupFault):
    """An index is no index, or not what was written."""


def is_point_name(name: str) -> bool:
    """Return whether it is the name of a backup."""
    return _NAME.fullmatch(name) is not None


def point_name(when: datetime) -> str:
    """Return the name of a backup of that time."""
    return iso(when.replace(microsecond=0)).replace("-", "").replace(":", "")


def to_index(point: Point) -> bytes:
    """Return the content of the point's index; its digest covers all of it."""
    fields = asdict(point)
    del fields["name"]
    fields["when"] = iso(point.when)
    for kind in ("segments", "files"):
        fields[kind] = [
            [one["name"], one["rows"], one["size"], one["sha256"]] for one in fields[kind]
        ]
    return json.dumps({"format": _FORMAT, "sha256": _digest(fields), **fields}, indent=0).encode()


def read_point(path: Path) -> Point:
    """Return the backup of an index.

    Raises:
        ForeignFileFault: The file cannot be read.
        DamagedIndex: It is no index, or not what was written.
    """
    try:
        content = read_foreign(path, _MAX_BYTES)
        fields: dict[str, Any] = json.loads(content)
        if (found := fields.pop("format")) != _FORMAT:
            raise DamagedIndex(f"{path} has format {found!r}, this iai-mcp reads {_FORMAT}")
        if fields.pop("sha256") != _digest(fields):
            raise DamagedIndex(f"{path} is not what was written")
        fields["when"] = parse_time(fields["when"], "when")
        for kind in ("segments", "files"):
            fields[kind] = _segments(fields[kind])
        for name in ("number", "table_version", "count", "text_bytes"):
            _require(fields[name], int)
        _require(fields["store"], str)
        return Point(name=path.name.removesuffix(SUFFIX), **fields)
    except ForeignFileMissing:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise DamagedIndex(f"{path} is no index of a backup") from exc


def _segments(found: Sequence[Sequence[Any]]) -> tuple[Segment, ...]:
    segments = tuple(Segment(*one) for one in found)
    for one in segments:
        for value, kind in ((one.name, str), (one.sha256, str), (one.rows, int), (one.size, int)):
            _require(value, kind)
        # A planted name must not lead out of the folder.
        if not _SEGMENT.fullmatch(one.name) or one.rows < 0 or one.size < 0:
            raise ValueError("segments")
    return segments


def _require(value: object, kind: type) -> None:
    if type(value) is not kind:  # True is an int to isinstance
        raise TypeError("a field")


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
