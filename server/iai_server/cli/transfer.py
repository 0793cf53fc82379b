"""The command that exports memories: export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .draining import open_drained_memory
from .options import command_group
from .printing import emit_error, emit_lines

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.transfer.jsonl_export import Damage


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = command_group("Write memories out.")
    # With a callback typer keeps the group, which has one command only.
    group.callback()(_formats)
    group.command(epilog="Example: iai-mcp export jsonl --out backup.jsonl")(jsonl)
    app.add_typer(group, name="export")


def _formats() -> None:
    """Write memories out."""


def jsonl(
    out: Annotated[
        Path | None,
        typer.Option(
            # click's own type for paths looks at them, and would wait for a mount that is gone.
            parser=Path,
            help="A new file, or - for stdout; both end with a line by which an import checks them."
            " Without it, the memories alone on stdout.",
        ),
    ] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Include the vectors.")] = False,
) -> None:
    """Write every memory as a line of JSON. Forgotten and superseded ones are included.

    Of a damaged store it writes what can be read, says what is missing, and exits 1.
    """
    from iai_memory.transfer.end_line import with_end

    from .output_file import print_lines, require_place, write_lines

    to_file = out is not None and str(out) != "-"
    memory = open_drained_memory()
    if out is not None and to_file:
        require_place(out, memory.paths.root)
    damages: list[Damage] = []
    lines = memory.export_lines(vectors=vectors, damaged=damages.append)
    if out is not None:
        lines = with_end(lines, lambda: damages[0].missing() if damages else 0)
    if out is not None and to_file:
        _note(memory, out)
        count = write_lines(out, lines) - 1
        emit_lines([f"{count} memories in {out}"])
    else:
        print_lines(lines)
    if damages:
        for sentence in damages[0].sentences():
            emit_error(sentence)
        emit_error("the store is damaged, and what could be read is exported: run `iai-mcp doctor`")
        raise typer.Exit(1)


def _note(memory: Memory, out: Path) -> None:
    """Note where the export goes, before it is there: a purge has to know of it."""
    from iai_memory.errors import MemoryFault

    try:
        memory.note_export(out)
    except MemoryFault as exc:  # a store that can only be read is exported all the same
        emit_error(f"`iai-mcp purge` will not know of this export: {exc}")
