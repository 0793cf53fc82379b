"""Commands that remove for good: scrub removes a text, purge memories."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, open_memory
from .printing import emit_json, emit_lines, memory_text

if TYPE_CHECKING:
    from iai_memory.maintenance.scrub import Scrubbed

_FROM_STDIN = "-"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: iai-mcp scrub 'the words that must go'")(scrub)


def scrub(
    pattern: Annotated[
        str | None,
        typer.Argument(help="The text to remove; - reads it from stdin, out of shell histories."),
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", help="Remove the whole text of this memory; repeatable."),
    ] = None,
    regex: Annotated[
        bool, typer.Option("--regex", help="Read it as a regular expression.")
    ] = False,
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", help="Capital and small letters are the same.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a text from everywhere, in every encoding. Then look for it again.

    Exits with 1 where it is left, or where not everything could be looked at.
    """
    from iai_memory.errors import InvalidInput

    if (pattern is None) == (not ids):
        raise InvalidInput("scrub takes a text, - or --id: send one of them")
    if ids and (regex or ignore_case):
        raise InvalidInput("--id names whole texts: leave out --regex and --ignore-case")
    memory = open_memory()
    if ids:
        done = memory.scrub_texts_of(ids)
    else:
        sought = _stdin() if pattern == _FROM_STDIN else pattern or ""
        done = memory.scrub(sought, regex=regex, ignore_case=ignore_case)
    _tell(done, as_json=as_json)


def _tell(done: Scrubbed, *, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "records": done.records,
                "files": done.files,
                "gone": done.is_gone,
                "left": done.left,
                "unread": done.unread,
                "copies": done.copies,
            }
        )
    else:
        emit_lines([f"{done.records} memories and {done.files} files changed"])
        emit_lines(f"removed {name}, a copy of the table from a repair" for name in done.copies)
        emit_lines(_findings(done.left, done.unread))
    if not done.is_gone:
        raise typer.Exit(1)


def _findings(left: list[str], unread: list[str]) -> list[str]:
    if not left and not unread:
        return ["every file was looked at: it is gone"]
    return [
        *(f"STILL IN {memory_text(place)}" for place in left),
        *(f"NOT LOOKED AT: {memory_text(place)}" for place in unread),
        *([] if left else ["it is in no file that could be looked at"]),
    ]


def _stdin() -> str:
    """Return the text on stdin, without the line end that `echo` adds."""
    from iai_memory.errors import InvalidInput

    try:
        text = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInput("stdin is not UTF-8: send UTF-8 text") from exc
    return text.removesuffix("\n").removesuffix("\r")
