"""Recall over stores of growing size: `python -m tests.benchmarks.recall_scale [--sizes 1000,…]`.

Through MCP over stdio: question in, hits out, as a host would see it. The reference is taken in
turns with it: the round trip of an echo tool on a server of the same SDK, plus the embedding of the
question. Then inside the library: how many of the ten nearest the dense search finds, compared with
every vector, and what everything beside the two searches and the embedding adds.

Stores are built once and kept in `--cache`; 1,000,000 takes some minutes and 5 GB.
"""

from __future__ import annotations

import inspect
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from iai_memory import Memory
from iai_memory.recall.candidates import CANDIDATES, NPROBES
from iai_memory.recall.filter_arguments import check_filter
from iai_memory.store.reader import TableReader

from .intervals import table
from .processes import MIB, rss_bytes
from .scale_store import (
    DEFAULT_CACHE,
    encoder_of,
    exact_neighbours,
    memory_of,
    probes,
    scale_store,
)
from .serving import call_ms, echo_server, reference_ms, talking_server
from .timings import Timing, arguments_of, goal_cell, keep, ratio, timed, timing

SIZES = (1_000, 10_000, 100_000)
GOALS = {10_000: 3.0, 100_000: 5.0, 1_000_000: 20.0}
GOAL_INDEX_RECALL = 0.98
GOAL_ADDED_MS = {10_000: 3.0}
WARM_UP = 10
# More records are copied in a thread, at least so many a second; until then LanceDB answers.
COPIED_AT_ONCE = 10_000
COPIED_A_SEC = 10_000
_K = 10
_SEARCHES = {"matching": "lexical", "nearest": "dense"}


@dataclass(frozen=True, slots=True)
class Served:
    """Recall through a server.

    Attributes:
        recall: Milliseconds, question to hits.
        reference: Milliseconds of echo and embedding together, in the same rounds.
        ratio: Our p95 by the reference's.
        goal: What the ratio should not exceed; None where none is stated for the size.
        rss_mb: MiB of the server after all questions.
    """

    recall: Timing
    reference: Timing
    ratio: float
    goal: float | None
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Inside:
    """Recall in this process.

    Attributes:
        index_recall: Share of the ten nearest that the dense search has among its first ten.
        lexical: Milliseconds of the lexical search.
        dense: The same of the dense search.
        reads: Of every other question to the table: the records of what was found, for example.
        encode: Of the embedding of the question.
        added: Of all else in a recall: ranking, fusion, budget, result.
    """

    index_recall: float
    lexical: Timing
    dense: Timing
    reads: Timing
    encode: Timing
    added: Timing


@dataclass(frozen=True, slots=True)
class Row:
    """Both for one size."""

    records: int
    served: Served
    inside: Inside


class Watch:
    """Times some methods while they are used, by kind, in whatever threads.

    A call inside another watched call of its thread counts as part of that.
    """

    def __init__(self) -> None:
        """Has seen nothing yet."""
        self._calls: list[tuple[str, float, float]] = []
        self._thread = threading.local()

    def over(self, owner: object, name: str, kind: str) -> None:
        """From now on every call of `owner.name` is timed as of this kind."""
        method: Callable[..., Any] = getattr(owner, name)

        def measured(*given: Any, **named: Any) -> Any:
            if getattr(self._thread, "inside", False):
                return method(*given, **named)
            self._thread.inside, began = True, time.perf_counter()
            try:
                return method(*given, **named)
            finally:
                self._thread.inside = False
                self._calls.append((kind, began, time.perf_counter()))

        setattr(owner, name, measured)

    def taken(self) -> dict[str, float]:
        """Milliseconds by kind since it was asked last, and under "any" those of any call at all.

        Two calls at the same time count twice by kind and once as any.
        """
        calls, self._calls = self._calls, []
        taken: dict[str, float] = {"any": 0.0}
        until = 0.0
        for kind, began, ended in sorted(calls, key=lambda call: call[1]):
            taken[kind] = taken.get(kind, 0.0) + (ended - began) * 1e3
            taken["any"] += max(0.0, ended - max(began, until)) * 1e3
            until = max(until, ended)
        return taken


def measure(cache: Path, records: int, queries: int) -> Row:
    """Builds or copies the store of so many records and asks it so many questions."""
    with tempfile.TemporaryDirectory(prefix="iai-mcp-recall-scale-") as folder:
        store = scale_store(cache, records, Path(folder))
        questions = cycled([probe.question for probe in probes(records)], queries)
        served = measure_served(store, records, questions)
        return Row(records, served, measure_inside(memory_of(store), records, questions))


