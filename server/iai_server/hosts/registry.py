"""The hosts that can be connected, by the names that the command line uses."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from iai_memory.errors import InvalidInput

from . import claude_code as _claude_code
from . import claude_desktop as _claude_desktop
from . import codex as _codex
from .host import Host
from .launch_command import launch

if TYPE_CHECKING:
    from iai_memory import Settings


class HostName(StrEnum):
    """The hosts, as the command line calls them."""

    CLAUDE_CODE = _claude_code.NAME
    CLAUDE_DESKTOP = _claude_desktop.NAME
    CODEX = _codex.NAME


def host(name: HostName, settings: Settings, project: Path | None = None) -> Host:
    """A host, started on the store of these settings.

    Args:
        name: Which one.
        settings: Names the store, and the model if it is not the usual one.
        project: A folder to connect it in for everybody; None is the user's own files.

    Raises:
        InvalidInput: The host has no files of a project.
        HostFileFault: This installation cannot be started by a host.
    """
    started = launch(settings)
    if name is HostName.CLAUDE_CODE:
        return _claude_code.claude_code(started, project)
    if name is HostName.CODEX:
        return _codex.codex(started, project)
    if project is not None:
        raise InvalidInput(f"{name} knows no projects: run the command without --project")
    return _claude_desktop.claude_desktop(started)
