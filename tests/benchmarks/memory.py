"""How much memory a server takes, and whether it stays so: `python -m tests.benchmarks.memory`.

Resident memory of one `iai-mcp serve` on a large store: after the handshake, after its sidecar's
first look, after the first recall and after many. A store is built once and kept in `--cache`. The
echo server of the same SDK stands beside it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from iai_memory.paths import StorePaths
from iai_memory.session_start import cache_path

from .intervals import table
from .processes import MIB, rss_bytes
from .recall_scale import cycled
from .scale_store import DEFAULT_CACHE, probes, scale_store
from .serving import await_page, call_ms, echo_server, spawned
from .timings import arguments_of, goal_cell, keep, ratio

RECORDS, RECALLS, LONG = 100_000, 1_000, 10_000
GOAL_IDLE_MB, GOAL_USED_MB = 200.0, 350.0


@dataclass(frozen=True, slots=True)
class Row:
    """The server at one moment.

    Attributes:
        rss_mb: MiB.
        of_echo: The same by that of the SDK's echo server after its first call.
        of_before: The same by the row before.
        goal_mb: What it should not exceed.
    """

    rss_mb: float
    of_echo: float
    of_before: float | None
    goal_mb: float | None


def measure(cache: Path, records: int, recalls: Sequence[int]) -> dict[str, Row]:
    """Asks one server until each of the growing numbers of recalls, and looks after each.

    The goal of a used server is that of the first number.
    """
    with tempfile.TemporaryDirectory(prefix="iai-mcp-memory-") as folder:
        store = scale_store(cache, records, Path(folder))
        questions = [probe.question for probe in probes(records)]
        with echo_server(Path(folder)) as echo:
            call_ms(echo, "echo", text="hello")
            small = rss_bytes(echo.process.pid) / MIB
        return _rows(_moments(store, questions, recalls), small, recalls[0])


def _moments(store: Path, questions: Sequence[str], recalls: Sequence[int]) -> dict[str, float]:
    page = cache_path(StorePaths(store), None)
    page.unlink(missing_ok=True)
    child = spawned(store)
    found: dict[str, float] = {}
    try:
        child.initialize()
        found["after the handshake"] = rss_bytes(child.process.pid) / MIB
        await_page(page)
        found["idle, page rendered"] = rss_bytes(child.process.pid) / MIB
        asked = 0
        for until in sorted({1, *recalls}):
            for question in cycled(questions, until)[asked:]:
                call_ms(child, "recall", query=question)
            asked = until
            found[_after(until)] = rss_bytes(child.process.pid) / MIB
        child.end()
    finally:
        child.close()
    return found


def _after(recalls: int) -> str:
    return f"after {recalls:,} recall{'s' if recalls > 1 else ''}"


def _rows(moments: dict[str, float], echo: float, recalls: int) -> dict[str, Row]:
    goals = {"idle, page rendered": GOAL_IDLE_MB, _after(recalls): GOAL_USED_MB}
    rows: dict[str, Row] = {}
    before: float | None = None
    for name, rss in moments.items():
        relative = None if before is None else ratio(rss, before)
        rows[name] = Row(round(rss, 1), ratio(rss, echo), relative, goals.get(name))
        before = rss
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("memory", __doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--recalls", type=int, default=RECALLS)
    parser.add_argument("--long", action="store_true", help=f"go on until {LONG:,} recalls")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="where stores are kept")
    given = parser.parse_args(arguments)
    recalls = [given.recalls, LONG] if given.long else [given.recalls]
    rows = measure(given.cache, given.records, recalls)
    shown = {
        name: [row.rss_mb, goal_cell(row.goal_mb), row.of_before or "-", row.of_echo]
        for name, row in rows.items()
    }
    columns = ["RSS MiB", "goal", "of the row above", "of the SDK's echo"]
    print(table(f"one server, {given.records:,} records", columns, shown))
    keep(given.json, {name: asdict(row) for name, row in rows.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
