"""What a session has seen already: what was put before its model, its page, its own words."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..session_start.cache import cache_path
from ..store.filter import Filter
from ..text.inert import neutralise
from ..text.saying import normalised_text
from .events import injected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..base.ledger import Ledger
    from ..base.paths import StorePaths
    from ..results import Hit
    from ..store.reader import TableReader
    from ..store.table import Store
    from .events import Injected

# A line of the page may end early, and its beginning is what it has of a text in any case.
_BEGINNING: Final = 40
_MOST_ALIKE: Final = 5


def given_to(ledger: Ledger, session_id: str) -> list[Injected]:
    """Return what was put before the model of a session, as far as the ledger tells."""
    return [one for one in injected(ledger) if one.session == session_id]


def not_said_in(reader: TableReader, session_id: str, hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits whose words no turn of the session has: its own turns are not searched.

    Raises:
        StoreFault: The table could not be read.
    """
    own = Filter(session_id=session_id)

    def is_said(text: str) -> bool:
        words = normalised_text(text)
        alike = reader.get(list(reader.matching(text, own, _MOST_ALIKE)))
        return any(normalised_text(one.text) == words for one in alike)

    return [hit for hit in hits if not is_said(hit.text)]


def not_on_page(
    store: Store, key: str | None, hits: Iterable[Hit], given: Iterable[Injected]
) -> list[Hit]:
    """Return the hits that no page of a session shows, nor other memories with the same text.

    Args:
        store: Where the memories and the pages are.
        key: Of the project; None is the page of all of them.
        hits: What would be said.
        given: What the session was given. Without a page in it, its page as it stands now counts.
    """
    ids = {id_ for one in given if one.by == "page" for id_ in one.ids}
    if ids:
        texts = {neutralise(record.text) for record in store.latest.get(sorted(ids))}
        return [one for one in hits if one.id not in ids and neutralise(one.text) not in texts]
    page = _page_now(store.paths, key)
    return [hit for hit in hits if neutralise(hit.text)[:_BEGINNING] not in page]


def _page_now(paths: StorePaths, key: str | None) -> str:
    pages = [cache_path(paths, None)] if key is None else [cache_path(paths, key), _of_new(paths)]
    for path in pages:
        with suppress(OSError):
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _of_new(paths: StorePaths) -> Path:
    """Return the page that the recall hook serves where a project has none."""
    return cache_path(paths, "@new")
