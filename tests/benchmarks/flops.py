"""How much arithmetic a text costs, and how much the machine can do: both in GFLOP/s.

A multiplication and its addition are two operations. For n tokens, hidden size d and inner size f,
one layer of the encoder multiplies matrices for

- queries, keys and values: 3 * 2 n d^2, and the projection behind them: 2 n d^2,
- scores and the sum that they weigh: 2 * 2 n^2 d,
- the feed-forward part: 2 * 2 n d f,

after table 1 of Kaplan et al., "Scaling Laws for Neural Language Models" (2020), which counts the
scores only. Norms, softmax, GELU, embeddings and pooling are left out: they take time, and count as
none of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from iai_memory.embedding.convert import MINILM
from iai_memory.embedding.identity import DIMENSION

from .timings import timed

INNER = 4 * DIMENSION
_OPSET, _IR_VERSION = 20, 10
# The encoder's own products for a batch of 384 tokens, and large squares, where libraries are best.
SHAPES = ((384, 384, 1152), (384, 384, 1536), (384, 1536, 384), (1024, 1024, 1024), (2048,) * 3)


def encoder_operations(lengths: Sequence[int]) -> int:
    """Operations to encode texts of so many tokens each, the two special ones included."""
    per_token = 8 * DIMENSION**2 + 4 * DIMENSION * INNER
    return MINILM.layers * sum(per_token * n + 4 * n * n * DIMENSION for n in lengths)


def numpy_peak(rounds: int) -> float:
    """GFLOP/s of numpy's float32 product, the best of all shapes and rounds, on every core."""
    draw = np.random.default_rng(0)

    def product(m: int, k: int, n: int) -> Callable[[], object]:
        left = draw.standard_normal((m, k), dtype=np.float32)
        right = draw.standard_normal((k, n), dtype=np.float32)
        return lambda: left @ right

    return _best(product, rounds)


def onnxruntime_peak(threads: int, rounds: int) -> float:
    """GFLOP/s of a graph that is one MatMul by a constant, the best of all shapes and rounds."""
    draw = np.random.default_rng(0)

    def product(m: int, k: int, n: int) -> Callable[[], object]:
        session = _matmul_session(draw.standard_normal((k, n), dtype=np.float32), threads)
        left = draw.standard_normal((m, k), dtype=np.float32)
        return lambda: session.run(["out"], {"left": left})

    return _best(product, rounds)


def _best(product: Callable[[int, int, int], Callable[[], object]], rounds: int) -> float:
    found = 0.0
    for m, k, n in SHAPES:
        work = product(m, k, n)
        work()
        fastest = min(timed(work)[1] for _ in range(rounds))
        found = max(found, 2 * m * k * n / fastest / 1e6)
    return round(found, 1)


def _matmul_session(right: Any, threads: int) -> Any:
    k, n = right.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["left", "right"], ["out"])],
        "product",
        [helper.make_tensor_value_info("left", TensorProto.FLOAT, ["m", k])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["m", n])],
        [numpy_helper.from_array(right, "right")],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
