"""What the first recall of a session costs: `python -m tests.benchmarks.first_recall`.

User and system time of the whole process and its children, from the spawn of `iai-mcp serve` to the
answer of its first `recall`, over stdio, on a small store. Everything that is loaded behind the
handshake and everything that the sidecar does meanwhile is in it. Beside it: the first call of the
SDK's echo server.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .echo_server import COMMAND as ECHO
from .intervals import table
from .processes import cpu_seconds_at_the_end
from .scale_store import memory_of, probes
from .serving import spawned
from .talk import Talk
from .timings import Timing, arguments_of, goal_cell, keep, ratio, timing

GOAL_CPU_MS = 1_200.0
OURS = "iai-mcp, recall"
_ECHO = "SDK, echo"


@dataclass(frozen=True, slots=True)
class Row:
    """From spawn to answer.

    Attributes:
        cpu: Milliseconds of processor time.
        wall: Milliseconds on the clock.
        ratio: Our median of processor time by this one.
        goal_cpu_ms: What the median of processor time should not exceed.
    """

    cpu: Timing
    wall: Timing
    ratio: float
    goal_cpu_ms: float | None


def measure(rounds: int, records: int) -> dict[str, Row]:
    """Starts each server once a round, one after the other; the first round does not count."""
    with tempfile.TemporaryDirectory(prefix="iai-mcp-first-recall-") as folder:
        store = Path(folder) / "store"
        _fill(store, records)
        question = probes(records)[0].question
        serve = [str(Path(sys.executable).with_name("iai-mcp")), "serve"]
        asked: dict[str, tuple[list[str], str, dict[str, Any]]] = {
            OURS: (serve, "recall", {"query": question}),
            _ECHO: (ECHO, "echo", {"text": question}),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
        for number in range(rounds + 1):
            for name, (command, tool, arguments) in asked.items():
                found = first_answer(store, command, tool, arguments)
                if number:
                    taken[name].append(found)
    cpu = {name: timing([one for one, _ in found]) for name, found in taken.items()}
    wall = {name: timing([one for _, one in found]) for name, found in taken.items()}
    return {
        name: Row(
            cpu[name],
            wall[name],
            ratio(cpu[OURS].median, cpu[name].median),
            GOAL_CPU_MS if name == OURS else None,
        )
        for name in asked
    }


def first_answer(
    store: Path, command: list[str], tool: str, arguments: dict[str, Any]
) -> tuple[float, float]:
    """Milliseconds of processor time and on the clock until a server has answered one call."""
    began = time.perf_counter()
    child = spawned(store, command)
    try:
        child.initialize()
        child.ask(tool, arguments)
        wall = time.perf_counter() - began
        # Killed at once: what it would do after the answer is not the answer's cost.
        child.process.send_signal(signal.SIGKILL)
        return cpu_seconds_at_the_end(child.process.pid) * 1e3, wall * 1e3
    finally:
        child.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("first_recall", __doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--records", type=int, default=300, help="records of the store")
    given = parser.parse_args(arguments)
    rows = measure(given.rounds, given.records)
    shown = {
        name: [*row.cpu.cells(), *row.wall.cells(), row.ratio, goal_cell(row.goal_cpu_ms)]
        for name, row in rows.items()
    }
    columns = ["CPU ms", "p95", "wall ms", "p95", "ours/it", "goal CPU ms"]
    print(table(f"spawn to first answer, {given.records:,} records", columns, shown))
    keep(given.json, {name: asdict(row) for name, row in rows.items()})
    return 0


def _fill(store: Path, records: int) -> None:
    asked, talk = [probe.text for probe in probes(records)], Talk()
    texts = [*asked, *(talk.turn() for _ in range(records - len(asked)))]
    memory = memory_of(store)
    memory.ingest([{"text": text, "role": "user"} for text in texts])
    memory.session_start(refresh=True)


if __name__ == "__main__":
    sys.exit(main())
