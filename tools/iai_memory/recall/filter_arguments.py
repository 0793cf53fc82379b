"""The plain arguments of a recall or a timeline as a `Filter`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from ..base.checks import check_tags, check_text
from ..base.clock import parse_time
from ..errors import InvalidInput
from ..projects.names import is_here
from ..store.filter import Filter
from ..store.names import stored_id, stored_place, stored_tags
from ..store.record import ORIGINS
from ..store.table import Store


def check_filter(
    *,
    project: str | None = None,
    own_project: str | None = None,
    session_id: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    as_of: str | datetime | None = None,
    tags: Sequence[str] | None = None,
    origins: Sequence[str] | None = None,
    include_superseded: bool = False,
    zone: tzinfo = UTC,
) -> Filter:
    """Return the filter that the arguments describe; "." as project is `own_project`.

    Dates, and times without a zone, are of `zone`.

    Raises:
        InvalidInput: One of them cannot be used.
    """
    if project is not None and is_here(project):
        if own_project is None:
            raise InvalidInput('project "." is not known here: send the project\'s name, or null')
        project = own_project
    for name, value in (("project", project), ("session_id", session_id)):
        if value is not None:
            check_text(value, name)
    start = None if since is None else parse_time(since, "since", zone=zone)
    end = None if until is None else parse_time(until, "until", end_of_day=True, zone=zone)
    if start is not None and end is not None and start > end:
        raise InvalidInput("since is after until: swap them")
    return Filter(
        # Asked for as it was told, a name is found as it was stored.
        project=stored_place(project) or project,
        session_id=stored_id(session_id) or session_id,
        since=start,
        until=end,
        as_of=None if as_of is None else parse_time(as_of, "as_of", end_of_day=True, zone=zone),
        tags=_check_tags(tags) if tags else (),
        origins=_check_origins(origins or ()),
        include_superseded=include_superseded,
    )


def in_hindsight(where: Filter, store: Store) -> Filter:
    """Return the filter, set to hindsight where its `as_of` is before the store's first memory.

    It also gets what settles times that lie ahead, where the store has such.

    Raises:
        StoreFault: The store could not be read.
    """
    if where.as_of is None:
        return where
    first = store.first_ingested_at()
    hindsight = first is not None and where.as_of < first
    return replace(where, hindsight=hindsight, times=store.settled_times())


def _check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    told = check_tags(tags, "tags")
    return tuple(tag for one in told for tag in stored_tags([one]) or (one,))


def _check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    listed = isinstance(origins, list | tuple)
    if not listed or not all(origin in ORIGINS for origin in origins):
        raise InvalidInput(f"origins is not a list of {', '.join(ORIGINS)}: send some of them")
    return tuple(dict.fromkeys(origins))
