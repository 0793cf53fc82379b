"""The coefficients of confidence, fitted anew: `python -m tests.benchmarks.confidence_fit`.

Every question of the tuning half of the longitudinal set and of LoCoMo 0-2 is asked in stores of 20
to 1,300 memories, those that something answers there and those that nothing does; what the product
then weighs as evidence is taken from it as it calibrates, so that a new stage needs no change here.
Printed are the logistic regressions (Cox, 1958) for notes and conversations, and what the product's
own and the new ones do on the held-out half and on LoCoMo 3-4. Sessions of an assistant have a
regression of their own, which this leaves alone.

Questions that something answers and those that nothing does weigh the same, and so does each store
size. A question of another conversation and one about somebody unknown have no answer; what was
never said of a known person has none either, and can hardly be recognised.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iai_memory import Memory, load_settings
from iai_memory.base.defaults import MIN_CONFIDENCE
from iai_memory.recall import calibration
from iai_memory.recall.calibration import Evidence, Logit

from .intervals import mean_with_interval, table
from .locomo_data import Conversation, Turn, load
from .longitudinal_store import tell
from .longitudinal_world import SEED, make_world
from .reliability import reliability
from .routes import BUDGET_TOKENS, LIMIT
from .timings import arguments_of, keep

Array = NDArray[np.float64]
FEATURES: dict[str, Callable[[Evidence], float]] = {
    "similarity": lambda one: one.similarity,
    "coverage": lambda one: one.coverage,
    "unknown": lambda one: one.unknown,
    "score_gap": lambda one: one.score_gap,
    "candidates": lambda one: math.log10(min(one.candidates, 300)),
}
_OF_ANSWER = ("similarity", "coverage", "unknown", "candidates")
_OF_HIT = tuple(FEATURES)
_WORLDS = ((400, 16, SEED), (150, 10, 1), (40, 4, 2), (10, 2, 3))
"""Sessions, kinds of facts and the seed of each longitudinal world."""
_SESSIONS_TOLD = (100, 6, 2)
"""So many of the first sessions of each conversation make a store."""
_FOREIGN = 100
"""At most so many questions of another conversation are asked of each store."""
_RIDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Case:
    """A question in a store, and what calibration saw of it.

    Attributes:
        table: "notes" or "conversation".
        is_held_out: Whether it may only be looked at.
        sort: Why it has an answer or none.
        store: Which store: each weighs the same.
        right: Whether each of the ten first hits is right.
        answer: Evidence of the answer; None where there was nothing to weigh.
        hits: Evidence of the hits, in their order.
    """

    table: str
    is_held_out: bool
    sort: str
    store: str
    right: tuple[bool, ...]
    answer: Evidence | None
    hits: tuple[Evidence, ...]

    @property
    def is_answered(self) -> bool:
        """Whether a hit answers."""
        return any(self.right)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question before it is asked: `right` are ids of memories, none where nothing answers."""

    text: str
    right: frozenset[str]
    sort: str
    is_held_out: bool


@contextmanager
def listening() -> Generator[list[tuple[Logit, Evidence]]]:
    """Yield what every regression is asked while inside, in the order of the asking."""
    heard: list[tuple[Logit, Evidence]] = []
    own = Logit.probability

    def probability(self: Logit, evidence: Evidence) -> float:
        heard.append((self, evidence))
        return own(self, evidence)

    Logit.probability = probability  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        Logit.probability = own  # type: ignore[method-assign]


def ask(memory: Memory, asked: Iterable[Asked], table_: str, store: str) -> Iterator[Case]:
    """Ask the questions of one store, and yield what calibration saw."""
    for one in asked:
        with listening() as heard:
            found = memory.recall(
                one.text, limit=LIMIT, budget_tokens=BUDGET_TOKENS, min_confidence=0.0
            )
        answer = [evidence for logit, evidence in heard if logit is calibration.ANSWER]
        hits = [evidence for logit, evidence in heard if logit is not calibration.ANSWER]
        right = tuple(bool({hit.id, *hit.ids} & one.right) for hit in found.hits)
        first = tuple(hits[: len(right)])
        weighed = answer[0] if answer else None
        yield Case(table_, one.is_held_out, one.sort, store, right[: len(first)], weighed, first)


