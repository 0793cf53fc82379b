"""What the prompt hook costs a prompt: wall and processor time beside those of a bare `cat`.

    python -m tests.benchmarks.prompt_hook [--records 10000] [--rounds 100] [--json PATH]

A server with its model loaded answers from a store of that size, each time another question. Every
round runs the bare shell and the hook once, one after the other, so that a busy moment hits both.
Processor time is that of the shell and of all that it waited for. Goals: 95 of 100 prompts within
80 ms on a machine that does nothing else, and at most 5 times the processor time of `sh -c cat`.
Prompts that were not answered in time are counted. Without a server the hook is measured too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

from iai_memory.base.paths import StorePaths
from iai_memory.base.prompt_log import PromptLog

from .hook import HOOKS, SHELLS
from .scale_store import DEFAULT_CACHE, probes, scale_store
from .serving import talking_server
from .timings import Timing, arguments_of, keep, ratio, timing

SCRIPT = str(HOOKS / "iai-mcp-prompt-recall.sh")
GOAL_MS = 80.0
GOAL_CPU = 5.0
WARM_UP = 5
STARTS_SEC = 60.0


@dataclass(frozen=True)
class Row:
    """Milliseconds; `cpu_ratio` is that of the medians.

    Attributes:
        case: With or without a server.
        shell: What runs the hook.
        wall: Of the hook.
        cpu: Of the hook.
        bare_cpu: Of the same shell with `cat`.
        cpu_ratio: Hook by bare shell.
    """

    case: str
    shell: str
    wall: Timing
    cpu: Timing
    bare_cpu: Timing
    cpu_ratio: float


def run(argv: list[str], stdin: bytes, store: Path) -> tuple[float, float]:
    """Wall and processor time of one process, in milliseconds."""
    environment = {"PATH": "/usr/bin:/bin", "IAI_MCP_STORE": str(store)}
    began = time.perf_counter()
    process = subprocess.Popen(
        argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=store.parent
    )
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    _, status, used = os.wait4(process.pid, 0)
    wall = (time.perf_counter() - began) * 1e3
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with status {process.returncode}")
    return wall, (used.ru_utime + used.ru_stime) * 1e3


def measure(case: str, store: Path, questions: list[str], rounds: int) -> list[Row]:
    """A row for each shell that is installed."""
    rows: list[Row] = []
    for shell, command in SHELLS.items():
        if not shutil.which(command[0]):
            continue
        bare: list[float] = []
        hook: list[tuple[float, float]] = []
        for number, question in enumerate(islice(cycle(questions), rounds + WARM_UP)):
            told = {"session_id": f"{shell}-{number}", "cwd": str(store.parent), "prompt": question}
            stdin = json.dumps({"hook_event_name": "UserPromptSubmit", **told}).encode()
            of_bare = run([*command, "-c", "cat"], stdin, store)
            of_hook = run([*command, SCRIPT], stdin, store)
            if number >= WARM_UP:
                bare.append(of_bare[1])
                hook.append(of_hook)
        wall, cpu = (timing(values) for values in zip(*hook, strict=True))
        of_cat = timing(bare)
        rows.append(Row(case, shell, wall, cpu, of_cat, ratio(cpu.median, of_cat.median)))
    return rows


def measured(records: int, rounds: int) -> tuple[list[Row], Counter[str]]:
    """Every row, and what became of the prompts while a server lived."""
    questions = [probe.question for probe in probes(records)]
    with tempfile.TemporaryDirectory() as folder:
        store = scale_store(DEFAULT_CACHE, records, Path(folder).resolve())
        with talking_server(store) as server:
            server.ask("recall", {"query": questions[0]})
            mark = StorePaths(store).run / f"server-{server.process.pid}"
            ends = time.monotonic() + STARTS_SEC
            while not mark.exists():
                if time.monotonic() > ends:
                    raise SystemExit("the server does not wait for prompts")
                time.sleep(0.05)
            rows = measure("server", store, questions, rounds)
            counts = PromptLog(StorePaths(store)).counts().counts
        return [*rows, *measure("no server", store, questions, rounds)], counts


def main() -> int:
    """Prints a row for each shell; returns 1 if a goal was missed under sh's usual shell, dash."""
    parser = arguments_of("prompt_hook", __doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=100)
    given = parser.parse_args()

    rows, counts = measured(given.records, max(2, given.rounds))
    print(f"{'case':<11}{'shell':<9}{'wall ms':>9}{'p95':>8}{'CPU ms':>8}{'cat':>7}{'ratio':>7}")
    for row in rows:
        print(
            f"{row.case:<11}{row.shell:<9}{row.wall.median:>9.1f}{row.wall.p95:>8.1f}"
            f"{row.cpu.median:>8.2f}{row.bare_cpu.median:>7.2f}{row.cpu_ratio:>7.2f}"
        )
    print(", ".join(f"{counts[word]} {word}" for word in sorted(counts)))
    keep(given.json, {"rows": [asdict(row) for row in rows], "counts": dict(counts)})
    first = rows[0]
    return int(first.wall.p95 > GOAL_MS or first.cpu_ratio > GOAL_CPU)


if __name__ == "__main__":
    sys.exit(main())
