"""Repair of a damaged store: a new table of all that can be read, in the place of the damaged one.

The sources, in this order: every fragment of the table that reads; the newest backup; tables that
earlier repairs kept; then, of the turns that none of them has, the transcripts that are still
there. A store that is whole is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Literal

import lancedb
from lancedb.table import LanceTable

from ..backup.place import folder_of
from ..backup.reading import Backup, newest_backup
from ..backup.small_files import write_files
from ..base.clock import utc_now
from ..base.files import replace_file
from ..base.json_file import read_object
from ..base.ledger import Ledger
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..capture.transcript_files import FoundTranscript, look_at
from ..capture.turn import Host
from ..errors import BackupFault, StoreBusy, StoreMismatch, StoreUnavailable
from ..settings import Settings
from ..store.connection import TABLE_NAME
from ..store.exchange import settle_replacement
from ..store.file_digests import FileDigests
from ..store.indexes import damaged_indexes
from ..store.lance_errors import translated
from ..store.lance_files import noted_version, version_of
from ..store.migrations import SCHEMA_VERSION, embedder_in, is_known_version, version_in
from ..store.replacement import Replaced, replacement
from ..store.store_identity import damage_of, read_identity, store_id_in, store_id_of
from ..store.table_files import look_at_files, odd_places
from ..store.traces import has_data, has_version
from .known_transcripts import HOSTS, known_transcripts
from .ledger_account import LedgerAccount
from .merged_rows import MergedRows

Kind = Literal["whole", "indexes", "rebuild", "hopeless"]

_UNFINISHED: Final = "repair.json"
_MAX_BYTES: Final = 64 << 20
_NAME_WITHIN: Final = 64  # bytes of a line of a backup
_SHOWN_IDS: Final = 20
# Of a store without a table; a row with its vectors takes about that.
_BYTES_A_ROW: Final = 8 << 10


@dataclass(slots=True)
class RepairPlan:
    """What is wrong with a store, and what a repair would make of it; nothing was changed.

    Attributes:
        kind: `whole`: nothing to do. `indexes`: the indexes alone. `rebuild`: a new table.
            `hopeless`: there is nothing to make one of.
        faults: What is wrong, a sentence each.
        merged: What a new table would hold; read once.
        transcripts: Those to be read again.
        withheld: How many memories that were forgotten or replaced are lost, so that transcripts
            might bring their words back; then those are not read, unless that is wanted.
        expected: How many memories there were; None where nobody knows.
        embedder: Key of the embedder of the new table.
        schema_version: Of its rows.
        place: What identifies the folder of the table that was looked at.
        store_id: Of the store, as far as anything says it.
    """

    kind: Kind
    faults: list[str]
    merged: MergedRows
    transcripts: list[tuple[Host, FoundTranscript]]
    withheld: int
    expected: int | None
    embedder: str
    schema_version: str
    place: int
    store_id: str | None = None

    @property
    def missing(self) -> int | None:
        """How many memories a new table would lack, before transcripts are read."""
        known = len(self.merged.missing_ids)
        if self.expected is None:
            return known or None
        return max(known, self.expected + self.merged.came_since - len(self.merged.given))

    def lines(self) -> list[str]:
        """Return the plan as sentences."""
        merged = self.merged
        told = [f"damaged: {fault}" for fault in self.faults]
        if self.kind != "rebuild":
            return told
        told.append(f"readable in the table: {_count(merged.from_table)}")
        told += account_lines(merged)
        if merged.backup is not None:
            told.append(
                f"only in the backup of {merged.backup.when:%Y-%m-%d %H:%M} UTC: "
                f"{_count(merged.from_backup)}"
            )
        if merged.from_kept:
            told.append(f"only in a table that an earlier repair kept: {_count(merged.from_kept)}")
        told += missing_lines(self.missing, merged.missing_ids)
        if self.transcripts:
            told.append(f"then read again: {_count(len(self.transcripts), 'transcript')}")
        if self.withheld:
            told.append(
                f"{_count(self.withheld)} that were forgotten or replaced are lost, and "
                f"transcripts may say their words: none is read again (`--transcripts` does it)"
            )
        return told


@dataclass(slots=True)
class Repaired:
    """A repair that was made.

    Attributes:
        plan: What was wrong.
        merged: What the new table holds; None where none was made.
        replaced: The new table; None where none was made.
        indexes: Names of the indexes that were made anew.
        from_transcripts: How many turns were stored of transcripts.
        faults: Transcripts that could not be read, a sentence each.
    """

    plan: RepairPlan
    merged: MergedRows | None = None
    replaced: Replaced | None = None
    indexes: list[str] = field(default_factory=list[str])
    from_transcripts: int = 0
    faults: list[str] = field(default_factory=list[str])

    @property
    def missing(self) -> int | None:
        """How many memories could not be had; None where nobody knows."""
        before = self.plan.missing
        return None if before is None else max(0, before - self.from_transcripts)

    def lines(self) -> list[str]:
        """Return the report as sentences."""
        if self.replaced is None or self.merged is None:
            made = ", ".join(self.indexes)
            return [f"made anew: the index {made}" if made else "the indexes were made anew"]
        merged = self.merged
        told = [
            f"repaired: {_count(len(merged.given) + self.from_transcripts)}, "
            f"{merged.from_table:,} from the table, {merged.from_backup:,} from the backup, "
            f"{self.from_transcripts:,} from transcripts"
        ]
        if merged.from_kept:
            told.append(f"{_count(merged.from_kept)} of them from a table that was kept")
        if merged.pending:
            told.append(f"{_count(merged.pending)} wait for their vectors: a sleep makes them")
        told += account_lines(merged)
        told += missing_lines(self.missing, merged.missing_ids)
        told += self.faults
        if self.replaced.kept is not None:
            told.append(
                f"the damaged table is kept in {self.replaced.kept}: "
                f"`iai-mcp doctor --undo-repair` puts it back"
            )
        return told


def plan_repair(
    paths: StorePaths, settings: Settings, embedder: str, *, transcripts: bool | None = None
) -> RepairPlan:
    """Look at everything; change nothing.

    Args:
        paths: The store's.
        settings: They say where the backups are.
        embedder: Key of the embedder of a table of which nobody knows its own.
        transcripts: Whether to read transcripts again; None does, unless they may bring back what
            was forgotten.

    Raises:
        StoreMismatch: A later version of iai-mcp wrote the table.
        StoreUnavailable: There is no store, or no room for a temporary folder.
    """
    if not paths.root.is_dir():
        raise StoreUnavailable(f"there is no store in {paths.root}: set IAI_MCP_STORE to yours")
    settle_replacement(paths)
    place = _place(paths)
    merged = _merged(paths, newest_backup(paths, settings))
    try:
        for _ in merged.rows():
            pass
    except OSError as exc:
        raise StoreUnavailable(
            machine_fault(exc, "no temporary folder can be made, set TMPDIR to one with room")
        ) from exc
    kind, faults = _judged(paths, merged)
    reading, withheld = _transcripts(paths, kind), 0
    if kind == "rebuild" and reading and not transcripts:
        withheld = len(merged.lost_hidden)
        reading = [] if withheld or transcripts is False else reading
    if kind == "rebuild" and not merged.given and not reading:
        kind = "hopeless"
    schema = merged.salvage.schema
    own = "?" if schema is None else embedder_in(schema)
    return RepairPlan(
        kind,
        faults,
        merged,
        reading,
        withheld,
        _expected(paths, merged),
        embedder if own == "?" else own,
        version_in(schema) if schema is not None and is_known_version(schema) else SCHEMA_VERSION,
        place,
        _store_id(paths, settings, merged),
    )


def rebuild(paths: StorePaths, plan: RepairPlan) -> Repaired:
    """Make a new table of what can be read, and put it in the place of the damaged one.

    All is read anew, under the write lock: somebody may have written since the plan.

    Raises:
        StoreBusy: Another process kept the write lock for a minute, read for as long, or repaired
            the store meanwhile.
        StoreUnavailable: The disk is full or fails; then nothing was changed.
    """
    room = None if _has_data(paths) else len(plan.merged.given) * _BYTES_A_ROW
    with replacement(
        paths,
        embedder=plan.embedder,
        needs_bytes=room,
        purpose="repair",
        schema_version=plan.schema_version,
        store_id=plan.store_id,
    ) as new:
        if _place(paths) != plan.place:
            raise StoreBusy("another process repaired the store meanwhile: run this again")
        merged = _merged(paths, plan.merged.backup)
        new.fill(merged.rows())
        # Whoever is killed behind the swap finds a whole table, and would not know of these.
        _note_transcripts(paths, plan.transcripts)
        replaced = new.swap()
    _put_aliases_back(paths, merged.backup)
    Ledger(paths).write(
        "repaired",
        from_table=merged.from_table,
        from_backup=merged.from_backup,
        from_kept=merged.from_kept,
        missing=plan.missing,
        kept=replaced.kept and replaced.kept.name,
    )
    return Repaired(plan, merged, replaced)


def _put_aliases_back(paths: StorePaths, backup: Backup | None) -> None:
    """Put the aliases of projects back where their file is gone, too."""
    if backup is not None and not paths.projects.exists():
        name = json.dumps(paths.projects.name).encode()
        write_files(paths, [line for line in backup.file_lines() if name in line[:_NAME_WITHIN]])


def unfinished_transcripts(paths: StorePaths) -> list[tuple[Host, FoundTranscript]]:
    """Return the transcripts that a repair was to read that was killed before."""
    fields = read_object(paths.root / _UNFINISHED, _MAX_BYTES) or {}
    noted = fields.get("transcripts")
    pairs = noted if isinstance(noted, list) else []
    return [
        (host, look_at(Path(pair[1])))
        for pair in pairs
        for host in HOSTS
        if isinstance(pair, list)
        and len(pair) == 2
        and pair[0] == host
        and isinstance(pair[1], str)
    ]


def transcripts_are_read(paths: StorePaths) -> None:
    """Forget the transcripts that were to be read."""
    (paths.root / _UNFINISHED).unlink(missing_ok=True)


def account_lines(merged: MergedRows) -> list[str]:
    """Return what has to be said of memories that were read, a sentence each."""
    told: list[str] = []
    if merged.changed:
        told.append(
            f"{_count(len(merged.changed))} may have another text than was stored, and get the tag "
            f"`damaged`: {_ids(merged.changed)}"
        )
    if merged.doubtful:
        told.append(
            f"{_count(len(merged.doubtful))} have the right text, but a damaged field or vector: "
            f"{_ids(merged.doubtful)}"
        )
    if merged.older:
        told.append(
            f"of {_count(len(merged.older))} only an older state could be read: "
            f"{_ids(merged.older)}"
        )
    for id_, names in list(merged.mended.items())[:_SHOWN_IDS]:
        told.append(f"{id_} had damaged fields, which were set anew: {', '.join(names)}")
    if merged.brought_up:
        told.append(
            f"forgotten, replaced or restored, as the ledger says: {_ids(merged.brought_up)}"
        )
    if merged.still_current:
        told.append(f"still current, for what replaced them is lost: {_ids(merged.still_current)}")
    backup = merged.backup
    if backup is not None and merged.from_backup:
        told += backup.faults
        if not merged.account.reaches_back_to(backup.when):
            told.append(
                "the ledger does not reach back to the backup: what was forgotten since may be back"
            )
    return told


def missing_lines(missing: int | None, ids: Sequence[str]) -> list[str]:
    """Return what could not be had, as sentences."""
    if missing is None:
        told = ["nobody knows whether memories are missing: the newest version is damaged"]
    elif missing:
        told = [f"{_count(missing)} could not be read anywhere"]
    else:
        told = ["no memory is missing"]
    return [*told, f"known to be missing: {_ids(ids)}"] if ids else told


def _merged(paths: StorePaths, backup: Backup | None) -> MergedRows:
    return MergedRows(paths, backup, LedgerAccount(Ledger(paths)), utc_now())


def _judged(paths: StorePaths, merged: MergedRows) -> tuple[Kind, list[str]]:
    """Return what is to be done, and why, a sentence each."""
    digests = FileDigests(paths.database, paths.table)
    report = look_at_files(paths.table, digests, max_bytes=None, chance=Random())
    damaged = [one for one in report.faults if one.kind not in ("unneeded", "index")]
    read = {loss.file for loss in merged.salvage.losses}
    faults = [*odd_places(paths.table), *_faults_of_rows(paths, merged)]
    if _has_data(paths):
        faults += [str(one) for one in damaged if one.file not in read]
    if faults:
        return "rebuild", faults
    indexes = [str(one) for one in report.faults if one.kind == "index"]
    try:
        with translated("looking at the table"):
            table = lancedb.connect(str(paths.database)).open_table(TABLE_NAME)
            assert isinstance(table, LanceTable)
            faults = _faults_of_identity(paths, table)
            if not (faults or indexes):
                names = damaged_indexes(table)
                indexes = [f"the index {name} cannot be read" for name in names]
    except StoreUnavailable as exc:
        faults = [str(exc)]
    if faults:
        return "rebuild", faults
    return ("indexes", indexes) if indexes else ("whole", [])


def _faults_of_identity(paths: StorePaths, table: LanceTable) -> list[str]:
    """Return what a table lacks that can be read.

    Raises:
        StoreMismatch: It is another store's, whose memories are not this one's.
    """
    noted = read_identity(paths)
    if noted is None:
        return []
    of_table = store_id_of(table)
    damage = damage_of(noted, of_table, table.version, table.count_rows())
    if damage is not None and of_table not in (None, noted.id):
        raise StoreMismatch(
            f"the table in {paths.database} {damage}: put this store's back, or run `iai-mcp "
            f"restore-backup`; if it is the right one, move {paths.identity} away"
        )
    return [] if damage is None else [f"the table {damage}"]


def _expected(paths: StorePaths, merged: MergedRows) -> int | None:
    """Return how many memories there were; None where nobody knows."""
    expected, noted = merged.salvage.expected, read_identity(paths)
    if noted is None:
        return expected
    found = [version_of(path) for path in (paths.table / "_versions").glob("*.manifest")]
    is_of_newest = noted.version >= max([noted_version(paths.table), *found])
    if expected is None:
        return noted.rows if is_of_newest or noted.rows > len(merged.given) else None
    return max(expected, noted.rows)


def _store_id(paths: StorePaths, settings: Settings, merged: MergedRows) -> str | None:
    """Return the store's id where store.json says none: as the table or the backups have it."""
    schema = merged.salvage.schema
    if read_identity(paths) is not None or (schema is not None and store_id_in(schema)):
        return None if schema is None else store_id_in(schema)
    try:
        owner = folder_of(paths, settings).owner()
    except BackupFault:
        return None
    return owner.store or None if owner is not None else None


