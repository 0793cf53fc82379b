"""The exchanges of a filter in time, with the memories that stand by themselves, newest first.

Which turns belong together is decided on whole sessions; of each exchange only what the filter
admits is listed. Facts, and turns that were taken back or superseded, stand alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..store.arrow import pc
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import REWOUND, Record
from ..text.tokens import fits
from .exchanges import is_turn

_USER: Final = "user"
_ASSISTANT: Final = "assistant"
_SHORT_TOKENS: Final = 8
_SHORT_CHARACTERS: Final = 200
_MAX_USER_TURNS: Final = 4  # shown of those in a row: the first, and the last ones
_MAX_PAGE_ROWS: Final = 1_500
_ORDER: Final = ("session_id", "created_at", "id")
_COLUMNS: Final = (*_ORDER, "host", "role", "project", "superseded_by", "tombstoned_at", "tags")

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Listed:
    """An exchange, or a memory that stands by itself.

    Attributes:
        turns: The user's turns and the answer, in their order; of a memory itself alone.
        between: How many other turns it has.
        before: The answer of the exchange before, to which a short turn of the user says something.
        is_open: Whether it is of the user alone, and the last one of its session.
    """

    turns: tuple[Record, ...]
    between: int = 0
    before: Record | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of what is listed as one."""

    turns: tuple[int, ...]
    between: int
    before: tuple[int, ...] = ()
    is_open: bool = False


def list_exchanges(
    reader: TableReader,
    where: Filter,
    limit: int,
    *,
    within_project: bool = False,
    outline: Callable[[Filter, int | None], pa.Table] | None = None,
) -> tuple[list[Listed], int]:
    """Return the newest exchanges and single memories, newest first, and how many there are.

    An exchange is of the time of its first turn.

    Args:
        reader: Of the table.
        where: Which memories.
        limit: Maximum number of entries.
        within_project: Nothing of another project decides which turns belong together, and what
            was taken back is left out: a page must not change with what is not on it. Of the
            newest 1,500 records.
        outline: What is asked instead of `TableReader.outline`.

    Raises:
        StoreFault: The table could not be read.
    """
    whole = replace(where, roles=(), include_superseded=True, include_tombstoned=True)
    if not within_project:
        whole = replace(whole, project=None, same_project=(), or_no_project=False)
    # Only its history says what a record was at a time.
    past = None if where.as_of is None else _records_then(reader, whole)
    most = _MAX_PAGE_ROWS if within_project else None
    outlined = outline or reader.outline
    rows = outlined(whole, most) if past is None else _outline(past.values())
    rows = rows.sort_by([(name, "ascending") for name in _ORDER])
    admitted = _admitted(rows, where)
    if within_project:
        admitted &= ~_tagged(rows["tags"], REWOUND)
    groups = _newest_first(rows, admitted, limit)
    wanted = [row for group in groups.chosen for row in (*group.turns, *group.before)]
    taken = rows.take(pa.array(wanted, pa.int64()))
    found = past or reader.in_outline(taken)
    listed = (found.get(id_) for id_ in taken["id"].to_pylist())
    # One may have been forgotten since the outline was read.
    record_of = {
        row: one for row, one in zip(wanted, listed, strict=True) if one and _is_live(one, where)
    }
    shown = (_listed(group, record_of) for group in groups.chosen)
    return [one for one in shown if one.turns], groups.total


def list_turns(reader: TableReader, where: Filter, limit: int) -> tuple[list[Listed], int]:
    """Return the newest memories, each by itself, newest first, and how many there are.

    Raises:
        StoreFault: The table could not be read.
    """
    if where.as_of is None:
        found, total = reader.newest(where, limit), reader.count(where)
    else:
        found = list(_records_then(reader, where).values())
        total = len(found)
    return [Listed((record,)) for record in found[:limit]], total


def _listed(group: _Group, record_of: Mapping[int, Record]) -> Listed:
    turns = tuple(record_of[row] for row in group.turns if row in record_of)
    before = [record_of[row] for row in group.before if row in record_of and is_short(turns)]
    is_open = group.is_open and all(map(is_turn, turns))
    return Listed(turns, group.between, before[0] if before else None, is_open)


