"""Memories that name a file which is gone, or which was changed much after them.

Files are known from the edits of the project's sessions: only what a host changed once is looked
for, so that a name in a text is no wish to look anywhere on the disk. Whoever asks waits for the
answer, so there are few looks, in a bounded time, and no file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from ..results import NamedFile
from ..store.changed_files import DatedChange, name_of
from .changed_since import gone_of, shown_path

if TYPE_CHECKING:
    from ..store.filter import Filter
    from ..store.reader import TableReader
    from .sections import Line

CHANGED_MUCH: Final = 3
"""So many later turns that changed a file make what was said of it doubtful."""

MAX_NAMED_LOOKS: Final = 12
"""Files that a page looks for."""

_MAX_NAMES: Final = 8
_MAX_CHARS: Final = 20_000
_MAX_FILES: Final = 3
# The note stands between a role and a colon, where at most 90 characters are known as ours: echo.
_PATH_CHARS: Final = 45
_NAME: Final = re.compile(r"(?<![\w/.-])/?(?:[\w.-]+/)*[\w-][\w.-]*\.[A-Za-z]\w{0,7}(?![\w/])")
_LEAD_END: Final = ": "


@dataclass(frozen=True, slots=True)
class Telling:
    """A memory as it is shown.

    Attributes:
        texts: What is shown of it.
        ids: Of its records; what was changed by the last of them is no later change.
    """

    texts: Sequence[str]
    ids: Sequence[str]


@dataclass
class NamedFiles:
    """The files of one project that its memories name.

    Attributes:
        reader: Of the table.
        where: The project's turns.
        worked_in: Returns the project's folders; a file of none of them is not looked for.
        looks: How many files are looked for.
    """

    reader: TableReader
    where: Filter
    worked_in: Callable[[], Sequence[str]]
    looks: int
    _gone: dict[str, bool] = field(default_factory=dict[str, bool])
    _known: dict[str, Sequence[DatedChange]] = field(
        default_factory=dict[str, "Sequence[DatedChange]"]
    )

    def noted(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines; one that names such a file says in its lead what became of it.

        Raises:
            StoreFault: The table could not be read.
        """
        for line in lines:
            [files] = self.of([Telling([line.text], line.ids)]) if line.ids else [[]]
            yield replace(line, lead=noted_lead(line.lead, files)) if files else line

    def of(self, told: Sequence[Telling]) -> list[list[NamedFile]]:
        """Return for each memory the files that it names and that are gone or were changed much.

        At most three of each.

        Raises:
            StoreFault: The table could not be read.
        """
        named = [self._changes_in(one.texts) for one in told]
        self._look([changes[0].change.path for each in named for changes in each])
        return [
            [file for changes in each if (file := self._became(changes, one.ids))][:_MAX_FILES]
            for one, each in zip(told, named, strict=True)
        ]

    def _changes_in(self, texts: Iterable[str]) -> list[Sequence[DatedChange]]:
        """Return the changes of each known file that texts name, newest first."""
        found: dict[str, Sequence[DatedChange]] = {}
        for name in islice((name for text in texts for name in _names_in(text)), _MAX_NAMES):
            if changes := self._changes_of(name):
                found[changes[0].change.path] = changes
        return list(found.values())

    def _changes_of(self, name: str) -> Sequence[DatedChange]:
        """Return the changes of the only file that a text means by this name."""
        if name not in self._known:
            end = "/" + name.removeprefix("./").lstrip("/")
            dated = [one for one in self._by_name(name_of(name)) if _path(one).endswith(end)]
            if len({one.change.path for one in dated}) > 1:
                dated = [one for one in dated if self._is_inside(one.change.path)]
            is_one = len({one.change.path for one in dated}) == 1
            self._known[name] = dated if is_one else ()
        return self._known[name]

    def _look(self, paths: Iterable[str]) -> None:
        """Look once for those of the files that were not looked for yet."""
        wanted = [path for path in dict.fromkeys(paths) if path not in self._gone][: self.looks]
        if wanted:
            self.looks -= len(wanted)
            gone = gone_of(wanted, self._folders)
            self._gone.update((path, path in gone) for path in wanted)

    def _became(self, changes: Sequence[DatedChange], ids: Sequence[str]) -> NamedFile | None:
        path = changes[0].change.path
        later = 0
        if not (is_gone := self._gone.get(path, False)):
            found = self.reader.candidates(ids).values()
            said_at = max((one.record.created_at for one in found), default=None)
            later = 0 if said_at is None else sum(one.at > said_at for one in changes)
        if not is_gone and later < CHANGED_MUCH:
            return None
        shown = shown_path(path, self._folders, most=_PATH_CHARS)
        return NamedFile(path=shown, gone=is_gone, later_turns=later)

    def _is_inside(self, path: str) -> bool:
        return any(PurePath(path).is_relative_to(one) for one in self._folders)

    @cached_property
    def _by_name(self) -> Callable[[str], Sequence[DatedChange]]:
        return self.reader.changes_by_name(self.where)

    @cached_property
    def _folders(self) -> Sequence[str]:
        return self.worked_in()


def noted_lead(lead: str, notes: Sequence[NamedFile]) -> str:
    """Return what stands before a text, with a note on the first file behind who said it."""
    return f"{lead.removesuffix(_LEAD_END)} ({notes[0].note}){_LEAD_END}" if notes else lead


def _names_in(text: str) -> Iterator[str]:
    return islice((found[0] for found in _NAME.finditer(text[:_MAX_CHARS])), _MAX_NAMES)


def _path(one: DatedChange) -> str:
    return one.change.path.replace("\\", "/")
