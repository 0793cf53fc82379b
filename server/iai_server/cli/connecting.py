"""Commands that add our entries to hosts' files and remove them: connect, disconnect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iai_memory.errors import InvalidInput, MemoryFault

from ..hosts.names import HostName
from .options import AsJson
from .printing import emit_lines

if TYPE_CHECKING:
    from ..hosts.host import Host
    from .host_report import Outcome

_OTHER = "other"
_TO_CONNECT = (*HostName, _OTHER)
ToConnect = Annotated[
    str | None,
    typer.Argument(
        help="Which host; `other` prints the entry for one that is not in the list.",
        metavar=f"[{'|'.join(_TO_CONNECT)}]",
        autocompletion=lambda: list(_TO_CONNECT),
        show_default=False,
    ),
]
ToDisconnect = Annotated[HostName | None, typer.Argument(help="Which host.", show_default=False)]
AllFound = Annotated[bool, typer.Option("--all", help="Every host that is found on this machine.")]
AllConnected = Annotated[bool, typer.Option("--all", help="Every host that is connected.")]
Listed = Annotated[
    bool,
    typer.Option("--list", help="List the hosts: which are found here, and which are connected."),
]
Repair = Annotated[
    bool,
    typer.Option(
        "--repair",
        help="Every host that is connected, each to its own store: after this program was moved "
        "or installed anew.",
    ),
]
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
    name: ToConnect = None,
    all_found: AllFound = False,
    listed: Listed = False,
    repair: Repair = False,
    project: InProject = False,
    prompt_recall: PromptRecall = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Register the server with a host and install the hooks. Safe to repeat."""
    from .host_report import report, report_each, report_list

    _require_one("connect", name is not None, all_found, listed, repair)
    if listed:
        report_list(project, as_json)
    elif name == _OTHER:
        _print_entry(project)
    elif name is not None:
        report(_connected(_named(name), project, prompt_recall, dry_run), as_json)
    else:
        report_each(
            _with_entries(project) if repair else _found(project),
            lambda host: _connected(
                host, project, prompt_recall, dry_run, among_others=True, repair=repair
            ),
            as_json,
        )


def disconnect(
    name: ToDisconnect = None,
    all_connected: AllConnected = False,
    project: InProject = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take the server and the hooks out of a host's files. Memories and scripts stay."""
    from .host_report import report, report_each

    _require_one("disconnect", name is not None, all_connected)
    if name is not None:
        report(_disconnected(name, project, dry_run), as_json)
    else:
        report_each(
            _with_entries(project), lambda host: _disconnected(host, project, dry_run), as_json
        )


def _require_one(command: str, *given: bool) -> None:
    if sum(given) != 1:
        raise InvalidInput(
            f"name one host, or --all of them: `iai-mcp {command} --help` has the names, `iai-mcp "
            f"connect --list` says which are found here"
        )


def _named(name: str) -> HostName:
    try:
        return HostName(name)
    except ValueError as exc:
        raise InvalidInput(
            f"{name!r} is no host that connect knows ({', '.join(HostName)}): "
            f"`iai-mcp connect {_OTHER}` prints what any other one needs"
        ) from exc


def _host(name: HostName, project: bool, *, as_it_is: bool = False) -> Host:
    """Return a host to be connected to the own store, or `as_it_is` to the one that it names."""
    from iai_memory import load_settings

    from ..hosts.registry import host, settings_of

    folder = Path.cwd() if project else None
    found = host(name, load_settings(), folder)
    return host(name, settings_of(found), folder) if as_it_is else found


def _found(project: bool) -> list[HostName]:
    from ..hosts.registry import has_project_files, is_found

    return [
        name for name in HostName if is_found(name) and (not project or has_project_files(name))
    ]


def _with_entries(project: bool) -> list[HostName]:
    """Return the hosts with an entry of ours, or with a file that cannot be read for one."""
    from ..hosts.registry import has_project_files

    known = [name for name in HostName if not project or has_project_files(name)]
    return [name for name in known if _is_connected(name, project)]


def _is_connected(name: HostName, project: bool) -> bool:
    try:
        return bool(_host(name, project).plan_removal())
    except MemoryFault:
        return True  # what is wrong with it is said when it is taken out


def _connected(
    name: HostName,
    project: bool,
    prompt_recall: bool | None,
    dry_run: bool,
    *,
    among_others: bool = False,
    repair: bool = False,
) -> Outcome:
    """Connect one host; `among_others` forgives it that it has no hooks to choose."""
    from ..hosts.file_change import apply
    from .host_report import Outcome

    chosen = _host(name, project, as_it_is=repair)
    if prompt_recall is not None and not (among_others and chosen.hooks is None):
        chosen = chosen.with_prompt_recall(prompt_recall)
    changes = chosen.plan()
    if dry_run:
        return Outcome(chosen, changes, chosen.stale_scripts(), made=False)
    scripts = chosen.install_scripts()
    apply(changes)
    return Outcome(chosen, changes, scripts, chosen.advice)


def _disconnected(name: HostName, project: bool, dry_run: bool) -> Outcome:
    from ..hosts.file_change import apply
    from .host_report import Outcome

    chosen = _host(name, project)
    changes = chosen.plan_removal()
    if not dry_run:
        apply(changes)
    return Outcome(chosen, changes, made=not dry_run)


def _print_entry(project: bool) -> None:
    """Print the entry that most hosts take, to be pasted into the file of one."""
    from iai_memory import load_settings

    from ..hosts.launch_command import launch_command
    from ..hosts.server_json import ServerInJson

    launch = launch_command(load_settings())
    entry = (launch.for_everybody() if project else launch).server_entry()
    emit_lines([ServerInJson().snippet(entry)])
