"""Means with intervals of outcomes, by method, set and part, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from .intervals import Mean, mean_with_interval
from .outcomes import OURS, Outcome

Outcomes = Sequence[Outcome]
Metric = Callable[[Outcome], float]

METRICS: Mapping[str, Metric] = {
    "@1": lambda one: one.any(1),
    "@5": lambda one: one.any(5),
    "@10": lambda one: one.any(10),
    "all@10": lambda one: one.all(10),
    "nDCG@10": lambda one: one.ndcg(10),
    "outdated above, @1": lambda one: one.poisoned_within(1),
    "outdated above, @5": lambda one: one.poisoned_within(5),
    "emptied": lambda one: float(one.is_empty),
}
"""What can be told of an outcome, by the name that its column has."""


def of_set(outcomes: Outcomes, name: str) -> list[Outcome]:
    return [one for one in outcomes if one.set == name]


def of_part(outcomes: Outcomes, part: str) -> list[Outcome]:
    return [one for one in outcomes if one.part == part]


def by_set(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Group the outcomes by their set, and LoCoMo's and longitudinal's by their part too."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        split = one.set in ("LoCoMo", "Longitudinal") and one.evidence
        groups.setdefault(f"{one.set}, {one.part}" if split else one.set, []).append(one)
    return list(groups.items())


def count_groups(found: Outcomes) -> int:
    return len({one.group for one in found})


def count_questions(found: Outcomes) -> int:
    return len({(one.set, one.part, one.question, one.group) for one in found})


def methods_table(found: Outcomes, columns: Sequence[str]) -> str:
    """Return a table of the methods, the product in bold."""
    rows = [
        [f"**{method}**" if method == OURS else method, *cells]
        for method, cells in cells_by_method(found, columns).items()
    ]
    return table(("method", *columns), rows)


def cells_by_method(found: Outcomes, columns: Sequence[str]) -> dict[str, list[str]]:
    return {
        method: [
            cell(mean_of([one for one in found if one.method == method], metric))
            for metric in columns
        ]
        for method in dict.fromkeys(one.method for one in found)
    }


def mean_of(found: Outcomes, metric: str) -> Mean:
    values = [METRICS[metric](one) for one in found]
    return mean_with_interval(values, groups=[one.group for one in found])


def difference_to(found: Outcomes, other: str, metric: str) -> Mean:
    """Return the product's less another method's, each question with itself."""
    value = METRICS[metric]
    theirs = {_question(one): value(one) for one in found if one.method == other}
    pairs = [one for one in found if one.method == OURS and _question(one) in theirs]
    values = [value(one) - theirs[_question(one)] for one in pairs]
    return mean_with_interval(values, groups=[one.group for one in pairs])


def _question(one: Outcome) -> tuple[str, ...]:
    return (one.set, one.part, one.question, one.group)


def cell(mean: Mean) -> str:
    if mean.value is None or mean.low is None or mean.high is None:
        return "-"
    return f"{short(mean.value)} [{short(mean.low, 2)}, {short(mean.high, 2)}]"


def signed(mean: Mean) -> str:
    if mean.value is None or mean.low is None or mean.high is None:
        return "-"
    value, low, high = (
        f"{one:+.2f}".replace("0.", ".") for one in (mean.value, mean.low, mean.high)
    )
    return f"{value} [{low}, {high}]"


def short(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("0.", ".", 1) if value < 1 else f"{value:.{digits - 1}f}"


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
