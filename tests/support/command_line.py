"""The commands of `iai-mcp` as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import typer.main
from typer.core import TyperGroup

from iai_server.cli.app import app


def _commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*path, name))
        elif not command.hidden:
            yield " ".join((*path, name)), command


def _all_commands() -> dict[str, Any]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return dict(_commands(root))


COMMANDS = _all_commands()


def names_a_command(arguments: Sequence[str]) -> bool:
    """Whether the arguments begin with a command's name, or are options of the program."""
    words = " ".join(arguments)
    return words.startswith("--") or any(
        words == name or words.startswith(f"{name} ") for name in COMMANDS
    )
