"""Commands that remove for good: scrub removes a text, purge memories."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from .opening import open_memory
from .options import AsJson, Yes
from .printing import emit_error, emit_json, emit_lines, memory_text

if TYPE_CHECKING:
    from iai_memory.maintenance.purge import Purged
    from iai_memory.maintenance.scrub import Scrubbed

_FROM_STDIN = "-"
_SHOWN = 20
_THEIRS = "transcripts belong to their hosts: they are not changed, and not looked at"
_SHOWN_CHARS = 80


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: iai-mcp purge ID --yes")(purge)
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
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Remove former tables that were kept and damaged parts of backups, too."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a text from everywhere, escaped and encoded ones too. Then look for it again.

    Exits with 1 where it is left, or where not everything could be looked at.
    """
    from iai_memory.errors import InvalidInput

    if (pattern is None) == (not ids):
        raise InvalidInput("scrub takes a text, - or --id: send one of them")
    if ids and (regex or ignore_case):
        raise InvalidInput("--id names whole texts: leave out --regex and --ignore-case")
    memory = open_memory()
    if ids:
        done = memory.scrub_texts_of(ids, remove_unknown=yes)
    else:
        sought = _stdin() if pattern == _FROM_STDIN else pattern or ""
        done = memory.scrub(sought, regex=regex, ignore_case=ignore_case, remove_unknown=yes)
    _tell(done, as_json=as_json)


def purge(
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of the memories; - reads them from stdin. None finishes a purge."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove memories for good, with all that say the same. Nothing brings them back.

    Old versions, backups and exports of this store are included; what could not be reached is
    named, with exit code 1.
    """
    from iai_memory.errors import InvalidInput

    from .asking import require_yes

    told = _stdin().split() if ids == [_FROM_STDIN] else ids or []
    if ids and not told:
        raise InvalidInput("stdin names no memory: send ids, separated by blanks or lines")
    memory = open_memory()
    found = memory.to_be_purged(told) if told else []
    for one in found[:_SHOWN] if not yes else ():
        emit_error(f"{one.id}  {memory_text(one.text)[:_SHOWN_CHARS]}")
    if found:
        require_yes(yes, f"Remove {_memories(len(found))} for good, from backups and exports, too?")
    done = memory.purge(told)
    if as_json:
        emit_json({"gone": done.is_gone, **asdict(done)})
    else:
        emit_lines(_told(done, finished=not told))
    if done.not_found or not done.is_gone:
        raise typer.Exit(1)


def _told(done: Purged, *, finished: bool) -> list[str]:
    if finished and not done.ids:
        return ["no purge was begun that is not finished"]
    named = len(done.ids) - done.copies
    return [
        *(f"purged {id_}" for id_ in done.ids[:named]),
        *([f"and {done.copies:,} more that say the same"] if done.copies else []),
        *(f"purged before {memory_text(id_)}" for id_ in done.known),
        *(f"not found {memory_text(id_)}" for id_ in done.not_found),
        *(f"written anew without them: {memory_text(name)}" for name in done.exports),
        *_removed(done.removed),
        *(f"stays, made from them: {id_}" for id_ in done.derived),
        *(f"stays, quotes one of them: {id_}" for id_ in done.quoted),
        *(_findings(done.left, done.unread) if done.ids else []),
    ]


def _removed(names: list[str]) -> list[str]:
    return [f"removed, for nobody knows what is in it: {memory_text(name)}" for name in names]


def _memories(count: int) -> str:
    return "1 memory" if count == 1 else f"{count:,} memories"


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
                "states": done.states,
            }
        )
    else:
        emit_lines([f"{done.records} memories and {done.files} files changed"])
        emit_lines(_removed(done.copies))
        if done.states:
            emit_lines([f"{done.states} states of memories changed in backups"])
        if done.is_gone and not (done.records or done.files or done.states):
            emit_lines([_THEIRS, "it was found nowhere, and every file was looked at"])
        else:
            emit_lines(_findings(done.left, done.unread))
    if not done.is_gone:
        raise typer.Exit(1)


def _findings(left: list[str], unread: list[str]) -> list[str]:
    if not left and not unread:
        return [_THEIRS, "every file was looked at: it is gone"]
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
