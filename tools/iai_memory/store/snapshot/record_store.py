"""Records in Arrow, in memory: appended to, and taken by their places."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import numpy as np
import pyarrow as pa

from .columns import Places

_NAMES: Final = ("role", "origin", "host", "session_id", "project", "cwd", "embedder")


class CopiedRecords:
    """Never changes for those who read it; what is appended makes another one.

    Both share their chunks. Each chunk is at least twice as long as the next one, so there are
    only as many as the logarithm of the rows.
    """

    def __init__(self, chunks: tuple[pa.Table, ...] = ()) -> None:
        """For this module only, but for an empty one."""
        self._chunks = chunks
        self._begins = [0, *accumulate(chunk.num_rows for chunk in chunks)]

    @property
    def nbytes(self) -> int:
        """Of all their columns."""
        return sum(chunk.nbytes for chunk in self._chunks)

    def appended(self, table: pa.Table) -> CopiedRecords:
        """These and then those; the columns stay those of the first that were appended."""
        chunks, last = list(self._chunks), _short(table)
        while chunks and chunks[-1].num_rows < 2 * last.num_rows:
            last = pa.concat_tables([chunks.pop(), last]).combine_chunks()
        return CopiedRecords((*chunks, last))

    def merged(self) -> CopiedRecords:
        """The same in one chunk: each that rows are taken from costs a quarter of a millisecond."""
        return CopiedRecords(
            (pa.concat_tables(self._chunks).combine_chunks(),) if self._chunks else ()
        )

    def taken(self, places: Places) -> Iterator[pa.Table]:
        """The rows at these places, in any order."""
        which = np.searchsorted(self._begins, places, side="right") - 1
        for number in np.unique(which).tolist():
            local = places[which == number] - self._begins[number]
            yield self._chunks[number].take(pa.array(local))

    def packed(self, places: Places) -> CopiedRecords:
        """The rows at these places and no others, in the order of the places."""
        parts = list(self.taken(np.sort(places)))
        return CopiedRecords((pa.concat_tables(parts).combine_chunks(),) if parts else ())


def _short(table: pa.Table) -> pa.Table:
    """The same with names, which repeat, as numbers of a dictionary."""
    for name in _NAMES:
        encoded = table[name].combine_chunks().dictionary_encode()
        table = table.set_column(table.schema.get_field_index(name), name, encoded)
    # What was read holds on to its whole batch, vectors included.
    return table.take(pa.array(np.arange(table.num_rows)))
