"""Facts that change over a thousand sessions: `python -m tests.benchmarks.longitudinal`.

Is what holds now found first, is what held before found when asked for, is a past moment answered
as of then, does an outdated or injected text ever stand above the right one, and can a question
without an answer be told from one with? Beside the product stand plain cosine, plain BM25 and both
fused by rank, over all texts and over those that were not superseded. Nothing is tuned here; the
halves say which facts may be looked at while something is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iai_memory import Memory, load_settings
from iai_memory.results import Recalled

from . import outcomes as kept
from .abstention import NOTHING, area_under_roc, share_under, threshold_that_loses
from .arms import recall_with, weights_without_each
from .baselines import Bm25, cosine_ranking, fused_by_rank
from .ceiling import WITHIN, Ceiling
from .ceiling import shown as at_best
from .intervals import Mean, mean_with_interval, table
from .longitudinal_store import LIMIT, Told, only_say, tell
from .longitudinal_world import (
    HALVES,
    SEED,
    SESSIONS,
    Fact,
    Half,
    Question,
    World,
    counted,
    make_world,
)
from .metrics import recall_any

OURS = kept.OURS
LOST = 0.03
_SET = "Longitudinal"
_CURVE = (0.01, 0.02, 0.03, 0.05, 0.10, 0.20)
_BASELINES = kept.BASELINES

Ranking = list[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method found for one question about one fact.

    Attributes:
        method: Who answered.
        half: The half of the fact.
        kind: Of the fact.
        question: As it was asked.
        ranked: Keys of texts, best first, ten at most.
        right: Key of the text that answers.
        poison: Keys of texts of the same fact that are outdated or injected.
    """

    method: str
    half: Half
    kind: str
    question: str
    ranked: Ranking
    right: str
    poison: frozenset[str]

    def found(self, k: int) -> float:
        """1.0 if the right text is among the first k."""
        return recall_any(self.ranked, {self.right}, k)

    def poisoned(self, k: int) -> float:
        """1.0 if a poisonous text is among the first k and not below the right one."""
        above = self.ranked[:k]
        if self.right in above:
            above = above[: above.index(self.right)]
        return float(any(key in self.poison for key in above))


@dataclass(frozen=True, slots=True)
class Signals:
    """What might tell whether a question has an answer, for one question.

    Attributes:
        question: Which one.
        empty: Whether the answer has no hits.
        values: Numbers of the answer, by their names.
        sure: What each hit says of itself.
    """

    question: Question
    empty: bool
    values: dict[str, float]
    sure: tuple[float | None, ...] = ()


@dataclass(slots=True)
class Outcome:
    """Everything measured on one world.

    Attributes:
        current: Answers to questions for what holds, in other words.
        plain: The same for questions that may use the words of the answer.
        historical: Answers to questions for what held before.
        as_of: Answers as of a past moment.
        anachronisms: For each answer as of a moment, the share of hits that had not arrived then.
        signals: One for each question about what holds or about nothing that was told.
        arms: Answers to questions for what holds with each arm left out, where asked for.
        ceilings: By half, what could be done at best for questions for what holds, where asked for.
        cosines: By half, the rank of the right text by plain cosine among what holds, each from 1.
    """

    current: list[Answer]
    plain: list[Answer]
    historical: list[Answer]
    as_of: list[Answer]
    anachronisms: list[float]
    signals: list[Signals]
    arms: list[Answer] = field(default_factory=list)
    ceilings: dict[Half, Ceiling] = field(default_factory=dict)
    cosines: dict[Half, list[int]] = field(default_factory=dict)


