"""Reads of the latest version that remember: vectors in memory, and candidates once read.

LanceDB stays the truth. Whatever is remembered is brought to the table's latest version before it
answers, by reading only the rows that were changed since.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

import pyarrow as pa
from lancedb.table import LanceTable

from .candidate_cache import CandidateCache
from .filters import Filter
from .reader import Candidate, TableReader
from .rows import Vector
from .vector_copy import COLUMNS, Checksum, VectorCopy, count_vectors

MOST_VECTORS: Final = 65_536
"""96 MB, some 15,000 texts of several sentences: without the copy these take LanceDB 70 ms."""

_STAMP_IS_SURE_NS: Final = 2_000_000_000
_BATCH_ROWS: Final = 2_000

# Who asks once, as a command does, is answered sooner by LanceDB than by making a copy first.
_SEARCHES_BEFORE_A_COPY: Final = 1
_ATTEMPTS: Final = 3
_BEFORE_ALL: Final = -1
_EVERYTHING: Final = Filter(include_superseded=True, include_tombstoned=True)


class CachedReader(TableReader):
    """Answers from the latest version, from memory where that is known to be as the table.

    Safe for any number of threads. An answer is of the version that is the latest when it is asked
    for, or of a later one; a commit that any process acknowledged before is seen.
    """

    def __init__(
        self, table: LanceTable, look: Callable[[], tuple[int, int]], *, most_vectors: int
    ) -> None:
        """Takes the handle over.

        Args:
            table: Opened with `read_consistency_interval=0`.
            look: The inode and the time of change, in ns, of the folder of the table's versions.
            most_vectors: A table of more rows, or more vectors, is not copied.
        """
        super().__init__(table, follow_latest=True)
        self._look = look
        self._most_vectors = most_vectors
        self._lock = threading.Lock()
        self._trusted: tuple[int, int] | None = None
        self._inode = 0
        self._version = 0
        self._moves = 0
        self._searches = 0
        self._uncopied = False
        self._copy: VectorCopy | None = None
        self._candidates = CandidateCache()

    def nearest(
        self, query: Vector, where: Filter, limit: int, *, nprobes: int
    ) -> dict[str, float]:
        """See `TableReader.nearest`."""
        copy = None
        if VectorCopy.answers(where):
            with self._lock:
                self._follow()
                copy = self._copy or self._begun()
        if copy is None:
            return super().nearest(query, where, limit, nprobes=nprobes)
        return copy.nearest(query, where, limit)

    def sessions(self, session_ids: Collection[str]) -> dict[str, list[str]]:
        """See `TableReader.sessions`."""
        with self._lock:
            self._follow()
            copy = self._copy
        return super().sessions(session_ids) if copy is None else copy.sessions(session_ids)

    def candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """See `TableReader.candidates`."""
        with self._lock:
            self._follow()
            moves = self._moves
            held = self._candidates.find(ids)
        missing = [id_ for id_ in ids if id_ not in held]
        if missing:
            read = {id_: _by_itself(one) for id_, one in super().candidates(missing).items()}
            held.update(read)
            with self._lock:
                # What was read may be older than a change that was followed meanwhile.
                if self._moves == moves:
                    self._candidates.keep(read.values())
        return {id_: held[id_] for id_ in ids if id_ in held}

    def release(self) -> None:
        """Forgets everything that is remembered; what is asked next makes it anew."""
        with self._lock:
            self._moves += 1
            self._copy, self._uncopied, self._searches = None, False, 0
            self._candidates.clear()

    def _follow(self) -> None:
        """Brings what is remembered to the latest version, or forgets it; under the lock."""
        now, looked = time.time_ns(), self._look()
        if looked == self._trusted:
            return
        version, inode = self.version, looked[0]
        if inode != self._inode or version < self._version:
            # Another table lies in this one's place.
            self._moves += 1
            self._copy, self._uncopied = None, False
            self._candidates.clear()
        elif version != self._version:
            self._moves += 1
            self._take_over_changes()
        # Only now: had anything above failed, the next call would have to do it.
        self._version, self._inode = version, inode
        # A file system's clock ticks: a second commit of the same tick leaves an equal stamp.
        self._trusted = looked if now - looked[1] > _STAMP_IS_SURE_NS else None

    def _take_over_changes(self) -> None:
        copy, self._copy = self._copy, None
        changed = None if copy is None else self._with_changes(copy, self._version)
        if changed is None:
            self._candidates.clear()
        else:
            self._copy, ids = changed
            self._candidates.drop(ids)

    def _begun(self) -> VectorCopy | None:
        """A copy of the whole table once that pays, None where it has no room; under the lock."""
        self._searches += 1
        if self._uncopied or self._searches <= _SEARCHES_BEFORE_A_COPY:
            return None
        begun = None
        if self.count(_EVERYTHING) <= self._most_vectors:
            dimension = self._table.schema.field("vector").type.list_size
            empty = VectorCopy.empty(dimension, self._most_vectors)
            begun = self._with_changes(empty, _BEFORE_ALL)
        # Not tried again with each search: whoever is near the bound would copy all in vain.
        self._uncopied = begun is None
        self._copy = None if begun is None else begun[0]
        return self._copy

    def _with_changes(self, copy: VectorCopy, since: int) -> tuple[VectorCopy, set[str]] | None:
        """The copy at a version that is the latest now or later, and the ids of what was changed.

        None where there are too many vectors, or where the table is not what its changes make of
        the copy: rows were deleted, or are there twice.
        """
        ids = set[str]()
        for _ in range(_ATTEMPTS):
            version = self.version
            batches = self._changed_since(since)
            changed = None if batches is None else copy.changed(batches)
            if batches is None or changed is None:
                return None
            ids.update(id_ for batch in batches for id_ in batch["id"].to_pylist())
            copy, since = changed, version
            if copy.checksum == self._checksum():
                break
            if self.version == version:
                return None
        return copy, ids

    def _changed_since(self, version: int) -> list[pa.RecordBatch] | None:
        """All rows that were changed since, of one version; None where they are too many."""
        changed = self._table.search().where(f"table_version > {version}").limit(None)

        def ask() -> list[pa.RecordBatch] | None:
            batches, vectors = list[pa.RecordBatch](), 0
            for batch in changed.select(list(COLUMNS)).to_batches(batch_size=_BATCH_ROWS):
                batches.append(batch)
                vectors += count_vectors(batch)
                if vectors > self._most_vectors:
                    return None
            return batches

        return self._read("copying vectors", ask)

    def _checksum(self) -> Checksum:
        versions = self._table.search().select(["table_version"]).limit(None)
        column = self._read("reading the table's versions", versions.to_arrow)["table_version"]
        return Checksum.of(column.to_numpy())


def _by_itself(one: Candidate) -> Candidate:
    """The same with vectors of its own; those that were read hold on to all of their batch."""
    vector, parts = one.vector, one.passages
    return replace(
        one,
        vector=None if vector is None else vector.copy(),
        passages=None if parts is None else replace(parts, vectors=parts.vectors.copy()),
    )
