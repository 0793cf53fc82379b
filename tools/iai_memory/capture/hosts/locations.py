"""The hosts' own folders, which an environment variable of each host moves."""

from __future__ import annotations

import os
from pathlib import Path


def claude_code_home() -> Path:
    """Return Claude Code's folder: `$CLAUDE_CONFIG_DIR`, by default `~/.claude`."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~/.claude").expanduser()


def claude_code_config() -> Path:
    """Return the file of the user's MCP servers: `.claude.json` in that folder, else in `~`."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or "~").expanduser() / ".claude.json"


def codex_home() -> Path:
    """Return Codex's folder: `$CODEX_HOME`, by default `~/.codex`."""
    return Path(os.environ.get("CODEX_HOME") or "~/.codex").expanduser()
