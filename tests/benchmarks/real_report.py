"""The tables of `real_sessions`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import outcomes as kept
from .intervals import Mean, mean_with_interval, table
from .outcomes import BM25, FUSION, OURS, WORDS
from .real_data import Question
from .reliability import reliability
from .timings import timing

Count = Literal["turn", "pair", "exchange"]
COUNTS: tuple[Count, ...] = ("turn", "pair", "exchange")
FOLDED = f"{FUSION}, folded"
_KS = (1, 5, 10)
SURE = 0.5
"""An answer that says less is marked as unsure: it is more likely wrong than right."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The outcome of one question by one method.

    Attributes:
        method: Which one.
        source: Name of the set.
        question: Which one; one of another set has no evidence here.
        foreign: Whether it is one of another set.
        right: Whether each hit, best first, is right, by the way of counting.
        confidence: Of the answer.
        sure: Confidence of each hit.
        tokens: Of the answer, as recall estimates them.
        day: When the first turn that answers was said; the question itself if nothing does.
        milliseconds: It took; None where time is not the point.
    """

    method: str
    source: str
    question: Question
    foreign: bool
    right: Mapping[Count, Sequence[bool]]
    confidence: float | None = None
    sure: Sequence[float | None] = ()
    tokens: int = 0
    milliseconds: float | None = None
    day: str = ""

    def any(self, count: Count, k: int) -> float:
        """Return 1.0 if one of the first k hits is right."""
        return float(any(self.right[count][:k]))

    @property
    def hits(self) -> int:
        """How many hits it has."""
        return len(self.right["turn"])


Group = Sequence[Asked]


def report(title: str, asked: Group) -> str:
    """Return all tables of the answers; `title` names the set or the sets."""
    methods = list(dict.fromkeys(one.method for one in asked))
    parts = [f"# {title}", *_found(asked, methods), *_differences(asked)]
    for method in (one for one in methods if one in (OURS, WORDS)):
        of_it = [one for one in asked if one.method == method]
        parts += [_by_language(method, of_it), _times(method, of_it), _empty(method, of_it)]
        parts += [_cost(method, of_it), *_calibration(method, of_it), _latency(method, of_it)]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(one: Asked) -> dict[str, Any]:
    """Return an answer as JSON has it."""
    return {
        "method": one.method,
        "set": one.source,
        "question": one.question.text,
        "kind": "foreign" if one.foreign else one.question.kind,
        "language": one.question.language,
        "right": {count: list(of_it) for count, of_it in one.right.items()},
        "confidence": one.confidence,
        "hits": list(one.sure),
        "tokens": one.tokens,
        "ms": one.milliseconds,
    }


def outcome(one: Asked) -> kept.Outcome:
    """Return an answer as `make eval` keeps it, exchanges counted."""
    nothing = one.foreign or one.question.kind == "none"
    part = "of another set" if one.foreign else one.question.kind
    return kept.Outcome(
        set=f"Sessions, {one.source}",
        part=part if one.question.language == "en" else f"{part}, {one.question.language}",
        method=one.method,
        question=one.question.text,
        group=one.day or one.question.text,
        right=tuple(one.right["exchange"]),
        evidence=0 if nothing else 1,
        confidence=one.confidence,
        sure=tuple(one.sure),
        tokens=one.tokens,
    )


def _content(asked: Group) -> list[Asked]:
    return [one for one in asked if one.question.is_content and not one.foreign]


def _found(asked: Group, methods: Sequence[str]) -> Iterator[str]:
    """Yield a table for each way to count."""
    for count in COUNTS:
        rows = {
            method: _cells([one for one in _content(asked) if one.method == method], count)
            for method in methods
        }
        yield table(f"content questions, {count} counted", _ANY, rows)


_ANY = ("n", *(f"any@{k}" for k in _KS))


def _cells(group: Group, count: Count) -> list[object]:
    means = [mean_with_interval([one.any(count, k) for one in group]) for k in _KS]
    return [len(group), *means]


def _differences(asked: Group) -> Iterator[str]:
    """Yield ours less each plain fusion, question by question, at each way to count."""
    for ours, plains in ((OURS, (FUSION, FOLDED)), (WORDS, (BM25, f"{BM25}, folded"))):
        for other in plains:
            pairs = list(_paired(_content(asked), ours, other))
            if pairs:
                rows: dict[str, list[object]] = {
                    count: [len(pairs), *(_difference(pairs, count, k) for k in _KS)]
                    for count in COUNTS
                }
                yield table(f"{ours} less {other}", _ANY, rows)


def _paired(asked: Group, ours: str, other: str) -> Iterator[tuple[Asked, Asked]]:
    others = {(one.source, one.question): one for one in asked if one.method == other}
    for one in asked:
        if one.method == ours and (one.source, one.question) in others:
            yield one, others[one.source, one.question]


def _difference(pairs: Sequence[tuple[Asked, Asked]], count: Count, k: int) -> Mean:
    return mean_with_interval([one.any(count, k) - two.any(count, k) for one, two in pairs])


def _by_language(method: str, asked: Group) -> str:
    asked = [one for one in asked if one.question.evidence and one.question.kind != "time"]
    languages = sorted({one.question.language for one in asked})
    if len(languages) < 2:
        return ""
    rows: dict[str, list[object]] = {}
    for language in languages:
        group = [one for one in asked if one.question.language == language]
        emptied = mean_with_interval([float(not one.hits) for one in group])
        rows[language] = [*_cells(group, "exchange"), emptied]
    return table(f"{method}: by language, exchange", (*_ANY, "emptied"), rows)


def _times(method: str, asked: Group) -> str:
    group = [one for one in asked if one.question.kind == "time"]
    if not group:
        return ""
    whole = [float(bool(one.right["turn"]) and all(one.right["turn"])) for one in group]
    cells = [*_cells(group, "turn"), mean_with_interval(whole)]
    return table(f"{method}: time questions", (*_ANY, "only right days"), {"right day": cells})


def _empty(method: str, asked: Group) -> str:
    """Return how often an answer is empty, or marked unsure: says nothing, or less than `SURE`."""
    own = [one for one in asked if not one.foreign]
    says = any(one.confidence is not None for one in own)
    marks = _MARKS if says else {"empty": _MARKS["empty"]}
    groups = {
        "nothing there": [one for one in own if one.question.kind == "none"],
        "of another set": [one for one in asked if one.foreign],
        "answerable, content": _content(asked),
        "answerable, English": [one for one in _content(asked) if one.question.language == "en"],
    }
    rows = {
        name: [len(group), *(_share(group, test) for test in marks.values())]
        for name, group in groups.items()
        if group
    }
    return table(f"{method}: empty and unsure", ("n", *marks), rows) if rows else ""


def _share(group: Group, test: Callable[[Asked], bool]) -> Mean:
    return mean_with_interval([float(test(one)) for one in group])


def _is_unsure(one: Asked) -> bool:
    return not one.hits or one.confidence is None or one.confidence < SURE


_MARKS: Mapping[str, Callable[[Asked], bool]] = {
    "empty": lambda one: not one.hits,
    f"empty or under {SURE}": _is_unsure,
    "first hit under": lambda one: not one.hits or one.sure[0] is None or one.sure[0] < SURE,
}


def _cost(method: str, asked: Group) -> str:
    """Return hits and tokens of an answer, and how many of the hits are right."""
    columns = ("n", "hits", "one hit", "right hits of shown", "tokens")
    rows: dict[str, list[object]] = {}
    for name, group in {
        "content": _content(asked),
        "all but time": [one for one in asked if one.question.kind != "time" and not one.foreign],
        "time": [one for one in asked if one.question.kind == "time"],
    }.items():
        shown = [one for one in group if one.hits]
        if not shown:
            continue
        right = [sum(one.right["exchange"]) / one.hits for one in shown]
        rows[name] = [
            len(group),
            mean_with_interval([float(one.hits) for one in group]),
            _share(group, lambda one: one.hits == 1),
            mean_with_interval(right),
            f"{sum(one.tokens for one in group) / len(group):.0f}",
        ]
    return table(f"{method}: cost", columns, rows) if rows else ""


def _calibration(method: str, asked: Group) -> Iterator[str]:
    """Yield what was said against what was right, exchange counted, of the questions of the set."""
    group = [one for one in asked if one.question.kind != "time" and not one.foreign]
    said = [(one.confidence, any(one.right["exchange"])) for one in group]
    first = [(one.sure[0], one.right["exchange"][0]) for one in group if one.hits]
    hits = [pair for one in group for pair in zip(one.sure, one.right["exchange"], strict=True)]
    for name, pairs in (("answers", said), ("first hits", first), ("hits", hits)):
        known = [(chance, right) for chance, right in pairs if chance is not None]
        if known:
            rows = reliability([one[0] for one in known], [one[1] for one in known])
            yield table(f"{method}: confidence of {name}", ("n", "said", "right"), rows)


def _latency(method: str, asked: Group) -> str:
    times = [one.milliseconds for one in asked if one.milliseconds is not None]
    if not times:
        return ""
    found = timing(times)
    return f"{method}: {found.n} recalls, median {found.median:.1f} ms, p95 {found.p95:.1f} ms"
