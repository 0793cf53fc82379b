"""A host's configuration files in a HOME of their own."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("iai-mcp")
HOSTS = ("claude-code", "claude-desktop", "codex")
SCRIPTS = ("iai-mcp-session-recall.sh", "iai-mcp-capture.sh", "iai-mcp-prompt-recall.sh")


def host_files(home: Path, name: str) -> list[Path]:
    """The configuration files of a host in that HOME: the server's first, then the hooks'."""
    found = {
        "claude-code": [home / ".claude.json", home / ".claude" / "settings.json"],
        "claude-desktop": [home / ".config" / "Claude" / "claude_desktop_config.json"],
        "codex": [home / ".codex" / "config.toml", home / ".codex" / "hooks.json"],
    }
    return found[name]


def everything(home: Path) -> dict[str, bytes]:
    """The content of every file below HOME, by its path from there."""
    return {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file()}


def backups(home: Path) -> list[Path]:
    """The copies that connect left beside the files that it changed."""
    return sorted(home.rglob("*.iai-mcp-backup-*"))


def put(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    """Writes a file with that mode and makes its folder; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def server_entry(path: Path) -> Any:
    """Our entry among the servers of a JSON or TOML file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return tomllib.loads(text)["mcp_servers"]["iai-mcp"]
    return json.loads(text)["mcpServers"]["iai-mcp"]


def hook_commands(path: Path) -> dict[str, list[str]]:
    """The commands of a hooks file, by event."""
    events = json.loads(path.read_text(encoding="utf-8"))["hooks"]
    return {
        event: [hook["command"] for group in groups for hook in group["hooks"]]
        for event, groups in events.items()
    }
