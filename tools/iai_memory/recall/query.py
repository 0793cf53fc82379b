"""What is asked of a recall, checked before anything is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..base.checks import check_tags, check_text
from ..base.clock import parse_time
from ..base.defaults import LEAST_CONFIDENCE
from ..errors import InvalidInput
from ..store.filter import Filter
from ..store.record import ORIGINS


@dataclass(frozen=True, slots=True)
class Query:
    """A checked recall.

    Attributes:
        text: The question.
        limit: Hits at most, 1 to 50.
        budget_tokens: Estimated tokens of all hits' texts together.
        where: Which records may answer.
        own_project: The project that asks.
        least_confidence: 0..1; an answer that is less sure is empty.
    """

    text: str
    limit: int
    budget_tokens: int
    where: Filter
    own_project: str | None
    least_confidence: float = LEAST_CONFIDENCE


def check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """The origins, each once.

    Raises:
        InvalidInput: Not a list of hook, tool, import and cli.
    """
    listed = isinstance(origins, list | tuple)
    if not listed or not all(origin in ORIGINS for origin in origins):
        raise InvalidInput(f"origins is not a list of {', '.join(ORIGINS)}: send some of them")
    return tuple(dict.fromkeys(origins))


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
    birth: datetime | None = None,
) -> Filter:
    """The filter that plain arguments describe; "." as project is the asking one.

    `birth` is the store's; an `as_of` before it is answered in hindsight.

    Raises:
        InvalidInput: One of them cannot be used.
    """
    if project == ".":
        if own_project is None:
            raise InvalidInput('project "." is not known here: send the project\'s name, or null')
        project = own_project
    for name, value in (("project", project), ("session_id", session_id)):
        if value is not None:
            check_text(value, name)
    start = None if since is None else parse_time(since, "since")
    end = None if until is None else parse_time(until, "until", end_of_day=True)
    if start is not None and end is not None and start > end:
        raise InvalidInput("since is after until: swap them")
    moment = None if as_of is None else parse_time(as_of, "as_of", end_of_day=True)
    return Filter(
        project=project,
        session_id=session_id,
        since=start,
        until=end,
        as_of=moment,
        hindsight=moment is not None and birth is not None and moment < birth,
        tags=check_tags(tags, "tags") if tags else (),
        origins=check_origins(origins or ()),
        include_superseded=include_superseded,
    )
