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

    The user's files move with `CLAUDE_CONFIG_DIR`. A hook's command names paths of this machine, so
    in a project it goes into the user's own `settings.local.json`.
    """
    name, originals = HostName.CLAUDE_CODE, launch.originals
    commands = hook_commands(launch)
    if project is None:
        entry = {"type": "stdio", **launch.server_entry()}
        server = HostFile(claude_code_config(), ServerInJson(), entry, originals)
        settings = claude_code_home() / "settings.json"
        hooks = HostFile(settings, HooksInJson(), commands, originals)
        advice = "The next session of Claude Code has it; in a running one use /mcp."
        return Host(name, launch, (server,), hooks, advice)
    entry = {"type": "stdio", **launch.for_everybody().server_entry()}
    server = HostFile(project / ".mcp.json", ServerInJson(), entry, originals, shared=True)
    folder = project / ".claude"
    hooks = HostFile(folder / "settings.local.json", HooksInJson(), commands, originals)
    old = HostFile(folder / "settings.json", HooksInJson(), commands, originals, shared=True)
    advice = (
        "Claude Code asks once in this folder whether to use the server: approve it. Commit "
        ".mcp.json; .claude/settings.local.json is yours alone, and belongs into .gitignore."
    )
    return Host(name, launch, (server,), hooks, advice, retired=(old,))
