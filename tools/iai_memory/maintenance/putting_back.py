"""The table that a repair or a restore replaced, back in its place.

What was acknowledged since lies in the other table alone, which is kept: it is counted, and what
was forgotten since is forgotten in this one, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from ..base.clock import parse_time
from ..base.ledger import Ledger
from ..base.paths import StorePaths
from ..errors import InvalidInput, StoreFault
from ..store.exchange import kept_tables, replaced_at, undo_replacement
from ..store.salvage import Salvage
from ..store.table import Store
from ..writing import changes

_MAX_EVENTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class PutBack:
    """A table that is back in its place.

    Attributes:
        name: Under which it lay.
        kept: Where the table is that was there until now; None where there was none.
        only_there: Number of memories that only that one has, or that cannot be read in this one.
        forgotten: Number of those that were forgotten since, and are so in this one, too.
        still_shown: Ids of such that may be live, for the table is too damaged to be written.
        superseded: Ids of those that were superseded since, and hold again.
    """

    name: str
    kept: Path | None
    only_there: int
    forgotten: int
    still_shown: tuple[str, ...]
    superseded: tuple[str, ...]


def put_back(paths: StorePaths, open_store: Callable[[], Store]) -> PutBack:
    """Put the table back that was replaced last.

    Args:
        paths: The store's.
        open_store: Opens the table that is in place.

    Raises:
        InvalidInput: None was.
        StoreFault: The store cannot be written.
    """
    tables, ledger = kept_tables(paths), Ledger(paths)
    if not tables:
        raise InvalidInput(f"neither a repair nor a restore kept a table in {paths.root}")
    present = _ids(paths, open_store)
    hidden, ended = _hidden_since(ledger, replaced_at(tables[0]))
    kept = undo_replacement(paths, tables[0])
    only_there = present - _ids(paths, open_store)
    forgotten, still_shown = list[str](), tuple[str, ...]()
    superseded = tuple(ended)
    try:
        back = open_store()
        live = [one.id for one in back.latest.get(hidden) if one.is_live()]
        found = back.latest.get(ended)
        superseded = tuple(one.id for one in found if one.is_live() and one.is_current())
        forgotten = changes.forget(back, live).forgotten if live else []
    except StoreFault:
        still_shown = tuple(hidden)  # the ledger has them: a repair hides them
    if forgotten:
        ledger.write("forgotten", ids=forgotten, reason="before the former table was put back")
    return PutBack(tables[0].name, kept, len(only_there), len(forgotten), still_shown, superseded)


def _ids(paths: StorePaths, open_store: Callable[[], Store]) -> set[str]:
    """Return the ids of the table in place; of a damaged one those that can be read."""
    try:
        return set(open_store().latest.ids())
    except StoreFault:
        return {row.record.id for row in Salvage(paths).rows()}


def _hidden_since(ledger: Ledger, when: datetime) -> tuple[list[str], list[str]]:
    """Return the ids of what was forgotten, and of what was superseded, and is so still."""
    hidden, ended = dict[str, None](), dict[str, None]()
    for event in reversed(ledger.newest(_MAX_EVENTS)):
        try:
            if parse_time(str(event.get("at")), "at") < when:
                continue
        except InvalidInput:
            continue  # somebody else wrote it
        ids = [str(id_) for id_ in event.get("ids") or ()]
        match event.get("event"):
            case "forgotten":
                hidden.update(dict.fromkeys(ids))
            case "superseded":
                ended[str(event.get("old_id"))] = None
            case "restored":
                for id_ in ids:
                    hidden.pop(id_, None)
                    ended.pop(id_, None)
            case _:
                pass
    return list(hidden), list(ended)
