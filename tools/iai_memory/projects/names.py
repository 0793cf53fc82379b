r"""Which names are the same project in another spelling.

Records keep the name that they were stored with. An earlier version, another host or a person may
have spelled it otherwise: `GitHub.com/Acme/x`, `www.github.com/acme/x`, `C:\work`, `/mnt/c/work`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from .folders import is_windows_path
from .git_config import network_name

_DRIVE: Final = re.compile(r"/mnt/([A-Za-z])(?=/|$)")
_OF_WSL: Final = re.compile(r"//wsl(?:\$|\.localhost)/[^/]+(?=/|$)", re.IGNORECASE)
_HOST: Final = re.compile(r"[^/\s]*\.[^/\s]*|\[[^/\s]*\](?::\d+)?")


@lru_cache(4_096)
def canonical_name(name: str) -> str:
    """Return the one spelling under which all names of a project compare equal.

    Nobody but a comparison is to see it: a folder of Windows has `/` and a small drive letter, also
    where WSL mounts it; one of WSL as Windows sees it is the folder there. A word is itself.
    """
    if is_windows_path(name) or name.startswith("/"):
        return _canonical_folder(name)
    host, slash, path = name.partition("/")
    return network_name(host, path) if slash and _HOST.fullmatch(host) else name


def same_project(one: str | None, other: str | None) -> bool:
    """Return whether both are names of one project; None is none."""
    if one is None or other is None:
        return one == other
    return one == other or canonical_name(one) == canonical_name(other)


def names_of(project: str, known: Iterable[str | None]) -> tuple[str, ...]:
    """Return those of the known names that are names of the project, sorted."""
    return tuple(sorted(name for name in known if name is not None and same_project(name, project)))


def _canonical_folder(name: str) -> str:
    path = name.replace("\\", "/") if is_windows_path(name) else name
    path = _DRIVE.sub(lambda found: f"{found[1]}:", path, count=1) if _DRIVE.match(path) else path
    if found := _OF_WSL.match(path):
        path = path[found.end() :]
    if path[1:2] == ":":
        path = path[0].lower() + path[1:]
    return path.rstrip("/") or "/"
