"""Commands that add our entries to a host's files and remove them: connect, disconnect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ..hosts.names import HostName
from .options import AsJson
from .printing import emit_json, emit_lines

if TYPE_CHECKING:
    from ..hosts.file_change import Change
    from ..hosts.host import Host

Name = Annotated[HostName, typer.Argument(help="Which host.")]
InProject = Annotated[
    bool,
    typer.Option("--project", help="In the files of this folder, for everybody who works in it."),
]
PromptRecall = Annotated[
    bool | None,
    typer.Option(
        "--prompt-recall/--no-prompt-recall",
        help="Whether a memory that belongs to a prompt is put before the model. [default: yes, or "
        "as it was chosen before]",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the changes, make none.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: iai-mcp connect claude-code --dry-run")(connect)
    app.command(epilog="Example: iai-mcp disconnect codex --dry-run")(disconnect)


def connect(
    name: Name,
    project: InProject = False,
    prompt_recall: PromptRecall = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Register the server with a host and install the hooks. Safe to repeat."""
    from ..hosts.file_change import apply

    chosen = _host(name, project)
    if prompt_recall is not None:
        chosen = chosen.with_prompt_recall(prompt_recall)
    changes = chosen.plan()
    if dry_run:
        _preview(_Outcome(chosen, changes, chosen.stale_scripts()), as_json)
        return
    scripts = chosen.install_scripts()
    _report(_Outcome(chosen, changes, scripts, apply(changes), chosen.advice), as_json)


def disconnect(
    name: Name, project: InProject = False, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take the server and the hooks out of a host's files. Memories and scripts stay."""
    from ..hosts.file_change import apply

    chosen = _host(name, project)
    changes = chosen.plan_removal()
    if dry_run:
        _preview(_Outcome(chosen, changes), as_json)
        return
    _report(_Outcome(chosen, changes, backups=apply(changes)), as_json)


class _Outcome(NamedTuple):
    """The changes of a command in a host's files, made or planned."""

    host: Host
    changes: Sequence[Change]
    scripts: Sequence[Path] = ()
    backups: Sequence[Path] = ()
    advice: str = ""


def _host(name: HostName, project: bool) -> Host:
    from iai_memory import load_settings

    from ..hosts.registry import host

    return host(name, load_settings(), Path.cwd() if project else None)


def _preview(planned: _Outcome, as_json: bool) -> None:
    if as_json:
        _emit(planned)
        return
    emit_lines(f"would write {path}" for path in planned.scripts)
    emit_lines(line for change in planned.changes for line in change.diff().splitlines())
    if not planned.changes and not planned.scripts:
        emit_lines([f"{planned.host.name}: nothing to change"])


def _report(done: _Outcome, as_json: bool) -> None:
    if as_json:
        _emit(done)
        return
    emit_lines(f"wrote {path}" for path in done.scripts)
    emit_lines(_sentence(change) for change in done.changes)
    emit_lines(f"backup {path}" for path in done.backups)
    if not done.changes and not done.scripts:
        emit_lines([f"{done.host.name}: nothing to change"])
    if done.advice:
        emit_lines([done.advice])


def _sentence(change: Change) -> str:
    if change.after is None:
        return f"removed {change.path}, nothing else was in it"
    return f"{'wrote' if change.before is None else 'changed'} {change.path}"


def _emit(outcome: _Outcome) -> None:
    emit_json(
        {
            "host": outcome.host.name,
            "changes": [{"path": str(one.path), "diff": one.diff()} for one in outcome.changes],
            "scripts": [str(path) for path in outcome.scripts],
            "backups": [str(path) for path in outcome.backups],
            "advice": outcome.advice,
        }
    )
