"""Confidence in an assistant's sessions, fitted anew: `python -m tests.benchmarks.sessions_fit`.

Each folder is a set of real sessions (`real_data` says of what) with a store of its own; its
questions and ours, those that nothing answers, and those about the other sets are asked there. What
the product weighs as evidence is taken from it as it calibrates. Printed are the logistic
regressions (Cox, 1958) of the answer and of a hit, fitted on everything; then, fitted on the other
sets only, how sure the answers are that must not be lost and those that should be empty, and what a
minimum of a hit after the first costs.

For the answer, questions that something answers weigh as much together as those that nothing does,
and of these the ones about another set a tenth: nobody can tell them from questions whose answer
was found badly. Hits are those of answers that are shown, so questions that nothing answers count
only as far as they are about another set.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray

from iai_memory import Memory, load_settings
from iai_memory.injection.prompt import MAX_MEMORIES
from iai_memory.recall import calibration
from iai_memory.recall.calibration import Evidence, Logit

from .confidence_fit import listening, regress
from .intervals import mean_with_interval, table
from .real_data import Question, RealSet, Turns, load_set, told_to
from .reliability import reliability
from .routes import BUDGET_TOKENS, LIMIT
from .timings import arguments_of, keep

Array = NDArray[np.float64]
_FOREIGN_SHARE = 0.1
_FIRST = 5
_MINIMUMS = (0.02, 0.03, 0.04, 0.06)
_SHARES = (0.0, 0.08, 0.12, 0.16)
_AT_PROMPTS = tuple((hit, least) for hit in (0.5, 0.55, 0.6) for least in (0.7, 0.8, 0.85))
_LEAST = (0.045, 0.06, 0.08, 0.1, 0.115, 0.13, 0.15, 0.18)
_Features = dict[str, Callable[[Evidence], float]]
_OF_ANSWER: _Features = {
    "similarity": lambda one: one.similarity,
    "coverage": lambda one: one.coverage,
    "unknown": lambda one: one.unknown,
}
_BY_TOKENS: _Features = {**_OF_ANSWER, "nearness": lambda one: one.nearness}
_OF_HIT: _Features = {
    "unknown": lambda one: one.unknown,
    "score": lambda one: one.score,
    "rank": lambda one: math.log1p(one.rank),
}
_HIT_BY_TOKENS: _Features = {
    "unknown": lambda one: one.unknown,
    "rank": lambda one: math.log1p(one.rank),
    "nearness": lambda one: one.nearness,
    "lead": lambda one: one.lead,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A question in a store, and what calibration saw of it.

    Attributes:
        source: Name of the set whose store was asked.
        sort: "answered", "none", or "foreign" for a question about another set.
        english: Whether it is asked in English; only those have the larger minimum.
        answer: Evidence of the answer.
        hits: Evidence of each hit, best first, none left out.
        right: Whether each hit answers, itself or a turn that is shown with it.
        text: Of the question.
    """

    source: str
    sort: str
    english: bool
    answer: Evidence
    hits: tuple[Evidence, ...]
    right: tuple[bool, ...]
    text: str


def cases_of(one: RealSet, others: Sequence[RealSet], store: Path) -> Iterator[Case]:
    """Ask everything of the set's store, which is made where there is none."""
    settings = load_settings(store=store, tz="UTC")
    memory = Memory(settings=settings, on_commit=lambda: None)
    if (store / "lancedb").exists():
        turns = Turns([row.record for row in memory.store.latest.all_rows()])
    else:
        turns = told_to(memory, one.sessions, Path(mkdtemp()) / "transcripts")
    foreign = [
        replace(question, evidence=frozenset())
        for other in others
        for question in other.questions
        if question.is_content and question.language == "en"
    ]
    for question in [*one.questions, *foreign]:
        if question.kind == "time":
            continue
        sort = "none" if question.kind == "none" else "answered" if question.evidence else "foreign"
        if (case := _asked(memory, turns, one.name, question, sort)) is not None:
            yield case


def _asked(memory: Memory, turns: Turns, source: str, question: Question, sort: str) -> Case | None:
    """Ask one question; None where it is not weighed, since the model cannot read it."""
    with listening() as heard:
        found = memory.recall(
            question.text, limit=LIMIT, budget_tokens=BUDGET_TOKENS, min_confidence=0.0
        )
    answers = (calibration.ANSWER_IN_SESSIONS, calibration.ANSWER_BY_TOKENS)
    answer = next((one for logit, one in heard if logit in answers), None)
    if answer is None:
        return None
    of_hits = (calibration.HIT_IN_SESSIONS, calibration.HIT_BY_TOKENS)
    hits = [one for logit, one in heard if logit in of_hits]
    right = tuple(
        bool(turns.of({hit.id, *hit.ids, *(turn.id for turn in hit.turns)}) & question.evidence)
        for hit in found.hits
    )
    english = question.language == "en"
    return Case(source, sort, english, answer, tuple(hits[: len(right)]), right, question.text)