def _faults_of_rows(paths: StorePaths, merged: MergedRows) -> list[str]:
    salvage = merged.salvage
    told = [str(loss) for loss in salvage.losses]
    if not _has_data(paths) and not told:
        told.append(f"the table in {paths.database} is gone")
    if salvage.missing and not told:
        told.append(f"{_count(salvage.missing)} cannot be read")
    wrong = len(salvage.changed) + len(salvage.doubtful)
    if wrong:
        told.append(f"{_count(wrong)} {'is' if wrong == 1 else 'are'} not what was stored")
    if salvage.without_vectors and not told:
        told.append(f"{_count(salvage.without_vectors)} lack their vectors")
    return told


def _transcripts(paths: StorePaths, kind: Kind) -> list[tuple[Host, FoundTranscript]]:
    """Return the transcripts that a repair has to read, or that one had that was killed."""
    pairs = [pair for pair in unfinished_transcripts(paths) if pair[1].size]
    pairs += known_transcripts(paths) if kind == "rebuild" else []
    found: dict[Path, tuple[Host, FoundTranscript]] = {}
    for host, one in pairs:
        found[one.path] = host, one
    return list(found.values())


def _note_transcripts(
    paths: StorePaths, transcripts: Sequence[tuple[Host, FoundTranscript]]
) -> None:
    if not transcripts:
        return
    pairs = [[host, str(one.path)] for host, one in transcripts]
    content = json.dumps({"transcripts": pairs}, ensure_ascii=False)
    replace_file(paths.root / _UNFINISHED, content.encode("utf-8", "backslashreplace"))


def _has_data(paths: StorePaths) -> bool:
    return has_data(paths.table) or has_version(paths.table)


def _place(paths: StorePaths) -> int:
    try:
        return paths.database.stat().st_ino
    except OSError:
        return 0


def _count(number: int, what: str = "memory") -> str:
    if number == 1:
        return f"1 {what}"
    return f"{number:,} {what[:-1]}ies" if what.endswith("y") else f"{number:,} {what}s"


def _ids(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(ids[:_SHOWN_IDS]) + more
