"""How much better a ranking could be: what the searches find, and the best order of what is found.

Where a goal is missed, this tells at which step. The depths say for how many questions the two
searches return what answers at all. The arms of the fifty best hits are then weighed anew, by the
likelihood of the answers to these very questions. That is a yardstick and no bound: the likeliest
weights need not put the most answers first. The bound is an oracle that puts what answers first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from iai_memory import Memory
from iai_memory.base.defaults import MAX_LIMIT
from iai_memory.recall.candidates import NPROBES
from iai_memory.store.filter import Filter

from .intervals import Mean, mean_with_interval, table
from .metrics import recall_any
from .routes import BUDGET_TOKENS

DEPTHS = (10, 50, 100, 150, 200)
WITHIN = (1, 5, 10, 50)

_PART = re.compile(r"(?:^|([+-]) )([a-z][a-z ]*?) (\d+\.\d+)")
_SHARPNESS = 6.0  # of the softmax over scores
_STEPS = 400
_RATE = 0.03
_SHRINK = 0.003  # towards the product's own weights
_INFINITY = 1 << 30

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hits:
    """The best hits of one question: their ids, and what each arm gave them by its name."""

    ids: list[str]
    parts: list[dict[str, float]]


@dataclass(slots=True)
class Ceiling:
    """What is collected over questions.

    Attributes:
        hits: Of each question.
        relevant: Ids that answer it.
        reached: For each depth, 1.0 for each question of which a search returned something that
            leads to an answer.
    """

    hits: list[Hits] = field(default_factory=list)
    relevant: list[set[str]] = field(default_factory=list)
    reached: dict[int, list[float]] = field(default_factory=dict)

    def ask(
        self,
        memory: Memory,
        question: str,
        relevant: Collection[str],
        leading: Collection[str],
        meant: str | None = None,
    ) -> None:
        """Asks one question.

        Args:
            memory: The store, with a model.
            question: As it stands.
            relevant: Ids of what answers it.
            leading: Ids of what leads there when it is found: the same and its earlier wordings.
            meant: What the search by meaning is asked; None is the question as it stands.
        """
        found = memory.recall(
            question, limit=MAX_LIMIT, budget_tokens=BUDGET_TOKENS, min_confidence=0.0
        )
        self.hits.append(Hits([h.id for h in found.hits], [parts_of(h.reason) for h in found.hits]))
        self.relevant.append(set(relevant))
        dense, lexical = _searches(memory, question, meant or question)
        for depth in (*DEPTHS, _INFINITY):
            near = {*dense[:depth], *lexical[:depth]}
            self.reached.setdefault(depth, []).append(float(not near.isdisjoint(leading)))

    def rows(self) -> dict[str, list[Mean]]:
        """Each order of the fifty best hits with the share of answers among its first ones."""
        own = [one.ids for one in self.hits]
        weighed = reweighed(self.hits, self.relevant)
        oracle = [
            [*(id_ for id_ in ids if id_ in right), *(id_ for id_ in ids if id_ not in right)]
            for ids, right in zip(own, self.relevant, strict=True)
        ]
        return {
            "iai-mcp": self._within(own),
            "weights fitted on these questions": self._within(weighed),
            "an oracle among the fifty": self._within(oracle),
        }

    def depths(self) -> dict[str, Mean]:
        """For how many questions either search returns what leads to an answer, by its depth."""
        return {
            "all" if depth == _INFINITY else str(depth): mean_with_interval(values)
            for depth, values in self.reached.items()
        }

    def _within(self, ranked: Sequence[Sequence[str]]) -> list[Mean]:
        pairs = list(zip(ranked, self.relevant, strict=True))
        return [mean_with_interval([recall_any(r, right, k) for r, right in pairs]) for k in WITHIN]


def shown(title: str, ceiling: Ceiling, more: dict[str, list[Mean]] | None = None) -> str:
    """Two tables as text; `more` are further rows of the first."""
    rows = ceiling.rows() | (more or {})
    depths = ceiling.depths()
    return "\n\n".join(
        [
            table(f"{title}: any answer among the first", [f"@{k}" for k in WITHIN], rows),
            table(
                f"{title}: found at depth", list(depths), {"either search": list(depths.values())}
            ),
        ]
    )


def parts_of(reason: str) -> dict[str, float]:
    """What each arm gave, read off the sum in a reason.

    Raises:
        ValueError: It does not add up, so it was not read right.
    """
    terms, _, total = reason.partition(";")[0].rpartition(" = ")
    parts = {
        name: -float(number) if sign == "-" else float(number)
        for sign, name, number in _PART.findall(terms)
    }
    if abs(sum(parts.values()) - float(total)) > 1e-6:
        raise ValueError(f"the parts read off {reason!r} do not add up: change `_PART`")
    return parts


def reweighed(hits: Sequence[Hits], relevant: Sequence[Collection[str]]) -> list[list[str]]:
    """The ids of each question by the sum of their parts under the likeliest factors of the arms.

    A factor is not negative. What answers no question among its hits has no say.
    """
    names = sorted({name for one in hits for parts in one.parts for name in parts})
    values = [
        np.array([[parts.get(name, 0.0) for name in names] for parts in one.parts]).reshape(
            -1, len(names)
        )
        for one in hits
    ]
    right = [
        np.array([id_ in wanted for id_ in one.ids], dtype=float)
        for one, wanted in zip(hits, relevant, strict=True)
    ]
    told = [(x, y / y.sum()) for x, y in zip(values, right, strict=True) if y.any()]
    factors = _ascended(np.ones(len(names)), partial(_slope, told))
    return [
        [one.ids[at] for at in np.argsort(-(x @ factors), kind="stable")]
        for one, x in zip(hits, values, strict=True)
    ]


def _slope(told: Sequence[tuple[Numbers, Numbers]], factors: Numbers) -> Numbers:
    """Of the mean log likelihood, shrunk towards factors of 1."""
    slope = -2 * _SHRINK * (factors - 1.0)
    for values, share in told:
        scores = _SHARPNESS * (values @ factors)
        expected = np.exp(scores - scores.max())
        slope += _SHARPNESS * (share - expected / expected.sum()) @ values / len(told)
    return slope


def _ascended(start: Numbers, slope: Callable[[Numbers], Numbers]) -> Numbers:
    """Adam (Kingma and Ba, 2015) with factors held at 0 or above."""
    at, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, _STEPS + 1):
        now = slope(at)
        mean, square = 0.9 * mean + 0.1 * now, 0.99 * square + 0.01 * now**2
        moved = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        at = np.maximum(at + _RATE * moved, 0.0)
    return at


def _searches(memory: Memory, question: str, meant: str) -> tuple[list[str], list[str]]:
    """Everything by meaning and by words, best first, what was replaced included."""
    if memory.encoder is None:
        raise RuntimeError("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    reader, where = memory.store.latest, Filter(include_superseded=True)
    everything = max(1, reader.count(where))
    vector = memory.encoder.encode([meant])[0]
    dense = reader.nearest(vector, where, everything, nprobes=NPROBES)
    return list(dense), list(reader.matching(question, where, everything))
