"""Memories that name a file which is gone, or which was changed much after them.

Files are known from the edits of the project's sessions: only what a host changed once is looked
for, so that a name in a text is no wish to look anywhere on the disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from ..store.changed_files import FileChange, changes_in
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import Record
from .changed_since import Since, states_of
from .last_session import folders_of
from .left_off_lines import shown_path
from .sections import Line

CHANGED_MUCH: Final = 3
"""So many later turns that changed a file make what was said of it doubtful."""

_MAX_TURNS: Final = 500
_MAX_LOOKS: Final = 12
_MAX_NAMES: Final = 8
_NAME: Final = re.compile(r"(?<![\w/.-])(?:[\w.-]+/)*[\w-][\w.-]*\.[A-Za-z]\w{0,7}(?![\w/])")
_HAS_FILES: Final = "changed_files IS NOT NULL"
_ALWAYS: Final = datetime.max.replace(tzinfo=UTC)
_GONE: Final = (Since.GONE, Since.DELETED)


@dataclass(slots=True)
class _Known:
    """A file that sessions changed.

    Attributes:
        last: The last change of it.
        times: When turns told of a change, newest first.
    """

    last: FileChange
    times: list[datetime] = field(default_factory=list[datetime])


@dataclass
class NamedFiles:
    """The files of one project, as its newest 500 turns with changes tell of them.

    Attributes:
        reader: Of the table.
        where: Of the project.
    """

    reader: TableReader
    where: Filter
    _looks: int = _MAX_LOOKS
    _states: dict[str, Since] = field(default_factory=dict[str, Since])

    def noted(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines; before the text of one that names such a file stands what became of it.

        Raises:
            StoreFault: The table could not be read.
        """
        for line in lines:
            note = self._note(line)
            yield replace(line, text=f"[{note}] {line.text}") if note else line

    def _note(self, line: Line) -> str:
        if not line.ids:
            return ""
        for found in list(_NAME.finditer(line.text))[:_MAX_NAMES]:
            path = self._path_of(found[0])
            if path is None:
                continue
            name = shown_path(path, self._folders)
            if self._state_of(path) in _GONE:
                return f"{name} is gone"
            later = sum(self._changes_after(path, one) for one in self.reader.get(line.ids[:1]))
            if later >= CHANGED_MUCH:
                return f"{name} was changed in {later} later turns"
        return ""

    def _path_of(self, name: str) -> str | None:
        """Return the only known file that a text means by this name."""
        same = self._by_name.get(name.rpartition("/")[2], [])
        fitting = [path for path in same if path == name or path.endswith(f"/{name}")]
        return fitting[0] if len(fitting) == 1 else None

    def _state_of(self, path: str) -> Since:
        if path not in self._states:
            folders = self._folders if self._looks > 0 else ()
            self._looks -= 1
            [state] = states_of([self._files[path].last], folders, _ALWAYS)
            self._states[path] = state.since
        return self._states[path]

    def _changes_after(self, path: str, record: Record) -> int:
        return sum(at > record.created_at for at in self._files[path].times)

    @cached_property
    def _turns(self) -> list[Record]:
        if "changed_files" not in self.reader.schema.names:
            return []  # a store of an earlier version that cannot be written
        return self.reader.newest(self.where, _MAX_TURNS, condition=_HAS_FILES)

    @cached_property
    def _files(self) -> dict[str, _Known]:
        files: dict[str, _Known] = {}
        for turn in self._turns:
            for change in changes_in(turn.changed_files):
                files.setdefault(change.path, _Known(change)).times.append(turn.created_at)
        return files

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for path in self._files:
            names.setdefault(path.rpartition("/")[2], []).append(path)
        return names

    @cached_property
    def _folders(self) -> tuple[str, ...]:
        return folders_of(self._turns[::-1])
