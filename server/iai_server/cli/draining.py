"""The command that stores what capture hooks rang for, and the same before other commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from iai_memory.errors import MemoryFault

from .idle_drain import NOTHING
from .options import AsJson, open_memory
from .printing import emit_json, emit_lines

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.capture.drain import Drained

_FIRST_SEC = 2.0
# Loading the model costs half a second: one step of embedding for many turns of several sessions.
_MANY_PENDING = 64


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: iai-mcp drain")(drain)


def drain(
    max_seconds: Annotated[
        float, typer.Option(min=0, help="Time after which no more is read; the rest waits.")
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Store the turns that capture hooks rang for. It needs no running server.

    Ends when nothing waits. While another process drains, it ends at once: that one does the rest.
    """
    from iai_memory.base.locks import holder_of
    from iai_memory.base.page_mark import page_mark
    from iai_memory.capture.spool import Spool

    memory = open_memory()
    done = memory.drain(max_seconds=max_seconds)
    if page_mark(memory.paths) is not None:
        memory.page_manager().refresh("wake_sequence")  # an earlier drain was killed before it
    if done.stored and memory.store.latest.count_pending() > _MANY_PENDING:
        memory.embed_pending()
    waiting = Spool(memory.paths).waiting().rings
    if as_json:
        emit_json(_fields(done, waiting))
    elif done.busy:
        holder = holder_of(memory.paths.lock("drain")) or "another process"
        emit_lines([f"{holder} drains: it answers what waits"])
    else:
        emit_lines(_lines(done, waiting))
    if not done.busy and (waiting or not done.finished):
        raise typer.Exit(1)


def open_drained_memory(*, origin: str = "cli") -> Memory:
    """Open the memory and drain for at most 2 s; say on stderr what is still missing then.

    Raises:
        InvalidInput: An environment variable cannot be used.
    """
    memory = open_memory(origin=origin)
    missing = _drain_first(memory)
    if missing:
        print(f"iai-mcp: the newest turns may be missing: {missing}", file=sys.stderr)  # noqa: T201 - stdout holds the answer
    return memory


def _drain_first(memory: Memory) -> str:
    """Drain for at most 2 s; return why something is still missing, or nothing."""
    from iai_memory.base.locks import holder_of
    from iai_memory.capture.session_state import has_work
    from iai_memory.capture.spool import Spool

    try:
        if not has_work(memory.paths):
            return ""
        done = memory.drain(max_seconds=_FIRST_SEC, wait_seconds=_FIRST_SEC)
        waiting = Spool(memory.paths).waiting().rings
    except MemoryFault as exc:
        return str(exc)
    holder = holder_of(memory.paths.lock("drain")) if done.busy else None
    fix = f"{holder} is reading" if holder else "run `iai-mcp drain`"
    return f"{rings_wait(waiting)}, {fix}" if waiting else ""


def rings_wait(count: int) -> str:
    """Return the name of the state: "3 rings wait"."""
    return "1 ring waits" if count == 1 else f"{count} rings wait"


def _fields(done: Drained, waiting: int) -> dict[str, int | bool]:
    return {
        "rings": done.rings,
        "stored": done.stored,
        "unreadable": done.unreadable,
        "waiting": waiting,
        "finished": done.finished,
        "busy": done.busy,
    }


def _lines(done: Drained, waiting: int) -> list[str]:
    if not done.rings and not done.stored and not waiting:
        return [NOTHING]
    rings = "1 ring" if done.rings == 1 else f"{done.rings} rings"
    turns = "1 turn" if done.stored == 1 else f"{done.stored} turns"
    lines = [f"{rings} answered, {turns} stored"]
    if done.unreadable:
        lines.append(f"{done.unreadable} lines of the spool were no ring")
    if waiting:
        reason = "see `iai-mcp events`" if done.finished else "run `iai-mcp drain` again"
        lines.append(f"{rings_wait(waiting)}: {reason}")
    return lines
