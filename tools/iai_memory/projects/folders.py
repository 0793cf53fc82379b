"""Paths as text, and checks of the disk that never raise, whatever may not be read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from ..base.foreign_file import open_foreign
from ..errors import ForeignFileFault

WHITESPACE: Final = " \t\n\v\f\r"
"""`[:space:]` of the hook."""

_SHARE: Final = r"//(?:wsl\$|wsl\.localhost|\?)/"
_WINDOWS: Final = re.compile(
    rf"[A-Za-z]:(?:[\\/].*)?|\\.*|{_SHARE}.*", re.DOTALL | re.IGNORECASE | re.ASCII
)
_OF_WSL: Final = re.compile(r"//wsl(?:\$|\.localhost)/[^/]+(?=/|$)", re.IGNORECASE | re.ASCII)
_LONG: Final = re.compile(r"//\?/(?:(unc)/|(?=[a-z]:(?:/|$)))", re.IGNORECASE | re.ASCII)
# Two paths as long as a system takes, and some; a shell reads a byte at a time.
_BEGINNING_BYTES: Final = 64 << 10


def is_windows_path(path: str) -> bool:
    r"""Return whether a path is absolute on Windows: `C:\Users\me`, `//wsl$/Debian`, `D:/work`."""
    return _WINDOWS.fullmatch(path) is not None


def posix_folder(path: str) -> str:
    r"""Return a path of Windows as WSL has it, without slashes at its end, "/" for the root.

    `C:\job`, `c:/job/` and `\\?\C:\job` are `/mnt/c/job`, `\\wsl$\Debian\home` is `/home`. The
    share of another machine begins with two slashes.
    """
    path = path.replace("\\", "/")
    if found := _LONG.match(path):
        path = ("//" if found[1] else "") + path[found.end() :]
    lead = "//" if path.startswith("//") else path[:1] if path.startswith("/") else ""
    path = lead + re.sub("/+", "/", path.lstrip("/")).rstrip("/")
    if found := _OF_WSL.match(path):
        path = path[found.end() :]
    elif re.match("[A-Za-z]:", path):
        path = f"/mnt/{path[0].lower()}{path[2:]}"
    return "/" if path in ("", "//") else path


def resolved_folder(path: str) -> str | None:
    """Return the folder with every link resolved; None if it cannot be entered."""
    try:
        real = Path(path or "/").resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return None
    if not real.is_dir() or not os.access(real, os.X_OK):
        return None
    return one_leading_slash(str(real).rstrip("/"))


def exists(path: str) -> bool:
    """Return whether there is anything at the path; False if we may not look."""
    try:
        return Path(path).exists()
    except OSError:  # no right to look into the folder
        return False


def beginning(path: str | Path) -> str:
    """Return the whole lines among the first 64 KiB of a file; "" if it cannot be read.

    What git writes is smaller, or has what we look for there; whatever stands behind is not read,
    here and in the hook.
    """
    try:
        with open_foreign(path) as stream:
            content = stream.read(_BEGINNING_BYTES + 1)
    except (ForeignFileFault, OSError):
        return ""
    if len(content) > _BEGINNING_BYTES:
        content = content[:_BEGINNING_BYTES].rpartition(b"\n")[0]
    return os.fsdecode(content)


def first_line(path: Path) -> str:
    """Return the first line without white space at its end; "" if the file cannot be read."""
    return beginning(path).partition("\n")[0].rstrip(WHITESPACE)


def joined(folder: str, path: str) -> str:
    """Return the path as seen from the folder; an absolute path stays."""
    return path if path.startswith("/") else f"{folder}/{path}"


def one_leading_slash(path: str) -> str:
    """Return the path with several leading slashes made one."""
    return f"/{path.lstrip('/')}" if path.startswith("//") else path
