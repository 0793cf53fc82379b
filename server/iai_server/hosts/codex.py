"""Codex: the server in `config.toml`, the hooks in `hooks.json` beside it."""

from __future__ import annotations

from pathlib import Path

from iai_memory.capture.hosts.locations import codex_home

from .hooks_json import HooksInJson, hook_commands
from .host import Host
from .host_file import HostFile
from .launch_command import Launch
from .names import HostName
from .server_toml import ServerInToml

CONFIG = "config.toml"
HOOKS = "hooks.json"


def codex(launch: Launch, project: Path | None = None) -> Host:
    """Return Codex for this user, or for everybody who works in a project's folder."""
    folder = codex_home() if project is None else project / ".codex"
    shared = project is not None
    advice = (
        "Codex runs no hook that you have not trusted, and does not say so: start codex, type "
        "/hooks and trust those that name iai-mcp; `iai-mcp doctor` shows whether it does."
    )
    if shared:
        advice += " It reads a project's files only when the project is trusted."
    return Host(
        HostName.CODEX,
        launch,
        HostFile(folder / CONFIG, ServerInToml(), launch.server_entry(), shared),
        HostFile(folder / HOOKS, HooksInJson(), hook_commands(launch), shared),
        advice,
    )
