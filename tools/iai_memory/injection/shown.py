"""What a session has seen already: what was put before its model, and what its page shows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..session_start.cache import cache_path
from ..text.inert import neutralise

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..base.ledger import Ledger
    from ..base.paths import StorePaths
    from ..results import Hit

EVENT: Final = "memory_injected"
_EVENTS: Final = 500
# A line of the page may end early, and its beginning is what it has of a text in any case.
_BEGINNING: Final = 40


@dataclass(frozen=True, slots=True)
class Injection:
    """Memories that were put before a model at once.

    Attributes:
        session: The host's session; None where the host named none.
        by: page, prompt or tool.
        ids: Of the memories.
        confidences: Of each; empty where they are not known.
        reason: Why they were chosen, a word.
        at: ISO time.
    """

    session: str | None
    by: str
    ids: tuple[str, ...]
    confidences: tuple[float, ...]
    reason: str
    at: str


def injected(ledger: Ledger, session_id: str | None = None) -> list[Injection]:
    """Return what was put before models, in one session or in all, newest first.

    Of the newest 500 times that anything was.
    """
    found = [_injection(event) for event in ledger.newest(_EVENTS, event=EVENT)]
    return [one for one in found if session_id is None or one.session == session_id]


def _injection(event: dict[str, Any]) -> Injection:
    return Injection(
        event.get("session"),
        str(event.get("by", "")),
        tuple(map(str, event.get("ids") or ())),
        tuple(event.get("confidences") or ()),
        str(event.get("reason", "")),
        str(event.get("at", "")),
    )


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
