"""What writing costs, and whether it stays so: `python -m tests.benchmarks.writes`.

Memories go in one by one through MCP, each acknowledged when it is on disk, while the server's own
sidecar renders, compacts and cleans up beside it; whoever writes meanwhile waits, and the waiting
counts. Then some go in a thousand at a time. The reference of one write is an echo's round trip
plus the vectors of its text and passages, taken after the first hundred and after the last, since a
shared machine is not equally quick at both times; that of a thousand are their vectors alone. At
the end the server leaves, `iai-mcp sleep` runs once, and what is on disk before and after is held
against the texts and the vectors.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.talking import ChildServer

from iai_memory.base.paths import StorePaths
from iai_memory.embedding.encoder import Encoder
from iai_memory.embedding.identity import DIMENSION
from iai_memory.store.connection import TABLE_NAME
from iai_memory.writing.embed_pending import embed_texts

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
_LOOKS = 100
_SHOWN_LOOKS = 5
_BYTES_OF_A_VECTOR = 4 * DIMENSION


@dataclass(frozen=True, slots=True)
class Look:
    """The store's files in the middle of the run.

    Attributes:
        writes: How many had been acknowledged.
        versions: Of the table.
        files: Of the whole store.
        bytes: Of the whole store.
    """

    writes: int
    versions: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Single:
    """Writes of one memory each, in a row.

    Attributes:
        writes: All of them.
        first: The first hundred, warm-up apart.
        last: The last hundred.
        growth: Median of the last by median of the first.
        mean_growth: Mean by mean, in which the waiting for a compaction counts in full.
        growth_by_reference: Median of the last by that of the first, each by its reference.
        slowest: Milliseconds of the slowest of all.
        seconds: Of all together.
        first_reference: Echo and embedding of the first hundred's texts, right after them.
        reference: The same texts again, right after the last hundred.
        first_ratio: Median of the first hundred by its reference's.
        ratio: Median of the last hundred by its reference's.
        looks: A hundred of them, evenly over the run.
        most_versions: Versions of the table at the fullest look.
        most_files: Files of the whole store at the fullest look.
    """

    writes: Timing
    first: Timing
    last: Timing
    growth: float
    mean_growth: float
    growth_by_reference: float
    slowest: float
    seconds: float
    first_reference: Timing
    reference: Timing
    first_ratio: float
    ratio: float
    looks: list[Look]
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
    """What the single writes left, with the server gone.

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


def measure_single(writes: int) -> tuple[Single, Disk, Disk]:
    """Writes so many memories one by one; looks at the files before and after one sleep."""
    talk = Talk()
    texts = [talk.turn(rare=RARE_SHARE) for _ in range(writes + WARM_UP)]
    with tempfile.TemporaryDirectory(prefix="iai-mcp-writes-") as folder:
        store = Path(folder) / "store"
        with talking_server(store) as child:
            for text in texts[:WARM_UP]:
                _ingest_ms(child, [text])
            single = write_in_a_row(child, store, texts[WARM_UP:])
        left = disk_of(store, texts)
        command_line(store, "sleep")
        slept = disk_of(store, texts)
    return single, left, slept


