"""The hosts of which one JSON file says which servers they start: a row for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .editions import editions, opencode_file
from .host import Host
from .host_file import HostFile
from .launch_command import Launch
from .names import HostName
from .server_json import ServerInJson

Entry = Callable[[Launch], dict[str, Any]]


def _typed(launch: Launch) -> dict[str, Any]:
    return {"type": "stdio", **launch.server_entry()}


def _with_all_tools(launch: Launch) -> dict[str, Any]:
    return {"type": "local", **launch.server_entry(), "tools": ["*"]}


def _one_command(launch: Launch) -> dict[str, Any]:
    entry = launch.server_entry()
    command = {"type": "local", "command": [entry["command"], *entry["args"]], "enabled": True}
    return {**command, "environment": entry["env"]} if "env" in entry else command


@dataclass(frozen=True, slots=True)
class _JsonHost:
    """Where a host reads which servers to start, and in which shape.

    Attributes:
        advice: The next step for the user after connecting.
        project_file: Its file below a project's folder; None if it has none.
        servers: The name of the object of all servers.
        environment: The name of a server's variables.
        entry: Our entry, for a launch command.
    """

    advice: str
    project_file: str | None = None
    servers: str = "mcpServers"
    environment: str = "env"
    entry: Entry = Launch.server_entry


_HOSTS: Final[Mapping[HostName, _JsonHost]] = {
    HostName.VSCODE: _JsonHost(
        "VS Code asks once whether to trust the server: open the file and press Start, or use it "
        "in agent mode.",
        ".vscode/mcp.json",
        servers="servers",
        entry=_typed,
    ),
    HostName.CURSOR: _JsonHost(
        "Restart Cursor, and see in its settings under MCP that the server is switched on.",
        ".cursor/mcp.json",
    ),
    HostName.GEMINI: _JsonHost(
        "Gemini CLI starts servers in trusted folders only: `gemini mcp list` says Disabled in "
        "another one.",
        ".gemini/settings.json",
    ),
    HostName.QWEN: _JsonHost(
        "The next session of Qwen Code has it: see /mcp there.", ".qwen/settings.json"
    ),
    HostName.COPILOT: _JsonHost(
        "The next session of Copilot CLI has it: see /mcp there. A project's file is read once its "
        "folder is trusted.",
        ".github/mcp.json",
        entry=_with_all_tools,
    ),
    HostName.OPENCODE: _JsonHost(
        "The next session of opencode has it: see `opencode mcp list`.",
        "opencode.json",
        servers="mcp",
        environment="environment",
        entry=_one_command,
    ),
    HostName.CLINE: _JsonHost("Cline has it at once: see its list of MCP servers."),
    HostName.WINDSURF: _JsonHost("Press Refresh in the list of MCP servers of Cascade."),
    HostName.ZED: _JsonHost(
        "Zed has it at once: see the settings of the Agent Panel.",
        ".zed/settings.json",
        servers="context_servers",
    ),
}


def json_host(name: HostName, launch: Launch, project: Path | None = None) -> Host:
    """Return a host for this user, or for everybody who works in a project's folder.

    Raises:
        KeyError: It has no row here.
    """
    row = _HOSTS[name]
    if project is None:
        paths = [edition.servers for edition in editions(name)]
        entry = row.entry(launch)
    else:
        assert row.project_file is not None  # the registry asks for no other
        file = project / row.project_file
        paths = [opencode_file(project) if name is HostName.OPENCODE else file]
        entry = row.entry(launch.for_everybody())
    format_ = ServerInJson(row.servers, row.environment)
    files = tuple(
        HostFile(path, format_, entry, launch.originals, shared=project is not None)
        for path in paths
    )
    return Host(name, launch, files, None, row.advice)
