"""Stores of any size, built once and kept: some real texts to ask for, and a great many others.

Vectors of the bulk are clustered as real ones are: each is a real one, moved along the difference
of two others, so it stays in the few directions that sentences use. Made in all directions alike
they would be easier to tell apart than any real neighbours.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import lancedb
import numpy as np

import iai_memory
from iai_memory import Memory, load_settings
from iai_memory.base.paths import StorePaths
from iai_memory.embedding.encoder import MAX_TOKENS, Encoder
from iai_memory.embedding.identity import DIMENSION
from iai_memory.embedding.passages import Passages, Span, may_have_several, split
from iai_memory.embedding.token_vectors import LARGEST_CODE, TOKEN_DIMENSION, TokenVectors
from iai_memory.store.connection import TABLE_NAME
from iai_memory.store.record import Record, Role
from iai_memory.store.vector_rows import Row, StoredTokens, Vector
from iai_memory.writing.embed_pending import embed_texts

from .longitudinal_world import make_world
from .records import numbered_record
from .talk import RARE_SHARE, SEED, Talk

DEFAULT_CACHE = Path(__file__).parents[2] / ".cache" / "bench"
_MAX_PROBES = 200
_SEEDS = 1_000
_SPREAD = 0.4
_BATCH = 10_000
_FIRST_COMPACTION = 25_000
_BEGAN = datetime(2020, 1, 1, tzinfo=UTC)

_LAYOUT = ("store/*.py", "text/*.py", "embedding/passages.py")


@dataclass(frozen=True, slots=True)
class Probe:
    """A text of the store that answers a question."""

    text: str
    question: str


def probes(records: int) -> list[Probe]:
    """What a store of so many records can be asked: at most every fifth record is a probe."""
    return list(_all_probes()[: max(1, min(_MAX_PROBES, records // 5))])


def scale_store(kept_in: Path, records: int, folder: Path) -> Path:
    """A copy in `folder` of the store of so many records, which is built where it is not cached.

    A run changes its copy only, so what one writes never shows in the next. Of each size one store
    is kept: what another layout left is removed. Two runs at a time need a cache each.
    """
    kept = kept_in / f"store-{records}-{_fingerprint()}"
    if not kept.exists():
        kept_in.mkdir(parents=True, exist_ok=True)
        for outdated in kept_in.glob(f"store-{records}-*"):
            shutil.rmtree(outdated)
        unfinished = kept_in / f"{kept.name}.unfinished"
        _build(unfinished, records)
        unfinished.rename(kept)
    return Path(shutil.copytree(kept, folder / "store"))


def exact_neighbours(store: Path, queries: Vector, k: int) -> list[set[str]]:
    """The ids of the k nearest records of each query, compared with every vector.

    A record is as near as the nearest of its whole text and its passages, by cosine.

    Args:
        store: Folder of a store.
        queries: float32, (n, 384), unit length.
        k: How many; all there are where there are fewer.
    """
    columns = table_of(store).search().select(["id", "vector", "passages"]).limit(None)
    scores = np.empty((len(queries), 0), dtype=np.float32)
    ids = np.empty((len(queries), 0), dtype=object)
    for batch in columns.to_batches(_BATCH):
        held = batch.filter(batch["vector"].is_valid())
        cosines = queries @ _matrix(held["vector"]).T
        lengths = held["passages"].value_lengths().fill_null(0).to_numpy()
        if lengths.any():
            of_passages = queries @ _matrix(held["passages"].flatten()).T
            starts = (np.cumsum(lengths) - lengths)[lengths > 0]
            best = np.maximum.reduceat(of_passages, starts, axis=1)
            cosines[:, lengths > 0] = np.maximum(cosines[:, lengths > 0], best)
        names = np.array(held["id"].to_pylist(), dtype=object)
        scores = np.hstack([scores, cosines])
        ids = np.hstack([ids, np.broadcast_to(names, cosines.shape)])
        first = np.argpartition(-scores, min(k, scores.shape[1]) - 1, axis=1)[:, :k]
        scores, ids = np.take_along_axis(scores, first, 1), np.take_along_axis(ids, first, 1)
    return [set(row) for row in ids.tolist()]


def passage_count(store: Path) -> int:
    """Vectors of passages in the whole store."""
    spans = table_of(store).search().select(["passage_spans"]).limit(None).to_arrow()
    lengths = (chunk.value_lengths().fill_null(0) for chunk in spans["passage_spans"].chunks)
    return sum(int(one.to_numpy().sum()) for one in lengths) // 2


def table_of(store: Path) -> Any:
    """The table itself, for what no reader of the product tells."""
    return lancedb.connect(str(StorePaths(store).database)).open_table(TABLE_NAME)


def encoder_of(memory: Memory) -> Encoder:
    """The memory's encoder.

    Raises:
        RuntimeError: There is no embedding model.
    """
    if memory.encoder is None:
        raise RuntimeError("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    return memory.encoder


def memory_of(store: Path) -> Memory:
    """The store with the model that the environment names; nobody refreshes behind a write."""
    return Memory(settings=load_settings(store=store), on_commit=_nobody)


@cache
def _all_probes() -> tuple[Probe, ...]:
    world = make_world()
    said = {one.key: one.text for one in world.said}
    return tuple(
        Probe(said[fact.chain[-1]], fact.kind.ask[0].format(s=fact.subject)) for fact in world.facts
    )


def _build(store: Path, records: int) -> None:
    """Writes in batches and compacts at every doubling, as a store does that grew."""
    memory = memory_of(store)
    compact_at, done = _FIRST_COMPACTION, 0
    following = _rows(encoder_of(memory), Talk(), records)
    while rows := list(islice(following, _BATCH)):
        with memory.store.writing() as writer:
            writer.insert(rows)
        done += len(rows)
        if done >= compact_at:
            memory.store.compact(keep=timedelta(0))
            compact_at = 2 * done
    memory.store.compact(keep=timedelta(0))


def _rows(encoder: Encoder, talk: Talk, records: int) -> Iterator[Row]:
    asked = [probe.text for probe in probes(records)]
    for number, (text, made) in enumerate(zip(asked, embed_texts(encoder, asked), strict=True)):
        yield Row(_record(number, text), made.whole, made.passages, made.tokens)
    real = encoder.encode([talk.turn() for _ in range(min(_SEEDS, records))])
    chance = np.random.default_rng(SEED)
    # Their own, so that the vectors of texts are those of earlier runs.
    of_tokens = np.random.default_rng((SEED, 1))
    for number in range(len(asked), records):
        text = talk.turn(rare=RARE_SHARE)
        pieces = encoder.token_spans(text)
        spans = split(text, pieces) if may_have_several(text) else []
        whole = _moved(real[chance.integers(len(real))], real, chance, 1)[0]
        parts = Passages(_moved(whole, real, chance, len(spans)), tuple(spans)) if spans else None
        yield Row(_record(number, text), whole, parts, _tokens(encoder, pieces, of_tokens))


def _tokens(
    encoder: Encoder, pieces: Sequence[Span], chance: np.random.Generator
) -> StoredTokens | None:
    """Vectors of as many tokens as the text has, in any directions."""
    if encoder.token_key is None:
        return None
    spans = np.array(pieces[:MAX_TOKENS], np.int32).reshape(-1, 2)
    shape = (len(spans), TOKEN_DIMENSION)
    codes = chance.integers(-LARGEST_CODE, LARGEST_CODE + 1, shape, dtype=np.int8)
    return StoredTokens(TokenVectors.of(codes, spans).to_text(), encoder.token_key)


def _moved(at: Vector, real: Vector, chance: np.random.Generator, count: int) -> Vector:
    """So many vectors around one: float32, (count, 384), unit length."""
    towards, away = real[chance.integers(len(real), size=(2, count))]
    moved = at + _SPREAD * (towards - away)
    result: Vector = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return result


def _matrix(column: Any) -> Vector:
    """Vectors of a column without nulls: float32, (n, 384), unit length."""
    matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, DIMENSION)
    matrix = matrix.astype(np.float32, copy=False)
    result: Vector = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    return result


def _record(number: int, text: str) -> Record:
    role: Role = ("user", "assistant")[number % 2]
    return numbered_record(number, text, role, _BEGAN + timedelta(minutes=number))


def _fingerprint() -> str:
    """Names what a store on disk depends on, so that another layout is built anew."""
    library, here = Path(iai_memory.__file__).parent, Path(__file__)
    sources = [path for pattern in _LAYOUT for path in sorted(library.glob(pattern))]
    sources += [here, here.with_name("talk.py"), here.with_name("records.py")]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _nobody() -> None:
    """What is built here is read by others."""
