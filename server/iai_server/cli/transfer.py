"""Commands that export memories, and the one that removes a text: export, scrub."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from iai_memory.errors import InvalidInput

from .draining import open_drained_memory
from .options import AsJson, command_group, open_memory
from .printing import emit_json, emit_lines


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = command_group("Write memories out.")
    # With a callback typer keeps the group, which has one command only.
    group.callback()(_formats)
    group.command(epilog="Example: iai-mcp export jsonl --out backup.jsonl")(jsonl)
    app.add_typer(group, name="export")
    app.command(epilog="Example: iai-mcp scrub 'the words that must go'")(scrub)


def _formats() -> None:
    """Write memories out."""


def jsonl(
    out: Annotated[Path | None, typer.Option(help="A new file; without it, stdout.")] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Include the vectors.")] = False,
) -> None:
    """Write every memory as a line of JSON. Forgotten and superseded ones are included."""
    lines = open_drained_memory().export_lines(vectors=vectors)
    if out is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    count = 0
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for line in lines:
                file.write(f"{line}\n")
                count += 1
    except OSError as exc:
        raise InvalidInput(
            f"{out} cannot be written ({exc.strerror}): name a new file in a folder of yours"
        ) from exc
    emit_lines([f"{count} memories in {out}"])


def scrub(
    pattern: Annotated[str, typer.Argument(help="The text to remove.")],
    regex: Annotated[
        bool, typer.Option("--regex", help="Read it as a regular expression.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a text from everywhere, old versions and logs too. Then look for it again."""
    done = open_memory().scrub(pattern, regex=regex)
    if as_json:
        emit_json({"records": done.records, "files": done.files, "left": done.left})
    else:
        emit_lines(
            [
                f"{done.records} memories and {done.files} files changed",
                *(f"STILL IN {place}" for place in done.left),
                *([] if done.left else ["every file was looked at: it is gone"]),
            ]
        )
    if done.left:
        raise typer.Exit(1)
