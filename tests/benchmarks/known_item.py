"""One text found again among others: `python -m tests.benchmarks.known_item`.

Long texts with early and late places, other languages and scripts, identifiers whole and in parts,
and the same sentence in several projects. Beside the product stand plain cosine, plain BM25 and
both fused by rank. Of the weights, those of words and context among notes were last set with this
in view; none was fitted to it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from iai_memory import Memory, load_settings

from . import outcomes as kept
from .baselines import Bm25, cosine_ranking, fused_by_rank
from .intervals import Mean, mean_with_interval, table
from .known_item_sets import SEED, Case, KnownItems, all_sets, shared_facts
from .metrics import ndcg, recall_any, reciprocal_rank

OURS = kept.OURS
LIMIT = 10
BUDGET_TOKENS = 100_000  # so large that it cuts nothing
PROJECTS = ("atlas", "borealis", "cinder")
_FIRST_DAY = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
_METHODS = (OURS, *kept.BASELINES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method found for one case: ids, best first, ten at most."""

    method: str
    case: Case
    ranked: list[str]

    @property
    def relevant(self) -> set[str]:
        """The one id that is right."""
        return {str(self.case.right)}


def measure(items: KnownItems, store: Path) -> list[Answer]:
    """Puts the texts into a store, asks every case of it and of the baselines.

    Raises:
        RuntimeError: There is no embedding model.
    """
    memory = _memory(store)
    if memory.encoder is None:
        raise RuntimeError("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    report = memory.ingest([{"text": text, "role": "user"} for text in items.texts])
    numbers = {str(result.id): str(at) for at, result in enumerate(report.results)}
    vectors, bm25 = memory.encoder.encode(items.texts), Bm25(items.texts)
    answers: list[Answer] = []
    for case in items.cases:
        found = memory.recall(case.query, limit=LIMIT, budget_tokens=BUDGET_TOKENS)
        by_cosine = cosine_ranking(memory.encoder.encode([case.query])[0], vectors)
        by_words = bm25.ranking(case.query)
        rankings = [
            [numbers[hit.id] for hit in found.hits],
            *(
                [str(number) for number in ranking[:LIMIT]]
                for ranking in (by_cosine, by_words, fused_by_rank([by_cosine, by_words]))
            ),
        ]
        answers += [
            Answer(method, case, ranked) for method, ranked in zip(_METHODS, rankings, strict=True)
        ]
    return answers


def summary(answers: Sequence[Answer]) -> dict[str, Mean]:
    """Every metric over the answers of one method."""
    values: Mapping[str, list[float]] = {
        **{f"@{k}": [recall_any(a.ranked, a.relevant, k) for a in answers] for k in (1, 5, 10)},
        "nDCG@10": [ndcg(a.ranked, a.relevant, 10) for a in answers],
        "MRR": [reciprocal_rank(a.ranked, a.relevant) for a in answers],
    }
    return {name: mean_with_interval(numbers) for name, numbers in values.items()}


def report(name: str, answers: Sequence[Answer]) -> tuple[str, dict[str, Any]]:
    """A table of all cases with intervals, one of each group's @1, and both as data."""
    by_method = {m: [a for a in answers if a.method == m] for m in _METHODS}
    overall = {method: summary(mine) for method, mine in by_method.items()}
    groups = sorted({answer.case.group for answer in answers})
    means = {
        group: {
            method: mean_with_interval(
                [recall_any(a.ranked, a.relevant, 1) for a in mine if a.case.group == group]
            )
            for method, mine in by_method.items()
        }
        for group in groups
    }
    columns = list(overall[OURS])
    shown = [
        table(
            f"{name}, {len(by_method[OURS])} queries",
            columns,
            {method: list(row.values()) for method, row in overall.items()},
        ),
        table(
            f"{name}: @1 by group",
            ["n", *_METHODS],
            {group: [row[OURS].n, *row.values()] for group, row in means.items()},
        ),
    ]
    plain = {
        "overall": {m: {k: v.plain() for k, v in row.items()} for m, row in overall.items()},
        "groups": {g: {m: v.plain() for m, v in row.items()} for g, row in means.items()},
    }
    return "\n\n".join(shown), plain


def measure_projects(folder: Path) -> dict[str, Mean]:
    """The same sentences in three projects: what each project's own memory gets to see.

    "kept" is the share of the copies that are stored when they carry no date. The rest is asked of
    dated copies. "leaks" is the share of answers, asked with the own project as filter, that hold a
    hit of another project; "filtered @1" is the right sentence of that project first. "own first"
    is the own copy first among the copies when no filter is given, "unfiltered @1" first of all.
    """
    folders = [folder / name for name in PROJECTS]
    for one in folders:
        one.mkdir()
    undated = [_kept(_memory(folder / "undated", cwd=one), None) for one in folders]
    memories = [_memory(folder / "dated", cwd=one) for one in folders]
    values: dict[str, list[float]] = {
        "kept": [float(id_ is not None) for id_ in chain.from_iterable(undated)]
    }
    expected = [
        _kept(memory, _FIRST_DAY + timedelta(days=at)) for at, memory in enumerate(memories)
    ]
    for memory, ids in zip(memories, expected, strict=True):
        for (text, query), right in zip(shared_facts(), ids, strict=True):
            inside = memory.recall(query, project=".", limit=LIMIT, budget_tokens=BUDGET_TOKENS)
            anywhere = memory.recall(query, limit=LIMIT, budget_tokens=BUDGET_TOKENS)
            copies = [hit.id for hit in anywhere.hits if hit.text == text]
            for name, value in {
                "leaks": any(hit.project != memory.own_project for hit in inside.hits),
                "filtered @1": [hit.id for hit in inside.hits][:1] == [right],
                "own first": copies[:1] == [right],
                "unfiltered @1": [hit.id for hit in anywhere.hits][:1] == [right],
            }.items():
                values.setdefault(name, []).append(float(value))
    return {name: mean_with_interval(numbers) for name, numbers in values.items()}


def _kept(memory: Memory, at: datetime | None) -> list[str | None]:
    """Stores the shared sentences for the memory's project; None for each that was not."""
    new = [{"text": text, "project": memory.own_project} for text, _ in shared_facts()]
    report = memory.ingest([one | {"created_at": at} for one in new])
    return [one.id if one.status == "stored" else None for one in report.results]


def failures(items: KnownItems, answers: Sequence[Answer], count: int) -> str:
    """Some of the queries that the product got wrong at the first place."""
    wrong = [a for a in answers if a.method == OURS and not recall_any(a.ranked, a.relevant, 1)]
    return "\n".join(
        f"{one.case.group}: {one.case.query!r}, right: {items.texts[one.case.right][:80]!r}, "
        f"first: {items.texts[int(one.ranked[0])][:80] if one.ranked else None!r}"
        for one in wrong[:: max(1, len(wrong) // count)][:count]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.known_item", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--failures", type=int, default=0, help="show so many of each set")
    parser.add_argument("--json", type=Path, help="also write everything measured here")
    kept.add_option(parser)
    options = parser.parse_args(arguments)
    print(f"known item, seed {options.seed}. Intervals: 95 %, bootstrap over queries.\n")
    data: dict[str, Any] = {}
    found: list[kept.Outcome] = []
    for items in all_sets(options.seed):
        _tell(f"{items.name}: {len(items.texts)} texts")
        with tempfile.TemporaryDirectory(prefix="iai-mcp-known-item-") as folder:
            answers = measure(items, Path(folder) / "store")
        shown, data[items.name] = report(items.name, answers)
        found += [_outcome(items.name, one) for one in answers]
        print(f"{shown}\n")
        if options.failures:
            print(f"{failures(items, answers, options.failures)}\n")
    with tempfile.TemporaryDirectory(prefix="iai-mcp-known-item-") as folder:
        isolation = measure_projects(Path(folder))
    print(table("one sentence, three projects", list(isolation), {OURS: list(isolation.values())}))
    data["projects"] = {name: mean.plain() for name, mean in isolation.items()}
    kept.write(options.outcomes, found)
    if options.json is not None:
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


def _outcome(name: str, one: Answer) -> kept.Outcome:
    right = tuple(id_ in one.relevant for id_ in one.ranked)
    return kept.Outcome(
        f"Known item, {name}", one.case.group, one.method, one.case.query, one.case.query, right
    )


def _memory(store: Path, cwd: Path | None = None) -> Memory:
    return Memory(settings=load_settings().model_copy(update={"store": store}), cwd=cwd)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
