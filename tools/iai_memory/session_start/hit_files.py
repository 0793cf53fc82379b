"""Hits of a recall that name a file of the asking project which is gone, or was changed much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from ..store.filter import EVERYTHING, Filter
from ..store.names import stored_place
from .named_files import NamedFiles, Telling

if TYPE_CHECKING:
    from ..projects.identity import Project
    from ..projects.names import ProjectNames
    from ..results import Hit
    from ..store.table import Store

_MAX_LOOKS: Final = 6
_NOBODYS: Final = Filter()
# Where they are not in memory, changes are found by a scan, which takes 35 ms of so many rows.
_MAX_SCANNED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks.

    Attributes:
        project: The project of the folder that is worked in.
        cwd: That folder; in another working tree than the project's own.
    """

    project: Project
    cwd: str


def with_named_files(hits: Sequence[Hit], store: Store, asking: Asking) -> list[Hit]:
    """Return the hits, those of the asking project with the files that they name.

    A memory of another project, or of none, is held against no file here.

    Raises:
        StoreFault: The store could not be read.
    """
    own = _own(asking, store.project_names, (hit.project for hit in hits))
    mine = [hit for hit in hits if hit.project in own.project_names]
    reader = store.latest
    if not mine or not (reader.is_in_memory or reader.count(EVERYTHING) <= _MAX_SCANNED):
        return list(hits)
    files = NamedFiles(reader, own, lambda: _folders(asking), _MAX_LOOKS)
    found = files.of([_telling(hit) for hit in mine])
    named = {hit.id: each for hit, each in zip(mine, found, strict=True) if each}
    return [
        hit.model_copy(update={"files": named[hit.id]}) if hit.id in named else hit for hit in hits
    ]


def _own(asking: Asking, names: ProjectNames, of_hits: Iterable[str | None]) -> Filter:
    """Return the filter of the asking project by every name that is known without a look."""
    project = stored_place(asking.project.name)
    if project is None:
        return _NOBODYS
    known = {*of_hits, *(name for link in names.links for name in link)}
    return Filter(project=project, same_project=names.names_of(project, known))


def _telling(hit: Hit) -> Telling:
    return Telling(
        [hit.text, *(turn.text for turn in hit.turns)], [hit.id, *(turn.id for turn in hit.turns)]
    )


def _folders(asking: Asking) -> tuple[str, ...]:
    top = asking.project.folder
    return (top,) if PurePath(asking.cwd).is_relative_to(top) else (top, asking.cwd)
