"""Retrieval on real coding sessions: `python -m tests.benchmarks.real_sessions FOLDER…`.

Each folder is a set (`real_data` says of what) and gets a store of its own, into which its
transcripts are imported. Its questions are asked with the model and by words only, beside plain
BM25, plain cosine and both fused by rank over the same turns; `--own` asks our own questions about
it too, which are counted apart. Three ways to count a hit as right:

- turn: the turn that matched is evidence;
- pair: it, or the turn right before or after it in its session;
- exchange: it, or a turn that is shown with it. For the plain methods these are the user's turns
  of its exchange and the answer; "folded" shows each exchange once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iai_memory import Memory, load_settings
from iai_memory.recall.pipeline import recall
from iai_memory.recall.query import check_query
from iai_memory.results import Recalled

from . import outcomes as kept
from .baselines import Bm25, fused_by_rank
from .outcomes import BM25, COSINE, FUSION, OURS, WORDS
from .real_data import OWN, Question, RealSet, Turns, load_set, told_to
from .real_report import Asked, Count, outcome, plain, report
from .routes import LIMIT
from .timings import arguments_of, keep


def measure(sets: Sequence[RealSet]) -> list[Asked]:
    """Ask the questions of every set of its own store, and those of content of the others' too."""
    asked: list[Asked] = []
    for one in sets:
        foreign = [
            replace(question, evidence=frozenset())
            for other in sets
            if other is not one
            for question in other.questions
            if question.is_content and not question.own
        ]
        with tempfile.TemporaryDirectory(prefix="iai-mcp-real-") as folder:
            asked += _measured(one, foreign, Path(folder))
    return asked


def _measured(one: RealSet, foreign: Sequence[Question], folder: Path) -> Iterator[Asked]:
    def opened(**settings: Any) -> Memory:
        chosen = load_settings(store=folder / "store", tz="UTC", **settings)
        return Memory(settings=chosen, on_commit=lambda: None)

    memory = opened()
    began = time.monotonic()
    turns = told_to(memory, one.sessions, folder / "transcripts")
    stored = f"{one.name}: {len(turns.records)} turns of {len(one.sessions)} sessions"
    print(f"{stored}, {time.monotonic() - began:.0f} s to store and embed", file=sys.stderr)
    methods = [(WORDS, opened(model=None))]
    if memory.encoder is not None:
        methods.insert(0, (OURS, memory))
    for name, of in methods:
        of.recall("to warm up")
        for question in one.questions:
            yield _ours(name, one.name, of, turns, question)
        for question in foreign:
            yield replace(_ours(name, one.name, of, turns, question), foreign=True)
    plain = _Plain(one.name, memory, turns)
    for question in one.questions:
        if question.evidence and question.kind != "time":
            yield from plain.asked(question)


def _ours(name: str, source: str, memory: Memory, turns: Turns, question: Question) -> Asked:
    began = time.perf_counter()
    found = recalled(memory, question)
    took = (time.perf_counter() - began) * 1e3
    ways: dict[Count, list[set[str]]] = {
        "turn": [{hit.id} for hit in found.hits],
        "pair": [turns.pair(hit.id) for hit in found.hits],
        "exchange": [{hit.id, *hit.ids, *(turn.id for turn in hit.turns)} for hit in found.hits],
    }
    return Asked(
        name,
        _source(source, question),
        question,
        False,
        _right(ways, turns, question),
        found.confidence,
        [hit.confidence for hit in found.hits],
        found.tokens,
        None if question.now else took,
        turns.day(question.evidence),
    )


def _source(name: str, question: Question) -> str:
    return f"{name}, {OWN}" if question.own else name


def recalled(memory: Memory, question: Question) -> Recalled:
    """Ask a question, at its time if it has one."""
    if question.now is None:
        return memory.recall(question.text, limit=LIMIT)
    query = check_query(question.text, {"limit": LIMIT}, None, memory.zone)
    asked = replace(query, asked_at=question.now.astimezone(memory.zone))
    return recall(memory.store, memory.encoder, asked)


class _Plain:
    """The plain methods over the turns of a store."""

    def __init__(self, source: str, memory: Memory, turns: Turns) -> None:
        self._source, self._memory, self._turns = source, memory, turns
        self._ids = [one.id for one in turns.records]
        self._bm25 = Bm25([one.text for one in turns.records])

    def asked(self, question: Question) -> Iterator[Asked]:
        turns = self._turns
        for name, ranked in self._rankings(question.text).items():
            found = ranked[:LIMIT]
            ways: dict[Count, list[set[str]]] = {
                "turn": [{id_} for id_ in found],
                "pair": [turns.pair(id_) for id_ in found],
                "exchange": [turns.exchange(id_) for id_ in found],
            }
            source = _source(self._source, question)
            right = _right(ways, turns, question)
            yield Asked(name, source, question, False, right, day=turns.day(question.evidence))

    def _rankings(self, text: str) -> dict[str, list[str]]:
        rankings = {BM25: self._bm25.ranking(text)}
        if (encoder := self._memory.encoder) is not None:
            near = self._memory.store.latest.similarities(encoder.encode([text])[0], self._ids)
            cosines = np.array([max(near[id_].whole, near[id_].best_passage) for id_ in self._ids])
            rankings[COSINE] = np.argsort(-cosines, kind="stable").tolist()
            rankings[FUSION] = fused_by_rank(list(rankings.values()))
        ranked = {name: [self._ids[row] for row in rows] for name, rows in rankings.items()}
        best = FUSION if FUSION in ranked else BM25
        return ranked | {f"{best}, folded": self._turns.first_of_each_exchange(ranked[best])}


def _right(
    ways: Mapping[Count, Sequence[set[str]]], turns: Turns, question: Question
) -> dict[Count, list[bool]]:
    return {
        count: [bool(turns.of(ids) & question.evidence) for ids in hits]
        for count, hits in ways.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("real_sessions", __doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="sets; a colon between two will do")
    kept.add_option(parser)
    parser.add_argument("--own", action="store_true", help="ask our own questions too")
    given = parser.parse_args(arguments)
    try:
        folders = [Path(one) for path in given.folders for one in str(path).split(":")]
        sets = [load_set(folder, own=given.own) for folder in folders]
    except ValueError as exc:
        print(exc, file=sys.stderr)
        return 2
    asked = measure(sets)
    sources = list(dict.fromkeys(one.source for one in asked))
    for source in [[one] for one in sources] + ([sources] * (len(sources) > 1)):
        print(report(" and ".join(source), [one for one in asked if one.source in source]))
    keep(given.json, [plain(one) for one in asked])
    kept.write(given.outcomes, map(outcome, asked))
    return 0


if __name__ == "__main__":
    sys.exit(main())
