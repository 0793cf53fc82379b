"""The coverage of one answer: what was searched, and each reason why more may be out of sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..base.out_of_sight import MAKES_INCOMPLETE, TOLD_WITH_HITS, OutOfSight, told
from ..results import Coverage, Hidden, Searched, UnknownName, Unread
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import REWOUND
from ..store.table import Store
from .known_names import sentence, unknown_names
from .unread import Outside

_UNKNOWN: Final = {
    "project": OutOfSight.UNKNOWN_PROJECT,
    "tag": OutOfSight.UNKNOWN_TAG,
    "session": OutOfSight.UNKNOWN_SESSION,
    "origin": OutOfSight.UNKNOWN_ORIGIN,
}
_TOLD_OF_EMPTY: Final = 3
_CUT: Final = (OutOfSight.BEHIND_LIMIT, OutOfSight.BEHIND_BUDGET, OutOfSight.BELOW_CONFIDENCE)


@dataclass(frozen=True, slots=True)
class Answered:
    """What is known of an answer before its coverage is measured.

    Attributes:
        where: The memories that it was made from.
        is_empty: Whether it has nothing to show.
        project_is_known: Whether any memory has the project; else it is made from those of none.
        by_meaning: Whether vectors were searched.
        lacks_model: Whether there is no model that can be used, which is a reason of its own.
        wants_vectors: Whether vectors should have been searched: not by a list of memories.
        hidden: Counts of what the answer itself left out, by reason.
        remedies: Sentences in place of those of their reasons, for example of a damaged model.
        terms: Of the question; empty for a list of memories.
    """

    where: Filter
    is_empty: bool
    project_is_known: bool = True
    by_meaning: bool = False
    lacks_model: bool = False
    wants_vectors: bool = False
    hidden: Mapping[OutOfSight, int] = field(default_factory=dict[OutOfSight, int])
    remedies: Mapping[OutOfSight, str] = field(default_factory=dict[OutOfSight, str])
    terms: Sequence[str] = ()


def coverage_of(
    store: Store,
    outside: Outside,
    answered: Answered,
    *,
    no_capture: Callable[[], OutOfSight | None],
) -> Coverage:
    """Return the coverage of an answer.

    Counts two things under the filter, from memory where there is a snapshot. Only for an empty
    answer it asks why: a few more counts, and the known names where a filter met nothing.

    Args:
        store: The table.
        outside: What is not in the table.
        answered: The answer.
        no_capture: Says why hooks note nothing where the user works; None where they do.

    Raises:
        StoreFault: The store could not be read.
    """
    reader = store.latest
    tally = store.tally(_searched(answered))
    found = {**outside.counts, **answered.hidden}
    answered = replace(answered, remedies={**outside.remedies, **answered.remedies})
    pending = tally.pending if answered.wants_vectors else 0
    if pending and not answered.lacks_model:
        found[OutOfSight.PENDING_VECTOR] = pending
    is_met = tally.rows and answered.project_is_known
    unknown = [] if is_met else unknown_names(reader, answered.where, store.project_names)
    for one in unknown:
        found[_UNKNOWN[one.filter]] = 1
    if answered.is_empty:
        found |= _why_empty(reader, answered, tally.rows)
        if off := no_capture():
            found[off] = 1
    by_words = answered.wants_vectors and OutOfSight.DAMAGED_WORDS not in found
    return Coverage(
        complete=not any(reason in MAKES_INCOMPLETE for reason in found),
        searched=Searched(
            memories=tally.rows,
            by_words=tally.rows if by_words else 0,
            by_meaning=tally.rows - pending if answered.by_meaning else 0,
        ),
        pending=pending,
        unread=Unread(
            events=found.get(OutOfSight.UNREAD_EVENT, 0),
            transcripts=found.get(OutOfSight.UNREAD_TRANSCRIPT, 0),
        ),
        unknown=unknown,
        cut=sum(found.get(reason, 0) for reason in _CUT),
        hidden=[Hidden(reason=reason, count=count) for reason, count in found.items()],
        note=_note(found, unknown, answered),
    )


def _searched(answered: Answered) -> Filter:
    """Return what was looked at: a search looks at superseded memories too, for newer ones."""
    where = answered.where
    return replace(where, include_superseded=True) if answered.wants_vectors else where


def _why_empty(reader: TableReader, answered: Answered, rows: int) -> dict[OutOfSight, int]:
    """Return what the filter and the user's wishes keep out of an empty answer, with counts.

    Of what was forgotten or superseded, only what has the words of the question.
    """
    where, everything = answered.where, replace(answered.where, include_superseded=True)
    found = {OutOfSight.FORGOTTEN: reader.count_forgotten_where(everything, answered.terms)}
    if answered.terms and not where.include_superseded:
        found[OutOfSight.SUPERSEDED] = reader.count_superseded(everything, answered.terms)
    elif not where.include_superseded:
        current = reader.tally(replace(where, include_superseded=False)).rows
        found[OutOfSight.SUPERSEDED] = reader.tally(everything).rows - current
    if not answered.wants_vectors:
        rewound = replace(everything, tags=(*everything.tags, REWOUND))
        found[OutOfSight.REWOUND] = reader.tally(rewound).rows
    for reason, wider in _wider(everything):
        found[reason] = reader.tally(wider).rows - reader.tally(everything).rows
    if not any(found.values()) and not rows and not reader.tally(Filter()).rows:
        found[OutOfSight.NOTHING_STORED] = 1
    return {reason: count for reason, count in found.items() if count > 0}


def _wider(where: Filter) -> list[tuple[OutOfSight, Filter]]:
    """Return for each condition that narrows the filter the same filter without it."""
    both = [
        (OutOfSight.OTHER_PROJECT, replace(where, project=None)),
        (OutOfSight.OTHER_SESSION, replace(where, session_id=None)),
        (OutOfSight.OTHER_TIME, replace(where, since=None, until=None)),
        (OutOfSight.LATER_THAN_AS_OF, replace(where, as_of=None)),
        (OutOfSight.OTHER_TAG, replace(where, tags=())),
        (OutOfSight.OTHER_ORIGIN, replace(where, origins=())),
    ]
    return [(reason, wider) for reason, wider in both if wider != where]


def _note(
    found: Mapping[OutOfSight, int], unknown: list[UnknownName], answered: Answered
) -> str | None:
    """Return the one line: what an answer with hits must say too; of an empty one also the rest."""
    has_more = not answered.is_empty
    lines = [
        answered.remedies.get(_UNKNOWN[one.filter]) or sentence(one, has_more=has_more)
        for one in unknown
    ]
    named = _UNKNOWN.values()
    urgent = [reason for reason in found if reason in TOLD_WITH_HITS]
    lines += [_told(reason, found, answered) for reason in urgent if reason not in named]
    if answered.is_empty and not unknown:
        rest = [reason for reason in found if reason not in TOLD_WITH_HITS]
        lines += [_told(reason, found, answered) for reason in rest[:_TOLD_OF_EMPTY]]
    return "; ".join(lines) or None


def _told(reason: OutOfSight, found: Mapping[OutOfSight, int], answered: Answered) -> str:
    return answered.remedies.get(reason) or told(reason, found[reason])
