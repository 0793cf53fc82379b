"""The aliases of a store's projects: the file `projects.json`, which is a log of their changes.

Each change says that one name is another name of a project, and by what: `move`, `alias`, `folder`
(a folder got a remote) or `import`. A change that was undone stays in the log and counts no more.
No memory is touched, so an undone change leaves nothing behind. The file is replaced in one step,
under a lock of the store and the mark of the pages; readers take the bytes that are there.

A file that cannot be used is not overwritten: its aliases do not count until somebody mends it, and
whoever asks for them is told.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from ..base.clock import iso, utc_now
from ..base.files import sync_folder
from ..base.locks import held
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..base.state_file import read_state, write_state
from ..errors import InvalidInput, StoreUnavailable
from .names import ProjectNames, canonical_name

By = Literal["move", "alias", "folder", "import"]

_FORMAT: Final = 1
_WAIT_SEC: Final = 5.0
_MAX_UNDONE: Final = 1_000
_BY: Final[dict[str, By]] = {
    "move": "move",
    "alias": "alias",
    "folder": "folder",
    "import": "import",
}


@dataclass(frozen=True, slots=True)
class AliasChange:
    """One change of a store's aliases.

    Attributes:
        at: When it was made, ISO.
        by: What made it.
        alias: The name that became another name of the project.
        name: The project.
        undone: When it was undone, ISO; None while it counts.
    """

    at: str
    by: By
    alias: str
    name: str
    undone: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it was not undone."""
        return self.undone is None


class AliasFile:
    """The aliases of one store; safe for any number of threads and processes."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the file; nothing is read."""
        self._paths = paths
        self._read: tuple[tuple[int, ...], ProjectNames, bool] | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._paths.projects

    def names(self) -> ProjectNames:
        """Return the names under the aliases that count now; one `stat` where nothing changed."""
        return self._looked()[1]

    def fault(self) -> str | None:
        """Return why the aliases cannot be read, with what to do; None where they can.

        Costs what `names` does.
        """
        return None if self._looked()[2] else self._unusable()

    def _looked(self) -> tuple[tuple[int, ...], ProjectNames, bool]:
        """Return the file's stamp, its names, and whether it can be read."""
        stamp = self._stamp()
        kept = self._read
        if kept is None or kept[0] != stamp:
            changes = self._changes()
            kept = (stamp, _names(changes or ()), changes is not None)
            self._read = kept
        return kept

    def changes(self) -> tuple[AliasChange, ...]:
        """Return every change, oldest first, the undone ones too.

        Raises:
            StoreUnavailable: The file cannot be used.
        """
        found = self._changes()
        if found is None:
            raise StoreUnavailable(self._unusable())
        return found

    def link(self, alias: str, name: str, by: By) -> AliasChange:
        """Make the alias, with all its own aliases, another name of the project; return the change.

        Raises:
            InvalidInput: They are one project already, or `by` is "alias" and the name is taken.
            StoreFault: The file cannot be used or written.
        """

        def linked(changes: tuple[AliasChange, ...]) -> tuple[AliasChange, AliasChange]:
            names = _names(changes)
            _require_two(names, alias, name)
            if by == "alias" and canonical_name(alias) in names.roots:
                raise InvalidInput(
                    f"{alias} is a name of {names.shown(alias)}: undo that first with `iai-mcp "
                    f"project undo {shlex.quote(alias)}`"
                )
            made = AliasChange(iso(utc_now()), by, names.shown(alias), names.shown(name))
            return made, made

        return self._changed(linked)

    def undo(self, name: str | None = None) -> AliasChange:
        """Undo the last change that counts, or the last one of that name; return it as it is now.

        Raises:
            InvalidInput: There is none.
            StoreFault: The file cannot be used or written.
        """
        wanted = None if name is None else canonical_name(name)

        def undone(changes: tuple[AliasChange, ...]) -> tuple[AliasChange, AliasChange]:
            for one in reversed(changes):
                ends = {canonical_name(one.alias), canonical_name(one.name)}
                if one.counts and (wanted is None or wanted in ends):
                    return one, replace(one, undone=iso(utc_now()))
            raise InvalidInput(
                f"no alias or move{'' if name is None else f' of {name}'} is there to undo: see "
                f"`iai-mcp project list`"
            )

        return self._changed(undone)

    def _changed(
        self,
        change: Callable[[tuple[AliasChange, ...]], tuple[AliasChange, AliasChange]],
    ) -> AliasChange:
        """Put what `change` returns second into the place of the first, or at the end; write it."""
        with held(self._paths.lock("projects"), timeout=_WAIT_SEC):
            before = self.changes()
            old, new = change(before)
            after = [new if one is old else one for one in before]
            if old is new:
                after.append(new)
            with page_change(self._paths, urgent=True):
                self._write(after)
        return new

    def _write(self, changes: list[AliasChange]) -> None:
        undone = sum(not one.counts for one in changes)
        for one in [one for one in changes if not one.counts][: max(0, undone - _MAX_UNDONE)]:
            changes.remove(one)
        try:
            write_state(self.path, _FORMAT, {"changes": [asdict(one) for one in changes]})
            sync_folder(self.path.parent)
        except OSError as exc:
            raise StoreUnavailable(
                f"{self.path} cannot be written ({exc.strerror}), and nothing was changed: mend "
                f"that, and try again"
            ) from exc

    def _changes(self) -> tuple[AliasChange, ...] | None:
        """Return the changes; None where the file cannot be used."""
        fields = read_state(self.path, _FORMAT)
        if fields is None:
            return () if self._stamp() == () else None
        listed = fields.get("changes")
        if not isinstance(listed, list):
            return None
        changes = [_change(one) for one in listed]
        return None if None in changes else tuple(one for one in changes if one is not None)

    def _stamp(self) -> tuple[int, ...]:
        """Return what changes whenever the file does; () without one."""
        try:
            found = self.path.lstat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode

    def _unusable(self) -> str:
        return (
            f"{self.path} is damaged or no file of yours, so aliases of projects do not count: "
            f"mend it, or move it away"
        )


def _require_two(names: ProjectNames, alias: str, name: str) -> None:
    if canonical_name(alias) == canonical_name(name):
        raise InvalidInput(f"{alias} and {name} are the same name: send two")
    if names.same(alias, name):
        raise InvalidInput(
            f"{alias} and {name} are names of one project already: see `iai-mcp project list`"
        )


def _names(changes: tuple[AliasChange, ...] | tuple[()]) -> ProjectNames:
    return ProjectNames.of_links((one.alias, one.name) for one in changes if one.counts)


def _change(fields: Any) -> AliasChange | None:
    """Return a change as it was written; None for what is none."""
    if not isinstance(fields, Mapping):
        return None
    told: Mapping[str, Any] = fields
    values = [told.get(name) for name in ("at", "by", "alias", "name")]
    undone = told.get("undone")
    texts = [one for one in values if isinstance(one, str) and one]
    if len(texts) < len(values) or not (undone is None or isinstance(undone, str)):
        return None
    at, by, alias, name = texts
    return AliasChange(at, _BY[by], alias, name, undone) if by in _BY else None
