"""The command of a benchmark over sets of coding sessions: arguments, table, figures as JSON."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .real_data import RealSet, load_set
from .timings import arguments_of, keep
from .written_sessions import write_written_set

_WRITTEN = "written"


def measure_sets(
    module: str,
    doc: str | None,
    arguments: Sequence[str] | None,
    measure: Callable[[RealSet], Iterable[Any]],
    summary: Callable[[Sequence[Mapping[str, object]]], str],
) -> int:
    """Measure the sets that are given, and the written one, and print; return the exit code.

    Args:
        module: The benchmark's name.
        doc: Its description.
        arguments: Of the command.
        measure: Yields the figures of a set, each a dataclass.
        summary: Makes the table of all of them.
    """
    parser = arguments_of(module, doc)
    parser.add_argument("folders", type=Path, nargs="*", help="sets; a colon between two will do")
    given = parser.parse_args(arguments)
    folders = [Path(one) for path in given.folders for one in str(path).split(":")]
    try:
        found = [asdict(one) for each in _sets(folders) for one in measure(each)]
    except ValueError as exc:
        print(exc, file=sys.stderr)
        return 2
    print(summary(found))
    keep(given.json, found)
    return 0


def _sets(folders: Sequence[Path]) -> Iterator[RealSet]:
    for folder in folders:
        yield load_set(folder, own=True)
    with tempfile.TemporaryDirectory(prefix="iai-mcp-sets-") as name:
        yield load_set(write_written_set(Path(name) / _WRITTEN))
