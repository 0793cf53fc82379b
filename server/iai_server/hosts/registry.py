"""One row for each host that can be connected.

A new host is a name in `names.py`, its place in `editions.py`, a row in `json_hosts.py` or a module
of its own that returns its `Host`, and a row here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from iai_memory.errors import InvalidInput

from .claude_code import claude_code
from .claude_desktop import claude_desktop
from .codex import codex
from .editions import editions
from .errors import HostFileFault
from .host import Host
from .json_hosts import json_host
from .launch_command import OWN_VARIABLES, Launch, launch_command
from .names import HostName

if TYPE_CHECKING:
    from iai_memory import Settings

_ENVIRONMENTS: Final = ("env", "environment")
_USUAL_STORE: Final = Path("~/.iai-mcp")
_DOCUMENTED: Final = "by its documentation of 2026-12-01"


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of a host.

    Attributes:
        verified: How it is known that it takes what connect writes.
        program: Its command, where it has one.
        has_project_files: Whether it reads files in a project's folder too.
    """

    verified: str
    program: str | None = None
    has_project_files: bool = True


_HOSTS: Final[Mapping[HostName, _Row]] = {
    HostName.CLAUDE_CODE: _Row("run here, 2.1.330", "claude"),
    HostName.CLAUDE_DESKTOP: _Row(_DOCUMENTED, has_project_files=False),
    HostName.CODEX: _Row("run here, 0.169.0", "codex"),
    HostName.VSCODE: _Row(_DOCUMENTED, "code"),
    HostName.CURSOR: _Row(_DOCUMENTED, "cursor"),
    HostName.GEMINI: _Row("run here, 0.61.0", "gemini"),
    HostName.QWEN: _Row("run here, 0.15.10", "qwen"),
    HostName.COPILOT: _Row("run here, 1.0.102", "copilot"),
    HostName.OPENCODE: _Row("run here, 1.18.33", "opencode"),
    HostName.CLINE: _Row(_DOCUMENTED, "cline", has_project_files=False),
    HostName.WINDSURF: _Row(_DOCUMENTED, "windsurf", has_project_files=False),
    HostName.ZED: _Row(_DOCUMENTED, "zed"),
}


class KnownHost(NamedTuple):
    """A host as `connect --list` shows it.

    Attributes:
        found: Whether it was used on this machine, or its command is on the PATH.
        state: "connected", "not connected", "unreadable" or "no projects".
        verified: How it is known that it takes what connect writes.
    """

    name: HostName
    found: bool
    state: str
    verified: str


def host(name: HostName, settings: Settings, project: Path | None = None) -> Host:
    """Return a host whose files start this installation on the store of these settings.

    Args:
        name: Which one.
        settings: Names the store, and the model if it is not the usual one.
        project: A folder to connect it in for everybody; None is the user's own files.

    Raises:
        InvalidInput: The host has no files of a project.
        HostFileFault: A host cannot start this installation.
    """
    launch = launch_command(settings)
    if project is not None and not has_project_files(name):
        raise InvalidInput(f"{name} knows no projects: run the command without --project")
    return _connected(name, launch, project)


def settings_of(found: Host) -> Settings:
    """Return the settings that a host's entry names, on which it is to stay.

    A model that is gone is left out: the usual one is looked for.

    Raises:
        HostFileFault: A file cannot be read.
        InvalidInput: It names a store that cannot be used.
    """
    from iai_memory import load_settings

    entries = [entry for file in found.servers if (entry := file.entry()) is not None]
    if not entries:
        return load_settings()
    named = next((one for key in _ENVIRONMENTS if isinstance(one := entries[0].get(key), dict)), {})
    store, model = (named.get(variable) for variable in OWN_VARIABLES)
    chosen: dict[str, Any] = {"store": store or _USUAL_STORE}
    return load_settings(**chosen, **({"model": model} if model and Path(model).is_dir() else {}))


def is_found(name: HostName) -> bool:
    """Return whether a host was used on this machine, or its command is on the PATH."""
    program = _HOSTS[name].program
    if any(edition.folder.is_dir() for edition in editions(name)):
        return True
    return program is not None and shutil.which(program) is not None


def has_project_files(name: HostName) -> bool:
    """Return whether a host reads files in a project's folder too."""
    return _HOSTS[name].has_project_files


def known_hosts(settings: Settings, project: Path | None) -> list[KnownHost]:
    """Return every host with its state on this machine, for the user or for a project's folder."""
    return [
        KnownHost(name, is_found(name), _state(name, settings, project), row.verified)
        for name, row in _HOSTS.items()
    ]


def _state(name: HostName, settings: Settings, project: Path | None) -> str:
    if project is not None and not has_project_files(name):
        return "no projects"
    try:
        found = host(name, settings, project)
        connected = any(file.entry() is not None for file in found.servers)
    except HostFileFault:
        return "unreadable"
    return "connected" if connected else "not connected"


def _connected(name: HostName, launch: Launch, project: Path | None) -> Host:
    match name:
        case HostName.CLAUDE_CODE:
            return claude_code(launch, project)
        case HostName.CLAUDE_DESKTOP:
            return claude_desktop(launch)
        case HostName.CODEX:
            return codex(launch, project)
        case _:
            return json_host(name, launch, project)
