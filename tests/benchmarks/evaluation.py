"""The tables of docs/evaluation.md: `python -m tests.benchmarks.evaluation --results FOLDER`.

Reads what the benchmarks kept with `--outcomes` and prints Markdown; `--into FILE` puts it between
the two marks of that file, so that no figure there is typed by hand. A set of which nothing was
kept is left out and named. Intervals are 95 %, the bootstrap over what each table names.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .evaluation_sections import report
from .outcomes import Outcome, read

BEGIN, END = "<!-- printed by make eval -->", "<!-- end of what make eval printed -->"


def kept_in(folder: Path) -> tuple[list[Outcome], dict[str, object]]:
    """Return the outcomes that lie in a folder, and figures of what is no outcome of a question.

    Raises:
        ValueError: A file is not what a benchmark wrote, or there is none.
    """
    outcomes = [one for file in sorted(folder.glob("*.jsonl")) for one in read(file)]
    if not outcomes:
        raise ValueError(f"{folder} has no outcomes: run `make eval`, which keeps them there")
    names = ("contradictions", "time", "page", "prompts")
    files = [(name, folder / f"{name}.json") for name in names]
    more = {name: json.loads(file.read_text()) for name, file in files if file.exists()}
    return outcomes, more


def put_into(document: Path, text: str) -> None:
    """Replace what stands between the two marks of a document.

    Raises:
        ValueError: It lacks a mark.
    """
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document} has no place for figures: put in {BEGIN} and {END}")
    document.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def described(began: float | None, *, small: bool) -> str:
    """Return when and of what state this was measured, how much of it, and how long it took."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    took = "" if began is None else f", in {(time.time() - began) / 60:.0f} minutes"
    state = f" of commit {commit}" if commit else ""
    extent = " on the small sets of `make eval-quick`" if small else ""
    return f"Measured{extent} on {datetime.now(UTC):%Y-%m-%d}{state}{took}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the arguments, prints or puts in; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.evaluation", description=__doc__
    )
    parser.add_argument("--results", type=Path, required=True, help="folder of --outcomes files")
    parser.add_argument("--into", type=Path, help="put the tables into this document")
    parser.add_argument("--began", type=float, help="Unix time at which the measuring began")
    parser.add_argument("--small", action="store_true", help="it was measured on small sets")
    given = parser.parse_args(arguments)
    try:
        text = report(*kept_in(given.results), described(given.began, small=given.small))
        if given.into is None:
            print(text)
        else:
            put_into(given.into, text)
    except ValueError as exc:
        print(exc, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