def fitted(cases: Sequence[Case], features: _Features) -> dict[str, float]:
    """Return the coefficients of the answer, or of a hit, by the names that `Logit` gives them."""
    hits = features is _OF_HIT or features is _HIT_BY_TOKENS
    if features is _BY_TOKENS:
        cases = [case for case in cases if case.answer.nearness]
    counts = {sort: sum(case.sort == sort for case in cases) for sort in ("none", "foreign")}
    nothing = counts["none"] + _FOREIGN_SHARE * counts["foreign"]
    answered = sum(case.sort == "answered" for case in cases)
    rows: list[list[float]] = []
    labels: list[float] = []
    weights: list[float] = []
    for case in cases:
        share = 1 / answered if case.sort == "answered" else 1 / nothing
        share *= _FOREIGN_SHARE if case.sort == "foreign" else 1.0
        if hits:  # of answers that are shown
            share = {"answered": 1.0, "foreign": _FOREIGN_SHARE, "none": 0.0}[case.sort]
        pairs = (
            zip(case.hits, case.right, strict=True)
            if hits
            else [(case.answer, any(case.right[:_FIRST]))]
        )
        for evidence, right in pairs:
            if features is _HIT_BY_TOKENS and not (evidence.nearness and case.english):
                continue
            rows.append([1.0, *(feature(evidence) for feature in features.values())])
            labels.append(float(right))
            weights.append(share)
    weight = np.array(weights)
    beta = regress(np.array(rows), np.array(labels), weight * len(weight) / weight.sum())
    return dict(zip(("bias", *features), (round(float(one), 2) for one in beta), strict=True))


_FITTED = {
    "ANSWER_IN_SESSIONS": (calibration.ANSWER_IN_SESSIONS, _OF_ANSWER),
    "ANSWER_BY_TOKENS": (calibration.ANSWER_BY_TOKENS, _BY_TOKENS),
    "HIT_IN_SESSIONS": (calibration.HIT_IN_SESSIONS, _OF_HIT),
    "HIT_BY_TOKENS": (calibration.HIT_BY_TOKENS, _HIT_BY_TOKENS),
}
_Logits = Mapping[str, Mapping[str, Logit]]
"""By the set whose store is asked, and by the name of what is fitted."""


def judged(cases: Sequence[Case], logits_of: _Logits) -> str:
    """Return how sure the answers are, and what each minimum of an answer would empty."""
    names = ("ANSWER_IN_SESSIONS", "ANSWER_BY_TOKENS")
    sure = [
        (case, logits_of[case.source][names[bool(case.answer.nearness)]].probability(case.answer))
        for case in cases
    ]
    english = [(case, chance) for case, chance in sure if case.english]
    lines = [
        f"least sure that something answers: {_told(english, 'answered')}",
        f"most sure that nothing answers: {_told(english, 'none')}",
    ]
    rows: dict[str, list[object]] = {}
    for least in _LEAST:
        rows[f"{least}"] = [
            f"{sum(chance < least for case, chance in english if case.sort == sort)} of "
            f"{sum(case.sort == sort for case, _ in english)}"
            for sort in ("answered", "none", "foreign")
        ]
    lines.append(table("emptied below", ("answered", "none", "foreign"), rows))
    said = [chance for case, chance in sure if case.sort == "answered"]
    right = [any(case.right[:_FIRST]) for case, _ in sure if case.sort == "answered"]
    lines.append(table("answers", ("n", "said", "right in five"), reliability(said, right)))
    return "\n\n".join(lines)


def _told(sure: Sequence[tuple[Case, float]], sort: str) -> str:
    of_it = sorted((chance, case.text) for case, chance in sure if case.sort == sort)
    few = of_it[:6] if sort == "answered" else of_it[:-7:-1]
    return "; ".join(f"{chance:.3f} {text}" for chance, text in few)


def _hit_name(case: Case, hit: Evidence) -> str:
    return "HIT_BY_TOKENS" if hit.nearness and case.english else "HIT_IN_SESSIONS"


