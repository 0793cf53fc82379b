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
    """Return Codex for this user, or for everybody who works in a project's folder.

    A hook's command names paths of this machine, and Codex has no file of a project that is one
    user's alone: there the hooks are those of each user's own.
    """
    name, originals = HostName.CODEX, launch.originals
    folder = codex_home() if project is None else project / ".codex"
    commands = hook_commands(launch)
    if project is None:
        server = HostFile(folder / CONFIG, ServerInToml(), launch.server_entry(), originals)
        hooks = HostFile(folder / HOOKS, HooksInJson(), commands, originals)
        advice = (
            "Codex runs no hook that you have not trusted, and does not say so: start codex, type "
            "/hooks and trust those that name iai-mcp; `iai-mcp doctor` shows whether it does."
        )
        return Host(name, launch, (server,), hooks, advice)
    entry = launch.for_everybody().server_entry()
    server = HostFile(folder / CONFIG, ServerInToml(), entry, originals, shared=True)
    old = HostFile(folder / HOOKS, HooksInJson(), commands, originals, shared=True)
    advice = (
        "Codex reads a project's files only when the project is trusted. The hooks are each "
        "user's own: `iai-mcp connect codex`."
    )
    return Host(name, launch, (server,), None, advice, retired=(old,))
