"""A session by the beginning of its id, as memories are found by theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Final

from ..errors import InvalidInput
from ..store.filter import Filter
from ..store.reader import TableReader
from ..text.inert import neutralise
from ..text.tokens import cut_to_tokens

_LISTED: Final = 5
_FIRST_WORDS: Final = 12


def in_session(where: Filter, reader: TableReader, zone: tzinfo) -> Filter:
    """Return the filter with the whole id of the only session that its `session_id` begins.

    An id that a memory has, or that no session begins with, stays. Dates in the error are of
    `zone`.

    Raises:
        InvalidInput: Several sessions begin so; the sentence lists them.
        StoreFault: The store could not be read.
    """
    told = where.session_id
    if told is None or reader.count(Filter(session_id=told, include_superseded=True)):
        return where
    begin = told.casefold()
    named = sorted(name for name in reader.names("session_id") if name.casefold().startswith(begin))
    if len(named) > 1:
        raise InvalidInput(_ambiguous(told, named, reader, zone))
    return replace(where, session_id=named[0]) if named else where


def _ambiguous(told: str, names: Sequence[str], reader: TableReader, zone: tzinfo) -> str:
    listed = "; ".join(_described(name, reader, zone) for name in names[:_LISTED])
    more = f"; and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return (
        f"{len(names):,} sessions have ids that begin with {told[:40]}: send more of the id of one "
        f"of {listed}{more}"
    )


def _described(name: str, reader: TableReader, zone: tzinfo) -> str:
    """Return the id of a session with its last day and the words that it ended with."""
    newest = reader.newest(Filter(session_id=name, include_superseded=True), 1)
    if not newest:
        return name
    words = cut_to_tokens(neutralise(newest[0].text[:400]), _FIRST_WORDS, " …")
    return f"{name} ({newest[0].created_at.astimezone(zone).date()}: {words})"
