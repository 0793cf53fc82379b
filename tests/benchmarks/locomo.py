"""Retrieval on LoCoMo: `python -m tests.benchmarks.locomo --data locomo.json`.

Each conversation gets a store of its own, each turn is one memory, and each question of the
categories 1 to 4 that has valid evidence is asked with limit 10. Beside the product stand plain
cosine over the same encoder's vectors, plain BM25, and both fused by rank.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iai_memory import Memory, Settings, load_settings

from .baselines import Bm25, cosine_ranking, fused_by_rank
from .locomo_data import CATEGORIES, Conversation, Question, load
from .metrics import ndcg, percentile, recall_all, recall_any, reciprocal_rank
from .routes import LIMIT, ROUTES, RouteName, opened, timed_recall

BATCH = 100
BASELINES = ("plain cosine", "plain BM25", "rank fusion of both")
_COLUMNS = ("n", "any@5", "any@10", "all@10", "MRR", "nDCG@10", "p50 ms", "p95 ms")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method found for one question; `seconds` is None where time is not the point."""

    category: int
    ranked: list[str]
    evidence: frozenset[str]
    seconds: float | None


@dataclass(slots=True)
class Outcome:
    """What one method did on all conversations.

    Attributes:
        answers: One for each question.
        ingested: Memories stored.
        ingest_seconds: The time that took, embedding included.
        rss_bytes: The largest resident memory seen after the questions of a conversation.
    """

    answers: list[Answer] = field(default_factory=list)
    ingested: int = 0
    ingest_seconds: float = 0.0
    rss_bytes: int | None = None


def measure(
    conversations: Sequence[Conversation], routes: Sequence[RouteName], settings: Settings
) -> dict[str, Outcome]:
    """Runs every route and every baseline; the settings' store is not touched.

    Raises:
        RuntimeError: There is no embedding model.
    """
    outcomes = {name: Outcome() for name in (*routes, *BASELINES)}
    for conversation in conversations:
        _tell(f"{conversation.name}: {len(conversation.turns)} turns")
        for route in routes:
            with tempfile.TemporaryDirectory(prefix="iai-mcp-locomo-") as folder:
                here = settings.model_copy(update={"store": Path(folder) / "store"})
                _run_route(route, here, conversation, outcomes[route])
        _run_baselines(conversation, settings, outcomes)
    return outcomes


def summary(answers: Sequence[Answer]) -> dict[str, float | int | None]:
    """The mean of each metric over the answers; times are None where none was taken.

    Raises:
        ValueError: There are no answers.
    """
    if not answers:
        raise ValueError("no answers to sum up: the data set has no question with evidence")

    def mean(values: Iterable[float]) -> float:
        return round(sum(values) / len(answers), 4)

    seconds = [answer.seconds for answer in answers if answer.seconds is not None]
    return {
        "n": len(answers),
        "any@5": mean(recall_any(a.ranked, a.evidence, 5) for a in answers),
        "any@10": mean(recall_any(a.ranked, a.evidence, 10) for a in answers),
        "all@10": mean(recall_all(a.ranked, a.evidence, 10) for a in answers),
        "MRR": mean(reciprocal_rank(a.ranked, a.evidence) for a in answers),
        "nDCG@10": mean(ndcg(a.ranked, a.evidence, 10) for a in answers),
        "p50 ms": round(percentile(seconds, 0.5) * 1000, 1) if seconds else None,
        "p95 ms": round(percentile(seconds, 0.95) * 1000, 1) if seconds else None,
    }


