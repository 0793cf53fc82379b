"""The vectors of a copy, side by side in one buffer that only grows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..quantization import BinaryCodes, Int8Codes, binary_codes, hamming_shortlist
from ..vector_rows import Vector

_BESIDE: Final = 12  # bytes beside the components and their signs

# So many are compared in full, and of more vectors so large a share.
_COMPARED: Final = 1_500
_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class CopiedVectors:
    """The first `used` rows of the buffers; who appends writes behind them.

    Attributes:
        components: Of the codes, int8, (capacity, dim).
        inverse: Of the codes, float32, (capacity,).
        signs: Of the codes, uint8, (capacity, ceil(dim / 8)).
        spans: int32, (capacity, 2), where the passage stands in its text; 0, 0 of a whole text.
        used: How many vectors there are.
    """

    components: NDArray[np.int8]
    inverse: NDArray[np.float32]
    signs: BinaryCodes
    spans: NDArray[np.int32]
    used: int

    @classmethod
    def of_at_most(cls, most: int, dimension: int) -> CopiedVectors:
        """None yet, and room for that many bytes; pages that nothing was written to take none."""
        width = -(-dimension // 8)
        capacity = most // (dimension + width + _BESIDE)
        return cls(
            np.empty((capacity, dimension), np.int8),
            np.empty(capacity, np.float32),
            np.empty((capacity, width), np.uint8),
            np.empty((capacity, 2), np.int32),
            0,
        )

    def __len__(self) -> int:
        """How many vectors there are."""
        return self.used

    @property
    def bytes_each(self) -> int:
        """Of one vector with its span."""
        return int(self.components.shape[1] + self.signs.shape[1]) + _BESIDE

    def has_room(self, more: int) -> bool:
        """Whether so many can be appended."""
        return self.used + more <= len(self.components)

    def appended(self, codes: Int8Codes, spans: NDArray[np.int32]) -> CopiedVectors:
        """These and then those, in the same buffers; only the newest may be asked."""
        end = self.used + len(codes)
        self.components[self.used : end] = codes.components
        self.inverse[self.used : end] = codes.inverse
        self.signs[self.used : end] = binary_codes(codes.components)
        self.spans[self.used : end] = spans
        return replace(self, used=end)

    def packed(self, places: NDArray[np.intp]) -> CopiedVectors:
        """The vectors at these places and no others, in buffers of their own."""
        empty = CopiedVectors(
            np.empty_like(self.components),
            np.empty_like(self.inverse),
            np.empty_like(self.signs),
            np.empty_like(self.spans),
            0,
        )
        codes = Int8Codes(self.components[places], self.inverse[places])
        return empty.appended(codes, self.spans[places])

    def nearest(
        self, query: Vector, admitted: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Places of 1,500, or a hundredth, likely to be nearest, ascending, and their cosines.

        Args:
            query: float32, (dim,), any length but 0.
            admitted: (n,), which of them are asked about; None is every one.
        """
        asked = binary_codes(query[np.newaxis])
        most = max(_COMPARED, int(_SHARE * self.used))
        places = hamming_shortlist(asked, self.signs[: self.used], admitted, most)
        return places, self.cosines_at(places, query)

    def cosines_at(self, places: NDArray[np.intp], query: Vector) -> NDArray[np.float32]:
        """Of the vectors at these places with the query, float32, (n,)."""
        return Int8Codes(self.components[places], self.inverse[places]).cosines(query)
