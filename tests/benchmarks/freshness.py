"""How long a hook goes without what was said: `python -m tests.benchmarks.freshness`.

One process commits at random times for a minute while two servers run on the same store. Another
runs the session-start hook again and again, as hosts do, and notes when each memory is first
printed. The age of a memory at that moment is what a session would have missed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from iai_memory import Memory, load_settings
from iai_memory.session_start.cache import cache_path

from .metrics import percentile
from .serving import await_page, silent_server
from .timings import arguments_of, keep

HOOK = Path(__file__).parents[2] / "hooks" / "iai-mcp-session-recall.sh"
SERVERS = 2
MEAN_PAUSE_SEC = 1.0
SETTLE_SEC = 15.0
"""Beyond interval and ticks: how long a memory may take before it counts as missed."""


@dataclass(frozen=True, slots=True)
class Report:
    """Seconds from a commit's acknowledgement to the first hook that printed it.

    Attributes:
        interval: The minimum interval of the servers.
        tick: Their tick.
        commits: Memories that were stored.
        missed: Memories that no hook printed in time.
        hooks: How often the hook ran.
        median: Of the delays; so are the other figures.
        p95: 95th percentile.
        worst: The longest.
        bound: What the design promises for the worst: interval and two ticks.
    """

    interval: float
    tick: float
    commits: int
    missed: int
    hooks: int
    median: float
    p95: float
    worst: float
    bound: float


def measure(seconds: float, interval: float, tick: float, seed: int = 0) -> Report:
    """Runs servers, writer and hook; takes `seconds` and what the last memory needs to show."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store = Path(folder) / "store"
        settings = load_settings(store=store, model=None)
        memory = Memory(settings=settings, on_commit=_nobody)
        memory.ingest("the first fact")
        environment = _environment(store, interval, tick)
        for _ in range(SERVERS):
            stack.enter_context(silent_server(environment))
        await_page(cache_path(memory.paths, None))
        committed: dict[str, float] = {}
        writer = threading.Thread(target=_write, args=(memory, committed, seconds, seed))
        writer.start()
        first_seen, hooks = _watch(writer, committed, environment, interval + 2 * tick)
    delays = sorted(max(0.0, at - committed[text]) for text, at in first_seen.items())
    return Report(
        interval=interval,
        tick=tick,
        commits=len(committed),
        missed=len(committed) - len(delays),
        hooks=hooks,
        median=round(percentile(delays, 0.5), 3),
        p95=round(percentile(delays, 0.95), 3),
        worst=round(delays[-1], 3),
        bound=interval + 2 * tick,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one report for each interval; returns 1 if a memory was missed or came too late."""
    parser = arguments_of("freshness", __doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long is written")
    parser.add_argument(
        "--interval", type=float, action="append", help="least seconds between renders; repeatable"
    )
    parser.add_argument("--tick", type=float, default=1.0, help="seconds between two looks")
    given = parser.parse_args(arguments)
    reports = [measure(given.seconds, one, given.tick) for one in given.interval or [0.0, 5.0]]
    print("interval  tick  commits  missed  hooks  median s  p95 s  worst s  promised s")
    for one in reports:
        print(
            f"{one.interval:8g}  {one.tick:4g}  {one.commits:7}  {one.missed:6}  "
            f"{one.hooks:5}  {one.median:8.3f}  {one.p95:5.2f}  {one.worst:7.2f}  "
            f"{one.bound:10g}"
        )
    keep(given.json, [asdict(report) for report in reports])
    return int(any(one.missed or one.worst > one.bound for one in reports))


def _write(memory: Memory, committed: dict[str, float], seconds: float, seed: int) -> None:
    chance = random.Random(seed)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        text = f"said-{len(committed):05d}"
        memory.ingest({"text": text, "role": "user"})
        committed[text] = time.monotonic()
        time.sleep(min(chance.expovariate(1 / MEAN_PAUSE_SEC), max(0, ends - time.monotonic())))


def _watch(
    writer: threading.Thread,
    committed: dict[str, float],
    environment: dict[str, str],
    promised: float,
) -> tuple[dict[str, float], int]:
    """When each memory was first printed, and how often the hook ran."""
    first_seen: dict[str, float] = {}
    hooks, ends = 0, float("inf")
    while time.monotonic() < ends and (writer.is_alive() or len(first_seen) < len(committed)):
        printed = _hook(environment)
        at = time.monotonic()
        hooks += 1
        for text in list(committed):
            if text in printed:
                first_seen.setdefault(text, at)
        if not writer.is_alive() and ends == float("inf"):
            ends = time.monotonic() + promised + SETTLE_SEC
    writer.join()
    return first_seen, hooks


def _hook(environment: dict[str, str]) -> str:
    asked = json.dumps({"hook_event_name": "SessionStart", "source": "startup"})
    done = subprocess.run(
        [str(HOOK)], input=asked, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def _environment(store: Path, interval: float, tick: float) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IAI_MCP_")}
    return {
        **kept,
        "IAI_MCP_STORE": str(store),
        "IAI_MCP_REFRESH_TICK_SEC": str(tick),
        "IAI_MCP_SESSION_CACHE_REFRESH_MIN_SEC": str(interval),
        # The page of the cache is what is measured, never a live command that hides its age.
        "IAI_MCP_CLI": "/dev/null",
    }


def _nobody() -> None:
    """The servers render what this process commits."""


if __name__ == "__main__":
    sys.exit(main())
