"""What turns say of changed files, by the file's name, for one segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..arrow import pc
from ..changed_files import DatedChange, change_from_text, name_of
from ..stable_hash import Hashes, hashes_of
from .key_index import KeyIndex, Rows

_COLUMN: Final = "changed_files"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ChangedNames:
    """The changes of a segment; 6 ms for 7,500 of them, 12 bytes each beside the texts.

    Attributes:
        by_name: Their numbers by the hash of the file's name.
        rows: The row of each.
        texts: Each as a record has it.
    """

    by_name: KeyIndex
    rows: Rows
    texts: pa.Array

    @classmethod
    def of(cls, records: pa.RecordBatch) -> Self:
        """Index the changes of these records."""
        if _COLUMN not in records.schema.names:  # of an earlier version that cannot be written
            return cls(KeyIndex.of(hashes_of(()), np.empty(0, np.intp)), _NO_ROWS, _NO_TEXTS)
        texts = pc.list_flatten(records[_COLUMN])
        changes = (change_from_text(text) for text in texts.to_pylist())
        hashes = hashes_of(name_of(one.path) if one else "" for one in changes)
        rows = pc.list_parent_indices(records[_COLUMN]).to_numpy().astype(np.intp)
        return cls(KeyIndex.of(hashes, np.arange(len(hashes))), rows, texts)

    def numbers_of(self, key: Hashes) -> Rows:
        """Return the numbers of the changes of the files of one name, by its hash, (1,)."""
        return self.by_name.find(key)[1]

    def changes(
        self, found: Rows, admitted: NDArray[np.bool_], created_at: NDArray[np.int64]
    ) -> Iterator[DatedChange]:
        """Yield changes.

        Args:
            found: Their numbers.
            admitted: Which rows count, bool, (rows,).
            created_at: Microseconds since 1970 of each row, int64, (rows,).
        """
        found = found[admitted[self.rows[found]]]
        times = created_at[self.rows[found]].tolist()
        for at, text in zip(times, self.texts.take(pa.array(found)).to_pylist(), strict=True):
            if change := change_from_text(text):
                yield DatedChange(_EPOCH + timedelta(microseconds=at), change)


_NO_ROWS: Final[Rows] = np.empty(0, np.intp)
_NO_TEXTS: Final = pa.array([], pa.string())
