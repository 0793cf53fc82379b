"""Turns published BERT weights into one ONNX graph that ends in a normalised sentence vector.

The graph is the encoder of Devlin et al. (2018) with the sizes of all-MiniLM-L6-v2, mean pooling
over the attention mask and L2 normalisation, written in plain ONNX operators: any runtime that
knows opset 20 runs it, and no operator is private to onnxruntime.

Three things are folded into the weights because they never change: the embedding of token type 0
(a text is always one segment), the attention's 1/sqrt(head size), and the joint projection of
queries, keys and values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .identity import DIMENSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONVERTER_VERSION = 1
"""Grows with every change of the graph; an install replaces a folder of an older version."""

LAYERS = 6
_HEADS = 12
_HEAD_SIZE = DIMENSION // _HEADS
_EPSILON = 1e-12
_OPSET = 20  # the first with Gelu; LayerNormalization came with 17
_IR_VERSION = 10  # what onnxruntime 1.22, our oldest, reads; onnx would write its newest
_MASKED = -1e9  # exp() of it is exactly 0, and unlike -inf it cannot make a NaN


def convert(
    weights: Mapping[str, NDArray[np.float32]], on_layer: Callable[[int], None] | None = None
) -> bytes:
    """Builds the graph; the same weights give the same bytes.

    The graph takes `input_ids` and `attention_mask`, int64 (n, tokens), at most 512 tokens, and
    gives `embedding`, float32 (n, 384), each row of length 1. Positions outside the mask change
    nothing.

    Args:
        weights: Tensors by their published names.
        on_layer: Called with the number of encoder layers done.

    Returns:
        The serialised ONNX model.

    Raises:
        ImportError: onnx is not installed (the extra `iai-mcp[model]`).
        KeyError: A tensor is missing.
    """
    graph = _Graph(weights)
    hidden = graph.embed("input_ids")
    bias = graph.attention_bias("attention_mask")
    for layer in range(LAYERS):
        hidden = graph.encoder_layer(hidden, bias, f"encoder.layer.{layer}")
        if on_layer is not None:
            on_layer(layer + 1)
    graph.pool_and_normalise(hidden, "attention_mask", output="embedding")
    return graph.serialise()


class _Graph:
    """The nodes and constants so far; each method appends and returns the name of its output."""

    def __init__(self, weights: Mapping[str, NDArray[np.float32]]) -> None:
        import numpy as np
        from onnx import helper, numpy_helper

        self._np = np
        self._helper = helper
        self._numpy_helper = numpy_helper
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def embed(self, ids: str) -> str:
        table = self.constant("word_embeddings", self._weight("embeddings.word_embeddings"))
        positions = self.constant(
            "position_embeddings",
            self._weight("embeddings.position_embeddings")
            + self._weight("embeddings.token_type_embeddings")[0],
        )
        length = self.op("Shape", ids, start=1, end=2)
        rows = self.op("Slice", positions, self.ints(0), length, self.ints(0))
        words = self.op("Gather", table, ids)
        return self.layer_norm(self.op("Add", words, rows), "embeddings.LayerNorm")

    def attention_bias(self, mask: str) -> str:
        """0 where the mask is 1 and a large negative number where it is 0; (n, 1, 1, tokens)."""
        outside = self.op("Sub", self.scalar(1.0), self._as_float(mask))
        bias = self.op("Mul", outside, self.scalar(_MASKED))
        return self.op("Unsqueeze", bias, self.ints(1, 2))

    def encoder_layer(self, hidden: str, bias: str, name: str) -> str:
        context = self.attention(hidden, bias, f"{name}.attention.self")
        attended = self.dense(context, f"{name}.attention.output.dense")
        hidden = self.layer_norm(
            self.op("Add", attended, hidden), f"{name}.attention.output.LayerNorm"
        )
        inner = self.op("Gelu", self.dense(hidden, f"{name}.intermediate.dense"))
        outer = self.dense(inner, f"{name}.output.dense")
        return self.layer_norm(self.op("Add", outer, hidden), f"{name}.output.LayerNorm")

    def attention(self, hidden: str, bias: str, name: str) -> str:
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
        joint = self.op(
            "Add",
            self.op("MatMul", hidden, self.constant(f"{name}.matrix", matrix)),
            self.constant(f"{name}.offset", offset),
        )
        query, key, value = self.split(joint, 3)
        heads = self.ints(0, 0, _HEADS, _HEAD_SIZE)
        query = self.op("Transpose", self.op("Reshape", query, heads), perm=[0, 2, 1, 3])
        key = self.op("Transpose", self.op("Reshape", key, heads), perm=[0, 2, 3, 1])
        value = self.op("Transpose", self.op("Reshape", value, heads), perm=[0, 2, 1, 3])
        scores = self.op("Add", self.op("MatMul", query, key), bias)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), value)
        return self.op(
            "Reshape",
            self.op("Transpose", mixed, perm=[0, 2, 1, 3]),
            self.ints(0, 0, DIMENSION),
        )

    def pool_and_normalise(self, hidden: str, mask: str, output: str) -> None:
        weight = self.op("Unsqueeze", self._as_float(mask), self.ints(2))
        total = self.op("ReduceSum", self.op("Mul", hidden, weight), self.ints(1), keepdims=0)
        count = self.op("ReduceSum", weight, self.ints(1), keepdims=0)
        mean = self.op("Div", total, count)
        length = self.op("ReduceL2", mean, self.ints(1), keepdims=1)
        self.op("Div", mean, self.op("Max", length, self.scalar(_EPSILON)), output=output)

    def dense(self, value: str, name: str) -> str:
        matrix = self.constant(f"{name}.matrix", self._weight(name).T)
        offset = self.constant(f"{name}.offset", self._weights[f"{name}.bias"])
        return self.op("Add", self.op("MatMul", value, matrix), offset)

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

        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIMENSION])]
        model = helper.make_model(
            helper.make_graph(
                self._nodes, "sentence_embedding", inputs, outputs, list(self._constants.values())
            ),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="iai-mcp",
            producer_version=str(CONVERTER_VERSION),
        )
        return bytes(model.SerializeToString(deterministic=True))

    def _weight(self, name: str) -> NDArray[np.float32]:
        return self._weights[f"{name}.weight"]

    def _as_float(self, mask: str) -> str:
        from onnx import TensorProto

        return self.op("Cast", mask, to=TensorProto.FLOAT)
