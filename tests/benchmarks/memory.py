"""How much memory a server takes, and whether it stays so: `python -m tests.benchmarks.memory`.

Resident memory of one `iai-mcp serve` on a large store: after the handshake, at rest after its
sidecar's first look, right after the first recall, right after many, at rest again, and when nobody
has asked for so long that the server gives back its model and its copy. Beside it
the part that is no page of a file: pages of library code count as resident while they are mapped,
though several servers share them and the system takes them back when memory is short. A store is
built once and kept in `--cache`. The echo server of the same SDK stands beside it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from iai_memory.base.paths import StorePaths
from iai_memory.session_start.cache import cache_path

from .intervals import table
from .processes import MIB, anonymous_bytes, rss_bytes, settled_rss_bytes
from .recall_scale import cycled
from .scale_store import DEFAULT_CACHE, probes, scale_store
from .serving import TICK_SEC, await_page, call_ms, echo_server, spawned
from .timings import arguments_of, goal_cell, keep, ratio

RECORDS, RECALLS, LONG = 100_000, 1_000, 10_000
GOAL_IDLE_MB, GOAL_USED_MB = 200.0, 350.0
DROWSY_SEC = 20.0
"""Instead of five minutes; longer than anything before it leaves the server unasked."""
_IDLE = "idle, page rendered"

_Size = tuple[int, int | None]
"""Resident bytes, and those of them that are no pages of files."""


@dataclass(frozen=True, slots=True)
class Row:
    """The server at one moment.

    Attributes:
        rss_mb: MiB.
        anonymous_mb: MiB of it that are no pages of files; None where the system does not tell.
        of_echo: The same by that of the SDK's echo server after its first call.
        of_before: The same by the row before.
        goal_mb: What it should not exceed.
    """

    rss_mb: float
    anonymous_mb: float | None
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
            small = rss_bytes(echo.process.pid)
        return _rows(_moments(store, questions, recalls), small, recalls[0])


def _moments(store: Path, questions: Sequence[str], recalls: Sequence[int]) -> dict[str, _Size]:
    page = cache_path(StorePaths(store), None)
    page.unlink(missing_ok=True)
    child = spawned(store, IAI_MCP_DROWSY_AFTER_SEC=str(DROWSY_SEC))
    pid = child.process.pid
    found: dict[str, _Size] = {}
    try:
        child.initialize()
        found["after the handshake"] = _size(pid)
        await_page(page)
        settled_rss_bytes(pid)
        found[_IDLE] = _size(pid)
        asked = 0
        for until in sorted({1, *recalls}):
            for question in cycled(questions, until)[asked:]:
                call_ms(child, "recall", query=question)
            asked = until
            found[_after(until)] = _size(pid)
        settled_rss_bytes(pid)
        found["at rest after them"] = _size(pid)
        time.sleep(DROWSY_SEC + 2 * TICK_SEC)
        found["drowsy"] = _size(pid)
        child.end()
    finally:
        child.close()
    return found


def _size(pid: int) -> _Size:
    return rss_bytes(pid), anonymous_bytes(pid)


def _after(recalls: int) -> str:
    return f"after {recalls:,} recall{'s' if recalls > 1 else ''}"


def _rows(moments: dict[str, _Size], echo: float, recalls: int) -> dict[str, Row]:
    goals = {_IDLE: GOAL_IDLE_MB, _after(recalls): GOAL_USED_MB}
    rows: dict[str, Row] = {}
    before: float | None = None
    for name, (rss, anonymous) in moments.items():
        rows[name] = Row(
            rss_mb=round(rss / MIB, 1),
            anonymous_mb=None if anonymous is None else round(anonymous / MIB, 1),
            of_echo=ratio(rss, echo),
            of_before=None if before is None else ratio(rss, before),
            goal_mb=goals.get(name),
        )
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
        name: [
            row.rss_mb,
            goal_cell(row.goal_mb),
            row.anonymous_mb or "-",
            row.of_before or "-",
            row.of_echo,
        ]
        for name, row in rows.items()
    }
    columns = ["RSS MiB", "goal", "anonymous", "of the row above", "of the SDK's echo"]
    print(table(f"one server, {given.records:,} records", columns, shown))
    keep(given.json, {name: asdict(row) for name, row in rows.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
