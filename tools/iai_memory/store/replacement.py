"""Another table in the place of a store's: built beside it, read back, swapped in; the old is kept.

A repair and a restore both end here, so that neither ever writes into the table that it mends. The
new table's version is higher than any of the old one's, so that handles which follow the latest
version go over to it; what else is kept in memory of the old one is recognised as old by the
folder's inode. How the two change places says `exchange`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.table import LanceTable

from ..base.files import PRIVATE_FOLDER, make_private_folder
from ..base.fsync import SyncedFolder
from ..base.last_moment import about_to_change
from ..base.ledger import Ledger
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..base.store_guard import unguard
from ..embedding.identity import DIMENSION
from ..errors import InvalidInput, StoreFault, StoreUnavailable
from .connection import NEW_TABLES, TABLE_NAME, write_lock
from .exchange import exchange, settle
from .indexes import create_size_indexes, create_text_index
from .lance_errors import translated
from .lance_files import Manifest, manifest_name, noted_version, version_of
from .migrations import SCHEMA_KEY, SCHEMA_VERSION
from .record_rows import history_to_json
from .schema import table_schema
from .store_identity import adopt, known_id, with_store_id
from .vector_rows import Row, from_arrow, to_arrow

_ROWS_PER_BATCH: Final = 500
_SPARE_BYTES: Final = 4 << 20
# A version that no table reaches, so that a damaged number does not become the next one.
_MAX_VERSION: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Replaced:
    """A table that took the place of another.

    Attributes:
        rows: Number of its rows.
        version: Its version.
        kept: Where the old table is now; None where there was none.
    """

    rows: int
    version: int
    kept: Path | None


@contextmanager
def replacement(
    paths: StorePaths,
    *,
    embedder: str,
    needs_bytes: int | None = None,
    purpose: Literal["repair", "restore"] = "restore",
    schema_version: str = SCHEMA_VERSION,
    store_id: str | None = None,
) -> Generator[Replacement]:
    """Hold the store's write lock for the block, in which a new table is built and swapped in.

    Nothing changes before `Replacement.swap`; without it, what was built is removed. Who is killed
    leaves the old table, or the new one whole.

    Args:
        paths: The store's; it need not have a table.
        embedder: Key of the embedder that the new table is made for. Vectors of another are left
            out, and their memories are pending.
        needs_bytes: Room on the disk that the new table takes; None is the size of the old one.
        purpose: Goes into the ledger. After a restore, what was changed since the backup counts no
            more; a repair takes nothing back.
        schema_version: Of the rows, where they are to be migrated when the table is opened.
        store_id: The store's, where `store.json` does not say it.

    Raises:
        StoreBusy: Another process kept the write lock for a minute.
        StoreUnavailable: The folder cannot be written, or there is too little room.
    """
    os.umask(os.umask(0o077) | 0o077)
    unguard(paths.root)  # of a lost store, too
    make_private_folder(paths.root)
    with write_lock(paths):
        settle(paths)
        try:
            _require_room(paths, needs_bytes)
            paths.new_database.mkdir(mode=PRIVATE_FOLDER)
            try:
                yield Replacement(
                    paths, embedder, purpose, schema_version, known_id(paths) or store_id
                )
            finally:
                settle(paths)
        except OSError as exc:
            raise StoreUnavailable(
                machine_fault(exc, f"no new table can be made in {paths.root}")
            ) from exc


class Replacement:
    """A new table beside the store's, for `replacement` only."""

    def __init__(
        self,
        paths: StorePaths,
        embedder: str,
        purpose: str,
        schema_version: str,
        store_id: str | None,
    ) -> None:
        """Begin without a row."""
        self._paths = paths
        self._embedder = embedder
        self._purpose = purpose
        self._schema_version = schema_version
        self._store_id = store_id
        self._version = _version_of(paths)
        self._built: int | None = None

    def fill(self, rows: Iterable[Row]) -> int:
        """Store the rows as they are, build the indexes, and read all of it back.

        Ids, times, histories and versions stay. Rows are taken as they come and not kept in memory.

        Returns:
            Their number.

        Raises:
            InvalidInput: Two rows have one id.
            StoreUnavailable: The disk is full or fails, or what is read back is not what was given.
        """
        given = _Sum()
        schema = table_schema(
            DIMENSION, embedder=self._embedder, metadata={SCHEMA_KEY: self._schema_version}
        )
        schema = with_store_id(schema, self._store_id)
        batches = _Batches(self._counted(rows, given), schema)
        try:
            with translated("building a new table"):
                _database(self._paths.new_database).create_table(
                    TABLE_NAME, batches.reader(), on_bad_vectors="null", schema=schema
                )
        except StoreFault:
            # LanceDB tells an error of the rows as one of its own.
            if batches.fault is not None:
                raise batches.fault from None
            raise
        with translated("building a new table"):
            _raise_version(self._paths.new_database / f"{TABLE_NAME}.lance", self._version)
            table = _opened(self._paths.new_database)
            create_size_indexes(table)
            create_text_index(table)
        self._verify(_opened(self._paths.new_database), given)
        self._built = given.count
        return given.count

    def swap(self) -> Replaced:
        """Put the new table in the place of the old one, which is kept under another name.

        What is made of a table is removed, and the pages are marked as behind.

        Raises:
            StoreBusy: Somebody read the old table for longer than a minute.
            StoreUnavailable: The disk fails. Then the old table is in its place.
        """
        assert self._built is not None, "fill it first"
        new = self._paths.new_database
        with translated("writing the new table to the disk"):
            SyncedFolder(new / f"{TABLE_NAME}.lance").sync()
            version = _opened(new).version
        about_to_change()
        kept = exchange(self._paths, new)
        with translated("opening the new table"):
            adopt(self._paths, _opened(self._paths.database))
        Ledger(self._paths).write(
            "table_replaced",
            purpose=self._purpose,
            rows=self._built,
            version=version,
            kept=kept and kept.name,
        )
        return Replaced(self._built, version, kept)

    def _counted(self, rows: Iterable[Row], given: _Sum) -> Iterator[Row]:
        for row in rows:
            fitting = _fitting(row, self._embedder)
            given.add(fitting)
            if fitting.record.table_version < _MAX_VERSION:
                self._version = max(self._version, fitting.record.table_version + 1)
            yield fitting

    def _verify(self, table: LanceTable, given: _Sum) -> None:
        found, ids = _Sum(), set[str]()
        with translated("reading the new table back"):
            for batch in table.search().limit(None).to_batches(_ROWS_PER_BATCH):
                for row in from_arrow(pa.table(batch)):
                    found.add(row)
                    ids.add(row.record.id)
        if (found.count, found.digest) != (given.count, given.digest):
            raise StoreUnavailable(
                f"the new table does not hold what was written ({found.count:,} of {given.count:,} "
                f"rows were read): the disk of {self._paths.root} or the memory of this computer "
                f"fails; nothing was changed"
            )
        if len(ids) != found.count:
            raise InvalidInput(
                f"{found.count - len(ids)} ids come twice: a memory has one present state"
            )


