"""Options, groups of subcommands and the opened memory, shared by the commands.

`Memory` is imported when a command opens it: with LanceDB it takes 0.7 s, which no `--help` should
wait for.
"""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..startup.gc_pause import gc_paused

if TYPE_CHECKING:
    from iai_memory import Memory

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ShowIds = Annotated[
    bool, typer.Option("--ids", help="Show ids, by which other commands name memories.")
]
Project = Annotated[
    str | None, typer.Option(help='Project name; "." is the project of this folder.')
]
AsOf = Annotated[str | None, typer.Option(help="Answer as of this ISO date or time.")]
Since = Annotated[str | None, typer.Option(help="ISO date or time.")]
Until = Annotated[str | None, typer.Option(help="ISO date or time; a date includes its day.")]


def command_group(purpose: str) -> typer.Typer:
    """Return a group of subcommands, whose help begins with the purpose."""
    return typer.Typer(
        help=purpose, no_args_is_help=True, rich_markup_mode=None, add_completion=False
    )


def open_memory(*, origin: str = "cli") -> Memory:
    """Open the memory that the environment names; the current folder names the own project.

    Raises:
        InvalidInput: An environment variable cannot be used.
    """
    from ..startup.unused_imports import skip_unused_imports

    skip_unused_imports()
    # Saves a tenth of the processor time that a command takes to start.
    with gc_paused():
        from iai_memory import Memory

    memory = Memory(cwd=Path.cwd(), origin=origin)
    # However the command ends: a refresh put off within its interval would wait for a server.
    atexit.register(memory.close)
    return memory
