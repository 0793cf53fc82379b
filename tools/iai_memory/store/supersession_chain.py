"""Chains of supersession: the successors and the predecessors of a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .filter import Filter
from .reader import TableReader
from .record import Record

MAX_HOPS: Final = 256
"""A longer chain is followed up to there. Each hop is one query for ids that are not known yet."""


def successors(
    reader: TableReader, records: Sequence[Record], where: Filter | None = None
) -> dict[str, list[Record]]:
    """Return by id the records that replaced each record, nearest first; the last is current.

    Forgotten ones are left out, and the chain goes on behind them; so it is empty for a record
    that nothing replaced, or only forgotten ones. One query for each hop of the longest chain.

    Args:
        reader: Of the table.
        records: As `Filter.at_time` returns them.
        where: Its `as_of` says which time's chains are meant; None is now.

    Raises:
        StoreFault: The table could not be read.
    """
    at_time = (where or Filter()).at_time
    known = {record.id: record for record in records}
    ends: Sequence[Record] = records
    for _ in range(MAX_HOPS):
        missing = [id_ for id_ in _links(ends) if id_ not in known]
        if not missing:
            break
        # As candidates, because those are cached, and the next question mostly needs them again.
        ends = [at_time(one.record) for one in reader.candidates(missing).values()]
        known.update({record.id: record for record in ends})
    return {record.id: _after(known, record) for record in records}


def predecessors(
    reader: TableReader, records: Sequence[Record], where: Filter | None = None
) -> dict[str, list[Record]]:
    """Return by id the live records that each directly replaced, newest first; one query for all.

    A link that was undone after `as_of` is not found.

    Args:
        reader: Of the table.
        records: The records that replaced others.
        where: Its `as_of` says which time's chains are meant; None is now.

    Raises:
        StoreFault: The table could not be read.
    """
    at_time = (where or Filter()).at_time
    replaced: dict[str, list[Record]] = {record.id: [] for record in records}
    for found in reader.replaced_by(replaced):
        record = at_time(found)
        if record.superseded_by in replaced and record.is_live():
            replaced[record.superseded_by].append(record)
    for chain in replaced.values():
        chain.sort(key=lambda one: (one.valid_from, one.id), reverse=True)
    return replaced


def _links(records: Sequence[Record]) -> list[str]:
    """Return the ids of the records that replaced these, each once."""
    return list(dict.fromkeys(one.superseded_by for one in records if one.superseded_by))


def _after(known: Mapping[str, Record], record: Record) -> list[Record]:
    """Return the live ones among the known successors; a damaged chain that is a circle ends."""
    chain, passed, id_ = list[Record](), {record.id}, record.superseded_by
    while id_ is not None and id_ in known and id_ not in passed:
        passed.add(id_)
        chain.append(known[id_])
        id_ = known[id_].superseded_by
    return [one for one in chain if one.is_live()]
