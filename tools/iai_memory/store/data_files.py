"""Data files of a table, each opened as a table of its own, whatever became of the others.

LanceDB reads a table or fails. So it is shown a folder elsewhere with links to the table's files
and with a manifest that we write, which lists one file. Nothing in the store is changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import lancedb
import pyarrow as pa
from lancedb.table import Table

from ..embedding.identity import DIMENSION
from ..text.analyzer import document_terms
from .connection import NEW_TABLES, TABLE_NAME
from .lance_errors import first_line, is_lances
from .lance_files import (
    DamagedFile,
    Fragment,
    Manifest,
    manifest_name,
    noted_version,
    rows_of,
    version_of,
)
from .lost_columns import NEEDED, STATE, records_without
from .migrations import require_no_later_version
from .record_rows import from_table, record_columns
from .row_digest import verify
from .schema import TOKEN_COLUMNS, table_schema
from .vector_rows import VECTOR_COLUMNS, Row, from_arrow

T = TypeVar("T")

WITHIN: Final = "is damaged within"
"""What is wrong with a file of which some rows can be read."""

_KEYS: Final = ["id", "table_version"]
_TERMS: Final = "terms"
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_FAILURES: Final = 500  # of one file; a read that fails takes a millisecond or two
_ROWS_OF_TEXTS: Final = 1_000
_OFFSET: Final = (1 << 32) - 1  # the part of a row id that is the row's number in its fragment


@dataclass(frozen=True, slots=True)
class Loss:
    """A file that cannot be read, or not wholly.

    Attributes:
        file: Its path in the table's folder.
        what: What is wrong with it, as the rest of a sentence: "is missing".
        rows: Number of rows that cannot be read because of it; None where nobody knows.
    """

    file: str
    what: str
    rows: int | None = None

    def __str__(self) -> str:
        """Return it as a sentence."""
        if not self.rows:
            return f"{self.file} {self.what}"
        return f"{self.file} {self.what}: {self.rows:,} {'row' if self.rows == 1 else 'rows'}"


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Rows of a data file.

    Attributes:
        rows: The rows.
        with_vectors: Whether their vectors could be read; without them the rows are pending.
        changed: Ids of those whose text is surely not what was stored.
        doubtful: Ids of others that are not what was stored: a field beside the text, or a vector.
        unknown: Ids of those of which nobody knows whether they were forgotten or replaced.
    """

    rows: list[Row]
    with_vectors: bool
    changed: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


