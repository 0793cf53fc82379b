"""How everything grows with the store, as a picture: `python -m tests.benchmarks.growth`.

At each size, through one server over MCP: recall, then memories written fifty at a time, then the
memory of the process; and the files of the store before all that. Stores are built once and kept
in `--cache`. Needs matplotlib (`make bench` installs it); docs/scaling.md explains what it shows.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .intervals import table
from .processes import MIB, folder_size, rss_bytes
from .recall_scale import cycled, sizes, warm_up
from .scale_store import DEFAULT_CACHE, probes, scale_store
from .serving import call_ms, talking_server
from .talk import RARE_SHARE, Talk
from .timings import Timing, arguments_of, keep, timing

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
BATCH = 50


@dataclass(frozen=True, slots=True)
class Point:
    """A store of one size.

    Attributes:
        records: Its size before anything was written.
        recall: Milliseconds of a recall through MCP.
        writes_per_second: Memories a second, fifty in a call, embedded and on disk.
        rss_mb: MiB of the server afterwards.
        disk_mb: MiB of the store before.
    """

    records: int
    recall: Timing
    writes_per_second: float
    rss_mb: float
    disk_mb: float


def measure(cache: Path, records: int, queries: int, writes: int) -> Point:
    """Asks and fills a copy of the store of so many records."""
    with tempfile.TemporaryDirectory(prefix="iai-mcp-growth-") as folder:
        store = scale_store(cache, records, Path(folder))
        disk = folder_size(store).bytes / MIB
        questions = cycled([probe.question for probe in probes(records)], queries)
        talk = Talk(records)  # not the texts of the store
        batches = [
            [{"text": talk.turn(rare=RARE_SHARE), "role": "user"} for _ in range(BATCH)]
            for _ in range(max(1, writes // BATCH))
        ]
        with talking_server(store) as child:
            warm_up(records, lambda: call_ms(child, "recall", query=questions[0]))
            recalls = [call_ms(child, "recall", query=question) for question in questions]
            written = [call_ms(child, "ingest", memories=batch) for batch in batches]
            rss = rss_bytes(child.process.pid) / MIB
    per_second = 1e3 * BATCH * len(written) / sum(written)
    return Point(records, timing(recalls), round(per_second, 1), round(rss, 1), round(disk, 1))


def draw(points: Sequence[Point], picture: Path) -> None:
    """Writes four panels over store size as a PNG.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    # Imported by name: only `make bench` installs it, and no type checker may miss it.
    figure = importlib.import_module("matplotlib.figure").Figure(figsize=(9, 6))
    panels = {
        "recall p95, ms": [point.recall.p95 for point in points],
        "memories written a second": [point.writes_per_second for point in points],
        "RSS of the server, MiB": [point.rss_mb for point in points],
        "disk, MiB": [point.disk_mb for point in points],
    }
    records = [point.records for point in points]
    for (title, values), axes in zip(panels.items(), figure.subplots(2, 2).flat, strict=True):
        _panel(axes, title, records, values)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=120)


def _panel(axes: Any, title: str, records: Sequence[int], values: Sequence[float]) -> None:
    axes.plot(records, values, marker="o")
    axes.set_xscale("log")
    axes.set_xticks(records, [f"{number:,}" for number in records])
    axes.set_xticks([], minor=True)
    axes.set_ylim(0, 1.1 * max(values))
    axes.set_title(title)
    axes.set_xlabel("records")
    axes.grid(visible=True, alpha=0.3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints and draws; returns the exit code."""
    parser = arguments_of("growth", __doc__)
    parser.add_argument("--sizes", type=sizes, default=list(SIZES), help="records of each store")
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--writes", type=int, default=500, help="memories written at each size")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="where stores are kept")
    parser.add_argument("--picture", type=Path, default=DEFAULT_CACHE / "growth.png")
    given = parser.parse_args(arguments)
    points: list[Point] = []
    for records in given.sizes:
        began = time.monotonic()
        points.append(measure(given.cache, records, given.queries, given.writes))
        print(f"{records:,} records: {time.monotonic() - began:.0f} s", file=sys.stderr)
    shown = {
        f"{point.records:,}": [
            *point.recall.cells(),
            point.writes_per_second,
            point.rss_mb,
            point.disk_mb,
            f"{point.disk_mb * MIB / point.records:,.0f}",
        ]
        for point in points
    }
    columns = ["recall ms", "p95", "writes/s", "RSS MiB", "disk MiB", "bytes/record"]
    print(table("growth, by records", columns, shown))
    keep(given.json, [asdict(point) for point in points])
    try:
        draw(points, given.picture)
    except ModuleNotFoundError as exc:
        print(f"\nno picture ({exc}): run `make bench`, which installs what draws it")
        return 1
    print(f"\n{given.picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
