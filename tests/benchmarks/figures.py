"""The table of docs/scaling.md from what `make bench` kept: `python -m tests.benchmarks.figures`.

Prints Markdown. What was not measured shows as "not measured"; `make bench-large` adds the last
column and the long runs, which win over the short ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .scale_store import DEFAULT_CACHE

SIZES = (1_000, 10_000, 100_000, 1_000_000)
NOT_MEASURED = "not measured"

_BY_SIZE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "recall through MCP, median ms": (
        "recall_scale",
        lambda row: row["served"]["recall"]["median"],
    ),
    "recall through MCP, p95 ms": ("recall_scale", lambda row: row["served"]["recall"]["p95"]),
    "p95 by echo and embedding": ("recall_scale", lambda row: row["served"]["ratio"]),
    "dense search, median ms": ("recall_scale", lambda row: row["inside"]["dense"]["median"]),
    "lexical search, median ms": ("recall_scale", lambda row: row["inside"]["lexical"]["median"]),
    "reading what was found, median ms": (
        "recall_scale",
        lambda row: row["inside"]["reads"]["median"],
    ),
    "ranking and the rest, median ms": (
        "recall_scale",
        lambda row: row["inside"]["added"]["median"],
    ),
    "index recall@10": ("recall_scale", lambda row: row["inside"]["index_recall"]),
    "memories written a second": ("growth", lambda row: row["writes_per_second"]),
    "RSS of the server, MiB": ("growth", lambda row: row["rss_mb"]),
    "disk, MiB": ("growth", lambda row: row["disk_mb"]),
}
_ALONE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "embedding of a short query, ms": (
        "embedding",
        lambda found: _first(found["rows"], "a short query")["ours"]["median"],
    ),
    "embedding of turns, texts a second": (
        "embedding",
        lambda found: _first(found["rows"], "turns,")["per_second"],
    ),
    "one write, median ms": ("writes", lambda found: found["single"]["last"]["median"]),
    "single writes in a row": ("writes", lambda found: found["single"]["writes"]["n"]),
    "last hundred by first hundred": ("writes", lambda found: found["single"]["growth"]),
    "the same of their means": ("writes", lambda found: found["single"]["mean_growth"]),
    "disk after one sleep by raw size": ("writes", lambda found: found["disk"]["ratio"]),
    "first recall after spawn, CPU ms": (
        "first_recall",
        lambda found: found["iai-mcp, recall"]["cpu"]["median"],
    ),
    "RSS of an idle server, MiB": (
        "memory",
        lambda found: found["idle, page rendered"]["rss_mb"],
    ),
    "RSS after 1,000 recalls in 100,000 records, MiB": (
        "memory",
        lambda found: found["after 1,000 recalls"]["rss_mb"],
    ),
    "RSS after a pause, MiB": ("memory", lambda found: found["drowsy"]["rss_mb"]),
}


def markdown(results: Path) -> str:
    """Both tables; `results` is the folder of the JSON files."""
    head = ["figure, by records", *(f"{size:,}" for size in SIZES)]
    by_size = [[name, *_row(results, *source)] for name, source in _BY_SIZE.items()]
    alone = [[name, _value(results, *source)] for name, source in _ALONE.items()]
    return _table(head, by_size) + "\n\n" + _table(["figure", "value"], alone)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.figures", description=__doc__)
    parser.add_argument("--results", type=Path, default=DEFAULT_CACHE, help="folder of the JSON")
    print(markdown(parser.parse_args(arguments).results))
    return 0


def _row(results: Path, name: str, of: Callable[[Any], Any]) -> list[str]:
    found: dict[int, Any] = {}
    for file in (f"{name}.json", f"{name}-large.json"):
        found |= {row["records"]: row for row in _read(results / file) or []}
    return [_shown(of(found[size])) if size in found else NOT_MEASURED for size in SIZES]


def _value(results: Path, name: str, of: Callable[[Any], Any]) -> str:
    found = _read(results / f"{name}-large.json") or _read(results / f"{name}.json")
    return NOT_MEASURED if found is None else _shown(of(found))


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _first(rows: Mapping[str, Any], beginning: str) -> Any:
    return next(row for name, row in rows.items() if name.startswith(beginning))


def _shown(value: float) -> str:
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
