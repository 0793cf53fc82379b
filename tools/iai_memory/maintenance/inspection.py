"""An inspection of a store: its files, rows, searches, counts, times and links, each by using it.

Nothing is changed, but for an index that is damaged: that is derived, so it is built anew, as by
any read that meets it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, Literal

import pyarrow as pa

from ..base.clock import utc_now
from ..base.paths import StorePaths
from ..errors import MemoryFault
from ..recall.candidates import NPROBES
from ..store.arrow import pc
from ..store.connection import TABLE_NAME
from ..store.data_files import DataFiles, Loss, damage
from ..store.file_digests import FileDigests
from ..store.filter import Filter
from ..store.lance_errors import first_line
from ..store.lance_files import DamagedFile
from ..store.plausible_times import MAX_AHEAD
from ..store.reader import TableReader
from ..store.row_digest import verify
from ..store.store_identity import (
    damage_of,
    is_of_later_format,
    read_identity,
    store_id_of,
)
from ..store.table import Store
from ..store.table_files import FileFault, FileKind, FileReport, look_at_files, odd_places
from ..store.vector_rows import from_arrow

State = Literal["ok", "warning", "broken"]

REPAIR: Final = "run `iai-mcp doctor --repair`"
_ITSELF: Final = ": run `iai-mcp doctor`"
_SAMPLE_BYTES: Final = 32 << 20
_SAMPLE_ROWS: Final = 200
_RECALLED: Final = 3
_DEPTH: Final = 50
_NAMED: Final = 5
_MAX_LOOKS: Final = 3  # while somebody commits
_WORDS_ASKED: Final = 12
_MARGIN_BYTES: Final = 64 << 20
_ANY: Final = Filter(include_superseded=True, include_tombstoned=True)
_LOOKED_AT: Final = (
    *("id", "ingested_at", "created_at", "valid_from", "valid_to", "tombstoned_at"),
    *("superseded_by", "folded_into", "table_version"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one part of an inspection found.

    Attributes:
        subject: The part: files, places, rows, search, counts, links, times or space.
        state: Whether it is as it should be, to be looked at, or damaged.
        sentence: What was found; of damage with the next command.
    """

    subject: str
    state: State
    sentence: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an inspection found.

    Attributes:
        findings: Of each part, one or more.
        files: The damaged files of the table, those that nothing needs included.
        rows: Ids of rows that are not what was written.
        mended: Names of indexes that were damaged and are built anew.
    """

    findings: tuple[Finding, ...]
    files: tuple[FileFault, ...] = ()
    rows: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()

    @property
    def needs_repair(self) -> bool:
        """Whether something is damaged that does not mend itself."""
        return any(finding.state == "broken" for finding in self.findings)


def inspect(
    paths: StorePaths, store: Store | None, *, full: bool, chance: Random | None = None
) -> Inspection:
    """Inspect a store.

    By default a sample: every file's size, 32 MB of their content, and 400 rows. A tenth of a
    second, and as long again for each 100,000 records.

    Args:
        paths: The store's.
        store: Opened; None where it cannot be, so that only its files are looked at.
        full: Read every file and every row.
        chance: Chooses the sample.
    """
    return _Inspection(paths, store, full, chance or Random()).run()


class _Inspection:
    """One inspection."""

    def __init__(self, paths: StorePaths, store: Store | None, full: bool, chance: Random) -> None:
        self._paths = paths
        self._store = store
        self._full = full
        self._chance = chance
        self._findings: list[Finding] = []
        self._rows: list[str] = []
        self._mended: list[str] = []

    def run(self) -> Inspection:
        folder = self._paths.database / f"{TABLE_NAME}.lance"
        report = look_at_files(
            folder,
            FileDigests(self._paths.database, folder),
            max_bytes=None if self._full else _SAMPLE_BYTES,
            chance=self._chance,
        )
        self._note_files(report)
        self._note_places(folder)
        store = self._store
        if store is not None:
            self._part("rows", lambda: self._note_table(store))
        self._note_space(report)
        faults = report.faults
        is_told = any(fault.kind not in ("unneeded", "index") for fault in faults)
        if not is_told and (store is None or self._has_broken()):
            faults += tuple(self._unreadable(folder))
        return Inspection(tuple(self._findings), faults, tuple(self._rows), tuple(self._mended))

    def _note_table(self, store: Store) -> None:
        """Note all that is read of one version of the table."""
        self._part("counts", lambda: self._note_counts(store))
        reader = store.pinned_reader()
        self._part("rows", lambda: self._note_rows(reader))
        self._note_search_or_mend(store, reader)
        self._part("links", lambda: self._note_links(reader))

    def _has_broken(self) -> bool:
        return any(one.state == "broken" for one in self._findings)

    def _part(self, subject: str, work: Callable[[], None]) -> None:
        """Do one part; that LanceDB fails, or decodes nonsense, is a finding."""
        try:
            with damage():
                work()
        except DamagedFile as exc:
            cause = exc.__cause__ or exc
            said = str(cause) if isinstance(cause, MemoryFault) else first_line(cause)
            # What the machine refuses has a next step of its own.
            if said.endswith(_ITSELF) or not isinstance(cause, MemoryFault):
                said = f"{said.removesuffix(_ITSELF)}: {REPAIR}"
            # A file that cannot be read fails each part in the same words.
            if said not in [one.sentence for one in self._findings]:
                self._findings.append(Finding(subject, "broken", said))

    def _broken(self, subject: str, sentence: str) -> None:
        self._findings.append(Finding(subject, "broken", f"{sentence}: {REPAIR}"))

    def _ok(self, subject: str, sentence: str) -> None:
        self._findings.append(Finding(subject, "ok", sentence))

    def _warn(self, subject: str, sentence: str) -> None:
        self._findings.append(Finding(subject, "warning", sentence))

    def _note_files(self, report: FileReport) -> None:
        needed = [one for one in report.faults if one.kind not in ("unneeded", "index")]
        if needed:
            self._broken("files", "; ".join(map(str, needed)))
        if any(one.kind == "index" for one in report.faults):
            self._note_indexes([one for one in report.faults if one.kind == "index"])
        if spare := [one for one in report.faults if one.kind == "unneeded"]:
            self._warn(
                "files",
                f"{'; '.join(map(str, spare))}: no memory lies there, and it goes with the next "
                f"`iai-mcp sleep`",
            )
        if not report.faults:
            share = f"{_mb(report.bytes_read)} of {_mb(report.bytes_known)} MB read"
            more = f", {report.unknown} without a digest yet" if report.unknown else ""
            self._ok("files", f"each has its size, {share}{more}")

    def _note_places(self, folder: Path) -> None:
        if odd := odd_places(folder):
            self._broken("places", f"{'; '.join(odd)}, so nothing can be written")

    def _note_indexes(self, faults: Sequence[FileFault]) -> None:
        """Build damaged indexes anew."""
        told, store = "; ".join(map(str, faults)), self._store
        if store is None:
            self._warn("index", f"{told}: it is built anew as soon as the store can be opened")
        elif names := self._built_anew(store):
            self._warn("index", f"{told}: {names} was dropped, and is built anew")
        else:
            self._warn("index", f"{told}, and nobody could build it anew: run `iai-mcp sleep`")

    def _note_counts(self, store: Store) -> None:
        """Compare the table with what the last commit noted of it."""
        told = ""
        for _ in range(_MAX_LOOKS):
            # The note first: the table may only be newer. Again, as somebody may remove rows.
            noted = read_identity(self._paths)
            reader = store.pinned_reader()
            total = reader.count_all()
            if noted is not None:
                what = damage_of(noted, store_id_of(reader), reader.version, total)
                if what is None:
                    least = f"{noted.rows:,} that were noted at the least"
                    self._ok("counts", f"{total:,} rows, of {least}")
                    return
                told = f"the table {what}"
        if told:
            self._broken("counts", told)
        else:
            self._warn("counts", f"store.json {self._fault_of_identity()}")

    def _fault_of_identity(self) -> str:
        path = self._paths.identity
        if is_of_later_format(self._paths):
            return "is of a later iai-mcp, and stays as it is: use that one"
        if path.exists() and not path.is_file():
            return f"is no file, and cannot be written: move {path} away"
        return "cannot be read: the next commit writes it"

    def _note_rows(self, reader: TableReader) -> None:
        total = reader.count_all()
        looked, without, wrong = 0, 0, list[str]()

        def compare(parts: Iterable[pa.Table | pa.RecordBatch]) -> None:
            nonlocal looked, without
            looked, without = 0, 0
            wrong.clear()
            for part in parts:
                rows = part if isinstance(part, pa.Table) else pa.Table.from_batches([part])
                found = verify(rows)
                looked, without = looked + rows.num_rows, without + found.without
                wrong.extend(rows["id"].take(pa.array(found.damaged, pa.int64())).to_pylist())

        if self._full:
            reader.whole_rows(compare)
        elif total:
            compare([reader.whole_rows_at(self._sample(total))])
        self._rows += wrong
        if wrong:
            self._broken(
                "rows", f"{_count(len(wrong), 'row')} not what was written ({_ids(wrong)})"
            )
            return
        more = f", {without:,} without a digest until the next `iai-mcp sleep`" if without else ""
        self._ok("rows", f"{looked - without:,} of {total:,} compared with their digests{more}")

    def _sample(self, total: int) -> list[int]:
        """Return places of rows: the newest, and others by chance."""
        newest = range(max(0, total - _SAMPLE_ROWS), total)
        older = range(newest.start)
        return [*newest, *self._chance.sample(older, min(_SAMPLE_ROWS, len(older)))]

    def _note_search_or_mend(self, store: Store, reader: TableReader) -> None:
        """Search; where that fails because of an index, build the index anew."""
        before = list(self._findings)
        self._part("search", lambda: self._note_search(reader))
        failed = self._findings[len(before) :]
        if any(one.state == "broken" for one in failed) and (names := self._built_anew(store)):
            self._findings = before
            self._warn("index", f"{names} could not be searched, and is built anew")

    def _built_anew(self, store: Store) -> str:
        """Build damaged indexes anew; return their names."""
        try:
            names = store.mend_indexes()
        except MemoryFault:
            return ""
        self._mended += names
        return ", ".join(names)

    def _note_search(self, reader: TableReader) -> None:
        """Look for some rows by their own words and vectors, in the table and its indexes."""
        total = reader.count_all()
        places = self._chance.sample(range(total), min(_RECALLED, total))
        rows = from_arrow(reader.whole_rows_at(places)) if places else []
        missed: list[str] = []
        for row in rows:
            one = row.record
            words = " ".join(one.text.split()[:_WORDS_ASKED])
            by_words = reader.matching(words, _ANY, _DEPTH)
            if by_words.keys() and not self._is_among(reader, one.text, one.id, by_words):
                missed.append(f"{one.id} by its words")
            if row.vector is not None:
                nearest = reader.nearest(row.vector, _ANY, _DEPTH, nprobes=NPROBES)
                if one.id not in nearest and max(nearest.values(), default=0.0) < 0.99:
                    missed.append(f"{one.id} by its meaning")
        if missed:
            self._warn("search", f"not found: {', '.join(missed)}: run `iai-mcp sleep`")
            return
        self._ok("search", f"{_count(len(rows), 'memory', 'memories')} found in the indexes")

    def _is_among(self, reader: TableReader, text: str, id_: str, found: dict[str, float]) -> bool:
        """Return whether the row was found, or as many that match its words as well."""
        if id_ in found or len(found) >= _DEPTH:
            return True
        return any(one.text == text for one in reader.get(list(found)))

    def _note_links(self, reader: TableReader) -> None:
        rows = reader.columns(_LOOKED_AT)
        ids = rows["id"]
        counted = pc.value_counts(ids.combine_chunks())
        doubled = counted.filter(pc.greater(counted.field("counts"), 1)).field("values").to_pylist()
        if doubled:
            self._broken("rows", f"{_count(len(doubled), 'id')} stored twice ({_ids(doubled)})")
        if beyond := _ids_where(rows, pc.greater(rows["table_version"], reader.version)):
            self._broken(
                "rows", f"{_count(len(beyond), 'row')} of a later version ({_ids(beyond)})"
            )
        self._note_nowhere(rows)
        self._note_times(rows)

    def _note_nowhere(self, rows: pa.Table) -> None:
        nowhere: list[str] = []
        for name in ("superseded_by", "folded_into"):
            if name in rows.schema.names:
                there = pc.or_kleene(
                    pc.is_in(rows[name], value_set=rows["id"].combine_chunks()),
                    pc.equal(pc.fill_null(rows[name], ""), ""),
                )
                nowhere += _ids_where(rows, pc.invert(there))
        if nowhere:
            self._warn(
                "links",
                f"{_count(len(nowhere), 'memory', 'memories')} replaced by one that is not there "
                f"({_ids(nowhere)}): run `iai-mcp restore {nowhere[0]}`",
            )

    def _note_times(self, rows: pa.Table) -> None:
        limit = pa.scalar(utc_now() + MAX_AHEAD, pa.timestamp("us", "UTC"))
        said, stored = (pc.greater(rows[name], limit) for name in ("created_at", "ingested_at"))
        if future := _ids_where(rows, pc.or_(said, stored)):
            self._warn(
                "times",
                f"{_count(len(future), 'memory', 'memories')} of the future ({_ids(future)}): a "
                f"clock was ahead, see `date`; they count as before what came after them",
            )
        ended = _ids_where(rows, pc.less(rows["valid_to"], rows["valid_from"]))
        if ended:
            self._warn(
                "times",
                f"{_count(len(ended), 'memory', 'memories')} true until before they were "
                f"({_ids(ended)}): a clock went back, and nothing is lost",
            )

    def _note_space(self, report: FileReport) -> None:
        try:
            free = shutil.disk_usage(self._paths.root).free
        except OSError:
            return  # there is no folder, which another check says
        needed = report.bytes_there + _MARGIN_BYTES
        if free < needed:
            self._warn(
                "space",
                f"{_mb(free)} MB are free, and a compaction may take {_mb(needed)}: make room on "
                f"the disk of {self._paths.root}",
            )
        else:
            self._ok("space", f"{_mb(free)} MB free, a compaction takes up to {_mb(needed)}")

    def _unreadable(self, folder: Path) -> Iterator[FileFault]:
        """Yield the files of which LanceDB cannot read a row, where no digest says which."""
        losses: list[Loss] = []
        with TemporaryDirectory(prefix="iai-mcp-") as scratch:
            for _ in DataFiles(folder, Path(scratch), losses.append).all():
                pass
        found = [FileFault(one.file, one.what, _kind(one.file)) for one in losses]
        if found:
            self._broken("files", "; ".join(map(str, found)))
        yield from found


def _kind(file: str) -> FileKind:
    kinds: dict[str, FileKind] = {"data": "data", "_deletions": "deletion"}
    return kinds.get(file.partition("/")[0], "manifest")


def _ids_where(rows: pa.Table, condition: pa.ChunkedArray) -> list[str]:
    ids: list[str] = rows.filter(pc.fill_null(condition, fill_value=False))["id"].to_pylist()
    return ids


def _ids(ids: Sequence[str]) -> str:
    """Return some ids, and how many there are more."""
    more = len(ids) - _NAMED
    return ", ".join(ids[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _count(number: int, one: str, several: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {several or one + 's'}"


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"