def cut(cases: Sequence[Case], logits_of: _Logits) -> str:
    """Return what each pair of minimums of a hit after the first leaves."""
    answered = [case for case in cases if case.sort == "answered"]
    chances = [
        [logits_of[case.source][_hit_name(case, one)].probability(one) for one in case.hits]
        for case in answered
    ]
    rows: dict[str, list[object]] = {}
    for least in (0.0, *_MINIMUMS):
        for share in _SHARES if least else _SHARES[:1]:
            kept = [
                [
                    right
                    for number, (chance, right) in enumerate(zip(all_, case.right, strict=True))
                    if number == 0 or chance >= max(least, share * all_[0] * all_[0])
                ]
                for case, all_ in zip(answered, chances, strict=True)
            ]
            found = [sum(any(one[:k]) for one in kept) / len(kept) for k in (1, 5, 10)]
            hits = sum(map(len, kept)) / len(kept)
            rows[f"{least} and {share}"] = [*(f"{one:.3f}" for one in found), f"{hits:.1f}"]
    said = [chance for all_ in chances for chance in all_]
    right = [one for case in answered for one in case.right]
    first = [(all_[0], case.right[0]) for all_, case in zip(chances, answered, strict=True) if all_]
    return "\n\n".join(
        (
            table("minimum and share", ("@1", "@5", "@10", "hits"), rows),
            table("hits", ("n", "said", "right"), reliability(said, right)),
            table("first hits", ("n", "said", "right"), reliability(*zip(*first, strict=True))),
        )
    )


def at_prompts(cases: Sequence[Case], logits_of: _Logits) -> str:
    """Return what is given at prompts by each minimum of a hit and of the answer, the product's.

    The minimums are not chosen here. Intervals draw questions, and of one all its memories.
    """
    rows: dict[str, list[object]] = {}
    for least_hit, least in _AT_PROMPTS:
        given = [(case, _given(case, logits_of[case.source], least_hit, least)) for case in cases]
        row: list[object] = [
            f"{sum(bool(hits) for case, hits in given if case.sort == sort)} of "
            f"{sum(case.sort == sort for case in cases)}"
            for sort in ("answered", "none", "foreign")
        ]
        said = [
            (f"{case.source} {case.text}", float(right))
            for case, hits in given
            if case.sort == "answered"
            for right in hits
        ]
        share = mean_with_interval([right for _, right in said], groups=[of for of, _ in said])
        right = f"{sum(right for _, right in said):.0f} of {len(said)}"
        rows[f"{least_hit} and {least}"] = [*row, right, share]
    columns = ("answered", "none", "foreign", "right memories", "share")
    return table("given at a prompt", columns, rows)


def _given(case: Case, logits: Mapping[str, Logit], least_hit: float, least: float) -> list[bool]:
    """Return whether each memory that a prompt is given is right; the answer's logits stay."""
    answers = (calibration.ANSWER_IN_SESSIONS, calibration.ANSWER_BY_TOKENS)
    if answers[bool(case.answer.nearness)].probability(case.answer) < least:
        return []
    chances = [logits[_hit_name(case, one)].probability(one) for one in case.hits]
    said = [right for chance, right in zip(chances, case.right, strict=True) if chance >= least_hit]
    return said[:MAX_MEMORIES]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, fits, prints; returns the exit code."""
    parser = arguments_of("sessions_fit", __doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="sets of real sessions, two or more")
    parser.add_argument("--stores", type=Path, help="keep the stores here, and use those there")
    given = parser.parse_args(arguments)
    sets = [load_set(folder, own=True) for folder in given.folders]
    stores = given.stores or Path(mkdtemp(prefix="iai-mcp-fit-"))
    cases: list[Case] = []
    for one in sets:
        others = [other for other in sets if other is not one]
        cases += cases_of(one, others, stores / one.name)
        print(f"{one.name}: {len(cases)} questions so far", file=sys.stderr)
    found = {name: fitted(cases, features) for name, (_, features) in _FITTED.items()}
    for name, coefficients in found.items():
        print(f"{name} = {coefficients}")
    as_it_is = {name: logit for name, (logit, _) in _FITTED.items()}
    anew = {name: replace(as_it_is[name], **of) for name, of in found.items()}
    apart = {
        one.name: {
            name: replace(logit, **fitted([c for c in cases if c.source != one.name], features))
            for name, (logit, features) in _FITTED.items()
        }
        for one in sets
    }
    for title, logits_of in (
        ("as it is", dict.fromkeys(apart, as_it_is)),
        ("fitted on everything", dict.fromkeys(apart, anew)),
        ("fitted on the other sets", apart),
    ):
        print(f"\n# {title}\n\n{judged(cases, logits_of)}\n\n{cut(cases, logits_of)}")
        print(f"\n{at_prompts(cases, logits_of)}")
    keep(given.json, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
