"""Benchmarks, run as their command line runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def run_benchmark(benchmark: Any, folder: Path, *arguments: str) -> Any:
    """Runs a benchmark's `main`, which must return 0; returns the figures that it wrote."""
    told = folder / "told.json"
    assert benchmark.main([*arguments, "--json", str(told)]) == 0
    return json.loads(told.read_text(encoding="utf-8"))
