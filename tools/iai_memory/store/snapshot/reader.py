"""Reads of the latest version, from a snapshot in memory where it can answer.

LanceDB stays the truth: a snapshot is brought to the table's latest version before it answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from lancedb.table import LanceTable

from ...embedding.token_vectors import TokenVectors, unpacked
from ...errors import StoreFault
from ..candidate import Candidate
from ..filter import Filter
from ..read_lock import ReadLock
from ..reader import TableReader
from ..record import Record
from ..session_order import SessionOrder
from ..similarity import Similarity
from ..statistics import Tally
from ..vector_rows import Vector
from ..vocabulary import NearWord, Sought
from .columns import supports
from .manager import SnapshotManager
from .token_cache import TokenCache

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from ..changed_files import DatedChange

T = TypeVar("T")


class SnapshotReader(TableReader):
    """`TableReader` over a snapshot. Safe for any number of threads.

    An answer is of the version that is the latest when it is asked for, or of a later one; a commit
    that any process acknowledged before is seen.
    """

    def __init__(
        self,
        table: LanceTable,
        readers: ReadLock,
        look: Callable[[], tuple[int, int]],
        *,
        max_bytes: int,
        mend: Callable[[], bool] | None = None,
    ) -> None:
        """Take the handle over.

        Args:
            table: Opened with `read_consistency_interval=0`.
            readers: Of its store.
            look: The inode and the time of change, in ns, of the folder of the table's versions.
            max_bytes: A table that would take more is not held in memory.
            mend: See `TableAccess`.
        """
        super().__init__(table, readers, follow_latest=True, mend=mend)
        self._snapshots = SnapshotManager(self, look, max_bytes)

    @property
    def is_in_memory(self) -> bool:
        """Whether there is a snapshot now."""
        return self._snapshots.current() is not None

    def forget_searches(self) -> None:
        """See `SnapshotManager.forget_searches`."""
        self._snapshots.forget_searches()

    def build_small_snapshot(self) -> None:
        """See `SnapshotManager.build_small`."""
        self._snapshots.build_small()

    def nearest(
        self, query: Vector, where: Filter, limit: int, *, nprobes: int
    ) -> dict[str, float]:
        """See `TableReader.nearest`."""
        snapshot = self._snapshots.for_search("vectors") if supports(where) else None
        if snapshot is None:
            return super().nearest(query, where, limit, nprobes=nprobes)
        return snapshot.nearest(query, where, limit)

    def matching(
        self, text: str, where: Filter, limit: int, *, forms: Collection[str] = ()
    ) -> dict[str, float]:
        """See `TableReader.matching`."""
        snapshot = self._snapshots.for_search("words") if supports(where) else None
        if snapshot is None:
            return super().matching(text, where, limit, forms=forms)
        return snapshot.matching(text, where, limit, forms=forms)

    def texts_with(self, term: str, limit: int) -> list[str]:
        """See `TableReader.texts_with`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().texts_with(term, limit)
        return snapshot.texts_with(term, limit)

    def texts_of_few(self, term: str, most: int) -> list[str] | None:
        """See `TableReader.texts_of_few`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().texts_of_few(term, most)
        return snapshot.texts_of_few(term, most)

    def known_terms(self, terms: Collection[str]) -> set[str]:
        """See `TableReader.known_terms`."""
        snapshot = self._snapshots.current()
        return super().known_terms(terms) if snapshot is None else snapshot.known_terms(terms)

    def near_words(self, words: Collection[Sought]) -> dict[Sought, list[NearWord]]:
        """See `TableReader.near_words`."""
        snapshot = self._snapshots.current()
        return super().near_words(words) if snapshot is None else snapshot.near_words(words)

    def forms_of(self, words: Collection[str]) -> dict[str, list[str]]:
        """See `TableReader.forms_of`."""
        snapshot = self._snapshots.current()
        return super().forms_of(words) if snapshot is None else snapshot.forms_of(words)

    def sessions(self, session_ids: Collection[str]) -> dict[str, SessionOrder]:
        """See `TableReader.sessions`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().sessions(session_ids)
        return snapshot.sessions(session_ids)

    def replaced_by(self, ids: Collection[str]) -> list[Record]:
        """See `TableReader.replaced_by`."""
        snapshot = self._snapshots.current()
        return super().replaced_by(ids) if snapshot is None else snapshot.replaced_by(ids)

    def candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """See `TableReader.candidates`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().candidates(ids)
        found = snapshot.candidates(ids)
        found |= super().candidates([id_ for id_ in ids if id_ not in found])
        return {id_: found[id_] for id_ in ids if id_ in found}

    def similarities(self, query: Vector, ids: Collection[str]) -> dict[str, Similarity]:
        """See `TableReader.similarities`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().similarities(query, ids)
        found = snapshot.similarities(query, ids)
        missing = snapshot.missing_vectors([id_ for id_ in ids if id_ not in found])
        return found | super().similarities(query, missing)

    def whole_vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """See `TableReader.whole_vectors`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().whole_vectors(ids)
        found = snapshot.whole_vectors(ids)
        missing = snapshot.missing_vectors([id_ for id_ in ids if id_ not in found])
        return found | super().whole_vectors(missing) if missing else found

    def token_vectors(self, ids: Collection[str], token_key: str) -> dict[str, TokenVectors]:
        """See `TableReader.token_vectors`."""
        snapshot = self._snapshots.current()
        if snapshot is None:
            return super().token_vectors(ids, token_key)
        found = snapshot.tokens.found(ids, token_key)
        if missing := [id_ for id_ in ids if id_ not in found]:
            # Of this version or a later one; whatever changed in between, the next snapshot drops.
            read = self.token_bytes(missing, token_key)
            snapshot.tokens.add(read, token_key)
            if snapshot.tokens.begins_to_fill(snapshot.fingerprint.rows, token_key):
                super().overlap(partial(self._fill, snapshot.tokens, token_key))
            found |= read
        return unpacked(found)

    def changes_by_name(self, where: Filter) -> Callable[[str], Sequence[DatedChange]]:
        """See `TableReader.changes_by_name`; in memory each name is looked up when it is asked."""
        snapshot = self._snapshots.current() if supports(where) else None
        if snapshot is None:
            return super().changes_by_name(where)
        return snapshot.changes_by_name(where)

    def _fill(self, tokens: TokenCache, token_key: str) -> None:
        try:
            self.all_token_bytes(token_key, partial(tokens.add, token_key=token_key))
        except StoreFault as exc:  # those of a recall are read when it asks for them
            _log.warning("token vectors are not held in memory: %s", exc)
        else:
            tokens.is_filled()

    def token_vectors_ahead(
        self, ids: Collection[str], token_key: str
    ) -> Callable[[], dict[str, TokenVectors]]:
        """See `TableReader.token_vectors_ahead`; in memory, only if it is called and then."""
        snapshot = self._snapshots.current()
        if snapshot is None or len(snapshot.tokens.found(ids, token_key)) < len(ids):
            return super().token_vectors_ahead(ids, token_key)
        return partial(self.token_vectors, ids, token_key)

    def tally(self, where: Filter) -> Tally:
        """See `TableReader.tally`."""
        snapshot = self._snapshots.current() if supports(where) else None
        return super().tally(where) if snapshot is None else snapshot.tally(where)

    def overlap(self, work: Callable[[], T]) -> Callable[[], T]:
        """See `TableReader.overlap`; in memory, only if it is called and then at once."""
        return super().overlap(work) if self._snapshots.current() is None else work

    def release(self) -> None:
        """Drop the snapshot; later searches build another one."""
        self._snapshots.release()
