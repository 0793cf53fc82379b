"""Exchanges as hits: repeats are folded, and a hit comes with the other turns of its exchange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..projects.names import ProjectNames
from ..store.candidate import Candidate
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import REWOUND, Record
from ..store.session_order import Exchange
from .candidates import CandidateSet
from .exchanges import exchange_of, is_turn
from .ranked import Ranked

_MIN_REPEATED_WORDS: Final = 6  # "yes, do that" is said again, and means something else


def merge_repeats(
    ranked: Sequence[Ranked], found: CandidateSet, names: ProjectNames
) -> list[Ranked]:
    """Keep the best of the exchanges in which the user and the turn that matched say the same.

    A prompt that is sent again, or a copied session, is one hit, with the ids of the others.

    Args:
        ranked: One turn of each exchange, best first.
        found: Their candidates, with the user's turns of the best exchanges.
        names: Of projects.
    """
    if not found.has_exchanges:
        return list(ranked)
    text_of = {one.record.id: one.record.text for one in found.candidates}
    kept: dict[tuple[str | None, str], Ranked] = {}
    for one in ranked:
        exchange = exchange_of(one.record, found.sessions)
        key = (
            names.canonical(one.record.project),
            _repeated(one.record, exchange, text_of) or one.record.id,
        )
        first = kept.setdefault(key, placed := replace(one, exchange=exchange))
        if first is not placed:
            kept[key] = replace(first, copies=(*first.copies, one.record.id))
    return list(kept.values())


def _repeated(record: Record, found: Exchange | None, text_of: Mapping[str, str]) -> str | None:
    """Return the words of the user and of the turn that matched; None where the user's are few."""
    if found is None or not all(id_ in text_of for id_ in found.user):
        return None
    said = "\n".join(text_of[id_].strip() for id_ in found.user)
    if len(said.split()) < _MIN_REPEATED_WORDS:
        return None
    return f"{said}\n{record.text.strip()}"


def with_exchanges(
    hits: Sequence[Ranked], known: Iterable[Candidate], reader: TableReader, where: Filter
) -> list[Ranked]:
    """Give each hit that is a host's turn the other turns of its exchange, in their order.

    Args:
        hits: What is shown.
        known: Candidates that need not be read again.
        reader: Of the table.
        where: Other turns that it does not admit are not shown.

    Raises:
        StoreFault: The table could not be read.
    """
    missing = {
        one.record.session_id or "" for one in hits if one.exchange is None and is_turn(one.record)
    }
    sessions = reader.sessions(missing) if missing else {}
    placed = [
        one if one.exchange else replace(one, exchange=exchange_of(one.record, sessions))
        for one in hits
    ]
    wanted = {id_ for one in placed if one.exchange for id_ in one.exchange.ids}
    found = {one.record.id: one for one in known if one.record.id in wanted}
    if unread := wanted.difference(found):
        found |= reader.candidates(unread)
    return [replace(one, turns=_others(one, found, where)) for one in placed]


def _others(one: Ranked, found: Mapping[str, Candidate], where: Filter) -> tuple[Record, ...]:
    ids = () if one.exchange is None else one.exchange.ids
    records = [found[id_].record for id_ in ids if id_ != one.record.id and id_ in found]
    return tuple(
        record for record in records if REWOUND not in record.tags and where.admits(record)
    )
