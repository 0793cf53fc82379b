"""Text to vectors: the tokenizer, the batches and the onnxruntime session."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelFault
from .identity import EmbedderIdentity
from .model_files import ModelFiles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

MAX_TOKENS = 256
"""Tokens that the model was trained to read, two special ones included; the rest is cut off."""

# Until a call was measured: ten times what a laptop's core takes, so that the first step is short
# on any machine.
_UNMEASURED_TOKEN_SEC = 1e-3
_MIN_MEASURED_TOKENS = 100  # more than a question has
_BATCH_TOKENS = 384  # larger batches gain no throughput and hold the cores for longer


class Encoder:
    """A loaded model. Any number of threads may call any of its methods at the same time.

    A text's vector has the same bits whatever texts are beside it and however many threads run:
    batches hold texts of one length, so none is padded. Another kind of processor rounds floats
    differently; vectors from there differ by far less than two texts do.
    """

    def __init__(
        self,
        identity: EmbedderIdentity,
        tokenizer: Tokenizer,
        session: InferenceSession,
        threads: int,
    ) -> None:
        """Take a session whose runs use one thread each; `encode` makes `threads` runs at once."""
        self._identity = identity
        self._tokenizer = tokenizer
        self._session = session
        self._threads = threads
        self._token_sec = _UNMEASURED_TOKEN_SEC

    @property
    def identity(self) -> EmbedderIdentity:
        """The identity of the vectors that `encode` makes."""
        return self._identity

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts that are stored, or passages of them; an empty one is valid.

        Each is cut after 254 tokens, those of the model's prefix for a text included.

        Returns:
            float32, (len(texts), 384), L2-normalised rows in the order of the texts.

        Raises:
            ModelFault: onnxruntime could not run the graph, for want of memory for example.
        """
        return self._encode(self._identity.prefix, texts)

    def encode_question(self, text: str) -> NDArray[np.float32]:
        """Encode a question, which some models want marked as one; float32, (384,), unit length.

        Raises:
            ModelFault: onnxruntime could not run the graph.
        """
        vector: NDArray[np.float32] = self._encode(self._identity.question_prefix, [text])[0]
        return vector

    def _encode(self, prefix: str, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        tokens = [self._tokenize(prefix + text, special=True).ids for text in texts]
        vectors = np.empty((len(tokens), self._identity.dimension), dtype=np.float32)
        # The longest first, so that no thread begins one when the others are done.
        batches = list(_batches([len(ids) for ids in tokens]))[::-1]
        runs = self._runs([[tokens[index] for index in batch] for batch in batches])
        spent = 0.0
        for batch, (made, seconds) in zip(batches, runs, strict=True):
            vectors[batch] = made
            spent += seconds
        count = sum(map(len, tokens))
        if count >= _MIN_MEASURED_TOKENS:
            self._token_sec = spent / count
        return vectors

    def tokens_within(self, seconds: float) -> int:
        """Return how many tokens the model reads in so many seconds of processor time.

        As measured in the last large call of `encode`; at least as many as one text has.
        """
        return max(MAX_TOKENS, int(seconds / self._token_sec))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return begin and end of each token of the whole text, uncut, without special tokens."""
        encoding = self._tokenize(text, special=False)
        parts = [encoding, *encoding.overflowing]
        return [span for part in parts for span in part.offsets]

    def _tokenize(self, text: str, *, special: bool) -> Encoding:
        # One text at a time: encode_batch would start a thread on every core, the foreground's too.
        # Half of a surrogate pair (hosts send them in JSON escapes) has no UTF-8; it becomes "?".
        readable = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        return self._tokenizer.encode(readable, add_special_tokens=special)

    def _runs(
        self, batches: Sequence[Sequence[Sequence[int]]]
    ) -> Iterator[tuple[NDArray[np.float32], float]]:
        """Yield the vectors of each batch, and the processor time that they took."""
        if self._threads == 1 or len(batches) < 2:
            yield from map(self._run, batches)
            return
        # Not threads within a run: those wait for each other at each of its dozens of products.
        with ThreadPoolExecutor(self._threads, "iai-mcp-encoder") as threads:
            yield from threads.map(self._run, batches)

    def _run(self, tokens: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], float]:
        import numpy as np

        began = time.thread_time()

        feeds = {"input_ids": np.array(tokens, dtype=np.int64)}
        try:
            outputs: Sequence[Any] = self._session.run(["embedding"], feeds)
        except Exception as exc:  # onnxruntime's exceptions share only this base
            raise ModelFault(
                f"the embedding model failed on {len(tokens)} texts of {len(tokens[0])} tokens "
                f"({_first_line(exc)}): run `iai-mcp model status`"
            ) from exc
        vectors: NDArray[np.float32] = outputs[0]
        return vectors, time.thread_time() - began


def load_encoder(files: ModelFiles, *, threads: int = 0) -> Encoder:
    """Load the model, which takes less than a tenth of a second and about 50 MB.

    Args:
        files: What `find_model` found.
        threads: Threads of one `encode`; 0 leaves one core to the foreground.

    Raises:
        ModelCorrupt: The files are not a tokenizer and a graph that onnxruntime can load.
    """
    # Else onnxruntime, from 1.32 on Linux at the latest, keeps an id of the machine in ~/.cache and
    # sends events, with the path of the running program, to its makers.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(files.tokenizer))
    except Exception as exc:  # tokenizers raises a bare Exception for every failure
        raise files.damaged(f"tokenizer.json cannot be loaded: {_first_line(exc)}") from exc
    # The published tokenizer.json cuts at 128 and pads everything to 128.
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # An arena keeps as much memory as parallel runs ever took, 20 MB for one long text; it saves a
    # few percent of their time.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    if not _has_vnni():  # then pairs of products would be added in 16 bits, and clipped
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        session = onnxruntime.InferenceSession(
            str(files.graph), options, providers=["CPUExecutionProvider"]
        )
    except Exception as exc:  # onnxruntime's exceptions share only this base
        raise files.damaged(f"model.onnx cannot be loaded: {_first_line(exc)}") from exc
    return Encoder(files.identity, tokenizer, session, threads or _background_threads())


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group indexes by equal length: padding would cost time, and bits of the vectors."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        length = lengths[index]
        full = (len(batch) + 1) * length > _BATCH_TOKENS
        if batch and (full or lengths[batch[0]] != length):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _background_threads() -> int:
    return max(1, (os.cpu_count() or 1) - 1)


def _has_vnni() -> bool:
    """Return whether the processor is known to multiply bytes and add them up in 32 bits.

    A wrong no halves the model's speed and gives the same bits.
    """
    try:
        with Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as file:
            return any("vnni" in line for line in file if line.startswith("flags"))
    except OSError:  # no Linux; the option means nothing to ARM
        return False


def _first_line(exc: BaseException) -> str:
    lines = str(exc).splitlines()
    return lines[0] if lines else type(exc).__name__
