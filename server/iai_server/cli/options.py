"""Options and groups of subcommands, shared by the commands."""

from __future__ import annotations

from typing import Annotated

import typer

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
