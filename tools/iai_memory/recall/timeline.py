"""Memories in the order of time, each cut to a line or two."""

from __future__ import annotations

from typing import Final

from ..results import Timeline
from ..store.filter import Filter
from ..store.record_view import view_of
from ..store.table import Store
from ..text.excerpt import CUT_MARK
from ..text.tokens import cut_to_tokens
from .filter_arguments import in_hindsight
from .project_scope import in_project

MAX_LIMIT: Final = 500
_RECORD_TOKENS: Final = 200


def timeline(store: Store, where: Filter, limit: int) -> Timeline:
    """Return the newest memories that pass, newest first, as they were at the filter's `as_of`.

    Texts are cut to 200 estimated tokens.

    Raises:
        StoreFault: The store could not be read.
    """
    where = in_project(in_hindsight(where, store), store)
    records = [where.at_time(record) for record in store.latest.newest(where, limit)]
    return Timeline(
        records=[
            view_of(record, text=cut_to_tokens(record.text, _RECORD_TOKENS, CUT_MARK))
            for record in records
        ]
    )
