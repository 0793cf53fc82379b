"""Export of every record as a line of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..base.clock import iso
from ..base.paths import StorePaths
from ..errors import StoreLost, StoreUnavailable
from ..projects.alias_file import AliasFile
from ..store.connection import TABLE_NAME
from ..store.lance_files import noted_version
from ..store.record import Change
from ..store.record_rows import to_row
from ..store.salvage import Salvage
from ..store.table import Store
from ..store.vector_rows import Row

FORMAT: Final = 1
ALIAS: Final = "project_alias"
"""The field of a line that is an alias of a project, and no memory."""

_SHOWN_IDS: Final = 20

OF_ONE_STORE: Final = ("table_version", "arrival", "arrived_at")
"""The fields of a record that say where it stands in the changes of its store."""

TIMES: Final = (
    "created_at",
    "ingested_at",
    "updated_at",
    "valid_from",
    "valid_to",
    "tombstoned_at",
)


def export_lines(
    paths: StorePaths,
    open_store: Callable[[], Store],
    *,
    vectors: bool = False,
    damaged: Callable[[Damage], None] | None = None,
) -> Iterator[str]:
    """Yield every record of one version of the store, oldest first, forgotten ones too.

    Aliases of projects come first, a line each: they say what names in records stand for.

    Args:
        paths: The store's.
        open_store: Opens its table.
        vectors: Add the vectors, as base64 of little-endian float32; of passages as float16.
        damaged: Called after the last line where the store is damaged: the lines are what could be
            read of it. Without it that is an error, after the last line, too.

    Raises:
        StoreFault: The store is damaged, or nothing of it can be read.
    """
    damage = Damage()
    yield from _alias_lines(AliasFile(paths), damage)
    given, fault = set[str](), None
    try:
        for row in _whole_table(paths, open_store):
            given.add(row.record.id)
            yield _to_line(row, with_vectors=vectors)
    except StoreUnavailable as exc:
        fault = exc
    if fault is not None:
        yield from _salvaged(paths, damage, given, fault, vectors)
    if damage.sentences() and damaged is not None:
        damaged(damage)
    elif damage.sentences():
        raise StoreUnavailable(
            f"the store is damaged: {'; '.join(damage.sentences())}: run `iai-mcp doctor`"
        )


@dataclass(slots=True)
class Damage:
    """What an export lacks.

    Attributes:
        aliases: Why the aliases of projects could not be read; None where they could.
        lost: Why the table is not the store's, or not all of it; None where it is.
        salvage: What was read of a damaged table; None of one that is not.
    """

    aliases: str | None = None
    lost: str | None = None
    salvage: Salvage | None = None

    def missing(self) -> int | None:
        """Return how many memories are missing; None where nobody knows."""
        return 0 if self.salvage is None else self.salvage.missing

    def sentences(self) -> list[str]:
        """Return what is missing and which files are damaged, a sentence each; [] of nothing."""
        told = [one for one in (self.aliases, self.lost) if one is not None]
        salvage = self.salvage
        wrong = [] if salvage is None else sorted(salvage.changed | salvage.doubtful)
        if salvage is None or not (
            salvage.losses or salvage.missing or salvage.without_vectors or wrong
        ):
            return told
        known = salvage.missing_ids
        if salvage.missing is None:
            told.append("nobody knows how many memories are missing: the newest version is damaged")
        elif salvage.missing == 0:
            told.append("no memory is missing")
        else:
            count = salvage.missing
            told.append("1 memory is missing" if count == 1 else f"{count:,} memories are missing")
        if known:
            told.append(f"known to be missing: {_shown(known)}")
        if wrong:
            told.append(f"not what was stored, and given as they are: {_shown(wrong)}")
        if salvage.without_vectors:
            told.append(
                f"{salvage.without_vectors:,} memories lack their vectors, which are made anew"
            )
        return [*told, *map(str, salvage.losses)]


def _shown(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN_IDS:,} more" if len(ids) > _SHOWN_IDS else ""
    return ", ".join(ids[:_SHOWN_IDS]) + more


def _alias_lines(aliases: AliasFile, damage: Damage) -> Iterator[str]:
    try:
        aliases.changes()
    except StoreUnavailable as exc:
        damage.aliases = str(exc)
        return
    for alias, name in aliases.names().links:
        yield json.dumps({"iai_mcp": FORMAT, ALIAS: alias, "project": name}, ensure_ascii=False)


def _whole_table(paths: StorePaths, open_store: Callable[[], Store]) -> Iterator[Row]:
    """Yield every row.

    Raises:
        StoreUnavailable: One cannot be read, or the newest version or all of them are gone.
    """
    folder = paths.database / f"{TABLE_NAME}.lance"
    if not (folder / "_versions").exists() and any((folder / "data").glob("*.lance")):
        # To open it would begin a new table beside the old one's data.
        raise StoreUnavailable(f"every version of the table in {folder} is gone")
    noted = noted_version(folder)  # read first: a version may follow at any time
    reader = open_store().pinned_reader()
    if reader.version < noted:
        raise StoreUnavailable(f"version {noted} of the table is gone: run `iai-mcp doctor`")
    yield from reader.all_rows()


def _salvaged(
    paths: StorePaths,
    damage: Damage,
    given: Collection[str],
    fault: StoreUnavailable,
    vectors: bool,
) -> Iterator[str]:
    """Yield lines of what can be read of a damaged table and was not given yet.

    Raises:
        StoreUnavailable: Nothing of it can be.
    """
    salvage = Salvage(paths)
    try:
        for row in salvage.rows():
            if row.record.id not in given:
                yield _to_line(row, with_vectors=vectors)
    except OSError as exc:
        raise StoreUnavailable(
            f"{fault}; what is left cannot be read without a temporary folder ({exc.strerror}): "
            f"set TMPDIR to one with room"
        ) from fault
    if not salvage.given and not salvage.losses:
        raise fault
    damage.salvage = salvage
    damage.lost = str(fault) if isinstance(fault, StoreLost) else None


def _to_line(row: Row, *, with_vectors: bool) -> str:
    fields = to_row(replace(row.record, history=_of_no_store(row.record.history)))
    for name in ("terms", *OF_ONE_STORE):
        del fields[name]
    for name in TIMES:
        fields[name] = None if fields[name] is None else iso(fields[name])
    if with_vectors and row.vector is not None and row.record.embedder is not None:
        parts = row.passages
        fields["vector"] = _to_base64(row.vector, "<f4")
        fields["passages"] = None if parts is None else _to_base64(parts.vectors, "<f2")
        fields["passage_spans"] = None if parts is None else [list(span) for span in parts.spans]
    return json.dumps({"iai_mcp": FORMAT, **fields}, ensure_ascii=False)


def _of_no_store(history: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(replace(change, number=None) for change in history)


def _to_base64(vectors: NDArray[np.float32], kind: str) -> str:
    return base64.b64encode(vectors.astype(kind).tobytes()).decode("ascii")
