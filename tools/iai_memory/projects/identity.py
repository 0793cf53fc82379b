"""The project of a working folder, found by reading files only: no git process.

A project is, first match wins:

1. a git repository with a remote: the address of `origin`, else of the first remote in its
   config, normalised to `host/path`. Worktrees and clones of one remote are one project; a
   submodule is the project of its own remote;
2. a git repository without one: its top folder (for a linked worktree that of the main one);
3. the folder itself.

A path of Windows is the folder where WSL mounts it, whether there is one here or not; nothing of
another machine's share can be looked up. A relative path is of no project, since nobody says where
it starts.

`hooks/lib/project.sh` computes the same key from the same files in POSIX sh, since the hook
finds the page before any Python runs. A test holds the two together byte for byte: a rule that
changes here changes there.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..base.foreign_file import within
from ..errors import ForeignFileFault, InvalidInput
from .folders import (
    WHITESPACE,
    exists,
    first_line,
    is_windows_path,
    joined,
    one_leading_slash,
    posix_folder,
    resolved_folder,
)
from .git_config import remote_name, remote_url
from .key import project_key

# A surrogate that does not stand for a byte which is not UTF-8.
_HALF_A_CHARACTER: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_MAX_PATH: Final = 4_096
_SHARE: Final = "//"
IGNORE_FILE: Final = ".iai-mcp-ignore"


@dataclass(frozen=True)
class Project:
    """A project as records and cache files know it.

    Attributes:
        name: Identity that records store: `github.com/acme/weather-station`, or an absolute path
            without a trailing slash. Valid Unicode; never holds a credential.
        key: The name as a file name, see `project_key`.
        folder: Its top folder; that of the main working tree, or the working folder itself.
    """

    name: str
    key: str
    folder: str


def project_of(cwd: Path | str) -> Project:
    """Return the project of a working folder.

    Symbolic links are resolved. A folder that is gone belongs to the repository of its nearest
    remaining ancestor, else its own spelling is the project; the latter also where a mount does
    not answer.

    Raises:
        InvalidInput: The path is relative, holds a NUL character or half of another.
    """
    spelled = _absolute(cwd)
    try:
        name, top = within(spelled or "/", lambda: _name_and_top(_locate(spelled)))
    except ForeignFileFault:
        name = top = spelled
    return Project(_printable(name), project_key(name), _printable(top))


def ignored(cwd: Path | str) -> bool:
    """Return whether a `.iai-mcp-ignore` keeps memory out of this folder.

    The file counts in every folder from the working folder up to the project's root; without a
    repository, up to the root of the file system.

    Raises:
        InvalidInput: The path is relative, holds a NUL character or half of another.
        ForeignFileFault: The folder is on a mount that does not answer, so nobody can say.
    """
    spelled = _absolute(cwd)
    return within(spelled or "/", lambda: _locate(spelled).ignored)


def _absolute(cwd: Path | str) -> str:
    """Return the folder's spelling without slashes at its end; that of the root is ''."""
    spelled = os.fspath(cwd)
    if "\0" in spelled or _HALF_A_CHARACTER.search(spelled):
        raise InvalidInput(
            "a working folder cannot hold a NUL or half a character: pass the path of a folder"
        )
    if is_windows_path(spelled):
        folder = posix_folder(spelled)
        return folder if folder.startswith(_SHARE) else folder.rstrip("/")
    if not spelled.startswith("/"):
        raise InvalidInput(f"{spelled!r} is a relative folder: pass its whole path")
    return one_leading_slash(spelled.rstrip("/"))


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


def _locate(spelled: str) -> _Location:
    if spelled.startswith(_SHARE):
        return _Location(spelled, None, ignored=False)
    # Of a longer path no system enters even the parents, and a look at each would take minutes.
    folder = spelled if len(spelled) < _MAX_PATH else spelled[:_MAX_PATH].rpartition("/")[0]
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


def _name_and_top(location: _Location) -> tuple[str, str]:
    url = remote_url(location.config) if location.config else None
    top = location.top or "/"
    return (url and remote_name(url, location.top)) or top, top


def _is_bare(at: str) -> bool:
    return (
        Path(f"{at}/HEAD").is_file()
        and Path(f"{at}/objects").is_dir()
        and Path(f"{at}/refs").is_dir()
    )


def _printable(name: str) -> str:
    """Escape bytes that are not UTF-8, so that the name can be stored; the key keeps the bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
