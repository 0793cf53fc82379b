"""What can be read of a damaged table, memory by memory, and a list of what cannot.

Which state of a memory is the present one, the rows say themselves: each change writes a row with
a higher `table_version`, and no row is deleted without a newer one in its place. So every data file
is read, and the table's own lists, which may be damaged, say only what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa

from ..base.paths import StorePaths
from ..errors import StoreUnavailable
from .connection import TABLE_NAME
from .data_files import WITHIN, DataFile, DataFiles, Loss
from .erasures import Erasures
from .vector_rows import Row

_ROWS_PER_READ: Final = 1_000


@dataclass(slots=True)
class Salvage:
    """A damaged table, read as far as possible; the counts are complete when `rows` has ended.

    Attributes:
        paths: The store's.
        database: Folder of the table; None is the one in its place.
        losses: Which files cannot be read, or not wholly.
        given: How many memories were read.
        missing: How many were not; None where the table's newest version cannot be read, so that
            nobody knows how many there are.
        missing_ids: Ids of those, as far as they are known.
        without_vectors: How many were read without their vectors, which are pending.
        changed: Ids of those whose text is not what was stored.
        doubtful: Ids of others that are not what was stored, in a field or a vector.
        older: With `and_older`, ids of those of which an older state was given, or nobody knows
            whether they were forgotten or replaced.
        schema: Of the newest version that can be read; None without any.
        expected: How many memories there were; None where nobody knows.
    """

    paths: StorePaths
    database: Path | None = None
    losses: list[Loss] = field(default_factory=list)
    given: int = 0
    missing: int | None = None
    missing_ids: list[str] = field(default_factory=list)
    without_vectors: int = 0
    and_older: bool = False
    changed: set[str] = field(default_factory=set[str])
    doubtful: set[str] = field(default_factory=set[str])
    older: set[str] = field(default_factory=set[str])
    schema: pa.Schema | None = None
    expected: int | None = None

    def rows(self) -> Iterator[Row]:
        """Yield the newest state of each memory that can be read, the oldest first.

        A state that is known to have been replaced is left out where the newer one may be among
        what is lost: what was forgotten must not come back. Costs two reads of every data file.

        Raises:
            OSError: There is no room for a temporary folder.
        """
        folder = (self.database or self.paths.database) / f"{TABLE_NAME}.lance"
        with TemporaryDirectory(prefix="iai-mcp-") as scratch:
            files = DataFiles(folder, Path(scratch), self.losses.append)
            self.schema, self.expected = files.schema, files.expected
            found = {file.name: file for file in files.all()}
            newest = self._newest(found.values())
            ids = sorted(newest.keys() - self._purged())
            for start in range(0, len(ids), _ROWS_PER_READ):
                part = ids[start : start + _ROWS_PER_READ]
                rows = self._read(found, {id_: newest[id_] for id_ in part})
                yield from sorted(rows, key=lambda row: row.record.id)
        if files.expected is not None:
            self.missing = max(len(self.missing_ids), files.expected - self.given)

    def _purged(self) -> frozenset[str]:
        """Return the ids of what was purged: its rows without text may still lie in a file."""
        erasures = Erasures(self.paths)
        try:
            return erasures.now().purged
        except StoreUnavailable:
            what = "is damaged, so what was purged may be among them"
            self.losses.append(Loss(self.paths.erasures.name, what))
            return frozenset()

    def _newest(self, files: Iterable[DataFile]) -> dict[str, _Place]:
        """Return where the newest state of each memory lies that is to be given, by its id."""
        newest: dict[str, _Place] = {}
        for file in files:
            for number, (id_, version) in file.keys.items():
                place = _Place(version, number not in file.replaced, file.name, number)
                # A row that is given its digest keeps its version: the one that stands is newer.
                if id_ not in newest or place.order > newest[id_].order:
                    newest[id_] = place
        if not any(loss.file.startswith("data/") for loss in self.losses):
            return newest  # nothing can have replaced them: the lists of replaced rows are wrong
        old = {id_ for id_, place in newest.items() if not place.stands}
        if self.and_older:
            self.older |= old
            return newest
        self.missing_ids += sorted(old)
        return {id_: place for id_, place in newest.items() if id_ not in old}

    def _read(self, files: Mapping[str, DataFile], places: Mapping[str, _Place]) -> list[Row]:
        """Return the rows at these places, by id, and note those that cannot be read."""
        rows: list[Row] = []
        for name in sorted({place.file for place in places.values()}):
            here = {id_: place.number for id_, place in places.items() if place.file == name}
            found = {row.record.id: row for row in self._rows(files[name], sorted(here.values()))}
            rows += [row for id_, row in found.items() if id_ in here]
            lost = sorted(here.keys() - found.keys())
            if lost:
                self.missing_ids += lost
                self._lost_within(f"data/{name}", len(lost))
        self.given += len(rows)
        return rows

    def _lost_within(self, file: str, rows: int) -> None:
        known = [loss for loss in self.losses if (loss.file, loss.what) == (file, WITHIN)]
        for loss in known:
            self.losses.remove(loss)
            rows += loss.rows or 0
        self.losses.append(Loss(file, WITHIN, rows))

    def _rows(self, file: DataFile, numbers: Sequence[int]) -> Iterator[Row]:
        for part in file.rows(numbers):
            self.without_vectors += 0 if part.with_vectors else len(part.rows)
            self.changed |= part.changed
            self.doubtful |= part.doubtful
            if self.and_older:
                self.older |= part.unknown
                yield from part.rows
            else:
                yield from (row for row in part.rows if row.record.id not in part.unknown)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a state of a memory lies: its version, whether it stands, its file, its number there.

    It does not stand where the table's lists say that it was replaced.
    """

    version: int
    stands: bool
    file: str
    number: int

    @property
    def order(self) -> tuple[int, bool]:
        """By which the newest state of a memory is found."""
        return self.version, self.stands