def notes(folder: Path, *, small: bool = False) -> Iterator[Case]:
    """Ask the longitudinal worlds, with `small` those of few sessions only."""
    for sessions, kinds, seed in _WORLDS[2:] if small else _WORLDS:
        world = make_world(seed, sessions=sessions, kinds=kinds)
        name = f"{sessions} sessions"
        memory = _memory(folder / name)
        ids = _once(folder / f"{name}.json", lambda: tell(memory, world).ids)  # noqa: B023
        _complete(memory)
        asked = [
            Asked(
                one.text,
                frozenset() if one.fact is None else frozenset({ids[one.fact.chain[-1]]}),
                one.ask,
                one.half == "held-out",
            )
            for one in world.questions
            if one.ask != "historical"
        ]
        _tell(f"notes: {len(world.said)} texts, {len(asked)} questions")
        yield from ask(memory, asked, "notes", name)


def conversations(path: Path, folder: Path, *, small: bool = False) -> Iterator[Case]:
    """Ask the conversations their own questions, and those of the one before.

    With `small`, only stores of few sessions are asked.
    """
    everything = load(path)
    for number, conversation in enumerate(everything):
        foreign = everything[number - 1]
        for first in _SESSIONS_TOLD[2:] if small else _SESSIONS_TOLD:
            name = f"{first} sessions"
            memory = _memory(folder / f"{conversation.name} {name}")
            turns = [one for one in conversation.turns if int(one.session_id) <= first]
            ids = _once(
                folder / f"{conversation.name} {name}.json",
                lambda: _ingested(memory, turns),  # noqa: B023
            )
            _complete(memory)
            asked = _questions(conversation, foreign, ids, is_held_out=number > 2)
            _tell(f"{conversation.name}: {len(turns)} turns, {len(asked)} questions")
            yield from ask(memory, asked, "conversation", name)


def _questions(
    conversation: Conversation, foreign: Conversation, ids: dict[str, str], *, is_held_out: bool
) -> list[Asked]:
    """Return the questions of a conversation that the store answers, and as many of another."""
    own = [
        Asked(one.text, frozenset(ids[turn] for turn in one.evidence), "answerable", is_held_out)
        for one in conversation.questions
        if one.evidence <= ids.keys()
    ]
    others = [one.text for one in foreign.questions][: min(_FOREIGN, max(10, len(own)))]
    return own + [Asked(text, frozenset(), "of another", is_held_out) for text in others]


def fitted(cases: Sequence[Case], *, hits: bool) -> dict[str, float]:
    """Return the coefficients of the answer, or of a hit, by the names that `Logit` gives them."""
    names = _OF_HIT if hits else _OF_ANSWER
    rows, labels, weights = _examples(cases, names, hits=hits)
    beta = regress(np.column_stack([np.ones(len(rows)), rows]), labels, weights)
    return dict(zip(("bias", *names), (round(float(one), 2) for one in beta), strict=True))


def _examples(
    cases: Sequence[Case], names: Sequence[str], *, hits: bool
) -> tuple[Array, Array, Array]:
    rows: list[list[float]] = []
    labels: list[float] = []
    keys: list[tuple[str, bool]] = []
    for case in cases:
        pairs = (
            list(zip(case.hits, case.right, strict=True))
            if hits
            else [(case.answer, case.is_answered)]
        )
        for evidence, right in pairs:
            if evidence is not None:
                rows.append([FEATURES[name](evidence) for name in names])
                labels.append(float(right))
                keys.append((case.store, case.sort in _ANSWERABLE))
    return np.array(rows), np.array(labels), _balanced(keys)


_ANSWERABLE = ("current", "plain", "answerable")


