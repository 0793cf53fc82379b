"""The report on a former table that is back: `doctor --undo-repair` and `restore-backup --undo`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from .printing import emit_error, emit_json, emit_lines

if TYPE_CHECKING:
    from iai_memory.maintenance.putting_back import PutBack


def report_put_back(done: PutBack, *, as_json: bool) -> None:
    """Print it; exit with 1 where what was forgotten may be shown again."""
    if as_json:
        emit_json(
            {
                "put_back": done.name,
                "kept": None if done.kept is None else str(done.kept),
                "only_there": done.only_there,
                "stayed_forgotten": done.forgotten,
                "not_forgotten": list(done.still_shown),
                "hold_again": list(done.superseded),
            }
        )
    else:
        emit_lines(_lines(done))
    if done.still_shown:
        emit_error(
            f"the table is too damaged to forget in it what was forgotten since, and may show it "
            f"until `iai-mcp doctor --repair`: {', '.join(done.still_shown)}"
        )
        raise typer.Exit(1)


def _lines(done: PutBack) -> list[str]:
    if done.kept is None:
        return [f"{done.name} is the table again"]
    lines = [f"{done.name} is the table again; the other one is kept in {done.kept}"]
    if done.only_there:
        lines.append(f"{_memories(done.only_there)}: only in {done.kept.name}")
    if done.forgotten:
        lines.append(f"{_memories(done.forgotten)}: forgotten since, and stay so")
    if done.superseded:
        lines.append(f"superseded since, and hold again: {', '.join(done.superseded)}")
    return lines


def _memories(count: int) -> str:
    return "1 memory" if count == 1 else f"{count:,} memories"