def measure(
    world: World, folder: Path, *, leave_one_out: bool = False, ceiling: bool = False
) -> Outcome:
    """Tells the world to two stores in the folder, one without supersede, and asks everything.

    With `leave_one_out` what holds is also asked without each arm of the ranking, with `ceiling`
    how well it could be answered at best.

    Raises:
        RuntimeError: There is no embedding model.
    """
    settings = load_settings()
    if Memory(settings=settings).encoder is None:
        raise RuntimeError("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    told = tell(_memory(settings, folder / "superseded"), world)
    _tell(f"{len(told.ids)} texts are stored")
    unlinked = only_say(_memory(settings, folder / "unlinked"), world)
    _tell("and once more without supersede")
    baselines = _Baselines(told.memory, world)
    asked: dict[str, list[Answer]] = {"current": [], "plain": []}
    historical: list[Answer] = []
    signals: list[Signals] = []
    for question in world.questions:
        if question.ask == "historical":
            historical += _historical(question, told, unlinked, baselines)
            continue
        keys, found = told.recall(question.text)
        if question.ask != "plain":
            signals.append(_signals(question, found, baselines))
        if question.fact is not None:
            methods = {OURS: keys, f"{OURS}, never told": unlinked.recall(question.text)[0]}
            methods |= baselines.ask(question.text) | baselines.ask(question.text, true_now=True)
            right, *outdated = reversed(question.fact.chain)
            poison = [*outdated, *question.fact.injected]
            asked[question.ask] += _answers(question, methods, right, poison)
    _tell("asked for what holds and what held")
    outcome = Outcome(asked["current"], asked["plain"], historical, [], [], signals)
    for number, fact in enumerate(world.facts):
        _as_of(fact, number, told, baselines, outcome)
    if leave_one_out:
        for question in world.questions:
            outcome.arms += _without_arms(question, told)
    if ceiling:
        for question in world.questions:
            _at_best(question, told, baselines, outcome)
    return outcome


def _at_best(question: Question, told: Told, baselines: _Baselines, outcome: Outcome) -> None:
    if question.ask != "current":
        return
    chain, half = _fact(question).chain, question.half
    outcome.ceilings.setdefault(half, Ceiling()).ask(
        told.memory, question.text, [told.ids[chain[-1]]], [told.ids[key] for key in chain]
    )
    outcome.cosines.setdefault(half, []).append(baselines.rank_by_cosine(question.text, chain[-1]))


def _without_arms(question: Question, told: Told) -> list[Answer]:
    if question.ask != "current":
        return []
    methods = {
        name: told.keys_of(recall_with(told.memory, question.text, weights))
        for name, weights in weights_without_each().items()
    }
    right, *outdated = reversed(_fact(question).chain)
    return _answers(question, methods, right, [*outdated, *_fact(question).injected])


def _historical(
    question: Question, told: Told, unlinked: Told, baselines: _Baselines
) -> list[Answer]:
    fact = _fact(question)
    methods = {
        f"{OURS}, include_superseded": told.recall(question.text, include_superseded=True)[0],
        f"{OURS}, only asked": told.recall(question.text)[0],
        f"{OURS}, never told": unlinked.recall(question.text)[0],
    } | baselines.ask(question.text)
    return _answers(question, methods, fact.chain[-2], fact.injected)


def _as_of(fact: Fact, number: int, told: Told, baselines: _Baselines, outcome: Outcome) -> None:
    """Asks for a value that held once, as of a moment at which it did."""
    past = number % (len(fact.chain) - 1)
    right, moment = fact.chain[past], told.arrived[fact.chain[past]]
    question = Question(fact.kind.ask[0].format(s=fact.subject), "current", fact.half, fact)
    keys, _ = told.recall(question.text, as_of=moment)
    others = [key for key in (*fact.chain, *fact.injected) if key != right]
    methods = {OURS: keys} | baselines.ask(question.text)
    outcome.as_of += _answers(question, methods, right, others)
    late = [told.arrived[key] > moment for key in keys]
    outcome.anachronisms.append(sum(late) / max(1, len(late)))


def _answers(
    question: Question, methods: Mapping[str, Ranking], right: str, poison: Sequence[str]
) -> list[Answer]:
    kind = _fact(question).kind.name
    return [
        Answer(name, question.half, kind, question.text, ranked, right, frozenset(poison))
        for name, ranked in methods.items()
    ]


def _signals(question: Question, found: Recalled, baselines: _Baselines) -> Signals:
    scores = [hit.score for hit in found.hits]
    values = {
        "top score": scores[0] if scores else NOTHING,
        "top score less the second": scores[0] - scores[1] if len(scores) > 1 else NOTHING,
        "top score less the tenth": scores[0] - scores[-1] if scores else NOTHING,
        "best cosine": baselines.best_cosine(question.text) if scores else NOTHING,
        "best BM25": baselines.best_bm25(question.text) if scores else NOTHING,
    }
    confidence = getattr(found, "confidence", None)
    if confidence is not None:
        values["confidence"] = float(confidence) if scores else NOTHING
    return Signals(question, not scores, values, tuple(hit.confidence for hit in found.hits))


class _Baselines:
    """Plain cosine, plain BM25 and their fusion over the texts of a world."""

    def __init__(self, memory: Memory, world: World) -> None:
        if memory.encoder is None:
            raise AssertionError("`measure` asked for the encoder already")
        texts = [one.text for one in world.said]
        replaced = {one.replaces for one in world.said}
        self._encoder = memory.encoder
        self._keys = [one.key for one in world.said]
        self._true_now = [one.key not in replaced for one in world.said]
        self._vectors = self._encoder.encode(texts)
        self._bm25 = Bm25(texts)
        self._seen: dict[str, tuple[float, float, dict[str, list[int]]]] = {}

    def ask(self, question: str, *, true_now: bool = False) -> dict[str, Ranking]:
        """Each method's ten best; with `true_now` among what was not superseded."""
        rankings = self._asked(question)[2]
        return {
            f"{name}, true now" if true_now else name: [
                self._keys[number] for number in ranking if not true_now or self._true_now[number]
            ][:LIMIT]
            for name, ranking in rankings.items()
        }

    def rank_by_cosine(self, question: str, key: str) -> int:
        """The place, from 1, of a text by plain cosine among what was not superseded."""
        ranking = self._asked(question)[2]["plain cosine"]
        true_now = [self._keys[number] for number in ranking if self._true_now[number]]
        return true_now.index(key) + 1

    def best_cosine(self, question: str) -> float:
        return self._asked(question)[0]

    def best_bm25(self, question: str) -> float:
        return self._asked(question)[1]

    def _asked(self, question: str) -> tuple[float, float, dict[str, list[int]]]:
        if question not in self._seen:
            query = self._encoder.encode([question])[0]
            by_cosine, by_words = cosine_ranking(query, self._vectors), self._bm25.ranking(question)
            rankings = (by_cosine, by_words, fused_by_rank([by_cosine, by_words]))
            self._seen[question] = (
                float((self._vectors @ query).max()),
                self._bm25.score(question, by_words[0]) if by_words else 0.0,
                dict(zip(_BASELINES, rankings, strict=True)),
            )
        return self._seen[question]


def answer_table(
    title: str, answers: Sequence[Answer], half: Half, *, poison: bool
) -> tuple[str, dict[str, dict[str, Mean]]]:
    """A table of one half, and the same as data."""
    methods = list(dict.fromkeys(answer.method for answer in answers))
    data: dict[str, dict[str, Mean]] = {}
    for method in methods:
        mine = [a for a in answers if a.method == method and a.half == half]
        row = {f"@{k}": mean_with_interval([a.found(k) for a in mine]) for k in (1, 5)}
        if poison:
            row |= {
                f"poison@{k}": mean_with_interval([a.poisoned(k) for a in mine]) for k in (1, 5)
            }
        data[method] = row
    columns = ["n", *data[methods[0]]]
    rows = {name: [row["@1"].n, *row.values()] for name, row in data.items()}
    return table(f"{title}, {half}", columns, rows), data


def abstention_tables(signals: Sequence[Signals]) -> tuple[str, dict[str, Any]]:
    """What each number can tell: threshold from the tuning half, everything else held out."""
    asks = {one.question.ask for one in signals}
    without = sorted(ask for ask in asks if ask not in ("current", "historical"))
    empty = {
        ask: mean_with_interval(
            [float(s.empty) for s in signals if s.question.ask == ask and s.question.half == half]
        )
        for half in ("held-out",)
        for ask in ("current", *without)
    }
    rows: dict[str, list[str]] = {}
    curves: dict[str, list[str]] = {}
    data: dict[str, Any] = {"empty": {ask: mean.plain() for ask, mean in empty.items()}}
    for name in signals[0].values:

        def of(half: Half, *wanted: str, name: str = name) -> list[float]:
            return [
                one.values[name]
                for one in signals
                if one.question.half == half and one.question.ask in wanted
            ]

        threshold = threshold_that_loses(of("tuning", "current"), LOST)
        held_out = of("held-out", "current")
        area = area_under_roc(held_out, of("held-out", *without))
        lost = share_under(held_out, threshold)
        recognised = [share_under(of("held-out", ask), threshold) for ask in without]
        shares = (*recognised, lost)
        rows[name] = [f"{area:.3f}", f"{threshold:.3f}", *(f"{share:.3f}" for share in shares)]
        curve = [
            share_under(of("held-out", *without), threshold_that_loses(of("tuning", "current"), at))
            for at in _CURVE
        ]
        curves[name] = [f"{share:.3f}" for share in curve]
        data[name] = {
            "area": area,
            "threshold": threshold,
            "recognised": dict(zip(without, recognised, strict=True)),
            "lost": lost,
            "curve": dict(zip(map(str, _CURVE), curve, strict=True)),
        }
    columns = ["AUC", "threshold", *without, "answerable lost"]
    shown = [
        table("empty answers, held-out", list(empty), {OURS: list(empty.values())}),
        table(f"threshold that loses {LOST:.0%} of tuning", columns, rows),
        table("recognised when losing (tuning)", [f"{at:.0%}" for at in _CURVE], curves),
    ]
    return "\n\n".join(shown), data


def outcomes(outcome: Outcome) -> Iterator[kept.Outcome]:
    """Yield what each method found in the held-out half, and the answers where nothing answers."""
    said = {
        one.question.text: max(0.0, one.values["confidence"])
        for one in outcome.signals
        if "confidence" in one.values
    }
    sure = {one.question.text: one.sure for one in outcome.signals}
    for part, answers in (
        ("current", outcome.current),
        ("current, plain words", outcome.plain),
        ("historical", outcome.historical),
        ("as of a past moment", outcome.as_of),
    ):
        for one in answers:
            if one.half == "held-out":
                right = tuple(key == one.right for key in one.ranked)
                poisoned = tuple(key in one.poison for key in one.ranked)
                is_ours = (part, one.method) == ("current", OURS)
                yield kept.Outcome(
                    set=_SET,
                    part=part,
                    method=one.method,
                    question=one.question,
                    group=one.kind,
                    right=right,
                    poisoned=poisoned,
                    confidence=said.get(one.question) if is_ours else None,
                    sure=sure[one.question] if is_ours else (),
                )
    for asked in outcome.signals:
        question = asked.question
        if question.fact is None and question.half == "held-out":
            hits = () if asked.empty else (False,)
            yield kept.Outcome(
                set=_SET,
                part=question.ask,
                method=OURS,
                question=question.text,
                group=question.text,
                right=hits,
                evidence=0,
                confidence=said.get(question.text),
            )


def failures(world: World, outcome: Outcome, count: int) -> str:
    """The first questions of the tuning half that the product got wrong, with what it put first."""
    texts = {one.key: one.text for one in world.said}
    lines: list[str] = []
    for title, answers, method in (
        ("current", outcome.current, OURS),
        ("plain", outcome.plain, OURS),
        ("historical", outcome.historical, f"{OURS}, include_superseded"),
        ("as of", outcome.as_of, OURS),
    ):
        wrong = [a for a in answers if a.method == method and a.half == "tuning" and not a.found(1)]
        for one in wrong[:: max(1, len(wrong) // max(1, count))][:count]:
            rank = one.ranked.index(one.right) + 1 if one.right in one.ranked else "not in ten"
            first = texts[one.ranked[0]] if one.ranked else "nothing"
            lines += [
                f"{title}: {one.question}",
                f"  right ({rank}): {texts[one.right]}",
                f"  first: {first}",
            ]
    return "\n".join(lines)


def report(outcome: Outcome) -> tuple[str, dict[str, Any]]:
    """All tables as text, and everything as plain data."""
    shown: list[str] = []
    data: dict[str, Any] = {}
    for title, answers, poison in (
        ("current", outcome.current, True),
        ("current, plain words", outcome.plain, True),
        ("historical", outcome.historical, False),
        ("as of a past moment", outcome.as_of, True),
        ("current by arm", outcome.arms, True),
    ):
        if not answers:
            continue
        for half in reversed(HALVES):
            text, rows = answer_table(title, answers, half, poison=poison)
            shown.append(text)
            data[f"{title}, {half}"] = {
                name: {column: mean.plain() for column, mean in row.items()}
                for name, row in rows.items()
            }
    for half, ceiling in outcome.ceilings.items():
        by_cosine = [
            mean_with_interval([float(rank <= k) for rank in outcome.cosines[half]]) for k in WITHIN
        ]
        more = {"plain cosine among all that holds": by_cosine}
        shown.append(at_best(f"current at best, {half}", ceiling, more))
    late = mean_with_interval(outcome.anachronisms)
    shown.append(f"as of: share of hits that had not arrived by then: {late}")
    text, data["abstention"] = abstention_tables(outcome.signals)
    return "\n\n".join([*shown, text]), {**data, "arrived later": late.plain()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.longitudinal", description=__doc__
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--kinds", type=int, help="only the first so many kinds of facts")
    parser.add_argument(
        "--leave-one-out", action="store_true", help="also ask without each arm of the ranking"
    )
    parser.add_argument(
        "--ceiling", action="store_true", help="also print how well it could be answered at best"
    )
    parser.add_argument("--failures", type=int, default=0, help="show so many of each sort")
    parser.add_argument("--json", type=Path, help="also write everything measured here")
    kept.add_option(parser)
    options = parser.parse_args(arguments)
    world = make_world(options.seed, sessions=options.sessions, kinds=options.kinds)
    print(_description(world, options.seed, options.sessions))
    with tempfile.TemporaryDirectory(prefix="iai-mcp-longitudinal-") as folder:
        outcome = measure(
            world, Path(folder), leave_one_out=options.leave_one_out, ceiling=options.ceiling
        )
    shown, data = report(outcome)
    print(f"\n{shown}")
    kept.write(options.outcomes, outcomes(outcome))
    if options.failures:
        print(f"\n{failures(world, outcome, options.failures)}")
    if options.json is not None:
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


def _description(world: World, seed: int, sessions: int) -> str:
    counts = counted(world.said)
    each = {half: sum(fact.half == half for fact in world.facts) for half in HALVES}
    return (
        f"longitudinal, seed {seed}: {len(world.said)} texts in {sessions} sessions "
        f"({counts['fact']} tell a fact, {counts['near miss']} nearly do, {counts['injected']} are "
        f"injected), {len(world.questions)} questions.\n"
        f"Split by kind of fact: {each['tuning']} facts for tuning, {each['held-out']} held out; "
        f"but for its subject's name, and unless it says plain words, no question shares a rare "
        f"word with a text that answers it.\n"
        f'"true now": superseded texts are left out. "never told": changes were only said, nobody '
        f"called supersede.\nIntervals: 95 %, bootstrap over questions."
    )


def _memory(settings: Any, store: Path) -> Memory:
    return Memory(settings=settings.model_copy(update={"store": store}))


def _fact(question: Question) -> Fact:
    if question.fact is None:
        raise AssertionError(f"{question.text!r} asks for no fact")
    return question.fact


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
