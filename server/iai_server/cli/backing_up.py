"""The commands on the store's own backups: backup, restore-backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .draining import open_drained_memory
from .options import AsJson, open_memory
from .printing import emit_error, emit_json, emit_lines, local_time

if TYPE_CHECKING:
    from datetime import tzinfo

    from iai_memory import Memory
    from iai_memory.backup.reading import Backup
    from iai_memory.backup.taking import Taken


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: iai-mcp backup --json")(backup)


def backup(
    into: Annotated[
        Path | None,
        typer.Option(
            # click's own type for paths looks at them, and would wait for a mount that is gone.
            parser=Path,
            help="Another folder than that of IAI_MCP_BACKUP; made where it is missing.",
        ),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the backups, each read and checked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a backup now: what changed since the last one. A store takes one a day by itself.

    Exits with 1 if one that is listed is damaged.
    """
    folder = None if into is None else into.expanduser().absolute()
    if listed:
        memory = open_memory()
        _list(memory, folder, as_json)
        return
    memory = open_drained_memory()
    taken = memory.back_up(folder)
    where = folder or memory.settings.backup or memory.paths.backups
    if as_json:
        emit_json(_fields(taken, where))
    else:
        emit_lines(_lines(taken, where))
    for fault in taken.faults:
        emit_error(f"a former backup is damaged, and this one has its memories anew: {fault}")


def _list(memory: Memory, folder: Path | None, as_json: bool) -> None:
    found = memory.backups(folder)
    whole = [one.verify() for one in found]
    if as_json:
        emit_json([_backup_fields(one) for one in found])
    else:
        emit_lines(_backup_line(one, memory.zone) for one in found)
        if not found:
            emit_lines(["no backup yet; `iai-mcp backup` takes one"])
    for fault in dict.fromkeys(fault for one in found for fault in one.faults):
        emit_error(fault)
    if not all(whole):
        raise typer.Exit(1)


def _fields(taken: Taken, folder: Path) -> dict[str, object]:
    point = taken.point
    assert point is not None, "nobody interrupts it"
    return {
        "name": point.name,
        "when": point.when.isoformat(),
        "folder": str(folder),
        "memories": point.count,
        "written": taken.written,
        "bytes": sum(part.size for part in point.parts),
        "removed": list(taken.removed),
        "faults": list(taken.faults),
    }


def _lines(taken: Taken, folder: Path) -> list[str]:
    point = taken.point
    assert point is not None, "nobody interrupts it"
    size = sum(part.size for part in point.parts) / 1e6
    lines = [
        f"{point.name}: {_memories(point.count)}, {taken.written:,} of them new or changed, "
        f"{size:.1f} MB in {folder}"
    ]
    if taken.removed:
        lines.append(f"no longer kept: {', '.join(taken.removed)}")
    return lines


def _backup_fields(found: Backup) -> dict[str, object]:
    return {
        "name": found.name,
        "when": found.when.isoformat(),
        "memories": found.count,
        "whole": not found.faults,
        "faults": found.faults,
    }


def _backup_line(found: Backup, zone: tzinfo) -> str:
    state = "whole" if not found.faults else f"DAMAGED: {len(found.faults)} files"
    at = local_time(found.when.isoformat(), zone)
    return f"{found.name}  {at}  {_memories(found.count)}  {state}"


def _memories(count: int) -> str:
    return "1 memory" if count == 1 else f"{count:,} memories"
