"""The vectors of a text's tokens, by which single words of a question are compared with a text.

They are the encoder's last hidden states on 128 axes, in half a byte each (late interaction:
Khattab and Zaharia, "ColBERT", 2020). Function words have vectors too, which say what stands around
them; punctuation and the model's own marks have none.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
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
_HALF: Final = 8  # makes a code a half byte above zero
_WORD: Final = re.compile(r"\w+(?:['\u2019]\w+)*")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """The vectors of n tokens of a text, in its order.

    Attributes:
        codes: int8, (n, 128), from -7 to 7; only the direction of a row counts, not its length.
        spans: int32, (n, 2), begin and end of each token, as indexes into the text.
    """

    codes: NDArray[np.int8]
    spans: NDArray[np.int32]

    def __len__(self) -> int:
        """Return n."""
        return len(self.codes)

    def chosen(self, which: NDArray[np.bool_]) -> Self:
        """Return those of the tokens for which `which`, (n,), is true."""
        return type(self)(self.codes[which], self.spans[which])

    def without(self, spans: Sequence[Span]) -> Self:
        """Return the tokens that lie outside of these parts of the text."""
        import numpy as np

        outside = np.ones(len(self), np.bool_)
        for start, end in spans:
            outside &= (self.spans[:, 1] <= start) | (self.spans[:, 0] >= end)
        return self.chosen(outside)

    def moved(self, by: int) -> Self:
        """Return the same vectors in a text that has so many characters more in front."""
        return type(self)(self.codes, self.spans + self.spans.dtype.type(by))

    def units(self) -> NDArray[np.float32]:
        """Return the vectors with length 1, float32, (n, 128)."""
        import numpy as np

        vectors = self.codes.astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        found: NDArray[np.float32] = vectors / np.maximum(lengths, 1)[:, None]
        return found

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
        halves, places = (self.codes[:count] + np.int8(_HALF)).astype(np.uint8), places[:count]
        packed = halves[:, ::2] << 4 | halves[:, 1::2]
        content = places.astype("<u2").tobytes() + packed.tobytes()
        return base64.b64encode(content).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `to_text` was given.

        Raises:
            ValueError: The text does not come from there.
        """
        import numpy as np

        content = base64.b64decode(text, validate=True)
        count, rest = divmod(len(content), _BYTES_OF_A_TOKEN + _BYTES_OF_A_SPAN)
        if rest:
            raise ValueError(f"{len(content)} bytes are no token vectors")
        places = np.frombuffer(content, "<u2", 2 * count).reshape(count, 2).astype(np.int32)
        begins = np.cumsum(places[:, 0], dtype=np.int32)
        packed = np.frombuffer(content, np.uint8, offset=_BYTES_OF_A_SPAN * count)
        codes = np.empty((count, TOKEN_DIMENSION), np.int8)
        pairs = packed.reshape(count, _BYTES_OF_A_TOKEN)
        codes[:, ::2], codes[:, 1::2] = pairs >> 4, pairs & 15
        codes -= np.int8(_HALF)
        spans = np.stack([begins, begins + places[:, 1]], axis=1)
        return cls(codes, spans)


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
    together = TokenVectors(
        np.concatenate([texts[number].codes for number in filled]),
        np.concatenate([texts[number].spans for number in filled]),
    )
    cosines = together.units() @ query.units().T
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
