"""The commands on the store's own backups: backup, restore-backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .asking import require_yes
from .draining import open_drained_memory
from .opening import open_memory
from .options import AsJson, Yes
from .printing import emit_error, emit_json, emit_lines, local_time
from .putting_back import report_put_back

if TYPE_CHECKING:
    from datetime import tzinfo

    from iai_memory import Memory
    from iai_memory.backup.reading import Backup
    from iai_memory.backup.restoring import RestoredBackup
    from iai_memory.backup.taking import Taken


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: iai-mcp backup --json")(backup)
    app.command("restore-backup", epilog="Example: iai-mcp restore-backup --into ./restored")(
        restore_backup
    )


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
    folder = _absolute(into)
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


def restore_backup(
    when: Annotated[
        str | None,
        typer.Argument(
            metavar="[WHEN]",
            help="Name of a backup, or an ISO date or time: the newest until then. Without it the "
            "newest. What a damaged one lacks comes from older ones.",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(parser=Path, help="Make a new store in this folder, and leave the present."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", parser=Path, help="Where the backups are, if elsewhere."),
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(parser=Path, help="File with the key to an encrypted backup, of age or SSH."),
    ] = None,
    yes: Yes = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put the table back that the last restore replaced.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a store of a backup: a new one, or this one as it was. What went since stays away.

    The table that is there now is kept beside the new one. Exits with 1 if a part is missing.
    """
    memory = open_memory()
    if undo:
        require_yes(yes, f"This puts the former table of {memory.paths.root} back.")
        report_put_back(memory.put_table_back(), as_json=as_json)
        return
    if into is None:
        require_yes(yes, f"This sets {memory.paths.root} back to a backup; what is there is kept.")
    done = memory.restore_backup(
        when, into=_absolute(into), folder=_absolute(source), identity=_absolute(identity)
    )
    if as_json:
        emit_json(_restored_fields(done))
    else:
        emit_lines(_restored_lines(done, memory.zone))
    for fault in done.faults:
        emit_error(fault)
    if done.missing:
        emit_error(f"{_memories(done.missing)} of the backup cannot be read")
    if done.counts.lost:
        emit_error(
            f"what holds now instead of {_memories(len(done.counts.lost))} is lost "
            f"({', '.join(done.counts.lost)}): `iai-mcp history` names the old ones, and "
            f"`iai-mcp restore` makes one current again"
        )
    if done.missing or done.faults or done.counts.lost:
        raise typer.Exit(1)


def _restored_fields(done: RestoredBackup) -> dict[str, object]:
    return {
        "name": done.backup.name,
        "when": done.backup.when.isoformat(),
        "folder": str(done.folder),
        "memories": done.memories,
        "missing": done.missing,
        "stayed_forgotten": done.counts.forgotten,
        "stayed_superseded": done.counts.superseded,
        "not_brought_back": done.counts.removed,
        "scrubbed": done.counts.cleaned,
        "lost_successors": done.counts.lost,
        "kept": None if done.kept is None else str(done.kept),
        "faults": list(done.faults),
    }


def _restored_lines(done: RestoredBackup, zone: tzinfo) -> list[str]:
    counts = done.counts
    told = (
        (counts.forgotten, "forgotten since, and stay so"),
        (counts.superseded, "superseded since, and stay so"),
        (counts.removed, "purged or scrubbed since, and do not come back"),
        (counts.cleaned, "come as a scrub left them"),
    )
    at = local_time(done.backup.when.isoformat(), zone)
    return [
        f"{_memories(done.memories)} of {at} ({done.backup.name}) in {done.folder}; vectors are "
        f"made anew by a server or `iai-mcp sleep`",
        *(f"{_memories(count)}: {what}" for count, what in told if count),
        *(
            []
            if done.kept is None
            else [f"the former table is {done.kept}; `iai-mcp restore-backup --undo` puts it back"]
        ),
    ]


def _absolute(folder: Path | None) -> Path | None:
    return None if folder is None else folder.expanduser().absolute()


def _list(memory: Memory, folder: Path | None, as_json: bool) -> None:
    found = memory.backups(folder)
    read: dict[str, str] = {}
    whole = [one.verify(read) for one in found]
    lost = memory.damaged_backups(folder)
    if as_json:
        emit_json([_backup_fields(one) for one in found])
    else:
        emit_lines(_backup_line(one, memory.zone) for one in found)
        if not found and not lost:
            emit_lines(["no backup yet; `iai-mcp backup` takes one"])
    for fault in dict.fromkeys([*lost, *(fault for one in found for fault in one.faults)]):
        emit_error(fault)
    if lost or not all(whole):
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
