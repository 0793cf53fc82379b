"""The command on transcripts that could not be read: list them, do without them, undo that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson
from .printing import emit_json, emit_lines, memory_text

if TYPE_CHECKING:
    from iai_memory.capture.given_up import Note

_WAIT_SEC = 5.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: iai-mcp unreadable --accept")(unreadable)


def unreadable(
    transcripts: Annotated[
        list[str] | None, typer.Argument(help="Transcripts as they are listed; none is all.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Do without them: no answer tells of them any more.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo --accept.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the transcripts that could not be read, and why. One that is mended is read by itself.

    Answers are not complete while there are some; with --accept, you do without them.
    """
    from iai_memory import load_settings
    from iai_memory.base.locks import held
    from iai_memory.base.paths import StorePaths
    from iai_memory.capture.given_up import GivenUp
    from iai_memory.errors import InvalidInput

    if accept and undo:
        raise InvalidInput("--accept and --undo at once: choose one of them")
    paths = StorePaths(load_settings().store)
    given_up = GivenUp(paths)
    if accept or undo:
        with held(paths.lock("drain"), timeout=_WAIT_SEC):
            given_up.accept(_chosen(given_up.listed(), transcripts), accepted=accept)
    found = _chosen(given_up.listed(), transcripts)
    if as_json:
        emit_json([{"name": one.name, "why": one.why, "accepted": one.accepted} for one in found])
        return
    emit_lines(map(_line, found))
    if not found:
        emit_lines(["every transcript could be read"])


def _chosen(notes: list[Note], names: list[str] | None) -> list[Note]:
    """Return the notes of these names, all without a name.

    Raises:
        InvalidInput: A name is none of a note.
    """
    from iai_memory.errors import InvalidInput

    known = {note.name for note in notes}
    for name in names or []:
        if name not in known:
            raise InvalidInput(
                f"{name} is no transcript that could not be read: `iai-mcp unreadable` lists them"
            )
    return [note for note in notes if not names or note.name in names]


def _line(note: Note) -> str:
    state = "done without" if note.accepted else "given up"
    return memory_text(f"{state:<12}  {note.name}: {note.why}")
