"""A host's configuration files in a HOME of their own."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("iai-mcp")
# The files of each host in a HOME: the server's first, then the hooks'.
_FILES: dict[str, tuple[str, ...]] = {
    "claude-code": (".claude.json", ".claude/settings.json"),
    "claude-desktop": (".config/Claude/claude_desktop_config.json",),
    "codex": (".codex/config.toml", ".codex/hooks.json"),
    "vscode": (".config/Code/User/mcp.json",),
    "cursor": (".cursor/mcp.json",),
    "gemini": (".gemini/settings.json",),
    "qwen": (".qwen/settings.json",),
    "copilot": (".copilot/mcp-config.json",),
    "opencode": (".config/opencode/opencode.json",),
    "cline": (
        ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    ),
    "windsurf": (".codeium/windsurf/mcp_config.json",),
    "zed": (".config/zed/settings.json",),
}
HOSTS = tuple(_FILES)
# What a project's folder gets, where the host has files of a project.
PROJECT_FILES: dict[str, tuple[str, ...]] = {
    "claude-code": (".mcp.json", ".claude/settings.local.json"),
    "codex": (".codex/config.toml",),
    "vscode": (".vscode/mcp.json",),
    "cursor": (".cursor/mcp.json",),
    "gemini": (".gemini/settings.json",),
    "qwen": (".qwen/settings.json",),
    "copilot": (".github/mcp.json",),
    "opencode": ("opencode.json",),
    "zed": (".zed/settings.json",),
}
SERVERS = {"codex": "mcp_servers", "vscode": "servers", "opencode": "mcp", "zed": "context_servers"}
SCRIPTS = ("iai-mcp-session-recall.sh", "iai-mcp-capture.sh", "iai-mcp-prompt-recall.sh")


def host_files(home: Path, name: str) -> list[Path]:
    """The configuration files of a host in that HOME: the server's first, then the hooks'."""
    return [home / file for file in _FILES[name]]


def everything(home: Path) -> dict[str, bytes]:
    """The content of every file below HOME, by its path from there."""
    return {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file()}


def originals(home: Path) -> dict[str, bytes]:
    """What connect keeps of the files that it changed, by their names; one for each."""
    kept = [path for path in (home / ".iai-mcp" / "host-files").glob("*") if path.is_file()]
    assert not list(home.rglob("*.iai-mcp-backup-*"))
    return {path.name.partition("-")[2]: path.read_bytes() for path in kept}


def put(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    """Writes a file with that mode and makes its folder; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def server_entry(path: Path) -> Any:
    """Our entry among the servers of a JSON or TOML file."""
    text = path.read_text(encoding="utf-8")
    content = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    [servers] = [content[key] for key in ("mcpServers", *SERVERS.values()) if key in content]
    return servers["iai-mcp"]


def started_by(path: Path) -> tuple[list[str], dict[str, str]]:
    """The words of the command that the entry in a file starts, and its variables."""
    entry = server_entry(path)
    if isinstance(entry["command"], list):
        return entry["command"], entry.get("environment", {})
    return [entry["command"], *entry["args"]], entry.get("env", {})


def hook_commands(path: Path) -> dict[str, list[str]]:
    """The commands of a hooks file, by event."""
    events = json.loads(path.read_text(encoding="utf-8"))["hooks"]
    return {
        event: [hook["command"] for group in groups for hook in group["hooks"]]
        for event, groups in events.items()
    }
