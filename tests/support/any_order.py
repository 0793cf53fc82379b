"""Stores that anything may happen to, in any order: texts, filters, steps, and no data at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iai_memory import Memory
from iai_memory.store.filter import Filter
from iai_memory.store.open_table import Opening
from iai_memory.store.table import Store
from iai_memory.store.vector_rows import Vector

SUBJECTS = ["the ferry", "a lighthouse", "my aunt", "the port of Brest", "an old heron"]
VERBS = ["sleeps near", "was painted by", "never liked", "is older than", "waits for"]
SESSIONS = ["s1", "s2", "s3"]
START = datetime(2026, 1, 1, tzinfo=UTC)
FILTERS = [
    Filter(),
    Filter(project="p"),
    Filter(project="p", or_no_project=True),
    Filter(project="nobody's"),
    Filter(session_id="s1"),
    Filter(since=START + timedelta(days=3)),
    Filter(until=START + timedelta(days=3)),
    Filter(since=START + timedelta(days=2), until=START + timedelta(days=2)),
    Filter(roles=("user", "assistant")),
    Filter(origins=("tool",)),
    Filter(pinned=True),
    Filter(tags=("harbour",)),
    Filter(include_superseded=True),
    Filter(include_tombstoned=True, include_superseded=True),
    Filter(as_of=START + timedelta(days=2), hindsight=True),
]


def served(root: Path) -> Memory:
    """A memory as a server opens it: what follows a commit, and takes longer, is left out."""
    return Memory(root, on_commit=lambda: None)


def vector_of(memory: Memory, text: str) -> Vector:
    assert memory.encoder is not None
    vector: Vector = memory.encoder.encode([text])[0]
    return vector


def sentence(chance: random.Random) -> str:
    return (
        f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(SUBJECTS)}".capitalize()
    )


def some_memory(chance: random.Random) -> dict[str, object]:
    text = ". ".join(sentence(chance) for _ in range(chance.choice([1, 1, 2, 12])))
    return {
        "text": f"{text} {chance.randrange(10**6)}.",
        "project": chance.choice(["p", "q", None]),
        "session_id": chance.choice([*SESSIONS, None]),
        "role": chance.choice(["user", "assistant", "note"]),
        "tags": chance.choice([["harbour"], []]),
        "pinned": chance.random() < 0.2,
        "created_at": START + timedelta(days=chance.randrange(6)),
    }


def steps(chance: random.Random, memory: Memory) -> dict[str, Callable[[], object]]:
    """What may happen next; each looks for something to happen to."""
    ids = memory.store.latest.ids()

    def one() -> str:
        return chance.choice(ids)

    def supersede() -> None:
        record = memory.store.latest.get([one()])[0]
        if record.is_live() and record.is_current():
            memory.supersede(record.id, sentence(chance) + ". " + sentence(chance))

    def pin() -> None:
        record = memory.store.latest.get([one()])[0]
        if record.is_live():
            memory.pin(record.id, pinned=chance.random() < 0.5, add_tags=["harbour"])

    def ingest_pending() -> None:
        memory.ingest(some_memory(chance))
        with memory.store.writing() as writer:
            writer.drop_vectors()

    return {
        "ingest": lambda: memory.ingest([some_memory(chance) for _ in range(4)]),
        "ingest one": lambda: memory.ingest(some_memory(chance)),
        "supersede": supersede,
        "forget": lambda: memory.forget([one(), one()]),
        "restore": lambda: memory.restore([one(), one()]),
        "pin": pin,
        "embed": memory.embed_pending,
        "compact": lambda: memory.store.compact(keep=timedelta(0)),
        "sleep": memory.sleep,
        "scrub": lambda: memory.scrub(chance.choice(["heron", "aunt"])),
        "drop vectors": ingest_pending,
        "reembed": memory.reembed,
    }


def store_of_at_most(memory: Memory, snapshot_bytes: int) -> Store:
    key = memory.embedder_key
    opening = Opening(embedder=key, dimension=384, budget=64, snapshot_bytes=snapshot_bytes)
    return Store(memory.paths, opening)


@contextmanager
def without_its_data(memory: Memory) -> Generator[None]:
    """Takes the table's rows away for a while, not its versions."""
    data = memory.paths.database / "memories.lance" / "data"
    data.rename(data.with_name("away"))
    yield
    data.with_name("away").rename(data)
