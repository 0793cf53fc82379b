"""What writing costs, and whether it stays so: `python -m tests.benchmarks.writes`.

Memories go in one by one through MCP, each acknowledged when it is on disk, while the server's own
sidecar renders, compacts and cleans up beside it. Then some go in a thousand at a time. The
reference of one write is an echo's round trip plus the vectors of its text and passages, that of a
thousand their vectors alone. At the end the server leaves, `iai-mcp sleep` runs once, and what is
on disk is held against the texts and the vectors.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.talking import ChildServer

from iai_memory.embedding import DIMENSION
from iai_memory.paths import StorePaths
from iai_memory.store.table import TABLE_NAME
from iai_memory.vectors import embedded

from .intervals import table
from .processes import MIB, folder_size
from .recall_scale import cycled
from .scale_store import encoder_of, memory_of, passage_count
from .serving import call_ms, command_line, echo_server, talking_server
from .talk import RARE_SHARE, Talk
from .timings import Timing, arguments_of, goal_cell, keep, ratio, timed, timing

WRITES, BATCH, BATCHES = 2_000, 1_000, 2
EDGE = 100
GOAL_GROWTH, GOAL_DISK = 1.5, 2.5
WARM_UP = 10
_LOOKS = 50
_BYTES_OF_A_VECTOR = 4 * DIMENSION


@dataclass(frozen=True, slots=True)
class Single:
    """Writes of one memory each, in a row.

    Attributes:
        writes: All of them.
        first: The first hundred, warm-up apart.
        last: The last hundred.
        growth: Median of the last by median of the first.
        reference: Echo and embedding of the first hundred's texts, afterwards.
        ratio: Median of the last hundred by the reference's.
        most_versions: Versions of the table at the fullest look, of fifty.
        most_files: Files of the whole store at the fullest look.
    """

    writes: Timing
    first: Timing
    last: Timing
    growth: float
    reference: Timing
    ratio: float
    most_versions: int
    most_files: int


@dataclass(frozen=True, slots=True)
class Batches:
    """Writes of many memories in one call.

    Attributes:
        size: Memories of one call.
        writes: Of one call.
        per_second: Memories a second in the median call.
        reference: Embedding alone, of the same texts.
        ratio: Median by median.
    """

    size: int
    writes: Timing
    per_second: float
    reference: Timing
    ratio: float


@dataclass(frozen=True, slots=True)
class Disk:
    """What the single writes left after one sleep.

    Attributes:
        raw_bytes: Texts in UTF-8, and a vector of each at 4 bytes a component.
        passage_bytes: Vectors of passages, at 2 bytes a component.
        store_bytes: The whole store.
        table_bytes: The table with its indexes and old versions.
        ratio: The whole store by the raw bytes of texts and all vectors.
        versions: Versions of the table.
        files: Files of the whole store.
    """

    raw_bytes: int
    passage_bytes: int
    store_bytes: int
    table_bytes: int
    ratio: float
    versions: int
    files: int


def measure_single(writes: int) -> tuple[Single, Disk]:
    """Writes so many memories one by one, lets the store sleep and looks at its files."""
    talk = Talk()
    texts = [talk.turn(rare=RARE_SHARE) for _ in range(writes + WARM_UP)]
    with tempfile.TemporaryDirectory(prefix="iai-mcp-writes-") as folder:
        store = Path(folder) / "store"
        with talking_server(store) as child:
            for text in texts[:WARM_UP]:
                _ingest_ms(child, [text])
            taken, looks = write_in_a_row(child, store, texts[WARM_UP:])
        reference = _reference(store, texts[WARM_UP : WARM_UP + EDGE])
        command_line(store, "sleep")
        disk = disk_of(store, texts)
    first, last = timing(taken[:EDGE]), timing(taken[-EDGE:])
    single = Single(
        writes=timing(taken),
        first=first,
        last=last,
        growth=ratio(last.median, first.median),
        reference=reference,
        ratio=ratio(last.median, reference.median),
        most_versions=max(versions for versions, _ in looks),
        most_files=max(files for _, files in looks),
    )
    return single, disk


def write_in_a_row(
    child: ChildServer, store: Path, texts: Sequence[str]
) -> tuple[list[float], list[tuple[int, int]]]:
    """Milliseconds of each write, and versions and files at fifty looks at the store."""
    taken: list[float] = []
    looks: list[tuple[int, int]] = []
    for number, text in enumerate(texts):
        taken.append(_ingest_ms(child, [text]))
        if number % max(1, len(texts) // _LOOKS) == 0:
            looks.append((versions_of(store), folder_size(store).files))
    return taken, looks


def measure_batches(size: int, count: int) -> Batches:
    """Writes so many calls of so many memories; one more before them is warm-up."""
    talk = Talk()
    batches = [[talk.turn(rare=RARE_SHARE) for _ in range(size)] for _ in range(count + 1)]
    written: list[float] = []
    alone: list[float] = []
    with tempfile.TemporaryDirectory(prefix="iai-mcp-writes-") as folder:
        store = Path(folder) / "store"
        encoder = encoder_of(memory_of(store))
        with talking_server(store) as child:
            for texts in batches:
                written.append(_ingest_ms(child, texts))
                alone.append(timed(partial(embedded, encoder, texts))[1])
    ours, other = timing(written[1:]), timing(alone[1:])
    per_second = round(1e3 * size / ours.median, 1)
    return Batches(size, ours, per_second, other, ratio(ours.median, other.median))


def disk_of(store: Path, texts: Sequence[str]) -> Disk:
    """The store's files beside the raw size of what was stored."""
    raw = sum(len(text.encode()) + _BYTES_OF_A_VECTOR for text in texts)
    passages = passage_count(store) * _BYTES_OF_A_VECTOR // 2
    whole = folder_size(store)
    return Disk(
        raw_bytes=raw,
        passage_bytes=passages,
        store_bytes=whole.bytes,
        table_bytes=folder_size(StorePaths(store).database).bytes,
        ratio=ratio(whole.bytes, raw + passages),
        versions=versions_of(store),
        files=whole.files,
    )


