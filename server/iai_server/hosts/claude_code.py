"""Claude Code: the server in `~/.claude.json` or `.mcp.json`, the hooks in `settings.json`."""

from __future__ import annotations

from pathlib import Path

from iai_memory.capture.hosts.locations import claude_code_config, claude_code_home

from .hooks_json import HooksInJson, hook_commands
from .host import Host
from .host_file import HostFile
from .launch_command import Launch
from .names import HostName
from .server_json import ServerInJson


def claude_code(launch: Launch, project: Path | None = None) -> Host:
    """Return Claude Code for this user, or for everybody who works in a project's folder.

    The user's files move with `CLAUDE_CONFIG_DIR`.
    """
    shared = project is not None
    if project is not None:
        server, settings = project / ".mcp.json", project / ".claude" / "settings.json"
        advice = "Claude Code asks once in this folder whether to use the server: approve it."
    else:
        server, settings = claude_code_config(), claude_code_home() / "settings.json"
        advice = "The next session of Claude Code has it; in a running one use /mcp."
    entry = {"type": "stdio", **launch.server_entry()}
    return Host(
        HostName.CLAUDE_CODE,
        launch,
        HostFile(server, ServerInJson(), entry, shared),
        HostFile(settings, HooksInJson(), hook_commands(launch), shared),
        advice,
    )
