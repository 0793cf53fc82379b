"""The vectors of a text's tokens, by which single words of a question are compared with a text.

They are the encoder's last hidden states on 128 axes, in half a byte each (late interaction:
Khattab and Zaharia, "ColBERT", 2020). Function words have vectors too, which say what stands around
them; punctuation and the model's own marks have none.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOKEN_DIMENSION: Final = 128
"""Numbers of a token's vector. In 64 bytes they say as much as 384 floats: in the longitudinal set
the first hit is right as often. 64 numbers of a byte each say less, .015 of it."""

LARGEST_CODE: Final = 7
"""Of the whole numbers that a vector consists of; the smallest is its negative."""

_MAX_STEP: Final = (1 << 16) - 1
_BYTES_OF_A_SPAN: Final = 4
_BYTES_OF_A_TOKEN: Final = TOKEN_DIMENSION // 2
_BYTES_OF_A_ROW: Final = _BYTES_OF_A_SPAN + _BYTES_OF_A_TOKEN
_HALF: Final = 8  # makes a code a half byte above zero
_LOW_BITS: Final = 15
_ALONE: Final = 1 << 18
_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """The vectors of n tokens of a text, in its order.

    Attributes:
        packed: uint8, (n, 64), two numbers from -7 to 7 in each, as `codes` has them; only the
            direction of a row counts, not its length.
        spans: int32, (n, 2), begin and end of each token, as indexes into the text.
    """

    packed: NDArray[np.uint8]
    spans: NDArray[np.int32]

    @classmethod
    def of(cls, codes: NDArray[np.int8], spans: NDArray[np.int32]) -> Self:
        """Pack numbers from -7 to 7, int8, (n, 128)."""
        import numpy as np

        halves = (codes + np.int8(_HALF)).astype(np.uint8)
        return cls(halves[:, ::2] << np.uint8(4) | halves[:, 1::2], spans)

    @property
    def codes(self) -> NDArray[np.int8]:
        """The numbers, int8, (n, 128), from -7 to 7."""
        import numpy as np

        halves = np.stack([self.packed >> 4, self.packed & _LOW_BITS], axis=2)
        return halves.reshape(len(self), TOKEN_DIMENSION).astype(np.int8) - np.int8(_HALF)

    def __len__(self) -> int:
        """Return n."""
        return len(self.packed)

    def chosen(self, which: NDArray[np.bool_]) -> Self:
        """Return those of the tokens for which `which`, (n,), is true."""
        return type(self)(self.packed[which], self.spans[which])

    def without(self, spans: Sequence[Span]) -> Self:
        """Return the tokens that lie outside of these parts of the text."""
        import numpy as np

        outside = np.ones(len(self), np.bool_)
        for start, end in spans:
            outside &= (self.spans[:, 1] <= start) | (self.spans[:, 0] >= end)
        return self.chosen(outside)

    def moved(self, by: int) -> Self:
        """Return the same vectors in a text that has so many characters more in front."""
        return type(self)(self.packed, self.spans + self.spans.dtype.type(by))

    def to_text(self) -> str:
        """Return the vectors as the table's column holds them: 91 characters a token.

        What follows more than 65,535 characters without a word is left out.
        In base64 (RFC 4648), because versions that do not know the column take its values for text.
        """
        import numpy as np

        begins = self.spans[:, 0]
        steps = np.diff(begins, prepend=np.zeros(1, begins.dtype))
        places = np.stack([steps, self.spans[:, 1] - begins], axis=1)
        fits = ((places >= 0) & (places <= _MAX_STEP)).all(axis=1)
        count = int(np.argmin(np.append(fits, False)))
        content = places[:count].astype("<u2").tobytes() + self.packed[:count].tobytes()
        return base64.b64encode(content).decode("ascii")


def unpacked(contents: Mapping[str, bytes]) -> dict[str, TokenVectors]:
    """Return by the same keys what `bytes_of_text` read of each text.

    All at once: a fifth of the time of one by one.
    """
    import numpy as np

    counts = [len(one) // _BYTES_OF_A_ROW for one in contents.values()]
    ends = [_BYTES_OF_A_SPAN * count for count in counts]
    pairs = list(zip(contents.values(), ends, strict=True))
    places = np.frombuffer(b"".join([one[:end] for one, end in pairs]), "<u2").reshape(-1, 2)
    packed = np.frombuffer(b"".join([one[end:] for one, end in pairs]), np.uint8)
    packed = packed.reshape(-1, _BYTES_OF_A_TOKEN)
    # The sum of all steps, less what it was before each text.
    begins = np.cumsum(places[:, 0], dtype=np.int64)
    bounds = np.cumsum([0, *counts])
    before = np.concatenate([np.zeros(1, np.int64), begins])[bounds[:-1]]
    begins -= np.repeat(before, counts)
    spans = np.stack([begins, begins + places[:, 1]], axis=1).astype(np.int32)
    return {
        key: TokenVectors(packed[begin:end], spans[begin:end])
        for key, (begin, end) in zip(contents, pairwise(bounds.tolist()), strict=True)
    }


def bytes_of_text(text: str) -> bytes:
    """Return the bytes of what `TokenVectors.to_text` made, 68 a token.

    Raises:
        ValueError: The text does not come from there.
    """
    content = base64.b64decode(text, validate=True)
    if len(content) % _BYTES_OF_A_ROW:
        raise ValueError(f"{len(content)} bytes are no token vectors")
    return content


@cache
def _numbers_of_bytes() -> NDArray[np.float64]:
    """Return for each byte its two numbers as two float32 side by side, (256,)."""
    import numpy as np

    both = np.arange(256)
    numbers = np.stack([both >> 4, both & _LOW_BITS], axis=1).astype(np.float32) - _HALF
    return numbers.view(np.float64)[:, 0]


def _units(packed: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return vectors, float32, (n, 128), and what makes their lengths 1, (n,)."""
    import numpy as np

    # One look-up a byte: as fast as a copy, eight times as fast as shifting and masking.
    vectors = _numbers_of_bytes()[packed].view(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scales: NDArray[np.float32] = 1 / np.maximum(lengths, np.float32(1))
    return vectors, scales


def _product(vectors: NDArray[np.float32], asked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors @ asked, (n, k), in parts that BLAS multiplies in the thread that calls.

    For more than `_ALONE` products OpenBLAS wakes a thread a core, which wait for one another: on
    two cores with other work 3.5 ms instead of 0.15.
    """
    import numpy as np

    step = max(1, _ALONE // asked.size)
    found = np.empty((len(vectors), asked.shape[1]), np.float32)
    for start in range(0, len(vectors), step):
        np.matmul(vectors[start : start + step], asked, out=found[start : start + step])
    return found


def max_similarities(query: TokenVectors, texts: Sequence[TokenVectors]) -> NDArray[np.float32]:
    """Return the cosine of each token of the query with the token of each text that is nearest.

    Returns:
        float32, (len(texts), len(query)); 0 for a text without tokens.
    """
    import numpy as np

    found = np.zeros((len(texts), len(query)), np.float32)
    filled = [number for number, one in enumerate(texts) if len(one)]
    if not filled or not len(query):
        return found
    lengths = [len(texts[number]) for number in filled]
    vectors, scales = _units(np.concatenate([texts[number].packed for number in filled]))
    asked, asked_scales = _units(query.packed)
    cosines = _product(vectors, (asked * asked_scales[:, None]).T) * scales[:, None]
    starts = np.cumsum([0, *lengths[:-1]])
    found[filled] = np.maximum.reduceat(cosines, starts, axis=0)
    return found


def words_of_tokens(text: str, spans: Sequence[Span]) -> list[str | None]:
    """Return the word that each token is part of; None for punctuation and empty spans."""
    words = list(_WORD.finditer(text))
    begins = [match.start() for match in words]
    found: list[str | None] = []
    for start, end in spans:
        number = bisect_right(begins, start) - 1
        within = start < end and number >= 0 and start < words[number].end()
        found.append(words[number][0] if within else None)
    return found
