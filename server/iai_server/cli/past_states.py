"""The commands on what was: undo, history, diff."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Final

import typer

from .asking import require_yes
from .memory_lines import INDENT
from .opening import open_memory
from .options import AsJson, Yes
from .printing import emit_json, emit_lines, memory_text

if TYPE_CHECKING:
    from iai_memory.results import ChangedMemory, MemoryHistory, PastState, StoreDiff, Undone

_FORGOTTEN_TEXT: Final = "(forgotten: --forgotten shows its text)"

Forgotten = Annotated[
    bool, typer.Option("--forgotten", help="Show the texts of forgotten memories, too.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example: iai-mcp undo --to "2 hours ago" --dry-run')(undo)
    app.command(epilog="Example: iai-mcp history ID --json")(history)
    app.command(epilog="Example: iai-mcp diff yesterday --limit 10")(diff)


def undo(
    to: Annotated[
        str | None,
        typer.Option(
            help="Back to this time: an ISO date or time, or words. Of a day its end is meant."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    yes: Yes = False,
    limit: Annotated[
        int, typer.Option(min=0, max=10_000, help="Maximum number of memories that are listed.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Take back the last change of the store, or all since a time. Undo again takes that back.

    Exits with 1 where there is nothing to take back.
    """
    memory = open_memory()
    plan = memory.undo(to=to, dry_run=True, limit=limit)
    if not as_json:
        emit_lines(_undo_lines(plan, memory.zone))
    elif dry_run or not plan.total:
        emit_json(plan)
    if dry_run:
        return
    if not plan.total:
        raise typer.Exit(1)
    require_yes(yes, f"This changes {_memories(plan.total)}.")
    done = memory.undo(to=plan.to, change=plan.change, limit=limit)
    if as_json:
        emit_json(done)
    else:
        emit_lines([f"undone: {_memories(done.total)}; take it back with `iai-mcp undo`"])


def history(
    id: Annotated[str, typer.Argument(help="Id of the memory, or its beginning.")],
    forgotten: Forgotten = False,
    as_json: AsJson = False,
) -> None:
    """Show every state of a memory, and the wordings before and after it."""
    memory = open_memory()
    found = memory.history(id, forgotten=forgotten)
    if as_json:
        emit_json(found)
    else:
        emit_lines(_history_lines(found, memory.zone))


def diff(
    since: Annotated[
        str, typer.Argument(help="An ISO date or time, or words; of a day its beginning is meant.")
    ],
    until: Annotated[
        str | None, typer.Option(help="The later time; of a day its end is meant. Default: now.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, max=10_000, help="Maximum number of memories that are listed.")
    ] = 50,
    forgotten: Forgotten = False,
    as_json: AsJson = False,
) -> None:
    """Show what came, changed, was replaced, forgotten or pinned since a time, newest first."""
    memory = open_memory()
    found = memory.diff(since, until, limit=limit, forgotten=forgotten)
    if as_json:
        emit_json(found)
    else:
        emit_lines(_diff_lines(found, memory.zone))


def _undo_lines(plan: Undone, zone: tzinfo) -> list[str]:
    if plan.to is not None:
        head = f"back to {_time(plan.to, zone)}"
    elif plan.made_at is not None:
        which = "the change" if plan.change is None else f"change {plan.change},"
        head = f"undo of {which} made {_time(plan.made_at, zone)}"
    else:
        return ["there is nothing to undo"]
    if not plan.total:
        return [f"{head}: there is nothing to undo", *_remarks(plan)]
    lines = [f"{head}: {_memories(plan.total)}, {_counted(plan.counts)}"]
    return [*lines, *_listed(plan.memories, plan.total, zone), *_remarks(plan)]


def _remarks(plan: Undone) -> list[str]:
    lines: list[str] = []
    if plan.kept:
        lines.append(f"{_memories(plan.kept)} changed again since and stay as they are")
    if plan.gone:
        lines.append(f"{_memories(plan.gone)} scrubbed or purged since cannot be had back")
    return lines


def _diff_lines(found: StoreDiff, zone: tzinfo) -> list[str]:
    until = "now" if found.until is None else _time(found.until, zone)
    head = f"{_time(found.since, zone)} to {until}"
    if not found.total:
        return [f"{head}: nothing is different"]
    lines = [f"{head}: {_memories(found.total)}, {_counted(found.counts)}"]
    return [*lines, *_listed(found.memories, found.total, zone)]


def _listed(memories: list[ChangedMemory], total: int, zone: tzinfo) -> list[str]:
    lines: list[str] = []
    for one in memories:
        text = _FORGOTTEN_TEXT if one.text is None else memory_text(one.text)
        what = ", ".join(one.what)
        project = f"  {memory_text(one.project)}" if one.project else ""
        lines.append(f"  {what}: {one.role}  {_time(one.created_at, zone)}  {one.id}{project}")
        lines.append(f"{INDENT}{text}")
    if total > len(memories):
        lines.append(f"  and {total - len(memories):,} more")
    return lines


def _history_lines(found: MemoryHistory, zone: tzinfo) -> list[str]:
    state = " (forgotten)" if found.forgotten and not found.folded_into else ""
    state = f" (folded into {found.folded_into})" if found.folded_into else state
    lines = [
        f"{found.id}{state}",
        f"{INDENT}{_FORGOTTEN_TEXT if found.text is None else memory_text(found.text)}",
        *(_state_line(one, zone) for one in found.states),
    ]
    for name, wordings in (("replaced", found.replaced), ("replaced by", found.replaced_by)):
        for one in wordings:
            lines.append(f"{name} {one.id}, true since {_time(one.since, zone)}")
            lines.append(f"{INDENT}{memory_text(one.text)}")
    return lines


def _state_line(state: PastState, zone: tzinfo) -> str:
    by = f" by {state.by}" if state.by else ""
    number = "" if state.change is None else f", change {state.change}"
    other = f" ({state.other})" if state.other else ""
    tags = "" if state.tags is None else f", tags: {memory_text(', '.join(state.tags)) or 'none'}"
    reason = f": {memory_text(state.reason)}" if state.reason else ""
    what = ", ".join(state.what)
    return f"  {_time(state.at, zone)}  {what}{other}{by}{number}{tags}{reason}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def _memories(count: int) -> str:
    return "1 memory" if count == 1 else f"{count:,} memories"


def _time(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
