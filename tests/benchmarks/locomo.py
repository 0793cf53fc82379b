"""Retrieval on LoCoMo: `python -m tests.benchmarks.locomo --data locomo.json`.

Each conversation gets a store of its own unless `--all-in-one` is given, each turn is one memory,
and each question of the categories 1 to 4 that has valid evidence is asked with limit 10. Beside
the product stand plain cosine over the same encoder's vectors, plain BM25, and both fused by rank.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iai_memory import Memory, Settings, load_settings

from . import outcomes as kept
from .answers import COLUMNS, LEVELS, Answer, row, summary
from .baselines import Bm25, cosine_ranking, fused_by_rank
from .ceiling import Ceiling, shown
from .intervals import table
from .locomo_arms import at_best, leave_one_out
from .locomo_data import CATEGORIES, Conversation, Question, load, pooled
from .routes import LIMIT, ROUTES, RouteName, opened, timed_recall

BATCH = 100
BASELINES = kept.BASELINES


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


def report(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """Everything measured as plain data: each method's tables, ingest rate and memory."""
    return {
        name: {
            **summaries(outcome.answers),
            "sessions": summaries([answer.at("session") for answer in outcome.answers]),
            "records_per_second": round(outcome.ingested / outcome.ingest_seconds, 1)
            if outcome.ingest_seconds
            else None,
            "rss_mb": round(outcome.rss_bytes / 1e6, 1) if outcome.rss_bytes else None,
        }
        for name, outcome in outcomes.items()
    }


def summaries(answers: Sequence[Answer]) -> dict[str, Any]:
    """The summary of all answers of the asked categories and of those of each of these.

    Raises:
        ValueError: There are no answers.
    """
    return {
        "overall": summary([one for one in answers if one.category in CATEGORIES]),
        "categories": {
            CATEGORIES[number]: summary(of_it)
            for number in CATEGORIES
            if (of_it := [a for a in answers if a.category == number])
        },
    }


def tables(reported: dict[str, Any]) -> str:
    """The report as text, one table for each group of questions at each level."""
    by_level = {
        "turn": reported,
        "session": {name: method["sessions"] for name, method in reported.items()},
    }
    shown: list[str] = []
    for level, methods in by_level.items():
        shown += _group_tables(level, methods)
    rates = [
        f"{name}: {method['records_per_second']} records/s on ingest, "
        f"{method['rss_mb']} MB resident"
        for name, method in reported.items()
        if method["records_per_second"]
    ]
    return "\n\n".join([*shown, "\n".join(rates)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    options = _parser().parse_args(arguments)
    everything = load(options.data, adversarial=options.adversarial)
    first, last = options.conversations
    chosen = everything[first : last + 1]
    if not chosen:
        _tell(f"{options.data} has conversations 0-{len(everything) - 1}: choose among them")
        return 2
    if options.all_in_one:
        chosen = [pooled(chosen)]
    routes = ROUTES if options.route == "both" else (options.route,)
    measured = measure(chosen, routes, load_settings())
    reported = report(measured)
    asked, left_out = (
        sum(len(one.questions) for one in chosen),
        sum(one.left_out for one in chosen),
    )
    stores = "all in one store" if options.all_in_one else "a store for each"
    print(
        f"LoCoMo, conversations {first}-{min(last, len(everything) - 1)}, {stores}: "
        f"{sum(len(one.turns) for one in chosen)} turns, {asked} questions asked, {left_out} left "
        f"out for want of valid evidence.\nThe weights were fitted on conversations 0-4; what "
        f"they are worth where they were not fitted stands in recall/weights.py. Sessions: "
        f"those of the ten turns found, in their order.\nIntervals: 95 %, bootstrap over "
        f"questions.\n\n{tables(reported)}\n",
        flush=True,
    )
    arms: dict[str, Any] = {}
    if options.leave_one_out:
        found_by = leave_one_out(chosen, load_settings())
        arms = {name: summaries(answers) for name, answers in found_by.items()}
        print("\n\n".join(_group_tables("arms", arms)))
    if options.ceiling:
        ceiling = Ceiling()
        for conversation in chosen:
            at_best(conversation, load_settings(), ceiling)
        print(f"\n{shown('at best', ceiling)}")
    kept.write(options.outcomes, _outcomes(measured))
    if options.json is not None:
        found = {
            "conversations": [one.name for one in chosen],
            "questions": asked,
            "left_out": left_out,
            "methods": reported,
            "arms": arms,
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
            ranked = [dia_ids[id_] for id_ in found]
            outcome.answers.append(_answer(conversation, question, ranked, seconds))
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
            outcomes[name].answers.append(_answer(conversation, question, found, None))


def _answer(
    conversation: Conversation, question: Question, ranked: list[str], seconds: float | None
) -> Answer:
    return Answer(
        question.category, ranked, question.evidence, seconds, conversation.name, question.text
    )


def _outcomes(measured: dict[str, Outcome]) -> Iterator[kept.Outcome]:
    """Yield what each method found, at both levels; the product as one, by whichever route."""
    for name, outcome in measured.items():
        method = name if name in BASELINES else kept.OURS
        for answer in outcome.answers:
            for level in LEVELS:
                one = answer.at(level)
                right = tuple(id_ in one.evidence for id_ in one.ranked)
                asked = (one.question, _session(answer), right, len(one.evidence))
                if answer.category in CATEGORIES:
                    yield kept.Outcome("LoCoMo", level, method, *asked)
                if level == "session":
                    yield kept.Outcome("LoCoMo", f"{level}, all categories", method, *asked)


def _session(answer: Answer) -> str:
    """Return the conversation and the first session of the evidence: questions of one are alike."""
    return f"{answer.conversation}/{min(answer.at('session').evidence)}"


def _group_tables(title: str, methods: dict[str, Any]) -> list[str]:
    """One table for all questions and one for each category that has some."""
    groups = {"overall": {name: method["overall"] for name, method in methods.items()}}
    for category in CATEGORIES.values():
        found = {name: method["categories"].get(category) for name, method in methods.items()}
        groups[category] = {name: summed for name, summed in found.items() if summed}
    return [
        table(f"{title}: {group}", COLUMNS, {name: row(one) for name, one in rows.items()})
        for group, rows in groups.items()
        if rows
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.locomo", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a JSON file in LoCoMo's shape")
    parser.add_argument("--route", choices=[*ROUTES, "both"], default="both")
    parser.add_argument(
        "--conversations", type=_span, default=(0, 10_000), help="such as 0-4 or 2; default is all"
    )
    parser.add_argument(
        "--adversarial", action="store_true", help="keep outcomes of category 5 too, as others do"
    )
    parser.add_argument("--all-in-one", action="store_true", help="one store for all conversations")
    parser.add_argument(
        "--leave-one-out", action="store_true", help="also ask without each arm of the ranking"
    )
    parser.add_argument(
        "--ceiling", action="store_true", help="also print how well it could be answered at best"
    )
    parser.add_argument("--json", type=Path, help="also write everything measured here")
    kept.add_option(parser)
    return parser


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
