"""What a method found for one question, as every benchmark that `make eval` runs keeps it.

`--outcomes FILE` of a benchmark writes a line of JSON for each question and method; `evaluation`
reads the files and prints the tables of docs/evaluation.md. All methods of one set and part must
have been asked the same questions in the same run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from .metrics import ndcg

OURS: Final = "iai-mcp"
WORDS: Final = "iai-mcp, words only"
COSINE: Final = "plain cosine"
BM25: Final = "plain BM25"
FUSION: Final = "rank fusion of both"
BASELINES: Final = (COSINE, BM25, FUSION)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method found for one question.

    Attributes:
        set: Of which set the question is.
        part: Which part of it, such as a language or a level.
        method: Who answered; the names above where they fit.
        question: The same text for every method.
        group: What the intervals are bootstrapped over: a kind of fact, a day, a conversation.
        right: Whether each hit, best first, is right.
        evidence: How many hits could be right; 0 where nothing answers.
        poisoned: Whether each hit is outdated or injected, where the set knows.
        confidence: Of the answer, as it says.
        sure: Of each hit, as it says.
        tokens: Of the answer, as recall estimates them.
    """

    set: str
    part: str
    method: str
    question: str
    group: str
    right: tuple[bool, ...]
    evidence: int = 1
    poisoned: tuple[bool, ...] = ()
    confidence: float | None = None
    sure: tuple[float | None, ...] = ()
    tokens: int | None = None

    def any(self, k: int) -> float:
        """Return 1.0 if one of the first k hits is right."""
        return float(any(self.right[:k]))

    def all(self, k: int) -> float:
        """Return 1.0 if as many of the first k hits are right as could be."""
        return float(sum(self.right[:k]) >= self.evidence)

    def ndcg(self, k: int) -> float:
        """Return the normalised discounted cumulative gain of the first k hits."""
        ranked = [str(number) for number in range(len(self.right))]
        relevant = {place for place, right in zip(ranked, self.right, strict=True) if right}
        missed = (f"missed {number}" for number in range(self.evidence - len(relevant)))
        return ndcg(ranked, relevant | set(missed), k)

    def poisoned_within(self, k: int) -> float:
        """Return 1.0 if one of the first k hits is poisoned and not below a right one."""
        above = self.right.index(True) if True in self.right else len(self.right)
        return float(any(self.poisoned[: min(k, above)]))

    @property
    def is_empty(self) -> bool:
        """Whether the answer has no hits."""
        return not self.right


def add_option(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark `--outcomes FILE`."""
    parser.add_argument("--outcomes", type=Path, help="also write each question's outcome here")


def write(path: Path | None, outcomes: Iterable[Outcome]) -> None:
    """Write the outcomes, a line each, where a path was given."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(asdict(one), ensure_ascii=False) for one in outcomes)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read(path: Path) -> list[Outcome]:
    """Read what `write` wrote.

    Raises:
        OSError: There is no such file.
        ValueError: A line is no outcome.
    """
    try:
        return [_outcome(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (TypeError, json.JSONDecodeError) as exc:
        raise ValueError(f"{path} has a line that is no outcome ({exc}): run `make eval`") from exc


def _outcome(line: str) -> Outcome:
    fields = json.loads(line)
    for name in ("right", "poisoned", "sure"):
        fields[name] = tuple(fields.get(name, ()))
    return Outcome(**fields)
