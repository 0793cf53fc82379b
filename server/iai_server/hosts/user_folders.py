"""The folders in which programs keep their settings for a user, by platform."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def settings_folder() -> Path:
    """Return the folder of desktop programs' settings."""
    if sys.platform == "darwin":
        return Path("~/Library/Application Support").expanduser()
    if sys.platform == "win32":
        return _roaming()
    return xdg_folder()


def platform_folder(name: str, *, windows: str) -> Path:
    """Return a program's folder below `~/.config`, on macOS too; on Windows among the others'."""
    return _roaming() / windows if sys.platform == "win32" else xdg_folder() / name


def xdg_folder() -> Path:
    """Return `$XDG_CONFIG_HOME`, by default `~/.config`."""
    return moved_folder("XDG_CONFIG_HOME", "~/.config")


def moved_folder(variable: str, usual: str) -> Path:
    """Return the path that an environment variable names, else the usual one."""
    return Path(os.environ.get(variable) or usual).expanduser()


def _roaming() -> Path:
    return moved_folder("APPDATA", "~/AppData/Roaming")
