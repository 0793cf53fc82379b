"""Damage to every file of a table: single bits, and files cut, emptied, removed or exchanged.

    python -m tests.benchmarks.bit_flips [--flips N] [--facts N] [--seed N] [--show]

Each trial is harmless (all that can be read is as before), mended, named by `doctor --full`, or
silent, of which there may be none.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

from tests.support.damage import emptied, removed, truncated
from tests.support.damage_trials import (
    Trial,
    Trials,
    every_index,
    flipped,
    make_store,
    spread,
    table_files,
    tally,
)

OUTCOMES = ("harmless", "mended", "named", "silent")


def flips(trials: Trials, root: Path, number: int, seed: int) -> list[Trial]:
    """Flip single bits of files, each file once and then by chance."""
    files = spread(root, number, Random(seed))
    return [trials.trial(file, flipped, seed + at) for at, file in enumerate(files)]


def whole_files(trials: Trials, root: Path) -> Iterator[Trial]:
    """Damage each file in each other way."""
    files = table_files(root)
    for file in files:
        for damaging in (truncated, emptied, removed):
            yield trials.trial(file, damaging, 0)
    data = [file for file in files if "/data/" in file]
    for first, second in pairwise(data):
        yield trials.exchange(first, second)


def report(title: str, found: Sequence[Trial], *, show: bool) -> int:
    """Print how many had each outcome, by the kind of file; return how many were silent."""
    print(f"\n{title:<34}" + "".join(f"{name:>10}" for name in OUTCOMES))
    kinds = sorted({_kind(one.file) for one in found})
    for kind in [*kinds, "all"]:
        counts = tally([one for one in found if kind in (_kind(one.file), "all")])
        print(f"  {kind:<32}" + "".join(f"{counts.get(name, 0):>10}" for name in OUTCOMES))
    for one in found:
        if show or one.outcome == "silent":
            print(f"    {one.outcome:<9} {one.damage:<10} {one.file}")
    return tally(found).get("silent", 0)


def _kind(file: str) -> str:
    parts = Path(file).parts
    return parts[2] if len(parts) > 3 else "beside the table"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--flips", type=int, default=120)
    parser.add_argument("--facts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print each trial")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, every_index():
        root = Path(scratch) / "whole"
        make_store(root, options.facts)
        trials = Trials(root, Path(scratch))
        single = flips(trials, root, options.flips, options.seed)
        silent = report(f"{options.flips} single bits", single, show=options.show)
        others = list(whole_files(trials, root))
        silent += report(f"{len(others)} files", others, show=options.show)
    if silent:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
