"""How fast texts become vectors: `python -m tests.benchmarks.embedding [--data locomo.json]`.

Ours, in the precision of the installed model, and torch sentence-transformers in fp32 take turns in
every round, on the same texts and the same number of threads. torch lives in an environment of its
own (`make bench-reference`); without it the rest is printed. The encoder's share of onnxruntime's
fp32 MatMul peak is counted in the operations that `flops` states; that of bytes may exceed 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from iai_memory.embedding.encoder import MAX_TOKENS, Encoder, load_encoder
from iai_memory.embedding.identity import IDENTITY
from iai_memory.embedding.model_files import find_model
from iai_memory.errors import ModelMissing
from iai_memory.settings import load_settings
from iai_memory.text.speakers import utterance

from .flops import encoder_operations, numpy_peak, onnxruntime_peak
from .intervals import table
from .locomo_data import load
from .scale_store import DEFAULT_CACHE, probes
from .talk import Talk
from .timings import Timing, arguments_of, goal_cell, keep, ratio, timed, timing

REFERENCE = DEFAULT_CACHE / "reference" / "bin" / "python"
TURNS, MIX, QUERY = "turns", "turns, 2 kB and 10 kB", "a short query"
GOALS = {TURNS: 0.2, QUERY: 0.2}
GOAL_OF_PEAK = 0.7
_QUERIES = 50
_ALONE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One set of texts with one number of threads.

    Attributes:
        texts: How many texts one measured pass has.
        threads: Of either encoder.
        ours: Milliseconds of one pass.
        per_second: Texts a second in our median pass.
        gflops: Operations of our median pass by its time.
        torch: Milliseconds of one pass of the reference; None where it is not installed.
        of_torch: Our median by torch's.
        goal: What `of_torch` should not exceed.
    """

    texts: int
    threads: int
    ours: Timing
    per_second: float
    gflops: float
    torch: Timing | None
    of_torch: float | None
    goal: float | None


@dataclass(frozen=True, slots=True)
class Peaks:
    """GFLOP/s of one matrix product, and the encoder's share of onnxruntime's.

    Attributes:
        numpy_all_cores: numpy's float32 product.
        onnxruntime: By threads.
        share: Of that peak, which the encoder reaches on the turns, by threads.
    """

    numpy_all_cores: float
    onnxruntime: dict[int, float]
    share: dict[int, float]


