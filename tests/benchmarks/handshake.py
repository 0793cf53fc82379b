"""How soon a host knows the tools: spawn to answer, beside the bare SDK and beside no SDK at all.

    python -m tests.benchmarks.handshake [--rounds 20] [--load] [--json PATH]

Every round starts each server once for each question, one after the other, so that a busy moment
hits all. Ours is `iai-mcp serve`; `sdk` is an MCPServer without a tool; `stdlib` reads lines and
answers a constant. `--load` keeps every core busy with one process each. Goals: at most 0.25 of
`sdk` and at most 3 times `stdlib`, by medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from iai_server.mcp.handshake_record import opening

from .timings import arguments_of, keep

SDK = """
from mcp.server.mcpserver import MCPServer
MCPServer("empty").run()
"""
STDLIB = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        answer = {"jsonrpc": "2.0", "id": asked["id"], "result": {}}
        sys.stdout.write(json.dumps(answer) + "\\n")
        sys.stdout.flush()
"""
SPIN = "while True: pass"
LEGACY, MODERN = "2025-06-18", "2026-07-28"
QUESTIONS = {
    "initialize": [(LEGACY, "initialize")],
    "tools/list": [(LEGACY, "initialize"), (LEGACY, "tools/list")],
    "server/discover": [(MODERN, "server/discover")],
}
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
OURS, GOALS = "iai-mcp", {"sdk": 0.25, "stdlib": 3.0}


@dataclass(frozen=True)
class Row:
    """Milliseconds from spawn to answer; `ratio` is our median by this server's."""

    question: str
    server: str
    median: float
    p95: float
    ratio: float
    goal: float | None


def commands(folder: Path) -> dict[str, list[str]]:
    """The three servers; the small ones are files, so that all start alike."""
    found = {OURS: [str(Path(sys.executable).with_name("iai-mcp")), "serve"]}
    for name, source in {"sdk": SDK, "stdlib": STDLIB}.items():
        file = folder / f"{name}_server.py"
        file.write_text(source)
        found[name] = [sys.executable, str(file)]
    return found


def seconds(command: list[str], question: list[tuple[str, str]], env: dict[str, str]) -> float:
    """From the spawn to the last answer, each request sent when the one before is answered."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for number, (version, method) in enumerate(question):
            asked: dict[str, Any] = {"jsonrpc": "2.0", "id": number, "method": method}
            asked["params"] = opening(version, method)
            lead = INITIALIZED if number else b""
            child.stdin.write(lead + json.dumps(asked).encode() + b"\n")
            child.stdin.flush()
            answer = json.loads(child.stdout.readline())
            if answer["id"] != number or "result" not in answer:
                raise SystemExit(f"{command} did not answer {method}: {answer}")
        took = time.perf_counter() - began
        child.kill()
    return took


@contextmanager
def load(processes: int) -> Generator[None]:
    """Keeps so many cores busy."""
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def measure(rounds: int) -> list[Row]:
    """Runs every server with every question in every round."""
    taken: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        servers = commands(Path(folder))
        env = {**os.environ, "IAI_MCP_STORE": str(Path(folder) / "store")}
        for number in range(rounds + 1):
            for question, asked in QUESTIONS.items():
                for name, command in servers.items():
                    took = seconds(command, asked, env)
                    if number:  # the first round writes bytecode
                        taken.setdefault((question, name), []).append(took * 1e3)
    ours = {q: statistics.median(each) for (q, name), each in taken.items() if name == OURS}
    return [row(question, name, each, ours[question]) for (question, name), each in taken.items()]


def row(question: str, server: str, values: list[float], ours: float) -> Row:
    median = statistics.median(values)
    p95 = statistics.quantiles(values, n=20)[-1]
    ratio = round(ours / median, 3)
    return Row(question, server, round(median, 1), round(p95, 1), ratio, GOALS.get(server))


def main() -> None:
    parser = arguments_of("handshake", __doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--load", action="store_true", help="keep every core busy meanwhile")
    options = parser.parse_args()

    with load((os.cpu_count() or 1) if options.load else 0):
        rows = measure(max(2, options.rounds))
    print(f"{'question':<17}{'server':<9}{'median ms':>10}{'p95':>9}{'ours/it':>9}{'goal':>7}")
    for each in rows:
        goal = "" if each.goal is None else f"{each.goal:g}"
        print(
            f"{each.question:<17}{each.server:<9}{each.median:>10.1f}{each.p95:>9.1f}"
            f"{each.ratio:>9.3f}{goal:>7}"
        )
    keep(options.json, [asdict(each) for each in rows])


if __name__ == "__main__":
    main()