def write_in_a_row(child: ChildServer, store: Path, texts: Sequence[str]) -> Single:
    """Writes them one by one, with two breaks for the reference and a hundred for a look."""
    encoder = encoder_of(memory_of(store))
    taken: list[float] = []
    looks: list[Look] = []
    references: list[Timing] = []
    for number, text in enumerate(texts, 1):
        taken.append(_ingest_ms(child, [text]))
        if number % max(1, len(texts) // _LOOKS) == 0:
            whole = folder_size(store)
            looks.append(Look(number, versions_of(store), whole.files, whole.bytes))
        if number in (min(EDGE, len(texts)), len(texts)):
            references.append(_reference(encoder, store.parent, texts[:EDGE]))
    return _single(taken, looks, references)


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
                alone.append(timed(partial(embed_texts, encoder, texts))[1])
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
    parser.add_argument(
        "--writes", type=int, default=WRITES, help="in a row; 10,000 take 6 to 14 minutes"
    )
    parser.add_argument("--batch", type=int, default=BATCH, help="memories of one large call")
    parser.add_argument("--batches", type=int, default=BATCHES, help="large calls")
    given = parser.parse_args(arguments)
    single, left, slept = measure_single(given.writes)
    batches = measure_batches(given.batch, given.batches)
    print(shown_writes(single, batches), shown_disk(single, left, slept), sep="\n\n")
    found = {
        "single": asdict(single),
        "batches": asdict(batches),
        "disk_before_sleep": asdict(left),
        "disk": asdict(slept),
    }
    keep(given.json, found)
    return 0


def shown_writes(single: Single, batches: Batches) -> str:
    """The table of times."""
    rows: dict[str, list[Any]] = {
        "first hundred": [*single.first.cells(), single.first_ratio],
        "its echo and embedding": [*single.first_reference.cells(), "-"],
        "last hundred": [*single.last.cells(), single.ratio],
        "its echo and embedding again": [*single.reference.cells(), "-"],
        "all": [*single.writes.cells(), "-"],
        "slowest": [f"{single.slowest:.2f}", "-", "-"],
        f"{batches.size:,} in one call": [*batches.writes.cells(), batches.ratio],
        f"embedding of {batches.size:,}": [*batches.reference.cells(), "-"],
    }
    title = (
        f"{single.writes.n:,} single writes in {single.seconds:,.0f} s, "
        f"{batches.per_second:,.0f}/s in large ones"
    )
    growth: dict[str, list[Any]] = {
        "median": [single.growth, goal_cell(GOAL_GROWTH)],
        "median, each by its reference": [single.growth_by_reference, goal_cell(GOAL_GROWTH)],
        "mean, with what waited for compaction": [single.mean_growth, goal_cell(GOAL_GROWTH)],
    }
    return "\n\n".join(
        (
            table(title, ["median ms", "p95", "of the reference"], rows),
            table("last hundred by first", ["ratio", "goal"], growth),
        )
    )


def shown_disk(single: Single, left: Disk, slept: Disk) -> str:
    """The table of what is on disk."""
    step = max(1, len(single.looks) // _SHOWN_LOOKS)
    rows: dict[str, list[Any]] = {
        "texts and their vectors": [f"{slept.raw_bytes / MIB:.1f}", "-", "-", "-", "-"],
        "vectors of passages": [f"{slept.passage_bytes / MIB:.1f}", "-", "-", "-", "-"],
    }
    for look in single.looks[step - 1 :: step]:
        name = f"after {look.writes:,} writes"
        rows[name] = [f"{look.bytes / MIB:.1f}", "-", "-", look.versions, look.files]
    rows["at the fullest"] = ["-", "-", "-", single.most_versions, single.most_files]
    rows["the server gone"] = _disk_cells(left, None)
    rows["after one sleep"] = _disk_cells(slept, GOAL_DISK)
    return table("disk", ["MiB", "of raw", "goal", "versions", "files"], rows)


def _disk_cells(disk: Disk, goal: float | None) -> list[Any]:
    mib = f"{disk.store_bytes / MIB:.1f}"
    return [mib, disk.ratio, goal_cell(goal), disk.versions, disk.files]


def _single(taken: Sequence[float], looks: list[Look], references: Sequence[Timing]) -> Single:
    first, last = timing(taken[:EDGE]), timing(taken[-EDGE:])
    at_first, at_last = references[0], references[-1]
    first_ratio = ratio(first.median, at_first.median)
    last_ratio = ratio(last.median, at_last.median)
    return Single(
        writes=timing(taken),
        first=first,
        last=last,
        growth=ratio(last.median, first.median),
        mean_growth=ratio(statistics.fmean(taken[-EDGE:]), statistics.fmean(taken[:EDGE])),
        growth_by_reference=ratio(last_ratio, first_ratio),
        slowest=round(max(taken), 3),
        seconds=round(sum(taken) / 1e3, 1),
        first_reference=at_first,
        reference=at_last,
        first_ratio=first_ratio,
        ratio=last_ratio,
        looks=looks,
        most_versions=max(look.versions for look in looks),
        most_files=max(look.files for look in looks),
    )


def _ingest_ms(child: ChildServer, texts: Sequence[str]) -> float:
    return call_ms(child, "ingest", memories=[{"text": text, "role": "user"} for text in texts])


def _reference(encoder: Encoder, folder: Path, texts: Sequence[str]) -> Timing:
    with echo_server(folder) as echo:
        taken = [
            call_ms(echo, "echo", text=text) + timed(partial(embed_texts, encoder, [text]))[1]
            for text in cycled(texts, WARM_UP + len(texts))
        ]
    return timing(taken[WARM_UP:])


if __name__ == "__main__":
    sys.exit(main())
