"""LanceDB's own files, read and written as bytes: manifests, and the footers of data files.

LanceDB opens a whole table or nothing. To read what damage left of one, somebody must say which
fragments there are without it, so this module knows as much of Lance's format (lance.org/format,
`table.proto` and `file2.proto`) as that takes: a manifest is a protobuf message behind its length,
and a footer of 16 bytes says where; a data file ends in a footer of 40 bytes, which says where its
schema and its number of rows are.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self
from uuid import UUID

_MAGIC: Final = b"LANC"
_MANIFEST_FOOTER: Final = struct.Struct("<QHH4s")
_LENGTH: Final = struct.Struct("<I")
_DATA_FOOTER: Final = struct.Struct("<QQQQIIHH4s")
_BUFFER: Final = struct.Struct("<QQ")
_VERSIONS: Final = (1 << 64) - 1  # a manifest's name is what its version lacks to this
_MAX_LEVELS_OF_VARINT: Final = 10

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FRAGMENTS, _VERSION, _AUXILIARY, _INDEXES, _READER_FLAGS, _MAX_FRAGMENT = 2, 3, 4, 6, 9, 11
_TRANSACTION: Final = (12, 21)
_ID, _FILES, _DELETIONS, _ROWS = 1, 2, 3, 4  # of a fragment
_NAME, _SIZE = 1, 6  # of a data file
_READ_VERSION, _RANDOM, _DELETED = 2, 3, 4  # of a deletion file
_UUID, _INDEX_NAME = 1, 3  # of an index
_UUID_BYTES: Final = 16
_FILE_ROWS = 2  # of a data file's own description
_HAS_DELETIONS: Final = 1
_MAX_HINT_BYTES: Final = 1_000

Field = tuple[int, int, int | bytes]
"""Number, wire type and value of a field of a protobuf message."""


class DamagedFile(ValueError):
    """A file of the table is not what its kind has to be."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Rows that lie in the same files.

    Attributes:
        id: Of the fragment.
        files: Names of its data files.
        rows: Number of rows that were written.
        deleted: Number of those that were deleted or replaced since.
        deletions: Name of the file that says which, without its ending; "" where none were.
    """

    id: int
    files: tuple[str, ...]
    rows: int
    deleted: int
    deletions: str
    _fields: tuple[Field, ...]

    def without_deletions(self) -> Self:
        """Return the fragment with the rows that were deleted or replaced."""
        kept = tuple(field for field in self._fields if field[0] != _DELETIONS)
        return replace(self, deleted=0, deletions="", _fields=kept)

    def of_file(self, name: str, rows: int) -> Self:
        """Return the fragment of another data file with the same columns; no row is deleted.

        Raises:
            DamagedFile: The columns of this one lie in several files.
        """
        if len(self.files) != 1:
            raise DamagedFile("its columns are not known")
        [file] = [value for number, _, value in self._fields if number == _FILES]
        columns = [field for field in _message(file) if field[0] not in (_NAME, _SIZE)]
        entry = _written([(_NAME, _BYTES, name.encode()), *columns])
        others = [f for f in self._fields if f[0] not in (_FILES, _DELETIONS, _ROWS)]
        fields = (*others, (_FILES, _BYTES, entry), (_ROWS, _VARINT, rows))
        return replace(self, files=(name,), rows=rows, deleted=0, deletions="", _fields=fields)

    def written(self) -> bytes:
        """Return the message."""
        return _written(self._fields)


@dataclass(frozen=True, slots=True)
class Index:
    """An index, or a part of one.

    Attributes:
        name: Of the index.
        folder: Name of the folder with its files.
    """

    name: str
    folder: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version of the table: its fragments, and what else LanceDB noted.

    Attributes:
        version: The version.
        fragments: Of the version.
    """

    version: int
    fragments: tuple[Fragment, ...]
    _fields: tuple[Field, ...]
    _format: tuple[int, int]
    _index_section: bytes

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the manifest of a file.

        Raises:
            DamagedFile: It is none, or was changed or shortened.
            OSError: It cannot be read.
        """
        content = path.read_bytes()
        if len(content) < _MANIFEST_FOOTER.size:
            raise DamagedFile("is too short")
        at, *form, magic = _MANIFEST_FOOTER.unpack(content[-_MANIFEST_FOOTER.size :])
        end = len(content) - _MANIFEST_FOOTER.size
        if magic != _MAGIC or at + _LENGTH.size > end:
            raise DamagedFile("has no footer")
        [length] = _LENGTH.unpack_from(content, at)
        start = at + _LENGTH.size
        if start + length > end:
            raise DamagedFile("is shorter than it says")
        fields = tuple(_message(content[start : start + length]))
        version = _number(fields, _VERSION)
        if manifest_name(version) != path.name:
            raise DamagedFile(f"says that it is version {version}")
        fragments = tuple(_fragment(value) for number, _, value in fields if number == _FRAGMENTS)
        return cls(version, fragments, fields, (form[0], form[1]), _index_section(content, fields))

    def at_version(self, version: int) -> Self:
        """Return the manifest as that of another version."""
        others = [field for field in self._fields if field[0] != _VERSION]
        return replace(self, version=version, _fields=(*others, (_VERSION, _VARINT, version)))

    def indexes(self) -> tuple[Index, ...]:
        """Return the indexes of the version, each part of an index as one.

        Raises:
            DamagedFile: Their list was changed or shortened.
        """
        found: list[Index] = []
        for _, _, entry in _message(self._index_section):
            about = tuple(_message(entry))
            uuids = [_message(value) for number, _, value in about if number == _UUID]
            parts = [value for uuid in uuids for _, _, value in uuid if isinstance(value, bytes)]
            if list(map(len, parts)) != [_UUID_BYTES]:
                raise DamagedFile("names an index without its folder")
            found.append(Index(_text(about, _INDEX_NAME), str(UUID(bytes=parts[0]))))
        return tuple(found)

    def with_fragments(self, fragments: Sequence[Fragment]) -> bytes:
        """Return a manifest file of these fragments; it has no indexes."""
        gone = (_FRAGMENTS, _AUXILIARY, _INDEXES, _READER_FLAGS, _MAX_FRAGMENT, *_TRANSACTION)
        fields = [field for field in self._fields if field[0] not in gone]
        fields += [(_FRAGMENTS, _BYTES, one.written()) for one in fragments]
        fields.append((_MAX_FRAGMENT, _VARINT, max([one.id for one in fragments], default=0)))
        flags = _number(self._fields, _READER_FLAGS) & ~_HAS_DELETIONS
        flags |= _HAS_DELETIONS if any(one.deletions for one in fragments) else 0
        fields.append((_READER_FLAGS, _VARINT, flags))
        message = _written(fields)
        footer = _MANIFEST_FOOTER.pack(0, *self._format, _MAGIC)
        return _LENGTH.pack(len(message)) + message + footer


def manifest_name(version: int) -> str:
    """Return the name of a version's manifest: the newest comes first in the alphabet."""
    return f"{_VERSIONS - version:020}.manifest"


