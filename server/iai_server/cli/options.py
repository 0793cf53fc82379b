"""Options that several commands share, and the memory that a command opens.

`Memory` is imported when a command opens it: with LanceDB it takes over a second, which no
`--help` should wait for.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from iai_memory import Memory

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Project = Annotated[
    str | None, typer.Option(help='Project name; "." is the project of this folder.')
]
AsOf = Annotated[str | None, typer.Option(help="Answer from what was held and true then.")]
Since = Annotated[str | None, typer.Option(help="ISO date or time.")]
Until = Annotated[str | None, typer.Option(help="ISO date or time; a date includes its day.")]


def open_memory(*, origin: str = "cli") -> Memory:
    """The memory that the environment names, seen from the current folder.

    Raises:
        InvalidInput: An environment variable cannot be used.
    """
    from iai_memory import Memory

    memory = Memory(cwd=Path.cwd(), origin=origin)
    # However the command ends: a page within its interval would wait for a server that may not run.
    atexit.register(memory.close)
    return memory
