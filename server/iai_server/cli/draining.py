"""The command that stores what capture hooks rang for, and the same before other commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from iai_memory.errors import MemoryFault, ModelFault, StoreBusy, StoreUnavailable

from .idle_drain import NOTHING
from .opening import open_memory
from .options import AsJson
from .printing import emit_error, emit_json, emit_lines

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.capture.drain import Drained

# Loading the model costs half a second: one step of embedding for many turns of several sessions.
_MANY_PENDING = 64
# Once a day; a hook starts a drain and does not wait for it.
_BACKUP_SEC = 10.0


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
    from iai_memory.base.page_mark import page_mark
    from iai_memory.capture.spool import Spool

    memory = open_memory()
    done = memory.drain(max_seconds=max_seconds)
    if page_mark(memory.paths) is not None:
        memory.page_manager().refresh("wake_sequence")  # an earlier drain was killed before it
    if done.stored and memory.store.latest.count_pending() > _MANY_PENDING:
        _embed_some(memory)
    if done.stored:
        memory.back_up_if_due(max_seconds=_BACKUP_SEC)
    waiting = Spool(memory.paths).waiting().rings
    reader = _reader(memory) if done.busy else ""
    if as_json:
        emit_json(_fields(done, waiting))
    elif reader:
        emit_lines([*_lost(done), f"{reader}: it answers what waits"])
    else:
        emit_lines(_lines(done, waiting))
    if done.stored:
        memory.judge_prompts()
    if done.faults:
        raise StoreUnavailable("; ".join(done.faults))
    lost = bool(done.nameless or done.unreadable)
    if lost or (not done.busy and (waiting or not done.finished)):
        raise typer.Exit(1)


def _embed_some(memory: Memory) -> None:
    """Embed for a second; a model that cannot be used does not undo what was stored."""
    try:
        memory.embed_pending()
    except ModelFault as exc:
        emit_error(f"the turns are stored and found by words: {exc}")


def _reader(memory: Memory) -> str:
    """Return who drains now.

    Raises:
        StoreBusy: That one will not go on; the text says what to do.
    """
    from iai_memory.base.locks import holder_of
    from iai_memory.maintenance.capture_state import holder_stuck

    holder = holder_of(memory.paths.lock("drain"))
    if stuck := holder_stuck(holder):
        raise StoreBusy(stuck)
    return f"{holder or 'another process'} is reading"


def open_drained_memory(*, origin: str = "cli") -> Memory:
    """Open the memory and drain for some two seconds; say on stderr what is still missing then.

    For commands whose own answer does not say it.

    Raises:
        InvalidInput: An environment variable cannot be used.
    """
    memory = open_memory(origin=origin)
    say_what_is_missing(_missing(memory))
    return memory


def say_what_is_missing(sentences: list[str]) -> None:
    """Say it on stderr; without a sentence, nothing."""
    if sentences:
        print(  # noqa: T201 - stdout holds the answer
            f"iai-mcp: the newest turns may be missing: {'; '.join(sentences)}", file=sys.stderr
        )


def _missing(memory: Memory) -> list[str]:
    """Complete what is cheap; return why something is missing all the same."""
    from iai_memory.capture.spool import Spool, rings_wait
    from iai_memory.capture.spool_faults import bars_hooks

    caught_up = memory.catch_up(vectors=False)
    missing = [] if caught_up.drained is None else _lost(caught_up.drained)
    if caught_up.undone:
        return [*missing, *caught_up.undone.values()]
    try:
        if bars_hooks(memory.paths.spool):
            return [*missing, *Spool(memory.paths).faults()]
        waiting = Spool(memory.paths).waiting().rings
    except MemoryFault as exc:
        return [*missing, str(exc)]
    return [*missing, *([f"{rings_wait(waiting)}: run `iai-mcp drain`"] if waiting else [])]


def _fields(done: Drained, waiting: int) -> dict[str, int | bool]:
    return {
        "rings": done.rings,
        "stored": done.stored,
        "nameless": done.nameless,
        "unreadable": done.unreadable,
        "waiting": waiting,
        "finished": done.finished,
        "busy": done.busy,
    }


def _lines(done: Drained, waiting: int) -> list[str]:
    from iai_memory.capture.spool import rings_wait

    if not done.rings and not done.stored and not waiting:
        return _lost(done) or ([] if done.faults else [NOTHING])
    rings = "1 ring" if done.rings == 1 else f"{done.rings} rings"
    turns = "1 turn" if done.stored == 1 else f"{done.stored} turns"
    lines = [f"{rings} answered, {turns} stored", *_lost(done)]
    if waiting:
        reason = "see `iai-mcp events`" if done.finished else "run `iai-mcp drain` again"
        lines.append(f"{rings_wait(waiting)}: {reason}")
    return lines


def _lost(done: Drained) -> list[str]:
    """Return a sentence for each way in which a host rang for words that nobody can read."""
    said: list[str] = []
    if done.nameless:
        rings = "1 ring names" if done.nameless == 1 else f"{done.nameless} rings name"
        said.append(
            f"{rings} no transcript, so what was said is not stored: see `iai-mcp events`, and "
            f"whether the host is told to keep no sessions"
        )
    if done.unreadable:
        were = (
            "1 line of the spool was"
            if done.unreadable == 1
            else (f"{done.unreadable} lines of the spool were")
        )
        said.append(
            f"{were} no ring, so what was said may not be stored: run `iai-mcp import claude` or "
            f"`iai-mcp import codex`"
        )
    return said