@dataclass(slots=True)
class DataFile:
    """A data file that can be read, if not every row of it.

    Attributes:
        name: Its name.
        keys: Id and version of each row that has readable ones, by its number in the file.
        replaced: Numbers of the rows that the manifest's file of deletions leaves out.
        failures: How many reads of it failed so far.
        fault: The last of those.
    """

    name: str
    keys: dict[int, tuple[str, int]]
    replaced: set[int]
    _table: Table
    _fragment: int
    failures: int = 0
    fault: DamagedFile | None = None
    _was_read_by_columns: bool = False

    def rows(self, numbers: Sequence[int]) -> Iterator[ReadRows]:
        """Yield the rows with these numbers as far as they can be read, in parts."""
        for _, part in self._parts(numbers, self._as_far_as_possible):
            yield part

    def texts(self, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Yield number and texts of every row, the replaced ones too.

        Args:
            names: Columns of text, or of lists of text; those that the file lacks are left out.

        Raises:
            DamagedFile: Some cannot be read.
        """
        numbers = sorted(self.keys)
        for start in range(0, len(numbers), _ROWS_OF_TEXTS):
            part = numbers[start : start + _ROWS_OF_TEXTS]
            found = self._taken(part, [*names])
            with damage():
                columns = [found[name].to_pylist() for name in names if name in found.column_names]
            yield from zip(part, map(_flat, zip(*columns, strict=True)), strict=True)

    def read_keys(self, count: int) -> None:
        """Read ids and versions of the rows, as many as the file has."""
        for numbers, keys in self._parts(range(count), self._keys_at):
            self.keys.update(zip(numbers, keys, strict=True))

    def _parts(
        self, numbers: Sequence[int], read: Callable[[Sequence[int]], T]
    ) -> Iterator[tuple[Sequence[int], T]]:
        """Yield what `read` returns; where it fails, of each half, down to single rows."""
        try:
            found = read(numbers)
        except DamagedFile as exc:
            self.failures, self.fault = self.failures + 1, exc
            middle = len(numbers) // 2
            if middle and self.failures < _MAX_FAILURES:
                yield from self._parts(numbers[:middle], read)
                yield from self._parts(numbers[middle:], read)
        else:
            yield numbers, found

    def _keys_at(self, numbers: Sequence[int]) -> list[tuple[str, int]]:
        found = self._taken(numbers, _KEYS)
        with damage():
            ids, versions = (found[name].to_pylist() for name in _KEYS)
            if None in versions or not all(_ID.fullmatch(id_) for id_ in ids):
                raise DamagedFile("has ids that are none")
            return list(zip(ids, versions, strict=True))

    def _as_far_as_possible(self, numbers: Sequence[int]) -> ReadRows:
        try:
            return self._judged(self._taken(numbers, self._table.schema.names))
        except DamagedFile:
            pass
        if not self._was_read_by_columns:  # dozens of reads, so not again for each half
            self._was_read_by_columns = True
            try:
                return self._column_by_column(numbers)
            except DamagedFile:
                pass
        try:
            return self._without_vectors(numbers, [*record_columns(), _TERMS])
        except DamagedFile:
            return self._without_vectors(numbers, record_columns())

    def _judged(self, found: pa.Table) -> ReadRows:
        """Return whole rows, and which of them are not what was stored."""
        with damage():
            rows = from_arrow(found)
            judged = verify(found)
            wrong = [rows[at].record.id for at in judged.damaged]
            texts = self._with_other_terms(found) if judged.damaged or judged.without else []
        # Without a digest, and in a file without damage, a text is what the file says.
        changed = [id_ for id_ in texts if id_ in wrong or self.failures]
        return ReadRows(rows, True, frozenset(changed), frozenset(wrong) - frozenset(changed))

    def _without_vectors(self, numbers: Sequence[int], names: list[str]) -> ReadRows:
        found = self._taken(numbers, names)
        with damage():
            records = from_table(found)
            changed = self._with_other_terms(found)
        rows = [Row(replace(record, embedder=None), None) for record in records]
        return ReadRows(rows, False, frozenset(changed))

    def _column_by_column(self, numbers: Sequence[int]) -> ReadRows:
        """Read each column by itself: one that cannot be read must not cost the others.

        Raises:
            DamagedFile: The text, an id or a version is what cannot be read.
        """
        columns: dict[str, pa.ChunkedArray] = {}
        for name in self._table.schema.names:
            try:
                column = self._taken(numbers, [name])[name]
                with damage():
                    column.validate(full=True)
            except DamagedFile:
                if name in NEEDED:
                    raise
            else:
                columns[name] = column
        found = pa.table(columns)
        lost = set(self._table.schema.names) - columns.keys()
        if not lost:
            return self._judged(found)
        if lost <= {*TOKEN_COLUMNS}:
            with damage():
                return ReadRows(from_arrow(found), True, frozenset(self._with_other_terms(found)))
        with damage():
            records = records_without(found, lost & set(record_columns()))
            changed = frozenset(self._with_other_terms(found))
        ids = frozenset(record.id for record in records)
        rows = [Row(replace(record, embedder=None), None) for record in records]
        doubtful = frozenset[str]() if lost <= {*VECTOR_COLUMNS} else ids - changed
        return ReadRows(rows, False, changed, doubtful, ids if lost & STATE else frozenset())

    @staticmethod
    def _with_other_terms(found: pa.Table) -> list[str]:
        """Return the ids of the rows whose terms are not those of their texts."""
        if _TERMS not in found.schema.names:
            return []
        columns = (found[name].to_pylist() for name in ("id", "text", _TERMS))
        return [
            id_
            for id_, text, terms in zip(*columns, strict=True)
            if " ".join(document_terms(text)) != terms
        ]

    def _taken(self, numbers: Sequence[int], names: list[str]) -> pa.Table:
        """Return these columns of the rows with these numbers, in their order."""
        wanted = [self._fragment << 32 | number for number in numbers]
        with damage():
            present = set(self._table.schema.names)
            names = [name for name in names if name in present]
            query = self._table.take_row_ids(wanted).select(names).with_row_id()
            found = query.to_arrow().sort_by("_rowid")
            if found["_rowid"].to_pylist() != wanted:
                raise DamagedFile("has fewer rows than it says")
        return found.drop_columns(["_rowid"])


class DataFiles:
    """The data files in a table's folder.

    Attributes:
        expected: Number of memories in the table; None where its newest version cannot be read.
        schema: Of the newest version that can be read; None without any.
    """

    def __init__(self, folder: Path, scratch: Path, lost: Callable[[Loss], None]) -> None:
        """Read the newest manifest that can be read.

        Args:
            folder: Of the table.
            scratch: An empty folder for as long as the data files are used.
            lost: Called with each file that cannot be read.
        """
        self.expected: int | None = None
        self.schema: pa.Schema | None = None
        self._folder = folder
        self._scratch = scratch
        self._lost = lost
        self._opened = 0
        self._usual: tuple[Manifest, Fragment] | None = None
        self._manifest = self._newest_manifest()

    def all(self) -> Iterator[DataFile]:
        """Yield each file that can be read, those too that only older versions refer to."""
        listed: dict[str, Fragment] = {}
        if self._manifest is not None:
            listed = {one.files[0]: one for one in self._manifest.fragments if one.files}
        also = {name for one in listed.values() for name in one.files[1:]}
        present = {path.name for path in (self._folder / "data").glob("*.lance")}
        for name in sorted((present - also) | listed.keys()):
            fragment = listed.get(name)
            try:
                yield self._read(name, fragment)
            except (DamagedFile, OSError) as exc:
                if fragment is not None:
                    live = fragment.rows - fragment.deleted
                    self._lost(Loss(f"data/{name}", wrong_with(exc), live))
                elif self.expected is None:
                    self._lost(Loss(f"data/{name}", wrong_with(exc)))
                # Else no version refers to it: a write was killed, or goes on.

    def _newest_manifest(self) -> Manifest | None:
        """Return the manifest of the newest version that can be read; None without any."""
        paths = list((self._folder / "_versions").glob("*.manifest"))
        noted = noted_version(self._folder)
        is_newest = bool(paths) and noted <= max(map(version_of, paths))
        if noted and not is_newest:
            self._lost(Loss(f"_versions/{manifest_name(noted)}", "is missing"))
        elif not paths and any((self._folder / "data").glob("*.lance")):
            self._lost(Loss("_versions", "has no manifest"))
        for path in sorted(paths, key=version_of, reverse=True):
            try:
                manifest = Manifest.read(path)
                schema = self._table(manifest, []).schema
                _require_our_columns(schema)
            except (DamagedFile, OSError) as exc:
                self._lost(Loss(f"_versions/{path.name}", wrong_with(exc)))
                is_newest = False
            else:
                self.schema = schema
                if is_newest:
                    self.expected = sum(one.rows - one.deleted for one in manifest.fragments)
                return manifest
        return None

    def _read(self, name: str, fragment: Fragment | None) -> DataFile:
        """Return the file with the keys of its rows.

        Raises:
            DamagedFile: No key of it can be read.
            OSError: It cannot be opened.
        """
        rows = rows_of(self._folder / "data" / name)
        fault = DamagedFile("cannot be read")
        for manifest, layout in self._layouts(fragment):
            try:
                whole = layout.without_deletions()
                if fragment is None or len(layout.files) == 1:
                    whole = layout.of_file(name, rows)
                file = DataFile(name, {}, set(), self._table(manifest, [whole]), whole.id)
                file.read_keys(rows)
            except DamagedFile as exc:
                fault = exc
                continue
            if file.keys or not rows:
                if len(file.keys) < rows:
                    self._lost(Loss(f"data/{name}", WITHIN, rows - len(file.keys)))
                if fragment is not None and fragment.deletions:
                    file.replaced = self._replaced(file, fragment)
                return file
            fault = file.fault or fault
        raise fault

    def _layouts(self, fragment: Fragment | None) -> Iterator[tuple[Manifest, Fragment]]:
        """Yield ways in which the columns of a file may lie in it, the likeliest first."""
        if self._manifest is not None and fragment is not None:
            yield self._manifest, fragment
        elif self._manifest is not None and self._manifest.fragments:
            yield self._manifest, self._manifest.fragments[-1]
        if self._usual is None:
            self._usual = _usual_layout(self._scratch / "usual")
        yield self._usual

    def _replaced(self, file: DataFile, fragment: Fragment) -> set[int]:
        """Return the numbers of the rows that were replaced; where that cannot be read, none."""
        if self._manifest is None:
            return set()
        name = f"_deletions/{fragment.deletions}"
        try:
            table = self._table(self._manifest, [fragment])
            with damage():
                found = table.search().select(["id"]).with_row_id(True).limit(None).to_arrow()
                live = {row & _OFFSET for row in found["_rowid"].to_pylist()}
        except DamagedFile as exc:
            is_there = any((self._folder / "_deletions").glob(f"{fragment.deletions}.*"))
            self._lost(Loss(name, wrong_with(exc) if is_there else "is missing"))
            return set()
        if fragment.rows - len(live) == fragment.deleted:
            return file.keys.keys() - live
        self._lost(Loss(name, f"names {fragment.rows - len(live)} rows, not {fragment.deleted}"))
        return set()

    def _table(self, manifest: Manifest, fragments: Sequence[Fragment]) -> Table:
        """Return these fragments as a table.

        Raises:
            DamagedFile: LanceDB cannot open it.
            OSError: There is no room for its folder.
        """
        self._opened += 1
        database = self._scratch / str(self._opened)
        folder = database / f"{TABLE_NAME}.lance"
        (folder / "_versions").mkdir(parents=True)
        for name in ("data", "_deletions"):
            (folder / name).symlink_to((self._folder / name).absolute())
        content = manifest.with_fragments(fragments)
        (folder / "_versions" / manifest_name(manifest.version)).write_bytes(content)
        with damage():
            return lancedb.connect(str(database)).open_table(TABLE_NAME)


def _flat(values: Iterable[str | list[str] | None]) -> list[str]:
    return [
        text for one in values if one for text in ([one] if isinstance(one, str) else one) if text
    ]


@contextmanager
def damage() -> Generator[None]:
    """Turn whatever the decoding of damaged bytes raises into DamagedFile, and say nothing of it.

    LanceDB's threads panic at some, which Rust prints with a stack trace, to the process's stderr.
    """
    try:
        with _silent_stderr():
            yield
    except DamagedFile:
        raise
    except BaseException as exc:
        # LanceDB raises errors of many kinds, and panics, which are no `Exception`.
        if isinstance(exc, Exception) or is_lances(exc):
            raise DamagedFile(f"cannot be read ({first_line(exc)})") from exc
        raise


@contextmanager
def _silent_stderr() -> Generator[None]:
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def wrong_with(fault: DamagedFile | OSError) -> str:
    """Return what is wrong with a file, as the rest of a sentence."""
    if isinstance(fault, FileNotFoundError):
        return "is missing"
    if isinstance(fault, OSError):
        return f"cannot be read ({fault.strerror})"
    return str(fault)


def _require_our_columns(schema: pa.Schema) -> None:
    """Refuse a manifest whose columns were damaged, or are those of a later version.

    Raises:
        DamagedFile: A column that every generation of the table has is not there, or of a type of
            its own.
        StoreMismatch: A later version of iai-mcp wrote the table.
    """
    require_no_later_version(schema)
    found = {column.name: column.type for column in schema}
    for column in table_schema(DIMENSION, embedder="", metadata={}):
        if found.get(column.name, column.type) != column.type:
            raise DamagedFile(f"says that {column.name} is {found[column.name]}")
    if missing := {"id", "text", "table_version", "created_at"} - found.keys():
        raise DamagedFile(f"lacks the column {min(missing)}")


def _usual_layout(folder: Path) -> tuple[Manifest, Fragment]:
    """Return the manifest and the fragment of a new table with one row, as LanceDB writes it."""
    schema = table_schema(DIMENSION, embedder="", metadata={})
    # Nulls take the least time to make; a primary key, which the metadata says, allows none.
    columns = [column.with_nullable(True).remove_metadata() for column in schema]
    nulls = {column.name: pa.nulls(1, column.type) for column in columns}
    row = pa.table(nulls, pa.schema(columns))
    database = lancedb.connect(str(folder), storage_options=NEW_TABLES)
    database.create_table(TABLE_NAME, row, on_bad_vectors="null")
    [*_, path] = sorted((folder / f"{TABLE_NAME}.lance" / "_versions").glob("*.manifest"))
    manifest = Manifest.read(path)
    return manifest, manifest.fragments[-1]
