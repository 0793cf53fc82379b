"""Latency of a recall by this checkout and by another one, in turns: `… recall_pairs --other PATH`.

Both recall in processes of their own from copies of one store: the sessions of a set of real coding
sessions (`real_data`), imported by the other checkout. Then each checkout sleeps once on its copy,
which adds what only it keeps beside a memory. Each question is asked of both right after
one another, first of the one and next time first of the other. Told are the ratios of the medians
and of the 95th percentiles over the questions, where a question counts with its median over the
rounds; their intervals are bootstrapped over the questions, both of a pair together.

Nothing else may run meanwhile; the ratio of processor time bears more than that of the clock.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .intervals import RESAMPLES, SEED, table
from .real_data import load_set
from .timings import arguments_of, keep, timing

Times = NDArray[np.float64]
_HERE = Path(__file__).parents[2]
_WORKER = Path(__file__).with_name("recall_worker.py")
_IMPORT = """
import sys
from pathlib import Path
from iai_memory import Memory
from iai_memory.capture.transcript_files import look_at
memory = Memory(store=Path(sys.argv[1]))
files = [look_at(path) for path in sorted(Path(sys.argv[2]).iterdir())]
stored = memory.import_transcripts(files, "claude-code").counts.stored
while memory.embed_pending():
    pass
print(stored)
"""
_COMPLETE = """
import sys
from pathlib import Path
from iai_memory import Memory
Memory(store=Path(sys.argv[1])).sleep()
"""


class Worker:
    """A process that recalls by one checkout."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        """Waits until it is warm.

        Raises:
            RuntimeError: It ended.
        """
        self._child = child
        self._line()

    def took(self, question: str) -> tuple[float, float]:
        """Milliseconds on the clock and of processor time of one recall."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(question) + "\n")
        self._child.stdin.flush()
        clock, cpu = json.loads(self._line())
        return clock, cpu

    def _line(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._child.args!r} ended: what it printed stands above")
        return line


def measure(other: Path, data: Path, rounds: int, warm_up: float) -> tuple[Times, Times]:
    """Milliseconds by this checkout and by the other: (questions, rounds, clock and processor)."""
    found = load_set(data)
    questions = [one.text for one in found.questions if one.now is None]
    with tempfile.TemporaryDirectory(prefix="iai-mcp-pairs-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "transcripts").mkdir()
        for session, lines in found.sessions.items():
            (folder / "transcripts" / f"{session}.jsonl").write_text("\n".join(lines) + "\n")
        stored = _run(other, "-c", _IMPORT, str(folder / "other"), str(folder / "transcripts"))
        print(f"{found.name}: {stored.strip()} turns, {len(questions)} questions", file=sys.stderr)
        shutil.copytree(folder / "other", folder / "ours")
        for checkout, store in ((_HERE, "ours"), (other, "other")):
            _run(checkout, "-c", _COMPLETE, str(folder / store))
        ours = stack.enter_context(_worker(_HERE, folder / "ours", warm_up))
        theirs = stack.enter_context(_worker(other, folder / "other", warm_up))
        times = np.zeros((2, len(questions), rounds, 2))
        for number in range(rounds):
            for at, question in enumerate(questions):
                pair = [(0, ours), (1, theirs)]
                for which, worker in pair if (number + at) % 2 else pair[::-1]:
                    times[which, at, number] = worker.took(question)
    return times[0], times[1]


def ratios(ours: Times, theirs: Times, share: float) -> tuple[float, float, float]:
    """Ours by theirs at a quantile of the questions, with the ends of its 95 % interval.

    Args:
        ours: Milliseconds of each question, (n,).
        theirs: The same of the other, (n,).
        share: Which quantile, 0..1.
    """
    draw = np.random.default_rng(SEED)

    def ratio(rows: NDArray[np.intp]) -> float:
        return float(np.quantile(ours[rows], share) / np.quantile(theirs[rows], share))

    count = len(ours)
    drawn = [ratio(draw.integers(0, count, count)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return ratio(np.arange(count)), float(low), float(high)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    parser = arguments_of("recall_pairs", __doc__)
    parser.add_argument("--other", type=Path, required=True, help="a checkout to compare with")
    parser.add_argument("--data", type=Path, required=True, help="a set of real sessions")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm-up", type=float, default=3.0, help="seconds of each process")
    given = parser.parse_args(arguments)
    ours, theirs = measure(given.other.resolve(), given.data, given.rounds, given.warm_up)
    rows: dict[str, list[object]] = {}
    kept: dict[str, list[float]] = {}
    for at, name in enumerate(("clock", "processor")):
        mine, other = (np.median(times[:, :, at], axis=1) for times in (ours, theirs))
        cells: list[object] = [len(mine)]
        for share, part in ((0.5, "median"), (0.95, "p95")):
            one, two = (float(np.quantile(times, share)) for times in (mine, other))
            found, low, high = kept[f"{name} {part}"] = list(ratios(mine, other, share))
            cells += [f"{one:.2f}", f"{two:.2f}", f"{found:.3f} {low:.3f}-{high:.3f}"]
        rows[name] = cells
    columns = ("n", "median ms", "other", "ratio", "p95 ms", "other", "ratio")
    print(table("a recall, this checkout and the other", columns, rows))
    every = timing(ours[:, :, 0].ravel().tolist())
    print(f"all {every.n} recalls: median {every.median:.2f} ms, p95 {every.p95:.2f} ms")
    keep(given.json, kept)
    return 0


@contextmanager
def _worker(checkout: Path, store: Path, warm_up: float) -> Generator[Worker]:
    with subprocess.Popen(
        [_python(checkout), str(_WORKER), str(store), str(checkout), str(warm_up)],
        env=_environment(checkout),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield Worker(child)
        finally:
            child.kill()


def _run(checkout: Path, *arguments: str) -> str:
    command = [_python(checkout), *arguments]
    done = subprocess.run(
        command, env=_environment(checkout), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def _python(checkout: Path) -> str:
    """The checkout's own interpreter where it has one, else this one with its path in front."""
    own = checkout / ".venv" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def _environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, _roots(checkout))), "TZ": "UTC"}


def _roots(checkout: Path) -> list[Path]:
    return [checkout / "tools", checkout / "server"]


if __name__ == "__main__":
    sys.exit(main())