def version_of(manifest: Path) -> int:
    """Return the version that a manifest's name stands for; -1 for any other name."""
    return _VERSIONS - int(manifest.stem) if manifest.stem.isdecimal() else -1


def noted_version(folder: Path) -> int:
    """Return the version that LanceDB noted as the newest of a table's folder; 0 without a note.

    It notes a version after it wrote it, so there may be newer ones.
    """
    try:
        with (folder / "_versions" / "latest_version_hint.json").open("rb") as file:
            noted: Any = json.loads(file.read(_MAX_HINT_BYTES))
    except (OSError, ValueError, RecursionError):
        return 0
    version = noted.get("version") if isinstance(noted, dict) else None
    return version if type(version) is int else 0


def rows_of(data_file: Path) -> int:
    """Return the number of rows that a data file says it has.

    Raises:
        DamagedFile: It is none, or was shortened.
        OSError: It cannot be read.
    """
    with data_file.open("rb") as file:
        end = file.seek(0, 2)
        if end < _DATA_FOOTER.size:
            raise DamagedFile("is too short")
        file.seek(end - _DATA_FOOTER.size)
        footer = _DATA_FOOTER.unpack(file.read(_DATA_FOOTER.size))
        table, buffers, magic = footer[3], footer[4], footer[-1]
        if magic != _MAGIC or not buffers or table + _BUFFER.size > end:
            raise DamagedFile("has no footer")
        file.seek(table)
        at, size = _BUFFER.unpack(file.read(_BUFFER.size))
        if at + size > end:
            raise DamagedFile("is shorter than it says")
        file.seek(at)
        return _number(tuple(_message(file.read(size))), _FILE_ROWS)


