"""From wordings to facts: what was replaced gives way to what holds now.

A superseded wording still says what its fact is about. So it is searched like any other, and where
it matches, the memory that replaced it is what stands in the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from ..base.clock import utc_now
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import Record
from ..store.supersession_chain import predecessors, successors
from .scoring import Ranked, standing

_MAX_HOPS: Final = 32
_FACTS: Final = 10
"""Of so many best facts the whole chain is told when a question asks for what was before."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Which side of a replaced fact a query wants, and how near the rest of its chain stands.

    Attributes:
        old: What was replaced too, behind what replaced it.
        previous_first: The one before the present first, then the present.
        second: Taken off the score of the second of a chain.
        older: Taken off once more for each further one.
    """

    old: bool
    previous_first: bool = False
    second: float = 0.0
    older: float = 0.0


PRESENT: Final = Shown(old=False)
ALL: Final = Shown(old=True, second=0.001, older=0.001)
HISTORY: Final = Shown(old=True, second=0.02, older=0.1)
PREVIOUS: Final = Shown(old=True, previous_first=True, second=0.2, older=0.1)
"""Of 236 questions for what was before, the tuning halves of two longitudinal sets, .97 have it
among the first five with these steps and .88 where whole chains stand together: then there is room
for one fact only."""


def settled(
    ranked: Sequence[Ranked],
    reader: TableReader,
    where: Filter,
    shown: Shown,
    maintained: float,
    most: int,
) -> list[Ranked]:
    """The ranking with each chain of wordings as one fact, best first.

    Args:
        ranked: Everything that matched, superseded or not, best first.
        reader: Of the table.
        where: Which records may stand in the list; its time says what is replaced.
        shown: Which side of a replaced fact is wanted.
        maintained: Added to the score of a fact of which an earlier wording was found too.
        most: So many facts at most.

    Raises:
        StoreFault: The table could not be read.
    """
    replaced = [one.record for one in ranked if one.record.superseded_by is not None]
    facts = _united(ranked, successors(reader, replaced, where), maintained) if replaced else ranked
    if shown.old:
        return _with_old(facts, reader, where, shown)[:most]
    now = utc_now()
    return list(islice((one for one in facts if where.admits(one.record, now)), most))


def _united(
    ranked: Sequence[Ranked], chains: Mapping[str, Sequence[Record]], maintained: float
) -> list[Ranked]:
    """One fact for each chain of which anything is there, and the others as they are."""
    heads = {one.record.id: one.record for one in ranked if one.record.superseded_by is None}
    heads |= {chain[-1].id: chain[-1] for chain in chains.values() if chain}
    groups: dict[str, list[Ranked]] = {}
    for one in ranked:
        chain = chains.get(one.record.id)
        groups.setdefault(chain[-1].id if chain else one.record.id, []).append(one)
    facts = [_fact(heads[id_], group, maintained) for id_, group in groups.items() if id_ in heads]
    return sorted(facts, key=standing)


def _fact(head: Record, wordings: Sequence[Ranked], maintained: float) -> Ranked:
    """The present wording with the score of the wording that matched best."""
    best = min(wordings, key=standing)
    if len(wordings) == 1 and best.record.id == head.id:
        return best
    fact = (
        best
        if best.record.id == head.id
        else replace(best, record=head, span=None, worded=best.record.id)
    )
    return _plus(fact, "maintained", maintained)


def _with_old(
    facts: Sequence[Ranked], reader: TableReader, where: Filter, shown: Shown
) -> list[Ranked]:
    """Each of the best facts followed, or led, by what it replaced, newest first."""
    lineages = _lineages(reader, [fact.record for fact in facts[:_FACTS]], where)
    listed: list[Ranked] = []
    for fact in facts:
        line = [fact.record, *lineages.get(fact.record.id, ())]
        if shown.previous_first and len(line) > 1:
            line[0], line[1] = line[1], line[0]
        line = [record for record in line if where.admits(record)]
        for at, record in enumerate(line):
            less = shown.second + shown.older * (at - 1) if at else 0.0
            listed.append(_wording(fact, record, -less))
    return sorted(listed, key=standing)


def _wording(fact: Ranked, record: Record, less: float) -> Ranked:
    one = (
        fact
        if record.id == fact.record.id
        else replace(fact, record=record, span=None, worded=None)
    )
    return _plus(one, "place in its chain", less) if less else one


def _lineages(
    reader: TableReader, heads: Sequence[Record], where: Filter
) -> dict[str, list[Record]]:
    """For each head everything that it replaced, newest first; a query for each hop of all."""
    lines: dict[str, list[Record]] = {head.id: [] for head in heads}
    heirs: Mapping[str, str] = {head.id: head.id for head in heads}
    ends = list(heads)
    for _ in range(_MAX_HOPS):
        found = predecessors(reader, ends, where)
        heirs = {
            old.id: heirs[new] for new, olds in found.items() for old in olds if old.id not in lines
        }
        ends = [old for olds in found.values() for old in olds if old.id in heirs]
        if not ends:
            break
        for old in ends:
            lines[heirs[old.id]].append(old)
    return lines


def _plus(one: Ranked, name: str, value: float) -> Ranked:
    value = round(value, 3)
    return replace(one, score=round(one.score + value, 3), parts={**one.parts, name: value})
