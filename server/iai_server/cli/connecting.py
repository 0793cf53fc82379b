"""Commands that add our entries to a host's files and remove them: connect, disconnect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..hosts.file_change import Change, apply
from ..hosts.host import Host
from ..hosts.registry import HostName, host
from .options import AsJson
from .printing import emit_json, emit_lines

Name = Annotated[HostName, typer.Argument(help="Which host.")]
InProject = Annotated[
    bool,
    typer.Option("--project", help="In the files of this folder, for everybody who works in it."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes, make none.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: iai-mcp connect claude-code --dry-run")(connect)
    app.command(epilog="Example: iai-mcp disconnect codex --dry-run")(disconnect)


def connect(
    name: Name, project: InProject = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Register the server with a host and install the hooks. Safe to repeat."""
    chosen = _host(name, project)
    changes = chosen.plan()
    if dry_run:
        _preview(chosen, changes, chosen.stale_scripts(), as_json)
        return
    scripts = chosen.install_scripts()
    backups = apply(changes)
    _report(chosen, changes, scripts, backups, as_json, advice=chosen.advice)


def disconnect(
    name: Name, project: InProject = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take the server and the hooks out of a host's files. Memories and scripts stay."""
    chosen = _host(name, project)
    changes = chosen.plan_removal()
    if dry_run:
        _preview(chosen, changes, [], as_json)
        return
    _report(chosen, changes, [], apply(changes), as_json, advice="")


def _host(name: HostName, project: bool) -> Host:
    from iai_memory import load_settings

    return host(name, load_settings(), Path.cwd() if project else None)


def _preview(chosen: Host, changes: list[Change], scripts: list[Path], as_json: bool) -> None:
    if as_json:
        _emit(chosen, changes, scripts, [], "")
        return
    emit_lines(f"would write {path}" for path in scripts)
    emit_lines(line for change in changes for line in change.diff().splitlines())
    if not changes and not scripts:
        emit_lines([f"{chosen.name}: nothing to change"])


def _report(
    chosen: Host,
    changes: list[Change],
    scripts: list[Path],
    backups: list[Path],
    as_json: bool,
    advice: str,
) -> None:
    if as_json:
        _emit(chosen, changes, scripts, backups, advice)
        return
    emit_lines(f"wrote {path}" for path in scripts)
    emit_lines(_done(change) for change in changes)
    emit_lines(f"backup {path}" for path in backups)
    if not changes and not scripts:
        emit_lines([f"{chosen.name}: nothing to change"])
    if advice:
        emit_lines([advice])


def _done(change: Change) -> str:
    if change.after is None:
        return f"removed {change.path}, nothing else was in it"
    return f"{'wrote' if change.before is None else 'changed'} {change.path}"


def _emit(
    chosen: Host, changes: list[Change], scripts: list[Path], backups: list[Path], advice: str
) -> None:
    emit_json(
        {
            "host": chosen.name,
            "changes": [{"path": str(change.path), "diff": change.diff()} for change in changes],
            "scripts": [str(path) for path in scripts],
            "backups": [str(path) for path in backups],
            "advice": advice,
        }
    )
