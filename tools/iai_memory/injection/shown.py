"""What a session has seen already: what was put before its model, and what its page shows."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..session_start.cache import cache_path
from ..text.inert import neutralise
from .events import injected

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..base.ledger import Ledger
    from ..base.paths import StorePaths
    from ..results import Hit

# A line of the page may end early, and its beginning is what it has of a text in any case.
_BEGINNING: Final = 40


def seen_by(ledger: Ledger, session_id: str) -> set[str]:
    """Return the ids of what was put before the model of a session, as far as the ledger tells."""
    return {id_ for one in injected(ledger) if one.session == session_id for id_ in one.ids}


def not_on_page(paths: StorePaths, key: str | None, hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits that the page of a session does not show, as it stands now.

    Args:
        paths: Where the pages are.
        key: Of the project; None is the page of all of them.
        hits: What would be said.
    """
    pages = [cache_path(paths, None)] if key is None else [cache_path(paths, key), _of_new(paths)]
    page = ""
    for path in pages:
        with suppress(OSError):
            page = path.read_text(encoding="utf-8", errors="replace")
            break
    return [hit for hit in hits if neutralise(hit.text)[:_BEGINNING] not in page]


def _of_new(paths: StorePaths) -> Path:
    """Return the page that the recall hook serves where a project has none."""
    return cache_path(paths, "@new")
