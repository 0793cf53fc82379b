"""The names of the hosts, apart from what connects them, because `--help` lists them."""

from __future__ import annotations

from enum import StrEnum


class HostName(StrEnum):
    """The names of the hosts on the command line."""

    CLAUDE_CODE = "claude-code"
    CLAUDE_DESKTOP = "claude-desktop"
    CODEX = "codex"
    VSCODE = "vscode"
    CURSOR = "cursor"
    GEMINI = "gemini"
    QWEN = "qwen"
    COPILOT = "copilot"
    OPENCODE = "opencode"
    CLINE = "cline"
    WINDSURF = "windsurf"
    ZED = "zed"
