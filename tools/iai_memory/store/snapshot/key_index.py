"""A sorted index of the hashes of a text column: from a value to the rows of a segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..stable_hash import Hashes

Rows = NDArray[np.intp]
"""Numbers of rows within one segment."""


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """Rows by the hash of a text; read-only.

    Of a million texts two share a hash with a chance of 3 in 10**8.

    Attributes:
        keys: Hashes, ascending, int64, (n,).
        rows: Row of each, int32, (n,).
    """

    keys: Hashes
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, keys: Hashes, rows: Rows) -> Self:
        """Index these rows, each by its key; rows of one key keep their order."""
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], rows[order].astype(np.int32))

    @property
    def nbytes(self) -> int:
        """Size of both arrays."""
        return self.keys.nbytes + self.rows.nbytes

    def find(self, keys: Hashes) -> tuple[Rows, Rows]:
        """Return the keys that are there, by position, and the rows that have them, (m,) each.

        Returns:
            Positions within `keys`, ascending, as often as rows have the key, and those rows.
        """
        begins = np.searchsorted(self.keys, keys)
        counts = np.searchsorted(self.keys, keys, side="right") - begins
        which = np.repeat(np.arange(len(keys)), counts)
        ends = np.cumsum(counts)
        at = np.arange(len(which)) + np.repeat(begins - ends + counts, counts)
        return which, self.rows[at].astype(np.intp)