class Reference:
    """The other encoder, in its own process."""

    def __init__(self, process: subprocess.Popen[str], sets: Mapping[str, Sequence[str]]) -> None:
        """Hands the texts over and waits until the model is loaded."""
        self._process = process
        self.torch = str(self._asked(sets)["torch"])

    def milliseconds(self, name: str, threads: int, *, singly: bool) -> Any:
        """Of one pass over a set; one number for each text if they are encoded singly."""
        return self._asked({"set": name, "threads": threads, "singly": singly})

    def _asked(self, request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the reference encoder ended: run `make bench-reference` again")
        return json.loads(answer)


@contextmanager
def reference(python: Path, sets: Mapping[str, Sequence[str]]) -> Generator[Reference | None]:
    """The reference encoder, or None where its environment is missing."""
    if not python.exists():
        yield None
        return
    script = Path(__file__).with_name("reference_encoder.py")
    with subprocess.Popen(
        [str(python), str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
    ) as process:
        yield Reference(process, sets)
        assert process.stdin is not None
        process.stdin.close()


def text_sets(count: int, data: Path | None) -> dict[str, list[str]]:
    """So many turns, a mix with a tenth as many long texts, and short queries."""
    talk = Talk()
    turns = (
        [talk.turn() for _ in range(count)]
        if data is None
        else [utterance(turn.text).words for one in load(data) for turn in one.turns][:count]
    )
    some = turns[: max(2, count // 5)]
    long = [talk.text_of_bytes(2_000) for _ in range(max(1, count // 20))]
    very_long = [talk.text_of_bytes(10_000) for _ in range(max(1, count // 50))]
    return {
        TURNS: turns,
        MIX: [*some, *long, *very_long],
        QUERY: [probe.question for probe in probes(5 * _QUERIES)],
    }


def measure(
    sets: Mapping[str, Sequence[str]], threads: Sequence[int], rounds: int, python: Path
) -> tuple[dict[str, Row], str | None]:
    """Every set with every number of threads, and the version of torch; one round is warm-up."""
    rows: dict[str, Row] = {}
    with reference(python, sets) as other:
        for number in threads:
            encoder = encoder_with(number)
            for name, texts in sets.items():
                singly = name == QUERY
                ours: list[float] = []
                torch: list[float] = []
                for at in range(rounds + 1):
                    taken = _pass(encoder, texts, singly=singly)
                    ours += taken if at else []
                    if other is not None:
                        told = other.milliseconds(name, number, singly=singly)
                        torch += (told if singly else [told]) if at else []
                passes = len(texts) if singly else 1
                row = _row(encoder, texts, passes, number, ours, torch, GOALS.get(name))
                rows[f"{name}, threads: {number}"] = row
    return rows, other.torch if other else None


def measure_peaks(rows: Mapping[str, Row], rounds: int) -> Peaks:
    """What the machine and onnxruntime can do, beside what the encoder did on the turns."""
    did = {row.threads: row.gflops for name, row in rows.items() if name.startswith(f"{TURNS}, t")}
    peaks = {threads: onnxruntime_peak(threads, rounds) for threads in did}
    share = {threads: ratio(gflops, peaks[threads]) for threads, gflops in did.items()}
    return Peaks(numpy_peak(rounds), peaks, share)


def difference_between_alone_and_in_a_batch(texts: Sequence[str]) -> float:
    """The largest difference of any component of any vector; 0 would be the same bits."""
    encoder, some = encoder_with(0), texts[:_ALONE]
    together = encoder.encode(some)
    alone = np.concatenate([encoder.encode([text]) for text in some])
    return float(np.abs(together - alone).max())


def encoder_with(threads: int) -> Encoder:
    """The product's encoder; 0 threads is its own choice.

    Raises:
        ModelMissing: No model is installed.
    """
    files = find_model(load_settings())
    if files is None:
        raise ModelMissing("no embedding model: run `make setup`, or set IAI_MCP_MODEL")
    return load_encoder(files, threads=threads)


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, measures, prints; returns the exit code."""
    cores = os.cpu_count() or 1
    parser = arguments_of("embedding", __doc__)
    parser.add_argument("--data", type=Path, help="LoCoMo's JSON file; else turns are generated")
    parser.add_argument("--texts", type=int, default=200, help="turns of one pass")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--threads", type=_numbers, default=sorted({max(1, cores - 1), cores}), help="such as 1,2"
    )
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="python with torch")
    given = parser.parse_args(arguments)
    sets = text_sets(given.texts, given.data)
    rows, torch = measure(sets, given.threads, given.rounds, given.reference)
    peaks = measure_peaks(rows, max(3, given.rounds))
    differs = difference_between_alone_and_in_a_batch(sets[TURNS])
    print(shown(rows, torch), _shown_peaks(peaks), sep="\n\n")
    print(f"\nlargest difference of a component, alone and in a batch: {differs:.1e}")
    keep(
        given.json,
        {
            "rows": {name: asdict(row) for name, row in rows.items()},
            "torch": torch,
            "peaks": asdict(peaks),
            "alone_or_in_a_batch": differs,
        },
    )
    return 0


def shown(rows: Mapping[str, Row], torch: str | None) -> str:
    """The table of all sets, and what is missing."""
    columns = ["texts", "ours ms", "p95", "texts/s", "GFLOP/s", "torch ms", "p95", "ours/torch"]
    cells = {
        name: [
            row.texts,
            *row.ours.cells(),
            f"{row.per_second:.1f}",
            f"{row.gflops:.1f}",
            *(row.torch.cells() if row.torch else ["-", "-"]),
            "-" if row.of_torch is None else row.of_torch,
            goal_cell(row.goal),
        ]
        for name, row in rows.items()
    }
    title = f"one pass, {IDENTITY.precision}" + (f", torch {torch} in fp32" if torch else "")
    missing = "" if torch else "\ntorch is not measured: run `make bench-reference` once\n"
    return missing + table(title, [*columns, "goal"], cells)


def _shown_peaks(peaks: Peaks) -> str:
    cells = {
        f"onnxruntime, threads: {threads}": [peak, peaks.share[threads], GOAL_OF_PEAK]
        for threads, peak in peaks.onnxruntime.items()
    }
    return table(
        "MatMul, fp32",
        ["GFLOP/s", "encoder/it", "goal at least"],
        {**cells, "numpy, all cores": [peaks.numpy_all_cores, "-", "-"]},
    )


def _pass(encoder: Encoder, texts: Sequence[str], *, singly: bool) -> list[float]:
    if singly:
        return [timed(partial(encoder.encode, [text]))[1] for text in texts]
    return [timed(partial(encoder.encode, texts))[1]]


def _row(
    encoder: Encoder,
    texts: Sequence[str],
    passes: int,
    threads: int,
    ours: Sequence[float],
    torch: Sequence[float],
    goal: float | None,
) -> Row:
    """The row of texts that were encoded in so many passes."""
    taken, other = timing(ours), timing(torch) if torch else None
    lengths = [min(len(encoder.token_spans(text)) + 2, MAX_TOKENS) for text in texts]
    return Row(
        texts=len(texts) // passes,
        threads=threads,
        ours=taken,
        per_second=round(1e3 * len(texts) / passes / taken.median, 1),
        gflops=round(encoder_operations(lengths) / passes / taken.median / 1e6, 1),
        torch=other,
        of_torch=None if other is None else ratio(taken.median, other.median),
        goal=goal,
    )


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