def report(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """Everything measured as plain data: each method's table, ingest rate and memory."""
    return {
        name: {
            "overall": summary(outcome.answers),
            "categories": {
                CATEGORIES[number]: summary(of_it)
                for number in CATEGORIES
                if (of_it := [a for a in outcome.answers if a.category == number])
            },
            "records_per_second": round(outcome.ingested / outcome.ingest_seconds, 1)
            if outcome.ingest_seconds
            else None,
            "rss_mb": round(outcome.rss_bytes / 1e6, 1) if outcome.rss_bytes else None,
        }
        for name, outcome in outcomes.items()
    }


def tables(reported: dict[str, Any]) -> str:
    """The report as text, one table for each group of questions."""
    groups = {"overall": {name: method["overall"] for name, method in reported.items()}}
    for category in CATEGORIES.values():
        rows = {
            name: method["categories"][category]
            for name, method in reported.items()
            if category in method["categories"]
        }
        if rows:
            groups[category] = rows
    lines: list[str] = []
    for title, rows in groups.items():
        lines += ["", f"{title:<22}" + "".join(f"{column:>9}" for column in _COLUMNS)]
        lines += [
            f"{name:<22}" + "".join(f"{_cell(row[column]):>9}" for column in _COLUMNS)
            for name, row in rows.items()
        ]
    lines += [""]
    lines += [
        f"{name}: {method['records_per_second']} records/s on ingest, "
        f"{method['rss_mb']} MB resident"
        for name, method in reported.items()
        if method["records_per_second"]
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    options = _parser().parse_args(arguments)
    everything = load(options.data)
    first, last = options.conversations
    chosen = everything[first : last + 1]
    if not chosen:
        _tell(f"{options.data} has conversations 0-{len(everything) - 1}: choose among them")
        return 2
    routes = ROUTES if options.route == "both" else (options.route,)
    reported = report(measure(chosen, routes, load_settings()))
    asked, left_out = (
        sum(len(one.questions) for one in chosen),
        sum(one.left_out for one in chosen),
    )
    print(
        f"{len(chosen)} conversations, {sum(len(one.turns) for one in chosen)} turns, {asked} "
        f"questions asked, {left_out} left out for want of valid evidence"
    )
    print(tables(reported))
    if options.json is not None:
        found = {
            "conversations": [one.name for one in chosen],
            "questions": asked,
            "left_out": left_out,
            "methods": reported,
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _run_route(
    name: RouteName, settings: Settings, conversation: Conversation, outcome: Outcome
) -> None:
    with opened(name, settings) as route:
        ids: list[str] = []
        began = time.perf_counter()
        for start in range(0, len(conversation.turns), BATCH):
            batch = conversation.turns[start : start + BATCH]
            ids += route.ingest([turn.to_memory() for turn in batch])
        outcome.ingest_seconds += time.perf_counter() - began
        outcome.ingested += len(ids)
        dia_ids = dict(zip(ids, (turn.dia_id for turn in conversation.turns), strict=True))
        for question in conversation.questions:
            found, seconds = timed_recall(route, question.text)
            outcome.answers.append(_answer(question, [dia_ids[id_] for id_ in found], seconds))
        outcome.rss_bytes = max(outcome.rss_bytes or 0, route.rss_bytes() or 0) or None


def _run_baselines(
    conversation: Conversation, settings: Settings, outcomes: dict[str, Outcome]
) -> None:
    encoder = Memory(settings=settings).encoder
    if encoder is None:
        raise RuntimeError("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    texts = [turn.text for turn in conversation.turns]
    vectors, bm25 = encoder.encode(texts), Bm25(texts)
    for question in conversation.questions:
        by_cosine = cosine_ranking(encoder.encode([question.text])[0], vectors)
        by_words = bm25.ranking(question.text)
        rankings = (by_cosine, by_words, fused_by_rank([by_cosine, by_words]))
        for name, ranking in zip(BASELINES, rankings, strict=True):
            found = [conversation.turns[number].dia_id for number in ranking[:LIMIT]]
            outcomes[name].answers.append(_answer(question, found, None))


def _answer(question: Question, ranked: list[str], seconds: float | None) -> Answer:
    return Answer(question.category, ranked, question.evidence, seconds)


def _cell(value: float | int | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}" if value < 1 else f"{value:.1f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.locomo", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a JSON file in LoCoMo's shape")
    parser.add_argument("--route", choices=[*ROUTES, "both"], default="both")
    parser.add_argument(
        "--conversations", type=_span, default=(0, 10_000), help="such as 0-4 or 2; default is all"
    )
    parser.add_argument("--json", type=Path, help="also write everything measured here")
    return parser


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
