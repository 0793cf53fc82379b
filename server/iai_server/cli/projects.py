"""Commands on the names of projects: list, alias, move, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .opening import open_memory
from .options import AsJson, command_group
from .printing import emit_json, emit_lines, memory_text

if TYPE_CHECKING:
    from iai_memory.results import ProjectChanged, ProjectView

app = command_group('Projects and their names; "." is the project of this folder.')

_NEVER = "no memory yet"


@app.command("list", epilog="Example: iai-mcp project list --json")
def list_(as_json: AsJson = False) -> None:
    """List projects with their names and memories, newest first, and what can be undone."""
    memory = open_memory()
    found = memory.projects().all()
    if as_json:
        emit_json(found)
        return
    for one in found.projects:
        newest = one.newest.astimezone(memory.zone).date() if one.newest else None
        emit_lines([_line(one, f"newest {newest}" if newest else _NEVER)])
        emit_lines(f"      also {memory_text(name)}" for name in one.names)
    if not found.projects:
        emit_lines(["no memory is of a project yet"])
    emit_lines(
        f"{one.by}: {memory_text(one.alias)} is {memory_text(one.project)}, since {one.at[:10]}"
        for one in found.undoable
    )


@app.command(epilog="Example: iai-mcp project alias weather .")
def alias(
    name: Annotated[str, typer.Argument(help="The new name: a word, a remote or a folder.")],
    other: Annotated[str, typer.Argument(help="The project, by its name or folder.")],
    as_json: AsJson = False,
) -> None:
    """Give a project another name. Memories stay as they are; `undo` takes it back."""
    _report(open_memory().projects().alias(name, other), as_json)


@app.command(epilog="Example: iai-mcp project move ~/old/weather-station .")
def move(
    old: Annotated[str, typer.Argument(help="The project that has the memories.")],
    new: Annotated[str, typer.Argument(help="What it is called now: a name or a folder.")],
    as_json: AsJson = False,
) -> None:
    """Let a project go on under another name: it was moved or renamed. `undo` takes it back."""
    _report(open_memory().projects().move(old, new), as_json)


@app.command(epilog="Example: iai-mcp project undo")
def undo(
    name: Annotated[
        str | None, typer.Argument(help="The last change of this name; default the last of all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Undo the last alias or move. Every memory is under the name that it was stored with."""
    _report(open_memory().projects().undo(name), as_json)


def _line(one: ProjectView, newest: str) -> str:
    count = "1 memory" if one.memories == 1 else f"{one.memories:,} memories"
    return f"{'here' if one.here else '    '}  {memory_text(one.name)}  {count}, {newest}"


def _report(done: ProjectChanged, as_json: bool) -> None:
    if as_json:
        emit_json(done)
        return
    alias_, project = memory_text(done.alias), memory_text(done.project)
    if done.undone:
        emit_lines([f"{alias_} is no longer a name of {project}"])
        return
    count = "1 memory" if done.memories == 1 else f"{done.memories:,} memories"
    emit_lines(
        [
            f"{alias_} is now {project}, which has {count}",
            "undo with `iai-mcp project undo`",
        ]
    )