def _balanced(keys: Sequence[tuple[str, bool]]) -> Array:
    """Return weights: each store counts alike, and in it questions with and without an answer."""
    counts: dict[tuple[str, bool], int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    weights = np.array([1.0 / counts[key] for key in keys])
    return np.asarray(weights * len(keys) / weights.sum(), dtype=np.float64)


def regress(rows: Array, labels: Array, weights: Array) -> Array:
    """Return the coefficients of a logistic regression, by Newton's method with a small ridge."""
    beta = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-rows @ beta))
        slope = rows.T @ (weights * (labels - chance)) - _RIDGE * beta
        bend = (rows * (weights * chance * (1.0 - chance))[:, None]).T @ rows
        step = np.linalg.solve(bend + _RIDGE * np.eye(len(beta)), slope)
        beta = beta + step
        if float(np.abs(step).max()) < 1e-8:
            break
    return np.asarray(beta, dtype=np.float64)


def judged(title: str, cases: Sequence[Case], answer: Logit, hit: Logit) -> str:
    """Return what two regressions do: whom they empty, and whether they say what comes true."""
    rows: dict[str, list[object]] = {}
    said: list[float] = []
    right: list[bool] = []
    for sort in sorted({case.sort for case in cases}):
        of_it = [case for case in cases if case.sort == sort]
        chances = [0.0 if c.answer is None else answer.probability(c.answer) for c in of_it]
        empty = mean_with_interval([float(chance < MIN_CONFIDENCE) for chance in chances])
        under = mean_with_interval([float(chance < 0.5) for chance in chances])
        found = mean_with_interval([float(case.is_answered) for case in of_it])
        rows[sort] = [len(of_it), empty, under, found]
        said += chances
        right += [case.is_answered for case in of_it]
    shown = [table(title, ("n", "emptied", "under .5", "right in ten"), rows)]
    shown.append(table("answers", ("n", "said", "right"), reliability(said, right)))
    pairs = [
        (hit.probability(evidence), one)
        for case in cases
        for evidence, one in zip(case.hits, case.right, strict=True)
    ]
    chances, outcomes = [chance for chance, _ in pairs], [one for _, one in pairs]
    shown.append(table("hits", ("n", "said", "right"), reliability(chances, outcomes)))
    return "\n\n".join(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, fits, prints; returns the exit code."""
    parser = arguments_of("confidence_fit", __doc__)
    parser.add_argument("--locomo", type=Path, required=True, help="LoCoMo's JSON file")
    parser.add_argument("--stores", type=Path, help="keep the stores here, and use what is there")
    parser.add_argument("--small", action="store_true", help="in small stores only")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="iai-mcp-fit-") as name:
        folder = given.stores or Path(name)
        folder.mkdir(exist_ok=True)
        cases = [
            *notes(folder, small=given.small),
            *conversations(given.locomo, folder, small=given.small),
        ]
    tuning = [case for case in cases if not case.is_held_out]
    own = {
        "notes": calibration.HIT_AMONG_NOTES,
        "conversation": calibration.HIT_IN_CONVERSATION,
    }
    answer = fitted(tuning, hits=False)
    found: dict[str, Any] = {"ANSWER": answer}
    print(f"ANSWER = {answer}")
    for table_, hit in own.items():
        of_it = [case for case in cases if case.table == table_]
        coefficients = fitted([case for case in of_it if not case.is_held_out], hits=True)
        found[table_] = coefficients
        print(f"\nhit, {table_} = {coefficients}\n")
        held_out = [case for case in of_it if case.is_held_out]
        print(judged(f"{table_}, held out, as it is", held_out, calibration.ANSWER, hit), "\n")
        new = replace(calibration.ANSWER, **answer), replace(hit, **coefficients)
        print(judged(f"{table_}, held out, fitted anew", held_out, *new))
    keep(given.json, found)
    return 0


def _ingested(memory: Memory, turns: Sequence[Turn]) -> dict[str, str]:
    results = memory.ingest([turn.to_memory() for turn in turns]).results
    return {turn.dia_id: str(one.id) for turn, one in zip(turns, results, strict=True)}


def _once(file: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Return what a file keeps; make and keep it where there is none."""
    if file.exists():
        return dict(json.loads(file.read_text(encoding="utf-8")))
    made = make()
    file.write_text(json.dumps(made), encoding="utf-8")
    return made


def _memory(store: Path) -> Memory:
    return Memory(settings=load_settings(store=store, tz="UTC"), on_commit=lambda: None)


def _complete(memory: Memory) -> None:
    while memory.embed_pending():
        pass


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
