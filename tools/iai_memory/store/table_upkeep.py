"""Upkeep of the table: files merged, indexes built anew, columns filled that are new."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ..errors import StoreMismatch, StoreUnavailable
from .compaction import compact, compacted_version, is_due
from .connection import write_lock
from .indexes import create_all_indexes, merge_index_parts
from .lance_errors import retried, translated
from .migrations import embedder_of
from .open_table import OpenTable
from .schema import EMBEDDER_FIELD_KEY

if TYPE_CHECKING:
    from .missing_tokens import MadeTokens

KEEP_VERSIONS: Final = timedelta(minutes=10)
"""Minimum time for which a reader of an old version keeps it."""

_WAIT_FOR_READERS_SEC: Final = 1.0


class TableUpkeep(OpenTable):
    """The table and the work on its files, by which no memory changes."""

    def set_embedder(self, embedder: str) -> None:
        """Declare whose vectors the table holds from now on; the caller made all others pending.

        Runs under the caller's write lock.
        """
        with translated("changing the table's schema"):
            self._table.update_field_metadata(
                {"path": "vector", "metadata": {EMBEDDER_FIELD_KEY: embedder}}
            )

    def rebuild_indexes(self) -> None:
        """Make every index anew, so that no word or name that was removed stays in one.

        Runs under the caller's write lock; 6 s for 100,000 records.
        """
        with translated("building the indexes"):
            create_all_indexes(self._table)

    def compaction_is_due(self) -> bool:
        """Return whether more commits came since the last compaction than the budget allows."""
        return is_due(self.paths, self.version, self._budget)

    def commits_since_compaction(self) -> int:
        """Return the number of versions since the last compaction."""
        return max(0, self.version - compacted_version(self.paths))

    def compact(self, *, keep: timedelta) -> None:
        """Merge small files, bring the indexes up to date and drop old versions.

        Where nobody reads, or stops within a second, only the latest version is left. Else those
        stay that were replaced less than `keep` ago, in whichever process somebody reads.

        Runs under the write lock: beside writers LanceDB's compaction often loses its turn.

        Args:
            keep: Zero leaves only the latest version, even while somebody reads another.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
            StoreUnavailable: The table could not be written.
        """
        try:
            self._compact(keep)
        except StoreUnavailable:
            if not self._mended():
                raise
            self._compact(keep)

    def _compact(self, keep: timedelta) -> None:
        with write_lock(self.paths):
            with translated("reading the latest version"):
                self._to_latest()
                before = self._table.version
            retried(
                "compacting the store",
                lambda: compact(self._table, self.paths, keep, self._sync, self._readers_are_gone),
                self._table.checkout_latest,
            )
            self._digests.forget_removed()
            with translated("reading the latest version"):
                self._rewritten(before, self._table.version)

    def _readers_are_gone(self) -> bool:
        return self._read_lock.wait_for_readers(_WAIT_FOR_READERS_SEC)

    def merge_again(self, files: Collection[str]) -> bool:
        """Merge data files that hold rows which were replaced; return whether any of them went.

        LanceDB merges what lies side by side, so one row of each is written as it is into a new
        file beside it.

        Args:
            files: Names of files in the table's folder of data.

        Raises:
            StoreFault: The table could not be written.
        """
        before = {path.name for path in self.paths.table.glob("data/*")} & {*files}
        with self.writing(shown=False) as writer:
            ids = writer.reader.ids()
            writer.update(writer.reader.rows(ids[:1]), writer.now())
        self.compact(keep=timedelta(0))
        return bool(before - {path.name for path in self.paths.table.glob("data/*")})

    def merge_index_parts(self, max_parts: int) -> None:
        """Build each index of vectors anew that has come to more than `max_parts` parts.

        Runs under the write lock, for some 6 s with 100,000 records, so only while nobody writes.
        """
        with self._rewriting("building the indexes of vectors") as table:
            merge_index_parts(table, max_parts)

    def count_missing_digests(self) -> int:
        """Return how many rows an earlier version wrote, without their digests."""
        from .missing_digests import count_missing_digests

        with translated("counting rows without a digest"):
            self._to_latest()
            return count_missing_digests(self._table)

    def give_digests(self, limit: int) -> int:
        """Give up to `limit` rows that have none their digest; return how many.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
            StoreUnavailable: The rows cannot be read or written.
        """
        from .missing_digests import give_digests

        with self._rewriting("giving rows their digests") as table:
            return give_digests(table, limit)

    def give_tokens(self, made: Mapping[str, MadeTokens], token_key: str) -> int:
        """Give rows token vectors by their ids; return how many.

        Args:
            made: For each row the text that they were made of, and the vectors.
            token_key: Of their model.

        Raises:
            StoreBusy: Another process kept the write lock for a minute.
            StoreMismatch: The store holds another model's vectors by now.
            StoreUnavailable: The rows cannot be read or written.
        """
        from .missing_tokens import give_tokens

        with self._rewriting("giving rows their token vectors") as table:
            if not token_key.startswith(f"{embedder_of(table)}/"):
                raise StoreMismatch(
                    f"the store holds vectors of {embedder_of(table)} by now, and this process "
                    f"made token vectors of {token_key}: start it again"
                )
            return give_tokens(table, made)
