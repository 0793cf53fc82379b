"""Claude Desktop: the server in `claude_desktop_config.json`; it has no hooks."""

from __future__ import annotations

from pathlib import Path

from .host import Host
from .host_file import HostFile
from .launch_command import Launch
from .names import HostName
from .server_json import ServerInJson
from .user_folders import settings_folder


def claude_desktop_folder() -> Path:
    """Return the folder of its settings."""
    return settings_folder() / "Claude"


def claude_desktop(launch: Launch) -> Host:
    """Return Claude Desktop for this user."""
    path = claude_desktop_folder() / "claude_desktop_config.json"
    file = HostFile(path, ServerInJson(), launch.server_entry(), launch.originals)
    advice = "Quit Claude Desktop and start it again."
    return Host(HostName.CLAUDE_DESKTOP, launch, (file,), None, advice)
