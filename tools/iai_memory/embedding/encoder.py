"""Text to vectors: the tokenizer, the batches and the onnxruntime session."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from ..errors import ModelFault
from .identity import EmbedderIdentity
from .model_files import ModelFiles
from .token_vectors import TokenVectors, words_of_tokens

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
# The tokenizer keeps Python's lock: on a whole text of 1 MB for over half a second, in which nobody
# answers a prompt. This many characters take it a hundredth of that.
_SLICE = 2_000
_BLANK = re.compile(r"[ \t\r\n]")

_UNKNOWN_PIECES = frozenset({"[UNK]", "<unk>"})


class Piece(NamedTuple):
    """A piece of a text as the vocabulary has it.

    Attributes:
        text: As it stands in the text.
        letters: How many letters it has; a piece has letters only, or none.
        is_known: False where the vocabulary has nothing for it.
    """

    text: str
    letters: int
    is_known: bool


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
        return self._encode(self._identity.prefix, texts)[0]

    def encode_question(self, text: str) -> NDArray[np.float32]:
        """Encode a question, which some models want marked as one; float32, (384,), unit length.

        Raises:
            ModelFault: onnxruntime could not run the graph.
        """
        vector: NDArray[np.float32] = self._encode(self._identity.question_prefix, [text])[0][0]
        return vector

    @property
    def token_key(self) -> str | None:
        """What token vectors of this model are known by; None for a graph without them."""
        return self._identity.token_key

    def encode_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Encode the tokens of texts: of each those of the words among its first 254.

        Like a whole text's vector, those of its tokens have the same bits beside any other texts.

        Raises:
            ModelFault: onnxruntime could not run the graph, or it has no token vectors, see
                `token_key`.
        """
        return self.encode_with_tokens(texts)[1]

    def encode_with_tokens(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], list[TokenVectors]]:
        """Return what `encode` and `encode_tokens` do, from the same runs of the graph."""
        self._require_tokens()
        return self._encode(self._identity.prefix, texts, with_tokens=True)

    def encode_question_with_tokens(self, text: str) -> tuple[NDArray[np.float32], TokenVectors]:
        """Return what `encode_question` does, and the question's token vectors, from one run."""
        self._require_tokens()
        vectors, [tokens] = self._encode(self._identity.question_prefix, [text], with_tokens=True)
        vector: NDArray[np.float32] = vectors[0]
        return vector, tokens

    def _require_tokens(self) -> None:
        if self.token_key is None:
            raise ModelFault("this model has no token vectors: run `iai-mcp model install`")

    def _encode(
        self, prefix: str, texts: Sequence[str], *, with_tokens: bool = False
    ) -> tuple[NDArray[np.float32], list[TokenVectors]]:
        import numpy as np

        encodings = [self._beginning(prefix + text, special=True) for text in texts]
        tokens = [encoding.ids for encoding in encodings]
        vectors = np.empty((len(tokens), self._identity.dimension), dtype=np.float32)
        codes: dict[int, NDArray[np.int8]] = {}
        # The longest first, so that no thread begins one when the others are done.
        batches = list(_batches([len(ids) for ids in tokens]))[::-1]
        names = ["embedding", "tokens"] if with_tokens else ["embedding"]
        runs = self._runs([[tokens[index] for index in batch] for batch in batches], names)
        spent = 0.0
        for batch, (made, seconds) in zip(batches, runs, strict=True):
            vectors[batch] = made[0]
            codes.update(zip(batch, made[1], strict=True) if with_tokens else ())
            spent += seconds
        count = sum(map(len, tokens))
        if count >= _MIN_MEASURED_TOKENS:
            self._token_sec = spent / count
        return vectors, [
            _of_words(text, len(prefix), encodings[number], codes[number])
            for number, text in enumerate(texts if with_tokens else ())
        ]

    def tokens_within(self, seconds: float) -> int:
        """Return how many tokens the model reads in so many seconds of processor time.

        As measured in the last large call of `encode`; at least as many as one text has.
        """
        return max(MAX_TOKENS, int(seconds / self._token_sec))

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Return begin and end of each token of the whole text, uncut, without special tokens."""
        spans: list[tuple[int, int]] = []
        for at, part in _slices(text, _SLICE):
            encoding = self._tokenize(part, special=False)
            for each in (encoding, *encoding.overflowing):
                spans += [(at + begin, at + end) for begin, end in each.offsets]
        return spans

    def pieces(self, text: str) -> list[Piece]:
        """Return the pieces of the vocabulary that a text is read as, of at most 256 of them."""
        encoding = self._beginning(text, special=False)
        return [
            Piece(
                part := text[begin:end],
                end - begin if part[:1].isalpha() else 0,
                token not in _UNKNOWN_PIECES,
            )
            for token, (begin, end) in zip(encoding.tokens, encoding.offsets, strict=True)
        ]

    def _beginning(self, text: str, *, special: bool) -> Encoding:
        """Return the first 256 tokens of a text, all there are of a shorter one."""
        size = _SLICE
        while True:
            _, part = next(_slices(text, size))
            encoding = self._tokenize(part, special=special)
            if len(part) == len(text) or len(encoding.ids) >= MAX_TOKENS:
                return encoding
            size *= 2

    def _tokenize(self, text: str, *, special: bool) -> Encoding:
        # One text at a time: encode_batch would start a thread on every core, the foreground's too.
        # Half of a surrogate pair (hosts send them in JSON escapes) has no UTF-8; it becomes "?".
        readable = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
        return self._tokenizer.encode(readable, add_special_tokens=special)

    def _runs(
        self, batches: Sequence[Sequence[Sequence[int]]], names: Sequence[str]
    ) -> Iterator[tuple[Sequence[NDArray[Any]], float]]:
        """Yield these outputs for each batch, and the processor time that they took."""
        run = partial(self._run, names)
        if self._threads == 1 or len(batches) < 2:
            yield from map(run, batches)
            return
        # Not threads within a run: those wait for each other at each of its dozens of products.
        with ThreadPoolExecutor(self._threads, "iai-mcp-encoder") as threads:
            yield from threads.map(run, batches)

    def _run(
        self, names: Sequence[str], tokens: Sequence[Sequence[int]]
    ) -> tuple[Sequence[NDArray[Any]], float]:
        import numpy as np

        began = time.thread_time()

        feeds = {"input_ids": np.array(tokens, dtype=np.int64)}
        try:
            outputs: Sequence[Any] = self._session.run(names, feeds)
        except Exception as exc:  # onnxruntime's exceptions share only this base
            raise ModelFault(
                f"the embedding model failed on {len(tokens)} texts of {len(tokens[0])} tokens "
                f"({_first_line(exc)}): run `iai-mcp model status`"
            ) from exc
        return outputs, time.thread_time() - began


_loaded: WeakValueDictionary[tuple[object, ...], Encoder] = WeakValueDictionary()
_loading = threading.Lock()


def load_encoder(files: ModelFiles, *, threads: int = 0) -> Encoder:
    """Load the model, which takes less than a tenth of a second and about 50 MB.

    Who has it loaded in this process already, from these very files, is given the same one: a
    process may open several stores.

    Args:
        files: What `find_model` found.
        threads: Threads of one `encode`; 0 leaves one core to the foreground.

    Raises:
        ModelCorrupt: The files are not a tokenizer and a graph that onnxruntime can load.
    """
    wanted = threads or _background_threads()
    key = (files.identity, wanted, _stamp(files.tokenizer), _stamp(files.graph))
    with _loading:
        found = _loaded.get(key)
        if found is None:
            found = _loaded[key] = _load(files, wanted)
    return found


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes with a file and with what stands in it; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None  # loading it says why
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _load(files: ModelFiles, threads: int) -> Encoder:
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
    return Encoder(files.identity, tokenizer, session, threads)


def _of_words(text: str, prefix: int, encoding: Encoding, codes: NDArray[np.int8]) -> TokenVectors:
    """Return the vectors of the tokens that are part of a word of the text behind the prefix."""
    import numpy as np

    spans = [(start - prefix, end - prefix) for start, end in encoding.offsets]
    wanted = np.array([word is not None for word in words_of_tokens(text, spans)], np.bool_)
    return TokenVectors.of(codes, np.array(spans, np.int32).reshape(-1, 2)).chosen(wanted)


def _slices(text: str, size: int) -> Iterator[tuple[int, str]]:
    """Yield a text in parts of about so many characters, each with the place where it begins.

    A part ends before a blank, so its tokens are those that it has in the whole text: the models
    read each word for itself. A word is never cut, however long it is.
    """
    begin = 0
    while (found := _BLANK.search(text, begin + size)) is not None:
        yield begin, text[begin : found.start()]
        begin = found.start()
    yield begin, text[begin:]


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
