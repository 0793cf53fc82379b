"""How this copy was installed, and the commands that mend, extend and replace it.

Told by what the installers leave: pip notes an editable install and a file that a copy came from
(PEP 610), uv and pipx each write a file into the environment of a tool. What `uvx` and `pipx run`
start lies in a cache, which is emptied without asking.
"""

from __future__ import annotations

import importlib.metadata
import json
import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

NAME: Final = "iai-mcp"
_WHEEL: Final = "WHEEL"
"""Stands in a command for the file that the user installed from, where nobody noted it."""

_FOLDER_OF_CODE: Final = Path(__file__).parents[2]
TEMPORARY: Final = (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp"))
_UV_TOOL: Final = "uv-receipt.toml"
_PIPX: Final = "pipx_metadata.json"
_CACHES: Final = (
    ("archive-v0",),
    ("environments-v2",),
    ("builds-v0",),
    (".cache", "pipx"),
    ("pipx", ".cache"),
)
"""Folders, one in the other, that `uvx`, `uv run` and `pipx run` put environments into."""


class Installer(StrEnum):
    """What put this copy where it is."""

    CHECKOUT = "checkout"
    UV_TOOL = "uv tool"
    PIPX = "pipx"
    PIP = "pip"


@dataclass(frozen=True, slots=True)
class Installation:
    """One copy of ours.

    Attributes:
        installer: What put it there.
        prefix: The folder of its Python environment.
        source: The checkout, or the wheel that it was installed from; None where nobody noted it.
    """

    installer: Installer
    prefix: Path
    source: Path | None

    @property
    def fleeting(self) -> str | None:
        """Why it may be gone before a host starts it again; None where it stays.

        A checkout stays wherever its user put it.
        """
        return None if self.installer is Installer.CHECKOUT else why_fleeting(self.prefix)

    def reinstall(self) -> str:
        """Return the command that puts the same copy there anew."""
        match self.installer:
            case Installer.CHECKOUT:
                return _command("make", "-C", str(self.source), "setup")
            case Installer.UV_TOOL:
                return "uv tool upgrade --reinstall iai-mcp"
            case Installer.PIPX:
                return "pipx reinstall iai-mcp"
            case Installer.PIP:
                return self._pip("--force-reinstall", self._wheel())

    def install_durably(self) -> str:
        """Return the command that installs the same copy where it stays."""
        return _command("uv", "tool", "install", self._wheel())

    def add(self, packages: Sequence[str]) -> str:
        """Return the command that puts other packages beside this copy, or newer ones."""
        match self.installer:
            case Installer.UV_TOOL:
                beside = [word for package in packages for word in ("--with", package)]
                return _command("uv", "tool", "install", "--force", *beside, self._wheel())
            case Installer.PIPX:
                return _command("pipx", "inject", "--force", NAME, *packages)
            case Installer.CHECKOUT | Installer.PIP:
                return self._pip("--upgrade", *packages)

    def _pip(self, *words: str) -> str:
        return _command(str(self.prefix / "bin" / "python"), "-m", "pip", "install", *words)

    def _wheel(self) -> str:
        return _WHEEL if self.source is None else str(self.source)


def why_fleeting(path: Path) -> str | None:
    """Return why what lies at a path may be gone tomorrow; None where nothing says so."""
    parts = path.parts
    if any(parts[at : at + len(cache)] == cache for cache in _CACHES for at in range(len(parts))):
        return "lies in a cache that is emptied without asking"
    if any(path.is_relative_to(one) for one in TEMPORARY):
        return "lies in a folder for temporary files"
    return None


def this_installation() -> Installation:
    """Return how the copy that runs was installed. Reads up to two small files."""
    prefix = Path(sys.prefix)
    if _FOLDER_OF_CODE.name == "tools":
        return Installation(Installer.CHECKOUT, prefix, _FOLDER_OF_CODE.parent)
    source = _file_of(_direct_url().get("url"))
    if (prefix / _UV_TOOL).is_file():
        return Installation(Installer.UV_TOOL, prefix, source)
    if (prefix / _PIPX).is_file():
        return Installation(Installer.PIPX, prefix, source)
    return Installation(Installer.PIP, prefix, source)


def _direct_url() -> dict[str, Any]:
    """Return what the installer noted of where the copy came from; nothing if it noted nothing."""
    try:
        noted = importlib.metadata.distribution(NAME).read_text("direct_url.json")
        found = json.loads(noted or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _file_of(url: Any) -> Path | None:
    if not isinstance(url, str):
        return None
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _command(*words: str) -> str:
    return " ".join(word if word == _WHEEL else shlex.quote(word) for word in words)
