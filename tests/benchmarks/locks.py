"""How fair a lock is, and what it costs: `python -m tests.benchmarks.locks`.

Eight processes take one lock again and again, each for as long as a write takes, with nothing
between: who lets go of it wants it at once. Printed are the median and the longest wait, and how
many were served while one waited. Then one process takes a lock that nobody wants.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from iai_memory.base.locks import held

WRITERS, TURNS, HELD_SEC = 8, 60, 0.005
GOAL_RATIO = 10
_ALONE = 2_000
_WRITER = """
import sys, time
from pathlib import Path
from iai_memory.base.locks import held
lock, log, turns, held_sec = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
print("ready", flush=True)
sys.stdin.readline()
with open(log, "a", buffering=1) as told:
    for _ in range(turns):
        asked = time.monotonic_ns()
        with held(lock, timeout=120):
            told.write(f"{asked} {time.monotonic_ns()}\\n")
            time.sleep(held_sec)
"""


def contended(folder: Path) -> list[tuple[int, int]]:
    """Return when each turn was asked for and when it was granted, ns, in the order granted."""
    log = folder / "turns"
    command = [sys.executable, "-c", _WRITER, str(folder / "x.lock"), str(log)]
    command += [str(TURNS), str(HELD_SEC)]
    writers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        _go(writer)
    for writer in writers:
        writer.wait()
    pairs = [tuple(map(int, line.split())) for line in log.read_text().splitlines()]
    return sorted(((asked, granted) for asked, granted in pairs), key=lambda one: one[1])


def _go(writer: subprocess.Popen[str]) -> None:
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.close()


def alone_us(folder: Path) -> float:
    """Return the median time of one uncontended acquire and release, microseconds."""
    lock = folder / "alone.lock"
    times: list[int] = []
    for _ in range(_ALONE):
        began = time.perf_counter_ns()
        with held(lock, timeout=1):
            pass
        times.append(time.perf_counter_ns() - began)
    return statistics.median(times) / 1e3


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        turns = contended(folder)
        waits = sorted((granted - asked) / 1e6 for asked, granted in turns)
        granted = [one for _, one in turns]
        passed = [sum(asked < other < mine for other in granted) for asked, mine in turns]
        median, longest = statistics.median(waits), waits[-1]
        print(f"{WRITERS} writers, {len(waits)} turns of {HELD_SEC * 1e3:.0f} ms")
        times = f"{longest / median:.1f} times"
        print(f"wait: median {median:.1f} ms, longest {longest:.1f} ms, {times}")
        print(f"served meanwhile: median {statistics.median(passed):.0f}, most {max(passed)}")
        print(f"goal: at most {GOAL_RATIO} times: {longest <= GOAL_RATIO * median}")
        print(f"alone: {alone_us(folder):.1f} us")


if __name__ == "__main__":
    main()