def versions_of(store: Path) -> int:
    """Versions of the table: one manifest each."""
    folder = StorePaths(store).database / f"{TABLE_NAME}.lance" / "_versions"
    return sum(1 for _ in folder.glob("*.manifest"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("writes", __doc__)
    parser.add_argument("--writes", type=int, default=WRITES, help="single writes in a row")
    parser.add_argument("--batch", type=int, default=BATCH, help="memories of one large call")
    parser.add_argument("--batches", type=int, default=BATCHES, help="large calls")
    given = parser.parse_args(arguments)
    single, disk = measure_single(given.writes)
    batches = measure_batches(given.batch, given.batches)
    print(shown_writes(single, batches), shown_disk(single, disk), sep="\n\n")
    found = {"single": asdict(single), "batches": asdict(batches), "disk": asdict(disk)}
    keep(given.json, found)
    return 0


def shown_writes(single: Single, batches: Batches) -> str:
    """The table of times."""
    reference = single.reference
    rows: dict[str, list[Any]] = {
        "first hundred": [*single.first.cells(), "-", "-", "-"],
        "last hundred": [*single.last.cells(), single.growth, GOAL_GROWTH, single.ratio],
        "echo and embedding": [*reference.cells(), "-", "-", "-"],
        f"{batches.size:,} in one call": [*batches.writes.cells(), "-", "-", batches.ratio],
        f"embedding of {batches.size:,}": [*batches.reference.cells(), "-", "-", "-"],
    }
    columns = ["median ms", "p95", "of the first", "goal", "of the reference"]
    title = f"{single.writes.n:,} single writes, {batches.per_second:,.0f}/s in large ones"
    return table(title, columns, rows)


def shown_disk(single: Single, disk: Disk) -> str:
    """The table of what is on disk."""
    rows: dict[str, list[Any]] = {
        "texts and their vectors": [f"{disk.raw_bytes / MIB:.1f}", "-", "-", "-", "-"],
        "vectors of passages": [f"{disk.passage_bytes / MIB:.1f}", "-", "-", "-", "-"],
        "at the fullest": ["-", "-", "-", single.most_versions, single.most_files],
        "after one sleep": [
            f"{disk.store_bytes / MIB:.1f}",
            disk.ratio,
            goal_cell(GOAL_DISK),
            disk.versions,
            disk.files,
        ],
    }
    return table("disk", ["MiB", "of raw", "goal", "versions", "files"], rows)


def _ingest_ms(child: ChildServer, texts: Sequence[str]) -> float:
    return call_ms(child, "ingest", memories=[{"text": text, "role": "user"} for text in texts])


def _reference(store: Path, texts: Sequence[str]) -> Timing:
    encoder = encoder_of(memory_of(store))
    with echo_server(store.parent) as echo:
        taken = [
            call_ms(echo, "echo", text=text) + timed(partial(embedded, encoder, [text]))[1]
            for text in cycled(texts, WARM_UP + len(texts))
        ]
    return timing(taken[WARM_UP:])


if __name__ == "__main__":
    sys.exit(main())
