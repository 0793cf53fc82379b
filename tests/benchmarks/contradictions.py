"""How many contradictions are found: `python -m tests.benchmarks.contradictions`.

The longitudinal world is stored with nobody superseding anything. Of each fact, what was told one
after the other contradicts each other; near misses and everything else said do not. A pair is right
if both texts claim a value of the same fact, injected claims too. The weights of `Weights` come
from the tuning half; the held-out half shares no fact and no kind of fact with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from iai_memory import Memory
from iai_memory.analysis.contradictions import find_contradictions

from .longitudinal_store import Told, only_say
from .longitudinal_world import HALVES, SEED, SESSIONS, Half, World, make_world

_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class Score:
    """What was found in one half.

    Attributes:
        half: Which.
        listed: Pairs with a text of this half in them, or with texts of neither half.
        right: Of these, pairs of one fact.
        changes: Pairs that were told one after the other.
        found: Of these, the listed ones.
    """

    half: str
    listed: int
    right: int
    changes: int
    found: int

    @property
    def precision(self) -> float:
        """Share of the listed pairs that are right; nothing listed is nothing wrong."""
        return self.right / self.listed if self.listed else 1.0

    @property
    def recall(self) -> float:
        """Share of the changes that are listed."""
        return self.found / self.changes if self.changes else 1.0


def measure(told: Told, world: World) -> list[Score]:
    """Lists the candidates of the store and compares them with the world.

    Raises:
        RuntimeError: There is no model, so no candidate has a vector.
    """
    if told.memory.encoder is None:
        raise RuntimeError("no embedding model: run `make setup` and set IAI_MCP_MODEL")
    listed = [
        frozenset(told.keys_of([one.older.id, one.newer.id]))
        for one in find_contradictions(told.memory.store, _ALL)
    ]
    return [_score(half, listed, world) for half in HALVES]


def _score(half: Half, listed: Sequence[frozenset[str]], world: World) -> Score:
    halves: dict[str, Half] = {
        f"{fact.kind.name}/{fact.subject}": fact.half for fact in world.facts
    }
    right = [{*fact.chain, *fact.injected} for fact in world.facts]
    changes = {
        frozenset(pair)
        for fact in world.facts
        if fact.half == half
        for pair in pairwise(fact.chain)
    }
    mine = [pair for pair in listed if _half(pair, halves) in (half, None)]
    return Score(
        half=half,
        listed=len(mine),
        right=sum(any(pair <= texts for texts in right) for pair in mine),
        changes=len(changes),
        found=sum(pair in changes for pair in mine),
    )


def _half(pair: frozenset[str], halves: dict[str, Half]) -> Half | None:
    """The half that the pair counts in: held-out with one text of it, None for no fact at all."""
    found = {halves.get(key.rpartition("/")[0]) for key in pair}
    return next((half for half in reversed(HALVES) if half in found), None)


def table(scores: Sequence[Score]) -> str:
    """The scores for people."""
    head = f"{'half':<10}{'listed':>8}{'precision':>11}{'changes':>9}{'recall':>8}"
    return "\n".join(
        [head]
        + [
            f"{one.half:<10}{one.listed:>8}{one.precision:>11.3f}{one.changes:>9}{one.recall:>8.3f}"
            for one in scores
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Prints the table, and the numbers as JSON where asked."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.contradictions", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--kinds", type=int, default=None, help="kinds of facts; default all")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    chosen = parser.parse_args(arguments)
    world = make_world(chosen.seed, sessions=chosen.sessions, kinds=chosen.kinds)
    with tempfile.TemporaryDirectory(prefix="iai-mcp-contradictions-") as folder:
        scores = measure(only_say(Memory(Path(folder) / "store"), world), world)
    sys.stdout.write(f"contradictions, seed {chosen.seed}: {len(world.said)} texts\n")
    sys.stdout.write(table(scores) + "\n")
    if chosen.json is not None:
        numbers = {
            one.half: asdict(one) | {"precision": one.precision, "recall": one.recall}
            for one in scores
        }
        chosen.json.write_text(json.dumps(numbers, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
