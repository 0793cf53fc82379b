"""One row for each host that can be connected.

A new host is a module that returns its `Host`, a name in `names.py`, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from iai_memory.errors import InvalidInput

from . import claude_code as _claude_code
from . import claude_desktop as _claude_desktop
from . import codex as _codex
from .host import Host
from .launch_command import Launch, launch_command
from .names import HostName

if TYPE_CHECKING:
    from iai_memory import Settings


@dataclass(frozen=True, slots=True)
class _Row:
    """The connection of one host.

    Attributes:
        connected: Returns it for a launch command, and a project's folder or None.
        has_project_files: Whether it reads files in a project's folder too.
    """

    connected: Callable[[Launch, Path | None], Host]
    has_project_files: bool


_HOSTS: Final[Mapping[HostName, _Row]] = {
    HostName.CLAUDE_CODE: _Row(_claude_code.claude_code, has_project_files=True),
    HostName.CLAUDE_DESKTOP: _Row(
        lambda launch, _: _claude_desktop.claude_desktop(launch), has_project_files=False
    ),
    HostName.CODEX: _Row(_codex.codex, has_project_files=True),
}


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
    if project is not None and not _HOSTS[name].has_project_files:
        raise InvalidInput(f"{name} knows no projects: run the command without --project")
    return _HOSTS[name].connected(launch, project)
