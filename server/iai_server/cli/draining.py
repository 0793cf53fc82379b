"""The command that stores what capture hooks rang for, and the same before other commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from iai_memory.errors import MemoryFault, ModelFault, StoreBusy, StoreFault, StoreUnavailable

from .idle_drain import NOTHING
from .options import AsJson, open_memory
from .printing import emit_error, emit_json, emit_lines

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
    from iai_memory.base.page_mark import page_mark
    from iai_memory.capture.spool import Spool

    memory = open_memory()
    done = memory.drain(max_seconds=max_seconds)
    if page_mark(memory.paths) is not None:
        memory.page_manager().refresh("wake_sequence")  # an earlier drain was killed before it
    if done.stored and memory.store.latest.count_pending() > _MANY_PENDING:
        _embed_some(memory)
    waiting = Spool(memory.paths).waiting().rings
    reader = _reader(memory) if done.busy else ""
    if as_json:
        emit_json(_fields(done, waiting))
    elif reader:
        emit_lines([*_lost(done), f"{reader}: it answers what waits"])
    else:
        emit_lines(_lines(done, waiting))
    if done.faults:
        raise StoreUnavailable("; ".join(done.faults))
    lost = bool(done.nameless or done.unreadable)
    if lost or (not done.busy and (waiting or not done.finished)):
        raise typer.Exit(1)


def embed_few(memory: Memory) -> None:
    """Embed what waits in one step of about a second, where it is not more than that.

    What does not work here, the answer tells: it says how many vectors wait, and for what.
    """
    from iai_memory.writing.embed_pending import STEP_MEMORIES

    try:
        if memory.model is not None and memory.store.latest.count_pending() <= STEP_MEMORIES:
            memory.embed_pending()
    except (ModelFault, StoreFault) as exc:
        memory.ledger.write("embedding_before_recall_failed", error=str(exc))


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
    from iai_memory.capture.session_state import has_work
    from iai_memory.capture.spool import Spool, rings_wait
    from iai_memory.capture.spool_faults import bars_hooks

    try:
        if bars_hooks(memory.paths.spool):
            return "; ".join(Spool(memory.paths).faults())
        if not has_work(memory.paths):
            return ""
        done = memory.drain(max_seconds=_FIRST_SEC, wait_seconds=_FIRST_SEC)
        waiting = Spool(memory.paths).waiting().rings
        fix = _reader(memory) if done.busy else "run `iai-mcp drain`"
    except MemoryFault as exc:
        return str(exc)
    return "; ".join([*_lost(done), *([f"{rings_wait(waiting)}, {fix}"] if waiting else [])])


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