def is_short(turns: Iterable[Record]) -> bool:
    """Return whether what the user says in an exchange is so short that it needs what it answers.

    "yes, do that", "great, commit", "no, remove this again".
    """
    said = " ".join(turn.text[:_SHORT_CHARACTERS] for turn in turns if turn.role == _USER)
    return bool(said) and fits(said, _SHORT_TOKENS)


def _records_then(reader: TableReader, where: Filter) -> dict[str, Record]:
    """Return the records as they were at the filter's `as_of` by id, newest first."""
    return {one.id: where.at_time(one) for one in reader.newest(where, sys.maxsize)}


def _is_live(record: Record, where: Filter) -> bool:
    return where.as_of is not None or where.admits(record)


def _outline(records: Iterable[Record]) -> pa.Table:
    """Return records as `TableReader.outline` does, without row ids."""
    rows = list(records)
    types = {name: pa.string() for name in _COLUMNS}
    times = pa.timestamp("us", "UTC")
    types |= {"created_at": times, "tombstoned_at": times, "tags": pa.list_(pa.string())}
    columns = {name: [getattr(one, name) for one in rows] for name in _COLUMNS}
    return pa.table({name: pa.array(columns[name], types[name]) for name in _COLUMNS})


def _admitted(rows: pa.Table, where: Filter) -> NDArray[np.bool_]:
    """Return which rows are of the project and the roles of the filter, bool, (n,)."""
    admitted = ~_flags(pc.is_valid(rows["tombstoned_at"]))
    if where.project is not None:
        mine = pc.is_in(rows["project"], value_set=pa.array(where.project_names, pa.string()))
        nobodys = pc.is_null(rows["project"])
        admitted &= _flags(pc.or_(mine, nobodys) if where.or_no_project else mine)
    if where.roles:
        admitted &= _flags(pc.is_in(rows["role"], value_set=pa.array(where.roles, pa.string())))
    if not where.include_superseded and where.as_of is None:
        admitted &= ~_flags(pc.is_valid(rows["superseded_by"]))
    return admitted


@dataclass(frozen=True, slots=True)
class _Groups:
    """The newest groups, and how many there are in all."""

    chosen: list[_Group]
    total: int


def _newest_first(rows: pa.Table, admitted: NDArray[np.bool_], limit: int) -> _Groups:
    """Return the newest groups of the admitted rows.

    Args:
        rows: In the order of `_ORDER`.
        admitted: bool, (n,).
        limit: Maximum number of groups.
    """
    said = _flags(pc.equal(rows["role"], _USER))
    shown = np.flatnonzero(admitted)
    rewound = _tagged(rows["tags"], REWOUND)
    is_live = pc.is_null(rows["tombstoned_at"])
    alone = rewound | _flags(pc.and_(pc.is_valid(rows["superseded_by"]), is_live))
    exchange, own = _numbers(rows, said)
    answers = _answers(rows, exchange, ~rewound)
    number = np.where(alone, own, exchange)[shown]
    by_group = np.argsort(number, kind="stable")
    shown, number = shown[by_group], number[by_group]
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    ends = np.append(begins[1:], len(shown))
    # What came before the first turn of the user is of the time of its last turn, the answer.
    leads = np.where(said[shown[begins]], shown[begins], shown[ends - 1]) if len(shown) else begins
    times = rows["created_at"].cast(pa.int64()).to_numpy()[leads]
    ids, roles, sessions = (rows[name] for name in ("id", "role", "session_id"))
    newest = sorted(
        _largest(times, limit),
        key=lambda at: (times[at], ids[int(leads[at])].as_py()),
        reverse=True,
    )

    def members(at: int) -> list[tuple[int, str]]:
        return [(int(row), roles[int(row)].as_py()) for row in shown[begins[at] : ends[at]]]

    def answer(at: int) -> int | None:
        """Return the row of its answer; None where it is not admitted, or is not there."""
        row = answers.get(int(number[begins[at]]))
        return None if row is None or alone[row] or not admitted[row] else row

    def before(at: int) -> int | None:
        """Return the answer of the exchange right before it in its session."""
        here, there = number[begins[[at, at - 1]]]
        first, earlier = shown[begins[[at, at - 1]]].tolist()
        is_next = at > 0 and here == there + 1 and here <= len(rows)
        return answer(at - 1) if is_next and sessions[first] == sessions[earlier] else None

    def is_open(at: int) -> bool:
        """Return whether it waits for an answer: the last one of its session, without any."""
        if int(number[begins[at]]) in answers:
            return False
        first, later = shown[begins[[at, (at + 1) % len(begins)]]].tolist()
        return at + 1 == len(begins) or sessions[first] != sessions[later]

    chosen = [
        _group(members(at), answer(at), before(at), is_open=is_open(at)) for at in newest[:limit]
    ]
    return _Groups(chosen, len(begins))


