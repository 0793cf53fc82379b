"""Times as tables and JSON show them, and the arguments that every benchmark of speed takes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .metrics import percentile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took.

    Attributes:
        n: How often it was measured, warm-up apart.
        median: Milliseconds.
        p95: Milliseconds.
    """

    n: int
    median: float
    p95: float

    def cells(self) -> list[str]:
        """Median and p95 as cells of a table."""
        return [f"{self.median:.2f}", f"{self.p95:.2f}"]


def timing(milliseconds: Sequence[float]) -> Timing:
    """Median and p95 of one value or more."""
    median, p95 = percentile(milliseconds, 0.5), percentile(milliseconds, 0.95)
    return Timing(len(milliseconds), round(median, 3), round(p95, 3))


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What the work returns, and the milliseconds on the clock that it took."""
    began = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - began) * 1e3


def ratio(ours: float, reference: float) -> float:
    """Ours by the reference, three digits."""
    return round(ours / reference, 3)


def goal_cell(goal: float | None) -> str:
    """The goal as a cell; "-" where none is stated for this row."""
    return "-" if goal is None else f"{goal:g}"


def arguments_of(module: str, doc: str | None) -> argparse.ArgumentParser:
    """A parser with `--json PATH`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tests.benchmarks.{module}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, help="also write everything measured here")
    return parser


def keep(path: Path | None, data: Any) -> None:
    """Writes what was measured beside the table, where a path was given."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
