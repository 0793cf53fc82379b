"""Filters that no memory meets, with the nearest names that memories have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from ..projects.names import ProjectNames
from ..results import UnknownName
from ..store.filter import Filter
from ..store.reader import TableReader
from ..text.nearest import nearest

FilterName = Literal["project", "tag", "session", "origin"]

_ALIKE: Final = 0.6
_MAX_CHARS: Final = 200
_COLUMNS: Final[dict[FilterName, str]] = {
    "project": "project",
    "tag": "tags",
    "session": "session_id",
    "origin": "origin",
}


def unknown_names(reader: TableReader, where: Filter, projects: ProjectNames) -> list[UnknownName]:
    """Return the names in the filter that no memory has; those of forgotten ones count as none.

    Reads a column of every memory for each kind of name, so only for an answer without any.

    Args:
        reader: Of the table.
        where: The filter.
        projects: Which names are names of one project: another spelling is known, and an alias.

    Raises:
        StoreFault: The store could not be read.
    """
    asked: list[tuple[FilterName, tuple[str, ...]]] = [
        ("project", (where.project,) if where.project else ()),
        ("tag", where.tags),
        ("session", (where.session_id,) if where.session_id else ()),
        ("origin", where.origins),
    ]
    found: list[UnknownName] = []
    for kind, values in asked:
        known = reader.names(_COLUMNS[kind]) if values else set[str]()
        missing = [value for value in values if not _is_known(value, known, kind, projects)]
        if kind == "origin" and len(missing) < len(values):
            continue  # one of several origins is enough
        shown = {projects.shown(name) for name in known} if kind == "project" else known
        found += [
            UnknownName(filter=kind, value=one[:_MAX_CHARS], nearest=_nearest(one, shown, kind))
            for one in missing
        ]
    return found


def _is_known(name: str, known: set[str], kind: FilterName, projects: ProjectNames) -> bool:
    if kind == "project":
        return bool(projects.names_of(name, known))
    if kind == "tag":  # in any case
        return name.casefold() in {one.casefold() for one in known}
    return name in known


def _nearest(name: str, known: Iterable[str], kind: FilterName) -> list[str]:
    """Return the most similar known names, the best first; of many sessions only similar ones."""
    similar_only = kind == "session" or len(name) > _MAX_CHARS
    near = nearest(name, known, at_least=_ALIKE if similar_only else 0.0)
    return [one[:_MAX_CHARS] for one in near]


def sentence(one: UnknownName, *, has_more: bool) -> str:
    """Return what a user is told of it: "no memory has tag 'alhpa'; there are alpha, beta".

    Args:
        one: The name.
        has_more: Whether something is shown all the same: of an unknown project, what is of none.
    """
    near = f"; there {'is' if len(one.nearest) == 1 else 'are'} {', '.join(one.nearest)}"
    known = near if one.nearest else ""
    if one.filter == "project":
        shown = "; what is shown belongs to no project" if has_more else ""
        return f"nothing yet for this project: no memory has '{one.value}'{known}{shown}"
    return f"no memory has {one.filter} '{one.value}'{known}"
