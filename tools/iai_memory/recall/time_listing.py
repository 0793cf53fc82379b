"""The sessions of a time, with their exchanges in order: the answer to a question about a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Final

from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import REWOUND, Record
from ..store.session_order import Exchange, SessionOrder
from .exchange_list import list_exchanges, shown_turns
from .exchanges import exchange_of, is_turn
from .query import Query
from .ranked import Ranked
from .time_question import TimeQuestion, time_question

_MAX_TURNS: Final = 2_000
_ROLES: Final = ("user", "assistant", "note")


@dataclass(frozen=True, slots=True)
class Listing:
    """The exchanges of a time, and the memories that stand by themselves.

    Attributes:
        hits: Session by session, each in its order; at most as many as the query wants.
        more: How many others are of that time.
        asked: The times; days of an open year are of the latest one that has turns.
    """

    hits: list[Ranked]
    more: int
    asked: TimeQuestion


def list_time(reader: TableReader, query: Query, asked: TimeQuestion) -> Listing:
    """Return the exchanges of the times that the question names, of what its filter admits.

    Sessions of the project that asks come first, then by time. Of more exchanges than the query
    wants, each session gives some, spread from its first to its last, and those in which the user
    said something before others.

    Raises:
        StoreFault: The store could not be read.
    """
    asked, where, found = _of_the_latest_year(reader, query, asked)
    sessions = _sessions(found, query)
    if asked.last_session:
        sessions = _newest_session(sessions, query)
    orders = reader.sessions({turn.session_id or "" for turn in found if is_turn(turn)})
    listed = [_exchanges(session, orders) for session in sessions]
    chosen = _chosen(listed, query.limit, end_only=asked.last_session)
    shown = [one for session in listed for one in session if one.record.id in chosen]
    total = sum(map(len, listed))
    if len(found) == _MAX_TURNS:
        total = max(total, list_exchanges(reader, where, 1)[1])
    return Listing(shown, total - len(shown), asked)


def _of_the_latest_year(
    reader: TableReader, query: Query, asked: TimeQuestion
) -> tuple[TimeQuestion, Filter, list[Record]]:
    """Return the times in the latest year that has turns of them, and these, newest first."""
    first: tuple[TimeQuestion, Filter, list[Record]] | None = None
    while True:
        where = _within(query.where, asked)
        found = [
            record
            for record in reader.newest(where, _MAX_TURNS)
            if asked.covers(record.created_at) and REWOUND not in record.tags
        ]
        first = first or (asked, where, found)
        if found:
            return asked, where, found
        earlier = asked.a_year_earlier()
        if earlier is None or not reader.newest(replace(where, since=None), 1):
            return first
        asked = earlier


def _within(where: Filter, asked: TimeQuestion) -> Filter:
    start, end = asked.start.astimezone(UTC), asked.end.astimezone(UTC)
    return replace(where, roles=_ROLES).within(start, end)


def _sessions(newest_first: Iterable[Record], query: Query) -> list[list[Record]]:
    """Return the records by session, each oldest first.

    Those without a session belong together by project and day.
    """
    own, names = query.own_project, query.names
    zone = query.asked_at.tzinfo
    sessions: dict[tuple[str, ...], list[Record]] = {}
    for record in newest_first:
        # The folder, and with it the project, may change within a session.
        project = names.canonical(record.project) or ""
        day = record.created_at.astimezone(zone).date().isoformat()
        key = (record.session_id,) if record.session_id else (project, day)
        sessions.setdefault(key, []).insert(0, record)
    return sorted(
        sessions.values(),
        key=lambda turns: (
            own is not None and not names.same(turns[0].project, own),
            turns[0].created_at,
        ),
    )


def _exchanges(turns: Iterable[Record], orders: Mapping[str, SessionOrder]) -> list[Ranked]:
    """Return the exchanges of the turns of a session, and what stands by itself, in their order."""
    groups: dict[tuple[bool, str], tuple[Exchange | None, list[Record]]] = {}
    for turn in turns:
        exchange = exchange_of(turn, orders)
        key = (False, turn.id) if exchange is None else (True, exchange.first)
        groups.setdefault(key, (exchange, []))[1].append(turn)
    return [_ranked(exchange, members) for exchange, members in groups.values()]


def _ranked(exchange: Exchange | None, members: Sequence[Record]) -> Ranked:
    ids = [one.id for one in members]
    answer = None if exchange is None or exchange.answer not in ids else ids.index(exchange.answer)
    lead, *others = (members[at] for at in shown_turns([one.role for one in members], answer))
    return Ranked(lead, 1.0, {"time": 1.0}, turns=tuple(others))


def _newest_session(sessions: Sequence[list[Record]], query: Query) -> list[list[Record]]:
    """Return the session that ended last; the own project's first, and never the one that asks.

    The session that asks is known by its last prompt: that asks for the last session too.
    """
    own = [one for one in sessions if query.names.same(one[0].project, query.own_project)]
    by_end = sorted(own or sessions, key=lambda turns: turns[-1].created_at, reverse=True)
    others = [one for one in by_end if not _asks(one, query)]
    return (others or by_end)[:1]


def _asks(turns: Sequence[Record], query: Query) -> bool:
    prompts = [one for one in turns if one.role == "user"]
    if not prompts:
        return False
    asked = time_question(prompts[-1].text[:500], query.asked_at)
    return asked is not None and asked.last_session


def _chosen(sessions: Sequence[Sequence[Ranked]], limit: int, *, end_only: bool) -> set[str]:
    """Return the ids of what to show: in turns one of each session, until there are enough."""
    queues = [_by_importance(session, limit, end_only=end_only) for session in sessions]
    chosen: set[str] = set()
    for place in range(limit):
        for queue in queues:
            if place < len(queue) and len(chosen) < limit:
                chosen.add(queue[place].record.id)
    return chosen


def _by_importance(session: Sequence[Ranked], limit: int, *, end_only: bool) -> list[Ranked]:
    if end_only:
        return list(reversed(session[-limit:]))
    asked = [one for one in session if one.record.role != "assistant"]
    answered = [one for one in session if one.record.role == "assistant"]
    return [*_spread(asked), *_spread(answered)][:limit]


def _spread(turns: Sequence[Ranked]) -> list[Ranked]:
    """Return the turns so that any first few are spread over all: ends first, then middles."""
    if len(turns) < 3:
        return list(turns)
    order, seen = [0, len(turns) - 1], {0, len(turns) - 1}
    parts = 2
    while len(order) < len(turns):
        for part in range(1, parts):
            at = part * (len(turns) - 1) // parts
            if at not in seen:
                order.append(at)
                seen.add(at)
        parts *= 2
        if parts > 4 * len(turns):
            order += [at for at in range(len(turns)) if at not in seen]
            break
    return [turns[at] for at in order]
