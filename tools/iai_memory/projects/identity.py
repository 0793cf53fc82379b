"""The project of a working folder, found by reading files only: no git process.

A project is, first match wins:

1. a git repository with a remote: the address of `origin`, else of the first remote in its
   config, normalised to `host/path`. Worktrees and clones of one remote are one project; a
   submodule is the project of its own remote;
2. a git repository without one: its top folder (for a linked worktree that of the main one);
3. the folder itself.

`hooks/lib/project.sh` computes the same key from the same files in POSIX sh, since the hook
finds the page before any Python runs. A test holds the two together byte for byte: a rule that
changes here changes there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import InvalidInput
from .folders import WHITESPACE, exists, first_line, joined, one_leading_slash, resolved_folder
from .git_config import remote_name, remote_url
from .key import project_key

IGNORE_FILE: Final = ".iai-mcp-ignore"


@dataclass(frozen=True)
class Project:
    """A project as records and cache files know it.

    Attributes:
        name: Identity that records store: `github.com/acme/weather-station`, or an absolute path
            without a trailing slash. Valid Unicode; never holds a credential.
        key: The name as a file name, see `project_key`.
    """

    name: str
    key: str


def project_of(cwd: Path | str) -> Project:
    """Return the project of a working folder.

    Symbolic links are resolved. A folder that is gone belongs to the repository of its nearest
    remaining ancestor, else its own spelling is the project.

    Raises:
        InvalidInput: The path holds a NUL character.
    """
    name = _name_of(_locate(cwd))
    return Project(_printable(name), project_key(name))


def ignored(cwd: Path | str) -> bool:
    """Return whether a `.iai-mcp-ignore` keeps memory out of this folder.

    The file counts in every folder from the working folder up to the project's root; without a
    repository, up to the root of the file system.

    Raises:
        InvalidInput: The path holds a NUL character.
    """
    return _locate(cwd).ignored


@dataclass(frozen=True)
class _Location:
    """The repository around a working folder; paths have no trailing slash, so the root is ''.

    Attributes:
        top: Its top folder; without a repository the working folder.
        config: Its git configuration; None without a repository.
        ignored: Whether memory is kept out.
    """

    top: str
    config: str | None
    ignored: bool


def _locate(cwd: Path | str) -> _Location:
    spelled = os.fspath(cwd)
    if "\0" in spelled:
        raise InvalidInput(
            "a working folder cannot hold a NUL character: pass the path of a folder"
        )
    if not spelled.startswith("/"):
        spelled = f"{Path.cwd()}/{spelled}"
    spelled = one_leading_slash(spelled.rstrip("/"))

    folder = spelled
    while (here := resolved_folder(folder)) is None:
        folder = folder.rpartition("/")[0]
    skip = False
    at = here
    while True:
        skip = skip or exists(f"{at}/{IGNORE_FILE}")
        if exists(f"{at}/.git"):
            top, config = _work_tree(at)
            return _Location(top, config, skip)
        if _is_bare(at):
            return _Location(at.removesuffix("/.git"), f"{at}/config", skip)
        if not at:
            return _Location(here if folder == spelled else spelled, None, skip)
        at = at.rpartition("/")[0]


def _work_tree(at: str) -> tuple[str, str | None]:
    """Return the top folder of the main working tree and the path of the repository's config."""
    marker = Path(f"{at}/.git")
    if marker.is_dir():
        return at, f"{at}/.git/config"
    line = first_line(marker)
    if not line.startswith("gitdir:"):
        return at, None
    git_dir = joined(at, line.removeprefix("gitdir:").lstrip(WHITESPACE))
    common_file = Path(f"{git_dir}/commondir")
    if not common_file.is_file():
        return at, f"{git_dir}/config"
    common = resolved_folder(joined(git_dir, first_line(common_file)))
    if common is None:
        return at, None
    return common.removesuffix("/.git"), f"{common}/config"


def _name_of(location: _Location) -> str:
    url = remote_url(location.config) if location.config else None
    return (url and remote_name(url, location.top)) or location.top or "/"


def _is_bare(at: str) -> bool:
    return (
        Path(f"{at}/HEAD").is_file()
        and Path(f"{at}/objects").is_dir()
        and Path(f"{at}/refs").is_dir()
    )


def _printable(name: str) -> str:
    """Escape bytes that are not UTF-8, so that the name can be stored; the key keeps the bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
