"""Telling a longitudinal world to the product, session by session, and asking it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from iai_memory import Memory
from iai_memory.results import Recalled

from .longitudinal_world import Said, World

LIMIT = 10
BUDGET_TOKENS = 100_000  # so large that it cuts nothing


@dataclass(slots=True)
class Told:
    """A world inside a store.

    Attributes:
        memory: The store.
        ids: The record of each text, by the text's key.
        arrived: The real time just after each text was stored, by its key.
        keys: The other way round, made at the first question.
    """

    memory: Memory
    ids: dict[str, str] = field(default_factory=dict)
    arrived: dict[str, datetime] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def recall(self, question: str, **options: Any) -> tuple[list[str], Recalled]:
        """The keys of the ten best hits, best first, and the whole answer."""
        found = self.memory.recall(question, limit=LIMIT, budget_tokens=BUDGET_TOKENS, **options)
        return self.keys_of([hit.id for hit in found.hits]), found

    def keys_of(self, ids: Sequence[str]) -> list[str]:
        """The keys of the texts that are these records."""
        if len(self.keys) != len(self.ids):
            self.keys = {id_: key for key, id_ in self.ids.items()}
        return [self.keys[id_] for id_ in ids]


def tell(memory: Memory, world: World) -> Told:
    """Stores the world in the order of its sessions, changes through `Memory.supersede`."""
    told = Told(memory)
    for session in _sessions(world.said):
        for origin in ("hook", "import"):
            plain = [one for one in session if one.replaces is None and one.origin == origin]
            _ingest(told, plain, origin)
        for one in session:
            if one.replaces is not None:
                done = memory.supersede(told.ids[one.replaces], one.text, at=one.at)
                told.ids[one.key] = done.new_id
                told.arrived[one.key] = datetime.now(UTC)
    return told


def only_say(memory: Memory, world: World) -> Told:
    """Stores the world with all its dates, but tells of no change, as when nobody supersedes."""
    told = Told(memory)
    for origin in ("hook", "import"):
        _ingest(told, [one for one in world.said if one.origin == origin], origin)
    return told


def _ingest(told: Told, said: Sequence[Said], origin: str) -> None:
    if not said:
        return
    report = told.memory.ingest([_memory(one) for one in said], origin=origin)
    arrived = datetime.now(UTC)
    for one, result in zip(said, report.results, strict=True):
        if result.id is None:
            raise RuntimeError(f"{one.key} was not stored ({result.reason}): change its wording")
        told.ids[one.key] = result.id
        told.arrived[one.key] = arrived


def _memory(one: Said) -> dict[str, Any]:
    return {
        "text": one.text,
        "role": one.role,
        "session_id": f"session {one.session}",
        "created_at": one.at,
    }


def _sessions(said: Sequence[Said]) -> Iterator[list[Said]]:
    for _, together in groupby(sorted(said, key=lambda one: one.session), lambda one: one.session):
        yield sorted(together, key=lambda one: (one.at, one.key))
