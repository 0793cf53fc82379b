"""The conversion of published BERT weights to an ONNX graph from tokens to a unit vector.

The graph is the encoder of Devlin et al. (2018) with 384 channels and 12 heads, mean pooling and L2
normalisation. Its large matrix products are of 8-bit integers; attention, norms and sums are
float32. Two operators are private to onnxruntime: MatMulIntegerToFloat and, for a word table of 4
bits, GatherBlockQuantized.

Weights have a scale for each output channel. Activations have one for each token, taken from that
token alone (Yao et al., "ZeroQuant", 2022): no text is quantised by what stands beside it in a
batch, and no range has to be known beforehand. The few channels that are always louder than the
rest are turned down before, and their weights up, so that they do not take the others' bits (Xiao
et al., "SmoothQuant", 2022).

Four things are folded into the weights because they never change: the embedding of token type 0
(a text is always one segment), the attention's 1/sqrt(head size), the joint projection of queries,
keys and values, and the loudness of those channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .identity import DIMENSION
from .token_vectors import LARGEST_CODE, TOKEN_DIMENSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONVERTER_VERSION = 2
"""Grows with every change of the graph; an install replaces a folder of an older version."""

_HEADS = 12
_HEAD_SIZE = DIMENSION // _HEADS
_EPSILON = 1e-12
_OPSET = 20  # the first with Gelu; LayerNormalization came with 17
_IR_VERSION = 10  # what onnxruntime 1.22, our oldest, reads; onnx would write its newest
_ONNXRUNTIME = "com.microsoft"

_LOUDNESS = 4.0  # a power of two: dividing by it loses no bits

_LARGEST = 127  # of a weight; -128 is left out, so that zero stands in the middle
_TOP_OF_TOKEN = 8.0  # the largest number of a token becomes this, and is cut to 7
_GELU_DEPTH = 0.17  # GELU's least value is -0.16997


@dataclass(frozen=True, slots=True)
class Architecture:
    """What differs between the published encoders.

    Attributes:
        layers: Number of encoder layers.
        loud_channels: Channels of the normalised hidden states that are much louder than the
            median one, all layers alike.
        token_axes: File beside this one with the axes of token vectors; None leaves these out.
    """

    layers: int
    loud_channels: tuple[int, ...]
    token_axes: str | None = None


# Over README, SECURITY.md and generated talk: the largest value here is 2.8 to 7.9 times that of
# the median channel, elsewhere at most 2.
MINILM = Architecture(layers=6, loud_channels=(63, 99, 157, 223, 338), token_axes="token_axes.npy")


@dataclass(frozen=True, slots=True)
class BlockTable:
    """A word table of 4 bits a component, each 32 of a row with their own step.

    Attributes:
        nibbles: uint8, (words, 192): components 2i and 2i + 1 as the low and the high half of byte
            i, each a whole number -8..7 in two's complement.
        steps: float16, (words, 12).
    """

    nibbles: NDArray[np.uint8]
    steps: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class _Quantised:
    """Names of a tensor of bytes that stand for floats: (byte - zero) * step - depth.

    Attributes:
        values: uint8, (n, tokens, size).
        zero: uint8, one for all.
        step: float32, (n, tokens, 1).
        depth: Taken off after multiplying by the step.
    """

    values: str
    zero: str
    step: str
    depth: float = 0.0


def convert(
    weights: Mapping[str, NDArray[np.float32]],
    on_layer: Callable[[int], None] | None = None,
    *,
    architecture: Architecture = MINILM,
    words: BlockTable | None = None,
) -> bytes:
    """Build the graph; the same weights give the same bytes.

    The graph takes `input_ids`, int64 (n, tokens), at most 512 tokens, and gives `embedding`,
    float32 (n, 384), each row of length 1. Where the architecture has axes for them it also gives
    `tokens`, int8 (n, tokens, 128) from -7 to 7, the directions of the single tokens. There is no
    padding: the texts of one run have the same number of tokens, and a row has the same bits
    whatever the others are.

    Args:
        weights: Tensors by the names of the published BERT.
        on_layer: Called with the number of encoder layers done.
        architecture: What they are the weights of.
        words: The word table where it was published in 4 bits; else it is among the weights.

    Returns:
        The serialised ONNX model.

    Raises:
        ImportError: onnx is not installed (the extra `iai-mcp[model]`).
        KeyError: A tensor is missing.
    """
    graph = _Graph(weights, architecture)
    table = graph.words("input_ids") if words is None else graph.block_words("input_ids", words)
    hidden = graph.embed("input_ids", *table)
    for layer in range(architecture.layers):
        hidden = graph.encoder_layer(hidden, f"encoder.layer.{layer}")
        if on_layer is not None:
            on_layer(layer + 1)
    graph.pool_and_normalise(hidden, "input_ids", output="embedding")
    if architecture.token_axes is not None:
        graph.project_tokens(hidden, token_axes(architecture.token_axes), output="tokens")
    return graph.serialise()


def token_axes(file: str) -> NDArray[np.float32]:
    """Return the axes of token vectors, float32, (384, 128): columns of length 1.

    They are the first principal axes of the hidden states of 80,000 tokens of English talk and of
    this project's docs and docstrings, each of length 1, rounded to a byte; of the multilingual
    model those of 36,000 tokens of messages of programs in 41 languages, of these docs and of the
    known items, at right angles to the mean of all, which takes two thirds of the squares and tells
    no token from another. Pinned as a file,
    because another processor, or other docs, would give other axes, and vectors on those could not
    be compared. They keep 77 % of the squares.
    """
    import numpy as np

    codes = np.load(Path(__file__).with_name(file)).astype(np.float32)
    axes: NDArray[np.float32] = codes / np.linalg.norm(codes, axis=0)
    return axes


class _Graph:
    """The nodes and constants so far; each method appends and returns the name of its output."""

    def __init__(
        self, weights: Mapping[str, NDArray[np.float32]], architecture: Architecture
    ) -> None:
        import numpy as np
        from onnx import helper, numpy_helper

        self._np = np
        self._helper = helper
        self._numpy_helper = numpy_helper
        self._weights = weights
        self._architecture = architecture
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def words(self, ids: str) -> tuple[str, str | None]:
        """Return each token's row of the word table, rounded to whole numbers, and its step."""
        table, steps = self._rounded(self._weight("embeddings.word_embeddings").T)
        words = self.op("Gather", self.constant("word_embeddings", table.T), ids)
        step = self.op("Gather", self.constant("word_embeddings.step", steps[:, None]), ids)
        return words, step

    def block_words(self, ids: str, table: BlockTable) -> tuple[str, str | None]:
        """Return each token's row of a word table that stays in 4 bits, its steps applied."""
        from onnx import TensorProto

        self._constants["word_embeddings"] = self._helper.make_tensor(
            "word_embeddings",
            TensorProto.INT4,
            (len(table.nibbles), DIMENSION),
            table.nibbles.tobytes(),
            raw=True,
        )
        rows = self.op(
            "GatherBlockQuantized",
            "word_embeddings",
            ids,
            self.constant("word_embeddings.steps", table.steps),
            block_size=DIMENSION // table.steps.shape[1],
            gather_axis=0,
            quantize_axis=1,
            domain=_ONNXRUNTIME,
        )
        return rows, None

    def embed(self, ids: str, words: str, step: str | None) -> str:
        positions = self.constant(
            "position_embeddings",
            self._weight("embeddings.position_embeddings")
            + self._weight("embeddings.token_type_embeddings")[0],
        )
        rows = self.op("Slice", positions, self.ints(0), self._tokens_of(ids), self.ints(0))
        loud = self._as_float(words)
        if step is not None:
            loud = self.op("Mul", loud, step)
        return self.layer_norm(self.op("Add", loud, rows), "embeddings.LayerNorm")

    def encoder_layer(self, hidden: str, name: str) -> str:
        context = self.attention(self.quantise_hidden(hidden), f"{name}.attention.self")
        attended = self.dense(self.quantise(context), f"{name}.attention.output.dense")
        hidden = self.layer_norm(
            self.op("Add", attended, hidden), f"{name}.attention.output.LayerNorm"
        )
        inner = self.dense(
            self.quantise_hidden(hidden), f"{name}.intermediate.dense", of_hidden=True
        )
        outer = self.dense(self.quantise_gelu(self.op("Gelu", inner)), f"{name}.output.dense")
        return self.layer_norm(self.op("Add", outer, hidden), f"{name}.output.LayerNorm")

    def attention(self, hidden: _Quantised, name: str) -> str:
        np = self._np
        parts = ("query", "key", "value")
        scales = (np.float32(_HEAD_SIZE**-0.5), np.float32(1), np.float32(1))
        matrix = np.concatenate(
            [
                self._weight(f"{name}.{part}").T * scale
                for part, scale in zip(parts, scales, strict=True)
            ],
            axis=1,
        )
        offset = np.concatenate(
            [
                self._weights[f"{name}.{part}.bias"] * scale
                for part, scale in zip(parts, scales, strict=True)
            ]
        )
        joint = self.product(hidden, matrix * self._loudness()[:, None], offset, name)
        query, key, value = self.split(joint, 3)
        heads = self.ints(0, 0, _HEADS, _HEAD_SIZE)
        query = self.op("Transpose", self.op("Reshape", query, heads), perm=[0, 2, 1, 3])
        key = self.op("Transpose", self.op("Reshape", key, heads), perm=[0, 2, 3, 1])
        value = self.op("Transpose", self.op("Reshape", value, heads), perm=[0, 2, 1, 3])
        weights = self.op("Softmax", self.op("MatMul", query, key), axis=-1)
        return self.op(
            "Reshape",
            self.op("Transpose", self.op("MatMul", weights, value), perm=[0, 2, 1, 3]),
            self.ints(0, 0, DIMENSION),
        )

    def pool_and_normalise(self, hidden: str, ids: str, output: str) -> None:
        """Append the direction of the summed tokens, which is that of their mean, as the output.

        As a product with ones, because a reduction adds up in another order in a batch of one.
        """
        ones = self.op("ConstantOfShape", self._tokens_of(ids), value=self._tensor_of_one())
        total = self.op("MatMul", self.op("Unsqueeze", ones, self.ints(0)), hidden)
        total = self.op("Squeeze", total, self.ints(1))
        length = self.op("ReduceL2", total, self.ints(1), keepdims=1)
        self.op("Div", total, self.op("Max", length, self.scalar(_EPSILON)), output=output)

    def project_tokens(self, hidden: str, axes: NDArray[np.float32], output: str) -> None:
        """Append each token's direction on the pinned axes, in whole numbers from -7 to 7."""
        matrix = axes * self._loudness()[:, None]
        offset = self._np.zeros(TOKEN_DIMENSION, dtype=self._np.float32)
        projected = self.product(self.quantise_hidden(hidden), matrix, offset, "token_axes")
        top = self.op("ReduceMax", self.op("Abs", projected), self.ints(2), keepdims=1)
        scale = self.op("Div", self.scalar(_TOP_OF_TOKEN), top)
        scaled = self.op("Mul", projected, scale)
        largest = float(LARGEST_CODE)
        clipped = self.op("Clip", scaled, self.scalar(-largest), self.scalar(largest))
        zero = self.constant("zero", self._np.array(0, dtype=self._np.int8))
        self.op("QuantizeLinear", clipped, self.scalar(1.0), zero, output=output)

    def dense(self, value: _Quantised, name: str, *, of_hidden: bool = False) -> str:
        matrix = self._weight(name).T
        if of_hidden:
            matrix = matrix * self._loudness()[:, None]
        return self.product(value, matrix, self._weights[f"{name}.bias"], name)

    def product(
        self, value: _Quantised, matrix: NDArray[np.float32], offset: NDArray[np.float32], name: str
    ) -> str:
        """Return `value @ matrix + offset`, as floats."""
        np = self._np
        whole, steps = self._rounded(matrix)
        depth = steps * np.float32(value.depth) * whole.sum(axis=0, dtype=np.int64)
        product = self.op(
            "MatMulIntegerToFloat",
            value.values,
            self.constant(f"{name}.matrix", whole),
            self.scalar(1.0),
            self.constant(f"{name}.steps", steps),
            value.zero,
            domain=_ONNXRUNTIME,
        )
        rest = self.constant(f"{name}.offset", (offset - depth).astype(np.float32))
        return self.op("Add", self.op("Mul", product, value.step), rest)

    def quantise_hidden(self, hidden: str) -> _Quantised:
        """Quantise the output of a norm, its loud channels turned down."""
        quieter = self.constant("quieter", 1 / self._loudness())
        return self.quantise(self.op("Mul", hidden, quieter))

    def quantise(self, value: str) -> _Quantised:
        return self._quantised(value, self.op("Abs", value), zero=128, largest=_LARGEST)

    def quantise_gelu(self, value: str) -> _Quantised:
        """Quantise GELU's output, which hardly goes below 0: no bit is spent on a sign."""
        raised = self.op("Add", value, self.scalar(_GELU_DEPTH))
        return self._quantised(raised, raised, zero=0, largest=255, depth=_GELU_DEPTH)

    def layer_norm(self, value: str, name: str) -> str:
        scale = self.constant(f"{name}.scale", self._weight(name))
        offset = self.constant(f"{name}.offset", self._weights[f"{name}.bias"])
        return self.op("LayerNormalization", value, scale, offset, epsilon=_EPSILON)

    def split(self, value: str, parts: int) -> list[str]:
        outputs = [f"split_{len(self._nodes)}_{part}" for part in range(parts)]
        node = self._helper.make_node("Split", [value], outputs, axis=-1, num_outputs=parts)
        self._nodes.append(node)
        return outputs

    def op(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def ints(self, *values: int) -> str:
        name = "ints_" + "_".join(str(value) for value in values)
        return self.constant(name, self._np.array(values, dtype=self._np.int64))

    def byte(self, value: int) -> str:
        return self.constant(f"byte_{value}", self._np.array(value, dtype=self._np.uint8))

    def scalar(self, value: float) -> str:
        return self.constant(f"scalar_{value}", self._np.array(value, dtype=self._np.float32))

    def constant(self, name: str, array: NDArray[Any]) -> str:
        if name not in self._constants:
            contiguous = self._np.ascontiguousarray(array).reshape(array.shape)
            self._constants[name] = self._numpy_helper.from_array(contiguous, name)
        return name

    def serialise(self) -> bytes:
        helper = self._helper
        from onnx import TensorProto

        inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "tokens"])]
        outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSION])]
        if self._architecture.token_axes is not None:
            shape = ["n", "tokens", TOKEN_DIMENSION]
            outputs.append(helper.make_tensor_value_info("tokens", TensorProto.INT8, shape))
        model = helper.make_model(
            helper.make_graph(
                self._nodes, "sentence_embedding", inputs, outputs, list(self._constants.values())
            ),
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_ONNXRUNTIME, 1)],
            ir_version=_IR_VERSION,
            producer_name="iai-mcp",
            producer_version=str(CONVERTER_VERSION),
        )
        return bytes(model.SerializeToString(deterministic=True))

    def _quantised(
        self, value: str, sizes: str, *, zero: int, largest: int, depth: float = 0.0
    ) -> _Quantised:
        """Scale each token so that its largest size becomes the largest byte, and round."""
        top = self.op("ReduceMax", sizes, self.ints(2), keepdims=1)
        scaled = self.op("Mul", value, self.op("Div", self.scalar(largest), top))
        values = self.op("QuantizeLinear", scaled, self.scalar(1.0), self.byte(zero))
        step = self.op("Mul", top, self.scalar(1 / largest))
        return _Quantised(values, self.byte(zero), step, depth)

    def _rounded(self, matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """Return whole numbers and a step for each column: their product is close to the matrix."""
        np = self._np
        steps = (np.abs(matrix).max(axis=0) / np.float32(_LARGEST)).astype(np.float32)
        return np.rint(matrix / steps).astype(np.int8), steps

    def _loudness(self) -> NDArray[np.float32]:
        loudness = self._np.ones(DIMENSION, dtype=self._np.float32)
        loudness[list(self._architecture.loud_channels)] = _LOUDNESS
        return loudness

    def _weight(self, name: str) -> NDArray[np.float32]:
        return self._weights[f"{name}.weight"]

    def _tokens_of(self, ids: str) -> str:
        """Return the number of tokens of each text of the run; int64 (1,)."""
        return self.op("Shape", ids, start=1, end=2)

    def _tensor_of_one(self) -> Any:
        return self._numpy_helper.from_array(self._np.ones(1, dtype=self._np.float32))

    def _as_float(self, value: str) -> str:
        from onnx import TensorProto

        return self.op("Cast", value, to=TensorProto.FLOAT)