def _numbers(rows: pa.Table, said: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Return the number of each row's exchange, and one of its own, each (n,).

    What is no turn of a session has its own number twice.
    """
    in_session = _flags(pc.and_(pc.is_valid(rows["host"]), pc.is_valid(rows["session_id"])))
    turns = np.flatnonzero(in_session & ~_flags(pc.equal(rows["role"], "note")))
    session = rows["session_id"].combine_chunks().dictionary_encode().indices
    session = pc.fill_null(session, -1).to_numpy(zero_copy_only=False)[turns]
    after_other = np.append(True, ~said[turns][:-1])[: len(turns)]
    begins = (np.diff(session, prepend=-1) != 0) | (said[turns] & after_other)
    own = len(rows) + 1 + np.arange(len(rows))
    number = own.copy()
    number[turns] = np.cumsum(begins)
    return number, own


def _answers(rows: pa.Table, exchange: Rows, counts: NDArray[np.bool_]) -> dict[int, int]:
    """Return the row of the last answer in each exchange, by the exchange's number.

    A forgotten or superseded one counts: what was said on the way to it is no answer.
    """
    answers = np.flatnonzero(counts & _flags(pc.equal(rows["role"], _ASSISTANT)))
    return dict(zip(exchange[answers].tolist(), answers.tolist(), strict=True))


def _tagged(tags: pa.ChunkedArray, tag: str) -> NDArray[np.bool_]:
    """Return which rows have the tag, bool, (n,)."""
    lists = tags.combine_chunks()
    having = np.zeros(len(lists), np.bool_)
    tagged = pc.equal(pc.list_flatten(lists), tag)
    having[pc.list_parent_indices(lists).filter(tagged).to_numpy()] = True
    return having


def _largest(times: NDArray[np.int64], limit: int) -> Iterable[int]:
    """Return the places of the `limit` latest times, and of those as late as the last one."""
    if len(times) <= limit:
        return range(len(times))
    bound = np.partition(times, len(times) - limit)[len(times) - limit]
    return [int(at) for at in np.flatnonzero(times >= bound)]


def _group(
    members: Sequence[tuple[int, str]], answer: int | None, before: int | None, *, is_open: bool
) -> _Group:
    """Return what is shown of an exchange.

    Args:
        members: Its rows with their roles, in their order.
        answer: The row of its answer.
        before: That of the answer of the exchange before it.
        is_open: Whether it waits for an answer.
    """
    roles = [role for _, role in members]
    rows = [row for row, _ in members]
    place = rows.index(answer) if answer in rows else None
    shown = [rows[at] for at in shown_turns(roles, place)]
    return _Group(
        tuple(shown),
        len(members) - len(shown),
        () if before is None else (before,),
        is_open=is_open and set(roles) == {_USER},
    )


def shown_turns(roles: Sequence[str], answer: int | None) -> list[int]:
    """Return the places of the turns of an exchange that are shown.

    The user's turns, of many in a row the first and the last ones, and the answer; where neither is
    there, the last turn.

    Args:
        roles: Who said each turn.
        answer: The place of the answer; None where it is not among the turns.
    """
    user = [at for at, role in enumerate(roles) if role == _USER]
    if len(user) > _MAX_USER_TURNS:
        user = [user[0], *user[1 - _MAX_USER_TURNS :]]
    return [*user, *([] if answer is None else [answer])] or [len(roles) - 1]


def _flags(values: Any) -> NDArray[np.bool_]:
    """Return a column of booleans, bool, (n,); null is false."""
    flags: NDArray[np.bool_] = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return flags