def _fragment(value: int | bytes) -> Fragment:
    fields = tuple(_message(value))
    id_ = _number(fields, _ID)
    files = [_text(_message(entry), _NAME) for number, _, entry in fields if number == _FILES]
    deleted, deletions = 0, ""
    for number, _, entry in fields:
        if number == _DELETIONS:
            about = tuple(_message(entry))
            deleted = _number(about, _DELETED)
            deletions = f"{id_}-{_number(about, _READ_VERSION)}-{_number(about, _RANDOM)}"
    return Fragment(id_, tuple(files), _number(fields, _ROWS), deleted, deletions, fields)


def _index_section(content: bytes, fields: Sequence[Field]) -> bytes:
    """Return the list of indexes, a message before that of the manifest; empty without any."""
    places = [value for number, _, value in fields if number == _INDEXES]
    if not places or not isinstance(places[0], int) or places[0] + _LENGTH.size > len(content):
        return b""
    start = places[0] + _LENGTH.size
    [length] = _LENGTH.unpack_from(content, places[0])
    return content[start : start + length]


def _number(fields: Sequence[Field], wanted: int) -> int:
    for number, kind, value in fields:
        if number == wanted and kind == _VARINT and isinstance(value, int):
            return value
    return 0


def _text(fields: Iterable[Field], wanted: int) -> str:
    for number, _, value in fields:
        if number == wanted and isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError as exc:
                raise DamagedFile("names a file in no UTF-8") from exc
    raise DamagedFile("names no file")


def _message(value: int | bytes) -> Iterator[Field]:
    """Yield the fields of a protobuf message in their order.

    Raises:
        DamagedFile: It is none.
    """
    if isinstance(value, int):
        raise DamagedFile("holds a number where a message belongs")
    at = 0
    while at < len(value):
        tag, at = _varint(value, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            found, at = _varint(value, at)
            yield number, kind, found
            continue
        if kind == _BYTES:
            size, at = _varint(value, at)
        elif kind in (_FIXED_32, _FIXED_64):
            size = 4 if kind == _FIXED_32 else 8
        else:
            raise DamagedFile("holds a field of no known kind")
        if at + size > len(value):
            raise DamagedFile("ends within a field")
        yield number, kind, value[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    found = 0
    for level in range(_MAX_LEVELS_OF_VARINT):
        if at >= len(message):
            raise DamagedFile("ends within a number")
        found |= (message[at] & 0x7F) << 7 * level
        at += 1
        if message[at - 1] < 0x80:
            return found, at
    raise DamagedFile("holds a number without an end")


def _written(fields: Sequence[Field]) -> bytes:
    """Return the fields as a protobuf message."""
    parts: list[bytes] = []
    for number, kind, value in fields:
        parts.append(_number_bytes(number << 3 | kind))
        if isinstance(value, int):
            parts.append(_number_bytes(value))
        else:
            parts += [_number_bytes(len(value)), value] if kind == _BYTES else [value]
    return b"".join(parts)


def _number_bytes(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
