"""The editions of a host on a machine, such as VS Code and its Insiders: each has its own file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iai_memory.capture.hosts.locations import claude_code_config, claude_code_home, codex_home

from .claude_desktop import claude_desktop_folder
from .names import HostName
from .user_folders import moved_folder, platform_folder, settings_folder, xdg_folder


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition.

    Attributes:
        folder: What stands where it was used once.
        servers: Its file of the user's MCP servers.
    """

    folder: Path
    servers: Path


def editions(name: HostName) -> list[Edition]:
    """Return the editions of a host that were used here; the usual one where none was."""
    known = _known(name)
    return [edition for edition in known if edition.folder.is_dir()] or known[:1]


def _known(name: HostName) -> list[Edition]:
    """Return every edition of a host, the usual one first."""
    match name:
        case HostName.CLAUDE_CODE:
            return [Edition(claude_code_home(), claude_code_config())]
        case HostName.CLAUDE_DESKTOP:
            return [_in(claude_desktop_folder(), "claude_desktop_config.json")]
        case HostName.CODEX:
            return [_in(codex_home(), "config.toml")]
        case HostName.VSCODE:
            return [_in(folder, "mcp.json") for folder in _vscode_folders()]
        case HostName.CURSOR:
            return [_in(Path("~/.cursor").expanduser(), "mcp.json")]
        case HostName.GEMINI:
            return [_in(moved_folder("GEMINI_CLI_HOME", "~") / ".gemini", "settings.json")]
        case HostName.QWEN:
            return [_in(moved_folder("QWEN_HOME", "~/.qwen"), "settings.json")]
        case HostName.COPILOT:
            return [_in(moved_folder("COPILOT_HOME", "~/.copilot"), "mcp-config.json")]
        case HostName.OPENCODE:
            folder = xdg_folder() / "opencode"
            return [Edition(folder, opencode_file(folder))]
        case HostName.CLINE:
            return _cline()
        case HostName.WINDSURF:
            return [_in(Path("~/.codeium/windsurf").expanduser(), "mcp_config.json")]
        case HostName.ZED:
            return [_in(platform_folder("zed", windows="Zed"), "settings.json")]


def opencode_file(folder: Path) -> Path:
    """Return opencode's file in a folder: the one with comments if only that is there."""
    plain, commented = folder / "opencode.json", folder / "opencode.jsonc"
    return commented if commented.exists() and not plain.exists() else plain


def _vscode_folders() -> list[Path]:
    return [settings_folder() / edition / "User" for edition in ("Code", "Code - Insiders")]


def _cline() -> list[Edition]:
    """Return the extension in each VS Code, and the command line's."""
    file = Path("settings", "cline_mcp_settings.json")
    extensions = [user / "globalStorage" / "saoudrizwan.claude-dev" for user in _vscode_folders()]
    cli = Path("~/.cline").expanduser()
    moved = moved_folder("CLINE_MCP_SETTINGS_PATH", str(cli / "data" / file))
    return [*(Edition(folder, folder / file) for folder in extensions), Edition(cli, moved)]


def _in(folder: Path, file: str) -> Edition:
    return Edition(folder, folder / file)
