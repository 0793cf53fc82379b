"""What a method found for questions of a data set, at turn and at session level, and how good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .intervals import Mean, mean_with_interval
from .metrics import ndcg, percentile, recall_all, recall_any, reciprocal_rank

Level = Literal["turn", "session"]
LEVELS: tuple[Level, Level] = ("turn", "session")
METRICS = ("any@1", "any@5", "any@10", "all@10", "MRR", "nDCG@10")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one method found for one question; `seconds` is None where time is not the point."""

    category: int
    ranked: list[str]
    evidence: frozenset[str]
    seconds: float | None
    conversation: str = ""
    question: str = ""

    def at(self, level: Level) -> Answer:
        """The same answer as sessions: each stands where its best turn stands.

        A turn id such as "D8:6", with or without the name of its conversation before a "/", names
        its session before the colon.
        """
        if level == "turn":
            return self
        sessions = dict.fromkeys(_session(id_) for id_ in self.ranked)
        evidence = frozenset(_session(id_) for id_ in self.evidence)
        return replace(self, ranked=list(sessions), evidence=evidence)


def means(answers: Sequence[Answer]) -> dict[str, Mean]:
    """Each metric's mean over the answers with its interval.

    Raises:
        ValueError: There are no answers.
    """
    if not answers:
        raise ValueError("no answers to sum up: the data set has no question with evidence")
    values = {
        **{f"any@{k}": [recall_any(a.ranked, a.evidence, k) for a in answers] for k in (1, 5, 10)},
        "all@10": [recall_all(a.ranked, a.evidence, 10) for a in answers],
        "MRR": [reciprocal_rank(a.ranked, a.evidence) for a in answers],
        "nDCG@10": [ndcg(a.ranked, a.evidence, 10) for a in answers],
    }
    return {name: mean_with_interval(numbers) for name, numbers in values.items()}


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """The mean of each metric, its interval under "intervals", and times where they were taken.

    Raises:
        ValueError: There are no answers.
    """
    found = means(answers)
    seconds = [answer.seconds for answer in answers if answer.seconds is not None]
    return {
        "n": len(answers),
        **{name: mean.value for name, mean in found.items()},
        "p50 ms": round(percentile(seconds, 0.5) * 1000, 1) if seconds else None,
        "p95 ms": round(percentile(seconds, 0.95) * 1000, 1) if seconds else None,
        "intervals": {name: [mean.low, mean.high] for name, mean in found.items()},
    }


def row(summed: dict[str, Any]) -> list[str]:
    """The cells of a `summary` under "n", the metrics and the two times."""
    cells = [str(summed["n"])]
    for name in METRICS:
        low, high = summed["intervals"][name]
        cells.append(str(Mean(summed[name], low, high, summed["n"])))
    return cells + ["-" if summed[t] is None else f"{summed[t]:.1f}" for t in ("p50 ms", "p95 ms")]


COLUMNS = ("n", *METRICS, "p50 ms", "p95 ms")
"""Names of the cells of `row`."""


def _session(turn: str) -> str:
    return turn.rpartition(":")[0]
