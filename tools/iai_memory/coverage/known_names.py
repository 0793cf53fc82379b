"""Filters that no memory meets, with the nearest names that memories have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

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


def unknown_names(reader: TableReader, where: Filter) -> list[UnknownName]:
    """Return the names in the filter that no memory has; those of forgotten ones count as none.

    Reads a column of every memory for each kind of name, so only for an answer without any.

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
        met = {name.casefold() for name in known} if kind == "tag" else known  # tags in any case
        missing = [
            value for value in values if (value.casefold() if kind == "tag" else value) not in met
        ]
        if kind == "origin" and len(missing) < len(values):
            continue  # one of several origins is enough
        found += [
            UnknownName(filter=kind, value=one[:_MAX_CHARS], nearest=_nearest(one, known, kind))
            for one in missing
        ]
    return found


def _nearest(name: str, known: Iterable[str], kind: FilterName) -> list[str]:
    """Return the most similar known names, the best first; of many sessions only similar ones."""
    similar_only = kind == "session" or len(name) > _MAX_CHARS
    near = nearest(name, known, at_least=_ALIKE if similar_only else 0.0)
    return [one[:_MAX_CHARS] for one in near]


def sentence(one: UnknownName) -> str:
    """Return what a user is told of it: "no memory has project 'alhpa'; there are alpha, beta"."""
    near = f"; there {'is' if len(one.nearest) == 1 else 'are'} {', '.join(one.nearest)}"
    return f"no memory has {one.filter} '{one.value}'{near if one.nearest else ''}"
