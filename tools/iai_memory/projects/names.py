r"""Which names are names of the same project: other spellings of it, and its aliases.

Records keep the name that they were stored with. An earlier version, another host or a person may
have spelled it otherwise: `GitHub.com/Acme/x`, `www.github.com/acme/x`, `C:\work`, `/mnt/c/work`.
A project that was moved or renamed has aliases, see `alias_file`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from .folders import is_windows_path, posix_folder
from .git_config import network_name, remote_name

_DRIVE: Final = re.compile(r"/mnt/([A-Z])(?=/|$)")
_ADDRESS: Final = re.compile(r"(?:ssh|git|git\+ssh|https?)://[^/]|[^/\s:@]+@[^/\s:]+:[^\\]", re.I)
_HOST: Final = re.compile(r"[^/\s]*\.[^/\s]*|\[[^/\s]*\](?::\d+)?")


def is_here(name: str) -> bool:
    """Return whether the name means the project of the present folder."""
    return name.strip().rstrip("/") == "."


@lru_cache(4_096)
def canonical_name(name: str) -> str:
    """Return the one spelling under which all names of a project compare equal.

    A folder of Windows is called as where WSL mounts it; one of WSL, as Windows sees it, as it is
    called there. A remote's address is its name. A word is itself, without blanks around it.
    """
    name = name.strip()
    if _ADDRESS.match(name):
        return remote_name(name, "")
    if is_windows_path(name) or name.startswith("/"):
        return _canonical_folder(name)
    host, slash, path = name.partition("/")
    return network_name(host, path) if slash and _HOST.fullmatch(host) else name


@dataclass(frozen=True, slots=True)
class ProjectNames:
    """The names of projects, by spelling and by aliases; made by `of_links`.

    Attributes:
        links: Each alias with the name that it stands for, as they were told, in order.
        roots: The canonical name of each alias with that of its project.
    """

    links: tuple[tuple[str, str], ...] = ()
    roots: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of_links(cls, links: Iterable[tuple[str, str]]) -> ProjectNames:
        """Return the names under aliases; a link that would close a circle is left out."""
        kept: list[tuple[str, str]] = []
        parents: dict[str, str] = {}
        for alias, name in links:
            start, end = canonical_name(alias), _root(canonical_name(name), parents)
            if start != end and start not in parents:
                parents[start] = end
                kept.append((alias, name))
        return cls(tuple(kept), {alias: _root(alias, parents) for alias in parents})

    def canonical(self, name: str | None) -> str | None:
        """Return the one name under which all names of a project compare equal; None is none."""
        if name is None:
            return None
        spelled = canonical_name(name)
        return self.roots.get(spelled, spelled)

    def same(self, one: str | None, other: str | None) -> bool:
        """Return whether both are names of one project; None is none."""
        return one == other or self.canonical(one) == self.canonical(other)

    def names_of(self, project: str, known: Iterable[str | None]) -> tuple[str, ...]:
        """Return those of the known names that are names of the project, sorted."""
        wanted = self.canonical(project)
        return tuple(
            sorted(name for name in known if name is not None and self.canonical(name) == wanted)
        )

    def shown(self, name: str) -> str:
        """Return the project's name as it was told: that of the last alias, else the name."""
        root = self.canonical(name)
        told = [name for _, name in self.links if canonical_name(name) == root]
        return told[-1] if told else name

    def asked_for(self, known: Iterable[str | None]) -> list[str]:
        """Return every name, known or not, under which a known project may be asked for, sorted."""
        names = {name for name in known if name is not None}
        roots = {self.canonical(name) for name in names}
        told = {name for link in self.links for name in link if self.canonical(name) in roots}
        return sorted({one for name in names | told for one in (name, canonical_name(name))})


def _root(name: str, parents: Mapping[str, str]) -> str:
    while name in parents:
        name = parents[name]
    return name


def _canonical_folder(name: str) -> str:
    path = posix_folder(name) if is_windows_path(name) else _plain_folder(name)
    drive = _DRIVE.match(path)
    return path if drive is None else f"/mnt/{drive[1].lower()}{path[drive.end() :]}"


def _plain_folder(name: str) -> str:
    return "/" + posixpath.normpath(name).strip("/")