def measure_served(store: Path, records: int, questions: Sequence[str]) -> Served:
    """Asks a server each question, and the reference after each."""
    encoder = encoder_of(memory_of(store))
    recalled: list[float] = []
    reference: list[float] = []
    with echo_server(store.parent) as echo, talking_server(store) as child:
        warm_up(records, lambda: call_ms(child, "recall", query=questions[0]))
        warm_up(0, lambda: reference_ms(echo, encoder, questions[0]))
        for question in questions:
            recalled.append(call_ms(child, "recall", query=question))
            reference.append(reference_ms(echo, encoder, question))
        rss = rss_bytes(child.process.pid)
    ours, other = timing(recalled), timing(reference)
    return Served(ours, other, ratio(ours.p95, other.p95), GOALS.get(records), round(rss / MIB, 1))


def warm_up(records: int, ask: Callable[[], object]) -> None:
    """Asks one question ten times, and of many records for as long as they may be copied."""
    ends = time.monotonic() + (records / COPIED_A_SEC if records > COPIED_AT_ONCE else 0.0)
    asked = 0
    while asked < WARM_UP or time.monotonic() < ends:
        ask()
        asked += 1


def measure_inside(memory: Memory, records: int, questions: Sequence[str]) -> Inside:
    """Recalls in this process, and looks where the time goes."""
    warm_up(records, partial(memory.recall, questions[0]))
    found = index_recall(memory, sorted(set(questions)))
    watch, taken = Watch(), list[dict[str, float]]()
    for name in ("encode_question", "encode_question_with_tokens"):
        watch.over(memory.encoder, name, "encode")
    for name, _ in inspect.getmembers(TableReader, inspect.isfunction):
        if not name.startswith("_"):
            watch.over(memory.store.latest, name, _SEARCHES.get(name, "reads"))
    for question in questions:
        watch.taken()
        whole = timed(partial(memory.recall, question))[1]
        parts = watch.taken()
        taken.append({**parts, "added": whole - parts["any"]})
    times = {
        name: timing([one.get(name, 0.0) for one in taken])
        for name in ("lexical", "dense", "reads", "encode", "added")
    }
    return Inside(found, **times)


def index_recall(memory: Memory, questions: Sequence[str]) -> float:
    """Share of the ten nearest by exact search among the first ten of the store's search."""
    vectors = encoder_of(memory).encode(questions)
    exact = exact_neighbours(memory.paths.root, vectors, _K)
    hits, where = 0, replace(check_filter(), include_superseded=True)
    for vector, nearest in zip(vectors, exact, strict=True):
        found = memory.store.latest.nearest(vector, where, CANDIDATES, nprobes=NPROBES)
        hits += len({*list(found)[:_K]} & nearest)
    return round(hits / sum(map(len, exact)), 4)


def cycled(values: Sequence[str], count: int) -> list[str]:
    """The values again and again until there are so many."""
    return [values[at % len(values)] for at in range(count)]


def sizes(text: str) -> list[int]:
    """Sizes such as "1000,10000"."""
    return [int(part.replace("_", "")) for part in text.split(",")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("recall_scale", __doc__)
    parser.add_argument("--sizes", type=sizes, default=list(SIZES), help="records of each store")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="where stores are kept")
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    for records in given.sizes:
        began = time.monotonic()
        rows.append(measure(given.cache, records, given.queries))
        print(f"{records:,} records: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(shown_served(rows), shown_inside(rows), sep="\n\n")
    keep(given.json, [asdict(row) for row in rows])
    return 0


def shown_served(rows: Sequence[Row]) -> str:
    """The table of recall through MCP."""
    columns = ["median ms", "p95", "reference ms", "p95", "p95/ref p95", "goal", "RSS MiB"]
    return table(
        "recall through MCP, by records",
        columns,
        {
            f"{row.records:,}": [
                *row.served.recall.cells(),
                *row.served.reference.cells(),
                row.served.ratio,
                goal_cell(row.served.goal),
                row.served.rss_mb,
            ]
            for row in rows
        },
    )


def shown_inside(rows: Sequence[Row]) -> str:
    """The table of recall in this process."""
    columns = ["index recall@10", "goal", "lexical ms", "p95", "dense ms", "p95"]
    columns += ["other reads ms", "p95", "embedding ms", "p95", "all else ms", "p95", "goal"]
    cells: dict[str, list[object]] = {}
    for row in rows:
        inside = row.inside
        parts = (inside.lexical, inside.dense, inside.reads, inside.encode, inside.added)
        cells[f"{row.records:,}"] = [
            inside.index_recall,
            GOAL_INDEX_RECALL,
            *(cell for part in parts for cell in part.cells()),
            goal_cell(GOAL_ADDED_MS.get(row.records)),
        ]
    return table("recall in the library, by records", columns, cells)


if __name__ == "__main__":
    sys.exit(main())
