"""The projects of a store, and the changes of their names: alias, move and undo.

A move is an alias in one direction: memories keep the names that they were stored with, and the new
name becomes the one that is shown. So it is one line of a file, can be undone whole at any time,
and loses nothing where it is killed; an export carries the line along. A rewrite of every memory
would have to be found again in each one's history, and could not tell afterwards which of two
joined projects a later memory belongs to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..base.checks import MAX_NAME_LENGTH, check_text
from ..base.ledger import Ledger
from ..errors import InvalidInput
from ..projects.alias_file import AliasChange, By
from ..projects.folders import is_windows_path
from ..projects.identity import project_of
from ..projects.names import canonical_name, is_here
from ..results import ProjectChanged, Projects, ProjectView
from ..store.names import stored_place
from ..store.statistics import TableStatistics, total_statistics
from ..store.table import Store
from ..text.nearest import nearest


class StoreProjects:
    """The projects of one store, as the user in one folder names them."""

    def __init__(
        self, store: Store, ledger: Ledger, own: str | None, changed: Callable[[], None]
    ) -> None:
        """Bind a store.

        Args:
            store: The store.
            ledger: Its events.
            own: The project of the user's folder; None without one.
            changed: Called after each change.
        """
        self._store = store
        self._ledger = ledger
        self._own = own
        self._changed = changed

    def all(self) -> Projects:
        """Return every project with its names, that with the newest memory first.

        Raises:
            StoreFault: The store or its aliases could not be read.
        """
        changes = self._store.aliases.changes()
        return Projects(
            projects=self._views(),
            undoable=[_told(one) for one in reversed(changes) if one.counts],
        )

    def alias(self, name: str, other: str) -> ProjectChanged:
        """Make `name` another name of the project `other`, which must have memories.

        Raises:
            InvalidInput: A name cannot be used, or the two are one project already.
            StoreFault: The aliases could not be read or written.
        """
        return self._link(self._named(name), self._known(other), "alias")

    def move(self, old: str, new: str) -> ProjectChanged:
        """Make the project `old`, which must have memories, the project `new`; see the module.

        Raises:
            InvalidInput: A name cannot be used, or the two are one project already.
            StoreFault: The aliases could not be read or written.
        """
        return self._link(self._known(old), self._named(new), "move")

    def undo(self, name: str | None = None) -> ProjectChanged:
        """Undo the last alias or move, or the last one of that name.

        Raises:
            InvalidInput: There is none.
            StoreFault: The aliases could not be read or written.
        """
        done = self._store.aliases.undo(None if name is None else self._named(name))
        self._note("project_undone", done)
        return self._after(done, done.alias)

    def _link(self, alias: str, name: str, by: By) -> ProjectChanged:
        done = self._store.aliases.link(alias, name, by)
        self._note("project_linked", done)
        return self._after(done, done.name)

    def _note(self, event: str, done: AliasChange) -> None:
        self._ledger.write(event, alias=done.alias, project=done.name, by=done.by)
        self._changed()

    def _after(self, done: AliasChange, shown: str) -> ProjectChanged:
        names = self._store.project_names
        found = [one for one in self._views() if names.same(one.name, shown)]
        return ProjectChanged(
            alias=done.alias,
            project=done.name,
            undone=not done.counts,
            memories=sum(one.memories for one in found),
        )

    def _statistics(self) -> dict[str, TableStatistics]:
        found = self._store.statistics_by_project(self._store.latest, self._store.stamp)
        return {name: one for name, one in found.items() if name is not None}

    def _views(self) -> list[ProjectView]:
        names, parts = self._store.project_names, self._statistics()
        told = [*parts, *(name for link in names.links for name in link)]
        groups: dict[str | None, list[str]] = {}
        for name in dict.fromkeys(told):
            groups.setdefault(names.canonical(name), []).append(name)
        views = [self._view(group, parts) for group in groups.values()]
        views.sort(key=lambda one: one.newest.timestamp() if one.newest else 0.0, reverse=True)
        return views

    def _view(self, group: list[str], parts: dict[str, TableStatistics]) -> ProjectView:
        names = self._store.project_names
        total = total_statistics([parts[name] for name in group if name in parts])
        shown = names.shown(group[0])
        return ProjectView(
            name=shown,
            names=sorted(set(group) - {shown}),
            memories=total.live,
            newest=total.max_created_at,
            here=names.same(self._own, shown),
        )

    def _known(self, told: str) -> str:
        """Return the name of a project with memories, forgotten ones too.

        Raises:
            InvalidInput: No memory is of it; the text names the nearest ones.
        """
        name, known = self._named(told), self._statistics()
        if self._store.project_names.names_of(name, known):
            return name
        near = nearest(name, {self._store.project_names.shown(one) for one in known})
        there = f": there {'is' if len(near) == 1 else 'are'} {', '.join(near)}" if near else ""
        raise InvalidInput(f"no memory is of the project {name}{there or ', and of no other one'}")

    def _named(self, told: str) -> str:
        """Return the project that the user names: by its name, ".", or a folder.

        A folder whose path is a project's name is that project, whatever stands there today.

        Raises:
            InvalidInput: It is no name, or "." without a folder.
        """
        check_text(told, "project")
        if is_here(told):
            if self._own is None:
                raise InvalidInput('"." is not known here: send the name of a project')
            return self._own
        name, names = stored_place(_spelled(told)), self._store.project_names
        if name is None:
            raise InvalidInput(f"a name has more than {MAX_NAME_LENGTH} characters: send a shorter")
        links = (one for link in names.links for one in link)
        met = names.names_of(name, [*self._statistics(), *links])
        if met:
            spelled = [one for one in met if canonical_name(one) == canonical_name(name)]
            return name if name in met else (spelled or met)[0]
        folder = _folder(told)
        return name if folder is None else stored_place(project_of(folder).name) or name


def _spelled(told: str) -> str:
    """Return a path as it is stored: absolute, without `~` and slashes at its end."""
    if is_windows_path(told) or (not told.startswith(("/", "~", "./", "../")) and told != ".."):
        return told
    return os.path.abspath(os.path.expanduser(told))  # noqa: PTH100, PTH111 - links stay


def _folder(told: str) -> str | None:
    """Return the folder that is meant; None for a word or a remote's name."""
    if is_windows_path(told):
        return told
    spelled = _spelled(told)
    if spelled.startswith("/"):
        return spelled
    return str(Path(spelled).absolute()) if Path(spelled).is_dir() else None


def _told(one: AliasChange) -> ProjectChanged:
    return ProjectChanged(alias=one.alias, project=one.name, by=one.by, at=one.at)
