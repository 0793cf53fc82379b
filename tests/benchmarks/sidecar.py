"""What the sidecar costs: `python -m tests.benchmarks.sidecar`.

Idle: the CPU of a server that nobody talks to, as a share of one core, and the files that its ticks
write. Busy: the CPU of one refresh over a store of many records, where nothing is known yet, where
one record came, and where only the version moved.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from tests.support.pages import state

from iai_memory import Memory, load_settings
from iai_memory.embedding.identity import DIMENSION
from iai_memory.session_start.cache import cache_path
from iai_memory.store.record import Record, Role
from iai_memory.store.vector_rows import Row

from .processes import cpu_seconds
from .records import numbered_record
from .serving import await_page, silent_server
from .timings import arguments_of, keep

RECORDS = 100_000
GOAL_MS = 300.0
_BATCH = 5_000
_WORDS = "the quick brown fox jumps over a lazy dog while staging listens on port"


@dataclass(frozen=True, slots=True)
class Idle:
    """A server that nobody talks to.

    Attributes:
        seconds: How long it was watched.
        tick: Seconds between two looks.
        cpu_percent: Of one core.
        cpu_ms_per_tick: The same per look.
        written: Files that were made, changed or removed.
    """

    seconds: float
    tick: float
    cpu_percent: float
    cpu_ms_per_tick: float
    written: int


@dataclass(frozen=True, slots=True)
class Refresh:
    """One refresh over a large store; `goal_ms` is for the one after one record came.

    Attributes:
        records: Records of the store.
        what: Which of the cases.
        action: What it did.
        cpu_ms: Processor time of all threads.
        wall_ms: Time on the clock.
    """

    records: int
    what: str
    action: str
    cpu_ms: float
    wall_ms: float
    goal_ms: float = GOAL_MS


def measure_idle(seconds: float, tick: float, records: int) -> Idle:
    """Watches a server on a store of so many records for so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        memory = filled(Path(folder) / "store", records)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("IAI_MCP_")}
        chosen = {"IAI_MCP_STORE": str(memory.paths.root), "IAI_MCP_REFRESH_TICK_SEC": str(tick)}
        with silent_server({**kept, **chosen}) as pid:
            _settle(memory, tick)
            before, used = state(memory.paths.root), cpu_seconds(pid)
            began = time.monotonic()
            time.sleep(seconds)
            used, passed = cpu_seconds(pid) - used, time.monotonic() - began
            after = state(memory.paths.root)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return Idle(
        seconds=round(passed, 1),
        tick=tick,
        cpu_percent=round(100 * used / passed, 3),
        cpu_ms_per_tick=round(1000 * used * tick / passed, 2),
        written=len(changed),
    )


def measure_refresh(records: int) -> list[Refresh]:
    """Times a refresh over a store of so many records."""
    with tempfile.TemporaryDirectory() as folder:
        memory = filled(Path(folder) / "store", records)
        memory.store.compact(keep=timedelta(0))
        found = [_timed(memory, records, "no cache yet")]
        found.append(_timed(memory, records, "nothing changed"))
        for _ in range(3):
            memory.ingest({"text": f"one more at {time.time_ns()}", "project": "project-3"})
            found.append(_timed(memory, records, "one record came"))
        memory.store.compact(keep=timedelta(0))
        found.append(_timed(memory, records, "only the version moved"))
    return found


def filled(store: Path, records: int) -> Memory:
    """A store of so many notes of about 100 characters with random unit vectors."""
    settings = load_settings(store=store, model=None, session_cache_refresh_min_sec=0)
    memory = Memory(settings=settings, on_commit=_nobody)
    chance = np.random.default_rng(0)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    for start in range(0, records, _BATCH):
        count = min(_BATCH, records - start)
        vectors = chance.standard_normal((count, DIMENSION), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = [
            Row(_record(start + n, begin + timedelta(minutes=start + n)), vectors[n])
            for n in range(count)
        ]
        with memory.store.writing() as writer:
            writer.insert(rows)
    return memory


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints both measurements; returns 1 if an idle tick wrote anything or the goal was missed."""
    parser = arguments_of("sidecar", __doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long the idle server runs")
    parser.add_argument("--tick", type=float, default=5.0, help="seconds between two looks")
    parser.add_argument("--records", type=int, default=RECORDS, help="records of the large store")
    given = parser.parse_args(arguments)
    refreshes = measure_refresh(given.records)
    idle = measure_idle(given.seconds, given.tick, min(given.records, 1_000))
    print(
        f"idle: {idle.cpu_percent:g} % of a core, {idle.cpu_ms_per_tick:g} ms of CPU a tick of "
        f"{idle.tick:g} s, {idle.written} files written in {idle.seconds:g} s"
    )
    for one in refreshes:
        print(
            f"refresh of {one.records:,} records, {one.what}: {one.action}, "
            f"{one.cpu_ms:.0f} ms of CPU, {one.wall_ms:.0f} ms"
        )
    print(f"goal for one record that came: {GOAL_MS:g} ms of CPU")
    keep(given.json, {"idle": asdict(idle), "refresh": [asdict(one) for one in refreshes]})
    came = min(one.cpu_ms for one in refreshes if one.what == "one record came")
    return int(bool(idle.written) or came > GOAL_MS)


def _record(number: int, at: datetime) -> Record:
    text = f"{number:06d} {_WORDS} {5000 + number % 1000}"
    role: Role = ("user", "assistant", "note")[number % 3]
    return numbered_record(number, text.ljust(100, "."), role, at)


def _timed(memory: Memory, records: int, what: str) -> Refresh:
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = memory.page_manager().refresh("periodic_wake")
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    said = f"{outcome.action} ({outcome.reason})"
    return Refresh(records, what, said, round(1000 * cpu, 1), round(1000 * wall, 1))


def _settle(memory: Memory, tick: float) -> None:
    """Waits for the first page, and two ticks for what follows it."""
    await_page(cache_path(memory.paths, None))
    time.sleep(2 * tick + 1)


def _nobody() -> None:
    """Only the measured refresh renders."""


if __name__ == "__main__":
    sys.exit(main())