def _require_room(paths: StorePaths, needs_bytes: int | None) -> None:
    """Raise StoreUnavailable where the disk has too little room for another table."""
    if needs_bytes is None:
        data = paths.database / f"{TABLE_NAME}.lance" / "data"
        needs_bytes = sum(path.stat().st_size for path in data.glob("*.lance"))
    needed = needs_bytes + needs_bytes // 2 + _SPARE_BYTES
    free = shutil.disk_usage(paths.root).free
    if free < needed:
        raise StoreUnavailable(
            f"{paths.root} has {free >> 20:,} MB free, and a new table takes up to "
            f"{needed >> 20:,} MB: make room on its disk"
        )


def _version_of(paths: StorePaths) -> int:
    """Return a version above all of the table's, as far as they can be known."""
    folder = paths.database / f"{TABLE_NAME}.lance"
    found = [version_of(path) for path in (folder / "_versions").glob("*.manifest")]
    return max([v for v in (0, noted_version(folder), *found) if v < _MAX_VERSION]) + 1


def _database(folder: Path) -> lancedb.DBConnection:
    return lancedb.connect(str(folder), storage_options=NEW_TABLES)


def _opened(folder: Path) -> LanceTable:
    table = _database(folder).open_table(TABLE_NAME)
    assert isinstance(table, LanceTable)
    return table


def _raise_version(folder: Path, version: int) -> None:
    """Give a table that has one version and no index a higher number of that version."""
    versions = folder / "_versions"
    old = [path for path in versions.glob("*.manifest")]
    manifest = Manifest.read(max(old, key=version_of))
    for path in versions.iterdir():
        path.unlink()
    content = manifest.at_version(version).with_fragments(manifest.fragments)
    (versions / manifest_name(version)).write_bytes(content)


def _fitting(row: Row, embedder: str) -> Row:
    """Return the row without vectors that are another embedder's, missing or no numbers."""
    vector, passages = row.vector, row.passages
    fits = vector is not None and vector.shape == (DIMENSION,) and bool(np.isfinite(vector).all())
    if passages is not None:
        fits = fits and bool(np.isfinite(passages.vectors).all())
    if fits and row.record.embedder in (None, embedder):
        return row
    return Row(replace(row.record, embedder=None), None)


class _Sum:
    """A count and a digest of rows in any order."""

    def __init__(self) -> None:
        self.count = 0
        self.digest = 0

    def add(self, row: Row) -> None:
        self.count += 1
        self.digest = (self.digest + _digest(row)) % (1 << 128)


def _digest(row: Row) -> int:
    record = replace(row.record, trust=round(row.record.trust, 3), history=())
    values = [_plain(getattr(record, field.name)) for field in fields(record)]
    digest = blake2b(repr([*values, history_to_json(row.record.history)]).encode(), digest_size=16)
    if row.vector is not None:
        digest.update(row.vector.astype(np.float32).tobytes())
    if row.passages is not None:
        digest.update(repr(row.passages.spans).encode())
        digest.update(row.passages.vectors.astype(np.float16).tobytes())
    return int.from_bytes(digest.digest())


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


class _Batches:
    """Rows as batches of Arrow; LanceDB hides what their source raises, so it is kept here."""

    def __init__(self, rows: Iterator[Row], schema: pa.Schema) -> None:
        self.fault: BaseException | None = None
        self._rows = rows
        self._schema = schema

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self._schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            while part := list(islice(self._rows, _ROWS_PER_BATCH)):
                yield from to_arrow(part, self._schema).to_batches()
        except BaseException as exc:
            self.fault = exc
            raise
