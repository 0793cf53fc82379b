"""What the project of a folder was called before: joined where it is certain, else offered.

Certain is one case: the folder's memories were kept under its path, it has a remote now, and all
that was said there under the remote came later. No other sign is certain, because two clients'
projects may share it: a folder that is used again, a repository of the same name elsewhere.
"""

from __future__ import annotations

import logging
import re
import shlex
from datetime import datetime
from pathlib import Path
from typing import Final

from ..base.foreign_file import within
from ..errors import ForeignFileFault, InvalidInput, StoreFault
from ..projects.alias_file import AliasChange
from ..projects.identity import Project
from ..projects.names import canonical_name
from ..store.names import stored_place
from ..store.statistics import StatisticsByProject
from ..store.table import Store

_log = logging.getLogger(__name__)
_OF_A_HOST: Final = re.compile(r"[^/]*\.[^/]*/(.+)")
_SAME_FOLDER, _OTHER_HOST, _SAME_NAME, _GONE_BESIDE = 4, 3, 2, 1


def join_folder(store: Store, project: Project) -> AliasChange | None:
    """Join what the folder's memories were kept under before it had a remote; return the change.

    None where there is nothing to join, where it is not certain, or was undone before. Costs a few
    comparisons, unless the store knows the folder's path as a project.

    Raises:
        StoreFault: The store could not be read.
    """
    folder, name = stored_place(project.folder), stored_place(project.name)
    names = store.project_names
    if folder is None or name is None or names.same(folder, name):
        return None
    same = [
        one for one in store.projects() if one and canonical_name(one) == canonical_name(folder)
    ]
    if not same:
        return None
    parts = _parts(store)
    before = [parts[one].max_created_at for one in same if one in parts]
    ended = max((at for at in before if at is not None), default=None)
    if ended is None or canonical_name(folder) in names.roots:
        return None
    for other, (first, _) in _spans_in(store, folder).items():
        is_later = names.same(other, name) and first >= ended
        if not (is_later or names.same(other, folder)):
            return None
    try:
        if any(_is_of(one, folder) and one.by == "folder" for one in store.aliases.changes()):
            return None
        return store.aliases.link(folder, name, "folder")
    except InvalidInput:
        return None  # another process was faster
    except StoreFault as exc:
        _log.warning("the memories of %s were not joined: %s", folder, exc)
        return None


def offer(store: Store, project: Project) -> str | None:
    """Return a sentence that names the project that this one, without memories, may have been.

    Raises:
        StoreFault: The store could not be read.
    """
    names, own = store.project_names, stored_place(project.name)
    if own is None or names.names_of(own, store.projects()):
        return None
    parts = _parts(store)
    folder = stored_place(project.folder) or own
    here = set(_spans_in(store, folder))
    ranked = [
        (score, one.max_created_at, name)
        for name, one in parts.items()
        if name is not None and one.live and one.max_created_at is not None
        if (score := _likeness(name, own, folder, here))
    ]
    if not ranked:
        return None
    shown = names.shown(max(ranked)[2])
    return (
        f"nothing yet for this project; {shown} looks like it: run `iai-mcp project move "
        f"{shlex.quote(shown)} .`"
    )


def _is_of(change: AliasChange, folder: str) -> bool:
    return canonical_name(change.alias) == canonical_name(folder)


def _parts(store: Store) -> StatisticsByProject:
    return store.statistics_by_project(store.latest, store.stamp)


def _spans_in(store: Store, folder: str) -> dict[str, tuple[datetime, datetime]]:
    return store.latest.spans_in(folder)


def _likeness(name: str, own: str, folder: str, here: set[str]) -> int:
    """Return how sure it is that a project with memories is the own one; 0 is not at all."""
    if name in here or canonical_name(name) == canonical_name(folder):
        return _SAME_FOLDER
    theirs, mine = (_OF_A_HOST.fullmatch(canonical_name(one)) for one in (name, own))
    if theirs and mine and theirs[1].casefold() == mine[1].casefold():
        return _OTHER_HOST
    ends = {_last(own), _last(folder)}
    if _last(name) in ends and not _is_elsewhere(name):
        return _SAME_NAME
    if _parent(name) == _parent(folder) and not _is_elsewhere(name):
        return _GONE_BESIDE
    return 0


def _last(name: str) -> str:
    return canonical_name(name).rpartition("/")[2].casefold()


def _parent(name: str) -> str:
    """Return the folder that a folder is in; of a name that is none, itself."""
    return canonical_name(name).rpartition("/")[0] if name.startswith("/") else name


def _is_elsewhere(name: str) -> bool:
    """Return whether a project is a folder that is still there: nobody moved it."""
    if not name.startswith("/"):
        return False
    try:
        return within(name, Path(name).is_dir)
    except ForeignFileFault:
        return False
