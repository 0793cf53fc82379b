"""`doctor --repair` and `doctor --undo-repair`: a damaged table mended, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from .asking import require_yes
from .opening import open_memory
from .printing import emit_json, emit_lines
from .putting_back import report_put_back

if TYPE_CHECKING:
    from iai_memory.maintenance.merged_rows import MergedRows
    from iai_memory.maintenance.repair import Repaired, RepairPlan


def repair(*, yes: bool, transcripts: bool | None, as_json: bool) -> None:
    """Show what is damaged and what a repair would make of it; ask; repair; report."""
    memory = open_memory()
    plan = memory.plan_repair(transcripts=transcripts)
    if plan.kind == "whole" and not plan.transcripts:
        if as_json:
            emit_json({"state": "whole", "plan": _plan_fields(plan)})
        else:
            emit_lines(["every row of the store can be read: nothing was changed"])
        return
    if not as_json:
        emit_lines(plan.lines())
    if plan.kind == "rebuild":
        require_yes(yes, f"This puts another table in the place of that in {memory.paths.root}.")
    done = memory.repair(plan)
    if as_json:
        emit_json(
            {"state": "repaired", "plan": _plan_fields(plan), "repaired": _report_fields(done)}
        )
    else:
        emit_lines(done.lines())
    if done.faults or done.missing or done.missing is None:
        raise typer.Exit(1)


def undo_repair(*, yes: bool, as_json: bool) -> None:
    """Put the table back whose place another one took; what was stored since is kept beside it."""
    memory = open_memory()
    require_yes(
        yes,
        f"This puts the former table of {memory.paths.root} back; what was stored since then is in "
        f"the present one alone, which is kept.",
    )
    report_put_back(memory.put_table_back(), as_json=as_json)


def _plan_fields(plan: RepairPlan) -> dict[str, Any]:
    return {
        "kind": plan.kind,
        "faults": plan.faults,
        **_rows_fields(plan.merged),
        "expected": plan.expected,
        "missing": plan.missing if plan.kind == "rebuild" else 0,
        "transcripts": [str(one.path) for _, one in plan.transcripts],
        "withheld": plan.withheld,
    }


def _report_fields(done: Repaired) -> dict[str, Any]:
    return {
        **(_rows_fields(done.merged) if done.merged is not None else {}),
        "from_transcripts": done.from_transcripts,
        "missing": done.missing,
        "indexes": done.indexes,
        "faults": done.faults,
        "kept": str(done.replaced.kept) if done.replaced and done.replaced.kept else None,
    }


def _rows_fields(merged: MergedRows) -> dict[str, Any]:
    backup = merged.backup
    return {
        "from_table": merged.from_table,
        "from_backup": merged.from_backup,
        "from_kept": merged.from_kept,
        "backup": None if backup is None else backup.name,
        "pending": merged.pending,
        "changed": merged.changed,
        "doubtful": merged.doubtful,
        "older": merged.older,
        "mended": merged.mended,
        "brought_up": merged.brought_up,
        "still_current": merged.still_current,
        "missing_ids": merged.missing_ids,
    }
