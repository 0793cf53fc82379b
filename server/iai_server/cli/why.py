"""The command that says what was put before a model, and what it did with it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Final

import typer

from iai_memory.errors import InvalidInput

from .memory_lines import INDENT
from .opening import open_memory
from .options import AsJson
from .printing import emit_json, emit_lines, memory_text

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.results import InjectedMemory, Injections, InjectionView

_FEW: Final = 3  # memories, as a prompt is given; a page with no more is listed whole
_OUTCOMES: Final = {
    "used": "used",
    "contradicted": "contradicted",
    "not_used": "not used",
    "unclear": "unclear",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: iai-mcp why 48bbfa77")(why)


def why(
    session: Annotated[
        str | None,
        typer.Argument(
            help="Id of a session, or its beginning.",
            show_default="the last session of this folder's project",
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="List the memories of a page that were not used, too.")
    ] = False,
    reset_threshold: Annotated[
        bool,
        typer.Option(
            "--reset-threshold",
            help="Show nothing, and let memories be said at prompts as often as at first.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was put before the model in a session, by what, why, and what it used of it.

    Where few prompts used what they were given, memories are said at higher confidence only.
    """
    memory = open_memory()
    if reset_threshold:
        _reset(memory, session, as_json=as_json)
        return
    found = memory.why(session, catch_up=True)
    if as_json:
        emit_json(found)
    else:
        emit_lines(_lines(found, memory.zone, whole=whole))


def _reset(memory: Memory, session: str | None, *, as_json: bool) -> None:
    if session is not None:
        raise InvalidInput("the threshold is one for all sessions: send --reset-threshold alone")
    found = memory.reset_prompt_threshold()
    if as_json:
        emit_json(found)
    else:
        emit_lines(
            [
                f"memories are said at prompts where the answer has {found.min_answer:.2f}; what "
                f"became of earlier ones does not count any more"
            ]
        )


def _lines(found: Injections, zone: tzinfo, *, whole: bool) -> list[str]:
    project = f", {memory_text(found.project)}" if found.project else ""
    span = ""
    if found.started_at is not None and found.ended_at is not None:
        span = f", {_time(found.started_at, zone)} to {_time(found.ended_at, zone)}"
    turns = "1 turn" if found.turns == 1 else f"{found.turns:,} turns"
    lines = [f"session {memory_text(found.session)}{project}{span}, {turns}"]
    if not found.injections:
        return [*lines, "nothing is known to have been put before its model", *_threshold(found)]
    if found.cut:
        lines.append(f"{found.cut:,} earlier ones are not listed")
    for one in found.injections:
        listed = one.memories if whole else _listed(one)
        lines += [_head(one, zone), *(line for each in listed for line in _memory(each))]
        if left_out := [each for each in one.memories if each not in listed]:
            lines.append(f"  {_counted(left_out)}: `--all` lists them")
    together = [each for one in found.injections for each in one.memories]
    return [*lines, f"together: {_counted(together)}", *_threshold(found)]


def _listed(one: InjectionView) -> list[InjectedMemory]:
    """Return the memories that are shown: of a page, which has dozens, those that mattered."""
    if one.by != "page" or len(one.memories) <= _FEW:
        return one.memories
    return [each for each in one.memories if each.outcome in ("used", "contradicted")]


def _counted(memories: list[InjectedMemory]) -> str:
    counts = Counter[str](each.outcome for each in memories)
    return ", ".join(f"{counts[name]:,} {said}" for name, said in _OUTCOMES.items() if counts[name])


def _threshold(found: Injections) -> list[str]:
    """Return that memories are said more rarely, where they are."""
    now = found.threshold
    if now is None or not now.is_raised:
        return []
    return [
        f"{now.used} of the last {now.judged} prompts of all sessions used what they were given, "
        f"so memories are said where the answer has {now.min_answer:.2f} and not "
        f"{now.base_answer:.2f}: `iai-mcp why --reset-threshold` sets that back"
    ]


def _head(one: InjectionView, zone: tzinfo) -> str:
    by = f"tool {memory_text(one.tool)}" if one.tool else one.by
    reason = f" ({memory_text(one.reason)})" if one.reason else ""
    sure = ""
    if one.matched == "time":
        others = f", as they do of {one.sessions - 1:,} other" if one.sessions > 1 else ""
        sure = f", of this session by project and time{others}"
    count = f", {len(one.memories):,} memories" if len(one.memories) > _FEW else ""
    return f"{_time(one.at, zone)}  {by}{reason}{sure}{count}"


def _memory(one: InjectedMemory) -> list[str]:
    sure = "" if one.confidence is None else f"  {one.confidence:.2f}"
    state = "" if one.state == "current" else f"  ({one.state})"
    words = f": {memory_text(', '.join(one.words))}" if one.words else ""
    head = f"  {one.id}{sure}{state}  {_OUTCOMES[one.outcome]}{words}"
    if one.text is None:
        return [head]
    said = "" if one.said_at is None else f"{one.said_at.date()} "
    return [head, f"{INDENT}{said}{one.role}: {memory_text(one.text)}"]


def _time(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
