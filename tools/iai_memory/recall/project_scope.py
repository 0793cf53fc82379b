"""The scope of a filter by project: all its names; for an unknown one what is of no project."""

from __future__ import annotations

from dataclasses import replace

from ..store.filter import Filter
from ..store.table import Store


def in_project(where: Filter, store: Store) -> Filter:
    """Return the filter with every name that records of its project have.

    A project without memories gets what belongs to no project, as its page does. A filter that has
    its scope stays as it is.

    Raises:
        StoreFault: The store could not be read.
    """
    if where.project is None or where.same_project or where.or_no_project:
        return where
    names = store.project_names.names_of(where.project, store.projects())
    return replace(where, same_project=names, or_no_project=not names)
