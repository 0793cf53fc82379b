"""The arguments of a recall, and the query that they make once they are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import TypedDict

from ..base.checks import check_share, check_text, check_whole
from ..base.clock import utc_now
from ..base.defaults import BUDGET_TOKENS, LIMIT, MAX_LIMIT
from ..projects.names import ProjectNames
from ..store.filter import Filter
from .filter_arguments import check_filter

MIN_BUDGET_TOKENS = 50
MAX_BUDGET_TOKENS = 100_000


class RecallOptions(TypedDict, total=False):
    """The arguments of a recall other than its question; all are optional.

    Attributes:
        limit: Maximum number of hits, 1 to 50.
        project: "." is the own project, None every project with the own first on near ties.
        since: Said at or after this date or time.
        until: Said at or before it; a bare date includes its day.
        as_of: Answer from memories that were stored and true by then; for a time before the first
            memory arrived, from those that were said and true by then.
        tags: Only memories with all of these tags.
        origins: Only memories of these origins: hook, tool, import, cli.
        include_superseded: Also memories that are no longer true.
        budget_tokens: Estimated tokens of all hits' texts together.
        min_confidence: An answer that is less sure than this, 0..1, has no hits; 0 gives the
            nearest in any case. None is the minimum that was measured for the kind of memories.
    """

    limit: int
    project: str | None
    since: str | datetime | None
    until: str | datetime | None
    as_of: str | datetime | None
    tags: Sequence[str] | None
    origins: Sequence[str] | None
    include_superseded: bool
    budget_tokens: int
    min_confidence: float | None


@dataclass(frozen=True, slots=True)
class Query:
    """A checked recall.

    Attributes:
        text: The question.
        limit: Maximum number of hits, 1 to 50.
        budget_tokens: Estimated tokens of all hits' texts together.
        where: Which records may answer.
        own_project: The project that asks.
        names: Which names are names of one project.
        min_confidence: 0..1; an answer that is less sure is empty. None is the measured minimum.
        asked_at: When it is asked, in the user's zone; with `as_of` of the filter, that time.
        forms: Terms of other forms of its words, by their own terms; see `word_forms`.
        without_repeats: Whether memories that only repeat the question are left out. They have all
            of its words, so they come first and make what answers it unlikely.
    """

    text: str
    limit: int
    budget_tokens: int
    where: Filter
    own_project: str | None
    min_confidence: float | None = None
    names: ProjectNames = field(default_factory=ProjectNames)
    asked_at: datetime = field(default_factory=utc_now)
    forms: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    without_repeats: bool = False


def check_query(
    text: str, options: RecallOptions, own_project: str | None, zone: tzinfo = UTC
) -> Query:
    """Return the query that the arguments describe, asked now by a user in that zone.

    Raises:
        InvalidInput: An argument cannot be used.
        TypeError: There is no argument of that name.
    """
    if unknown := options.keys() - RecallOptions.__optional_keys__:
        raise TypeError(f"recall() got an unexpected keyword argument {min(unknown)!r}")
    budget = options.get("budget_tokens", BUDGET_TOKENS)
    where = check_filter(
        project=options.get("project"),
        own_project=own_project,
        since=options.get("since"),
        until=options.get("until"),
        as_of=options.get("as_of"),
        tags=options.get("tags"),
        origins=options.get("origins"),
        include_superseded=options.get("include_superseded", False),
        zone=zone,
    )
    return Query(
        text=check_text(text, "query"),
        limit=check_whole(options.get("limit", LIMIT), "limit", 1, MAX_LIMIT),
        budget_tokens=check_whole(budget, "budget_tokens", MIN_BUDGET_TOKENS, MAX_BUDGET_TOKENS),
        where=where,
        own_project=own_project,
        min_confidence=None
        if (least := options.get("min_confidence")) is None
        else check_share(least, "min_confidence"),
        asked_at=(where.as_of or utc_now()).astimezone(zone),
    )
