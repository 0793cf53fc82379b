"""Claude Desktop: the server in `claude_desktop_config.json`; it has no hooks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .host import Host
from .host_file import HostFile
from .launch_command import Launch
from .names import HostName
from .server_json import ServerInJson

_FILE = "claude_desktop_config.json"


def claude_desktop(launch: Launch) -> Host:
    """Return Claude Desktop for this user."""
    file = HostFile(_folder() / _FILE, ServerInJson(), launch.server_entry())
    return Host(
        HostName.CLAUDE_DESKTOP, launch, file, None, "Quit Claude Desktop and start it again."
    )


def _folder() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/Claude").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or "~/AppData/Roaming").expanduser() / "Claude"
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "Claude"
