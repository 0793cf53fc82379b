"""Copies of the table, made and brought up to date; each is proved by a checksum of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from ..reader import TableReader
from .snapshot import Checksum, TableCopy

_ATTEMPTS: Final = 3
_BEFORE_ALL: Final = -1

# Of 1,000,000 rows, 16,000 at a time lie about with their vectors, 70 MB.
_APPENDED: Final = 1 / 64

# More are not taken over one after the other; a new copy costs less.
_MANY_CHANGES: Final = 5_000


@dataclass(frozen=True, slots=True)
class Dated:
    """A copy of what the table was at this version, or at a later one."""

    copy: TableCopy
    version: int


def copied(reader: TableReader, most: int, stopped: Callable[[], bool]) -> Dated | None:
    """A copy of the latest version; None where it would take more bytes, or is told to stop."""

    def take(batches: Iterable[pa.RecordBatch]) -> TableCopy | None:
        copy = TableCopy.empty(reader.schema, most)
        for several in _growing(batches):
            grown = None if stopped() else copy.changed(several)
            if grown is None:
                return None
            copy = grown
        return copy.merged()

    version = reader.version
    return _proved(reader, reader.changed_since(_BEFORE_ALL, take), version)


def caught_up(reader: TableReader, held: Dated) -> Dated | None:
    """The copy at the latest version; None where it has no room or too much was changed."""
    version = reader.version
    batches = reader.changed_since(held.version, _few)
    return _proved(reader, None if batches is None else held.copy.changed(batches), version)


def _proved(reader: TableReader, copy: TableCopy | None, version: int) -> Dated | None:
    """The copy where it has all rows in their last states, with changes that came meanwhile.

    None where the table is not what its changes make of the copy: rows were deleted, or are there
    twice.
    """
    for _ in range(_ATTEMPTS):
        if copy is None or copy.checksum == Checksum.of(reader.table_versions()):
            break
        latest = reader.version
        if latest == version:
            return None
        batches = reader.changed_since(version, _few)
        copy, version = None if batches is None else copy.changed(batches), latest
    return None if copy is None else Dated(copy, version)


def _growing(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Several batches together, of a given share of all rows that came before."""
    several = list[pa.RecordBatch]()
    before = rows = 0
    for batch in batches:
        several.append(batch)
        rows += batch.num_rows
        if rows >= _APPENDED * before:
            yield several
            before, rows, several = before + rows, 0, []
    yield several


def _few(batches: Iterable[pa.RecordBatch]) -> list[pa.RecordBatch] | None:
    """All of them, so that a second attempt at reading does not apply them twice."""
    taken = list[pa.RecordBatch]()
    rows = 0
    for batch in batches:
        taken.append(batch)
        rows += batch.num_rows
        if rows > _MANY_CHANGES:
            return None
    return taken
