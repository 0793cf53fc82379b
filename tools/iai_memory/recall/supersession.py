"""Facts from wordings: the current wording of a fact is the hit for all that it replaced.

A superseded wording still says what its fact is about, so it is searched like any other. Where it
matches, the memory that replaced it is the hit. A query about the past gets the replaced wordings
too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import Record
from ..store.supersession_chain import predecessors, successors
from .intent import intent_of
from .query import Query
from .ranked import Ranked, sort_key

_MAX_HOPS: Final = 32
_FACTS_WITH_HISTORY: Final = 10
_FACTS_PER_HIT: Final = 3  # several of them may say the same, and become one hit


@dataclass(frozen=True, slots=True)
class HistoryMode:
    """The wordings of a fact that are hits, and the penalties of the replaced ones.

    Attributes:
        replaced: Whether replaced wordings are hits too.
        previous_first: The wording before the current one comes first, then the current one.
        second_penalty: Subtracted from the score of the second wording of a fact.
        further_penalty: Subtracted once more for each further wording.
    """

    replaced: bool
    previous_first: bool = False
    second_penalty: float = 0.0
    further_penalty: float = 0.0

    def penalty(self, place: int) -> float:
        """Return the penalty of a wording by its place among those of its fact, counted from 0."""
        return self.second_penalty + self.further_penalty * (place - 1) if place else 0.0


CURRENT: Final = HistoryMode(replaced=False)
ALL: Final = HistoryMode(replaced=True, second_penalty=0.001, further_penalty=0.001)
HISTORY: Final = HistoryMode(replaced=True, second_penalty=0.02, further_penalty=0.1)
PREVIOUS: Final = HistoryMode(
    replaced=True, previous_first=True, second_penalty=0.2, further_penalty=0.1
)
"""Of 236 questions for an earlier state, the tuning halves of two longitudinal sets, .97 have it
among the first five hits with these penalties, and .88 where the wordings of a fact follow each
other: then five hits have room for one fact only."""


def resolve_supersession(
    ranked: Sequence[Ranked], reader: TableReader, query: Query, bonus: float
) -> list[Ranked]:
    """Merge the wordings of each fact, and list those that the query wants, best first.

    Args:
        ranked: Everything that matched, superseded or not, best first.
        reader: Of the table.
        query: Its words decide which wordings it wants, its filter's time which ones are replaced.
        bonus: Added to the score of a fact of which an earlier wording was found too.

    Raises:
        StoreFault: The table could not be read.
    """
    mode, limit = history_mode(query), _FACTS_PER_HIT * query.limit
    where = replace(query.where, include_superseded=mode.replaced)
    replaced = [one.record for one in ranked if one.record.superseded_by is not None]
    facts = (
        _merge_wordings(ranked, successors(reader, replaced, where), bonus) if replaced else ranked
    )
    if mode.replaced:
        return _with_history(facts, reader, where, mode)[:limit]
    return list(islice((one for one in facts if where.admits(one.record)), limit))


def history_mode(query: Query) -> HistoryMode:
    """Return which wordings the query wants, by its words and its arguments."""
    intent = intent_of(query.text)
    if intent.past:
        return PREVIOUS
    if intent.maybe_past:
        return HISTORY
    return ALL if query.where.include_superseded else CURRENT


def _merge_wordings(
    ranked: Sequence[Ranked], chains: Mapping[str, Sequence[Record]], bonus: float
) -> list[Ranked]:
    """Return one fact for each chain with a wording that was found, and all other hits."""
    heads = {one.record.id: one.record for one in ranked if one.record.superseded_by is None}
    heads |= {chain[-1].id: chain[-1] for chain in chains.values() if chain}
    wordings: dict[str, list[Ranked]] = {}
    for one in ranked:
        chain = chains.get(one.record.id)
        wordings.setdefault(chain[-1].id if chain else one.record.id, []).append(one)
    facts = [
        _merge(heads[head_id], found, bonus)
        for head_id, found in wordings.items()
        if head_id in heads
    ]
    return sorted(facts, key=sort_key)


def _merge(head: Record, wordings: Sequence[Ranked], bonus: float) -> Ranked:
    """Return the current wording with the score of the best wording, and the bonus."""
    best = min(wordings, key=sort_key)
    if best.record.id != head.id:
        best = replace(best, record=head, span=None, matched_wording=best.record.id)
    elif len(wordings) == 1:
        return best
    return best.with_part("maintained", bonus)


def _with_history(
    facts: Sequence[Ranked], reader: TableReader, where: Filter, mode: HistoryMode
) -> list[Ranked]:
    """Return the facts; with each of the best, the wordings that it replaced, newest first."""
    best = [fact.record for fact in facts[:_FACTS_WITH_HISTORY]]
    replaced_by = _replaced_wordings(reader, best, where)
    listed: list[Ranked] = []
    for fact in facts:
        wordings = [fact.record, *replaced_by.get(fact.record.id, ())]
        if mode.previous_first and len(wordings) > 1:
            wordings[0], wordings[1] = wordings[1], wordings[0]
        admitted = [record for record in wordings if where.admits(record)]
        listed += [
            _wording(fact, record, mode.penalty(place)) for place, record in enumerate(admitted)
        ]
    return sorted(listed, key=sort_key)


def _wording(fact: Ranked, record: Record, penalty: float) -> Ranked:
    """Return the fact in the words of one of its records, with the penalty of its place."""
    if record.id != fact.record.id:
        fact = replace(fact, record=record, span=None, matched_wording=None)
    return fact.with_part("place in its chain", -penalty) if penalty else fact


def _replaced_wordings(
    reader: TableReader, heads: Sequence[Record], where: Filter
) -> dict[str, list[Record]]:
    """Return by id of each head all wordings that it replaced, newest first.

    All chains are followed together, one query a hop. A head is never listed under another one.
    """
    replaced: dict[str, list[Record]] = {head.id: [] for head in heads}
    head_of = {head.id: head.id for head in heads}
    ends = list(heads)
    for _ in range(_MAX_HOPS):
        found, ends = predecessors(reader, ends, where), list[Record]()
        for newer_id, older in found.items():
            wordings = [record for record in older if record.id not in replaced]
            head_of |= dict.fromkeys((one.id for one in wordings), head_of[newer_id])
            replaced[head_of[newer_id]] += wordings
            ends += wordings
        if not ends:
            break
    return replaced
