"""What a session has seen already: what was put before its model, its page, its own words."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..session_start.cache import cache_path
from ..store.filter import Filter
from ..text.analyzer import document_terms
from ..text.inert import neutralise
from ..text.saying import normalised_text
from ..text.tokens import fits
from .events import injected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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
_MAX_CHARS: Final = 8_000
_WHOLE_TOKENS: Final = 24
"""A page shows all of a memory that is as short as this."""
_SENTENCE_END: Final = re.compile(
    r"(?<=[.!?\u2026\u3002\uff01\uff1f])\s+|\n+|(?<=[\u3002\uff01\uff1f])"
)


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
    store: Store, key: str | None, hits: Iterable[Hit], given: Sequence[Injected], asked: str
) -> list[Hit]:
    """Return the hits that no page of a session shows, nor other memories with the same text.

    A page has one sentence of a long memory: it shows a hit if that is the one that was asked for.

    Args:
        store: Where the memories and the pages are.
        key: Of the project; None is the page of all of them.
        hits: What would be said.
        given: What the session was given. Without a page in it, its page as it stands now counts,
            but for what came after the session was given anything: a correction was not on it.
        asked: The prompt.
    """
    page = _page_now(store.paths, key).casefold()
    ids = {id_ for one in given if one.by == "page" for id_ in one.ids}
    texts = {neutralise(record.text) for record in store.latest.get(sorted(ids))}
    found = list(hits)
    newer = set[str]() if ids else _newer(store.latest, found, given)

    def is_shown(hit: Hit) -> bool:
        if hit.id in newer or (ids and hit.id not in ids and neutralise(hit.text) not in texts):
            return False
        if ids and fits(hit.text, _WHOLE_TOKENS):
            return True
        return _has(page, _sentence_for(asked, hit.text))

    return [hit for hit in found if not is_shown(hit)]


def _newer(reader: TableReader, hits: Iterable[Hit], given: Iterable[Injected]) -> set[str]:
    """Return the ids of the hits that were stored after a session was first given anything."""
    since = min((one.at for one in given), default=None)
    if since is None:
        return set()
    records = reader.get([hit.id for hit in hits])
    return {one.id for one in records if (one.arrived_at or one.ingested_at) > since}


def _sentence_for(asked: str, text: str) -> str:
    """Return the sentence of a memory that has most of the words of a prompt."""
    words = frozenset(document_terms(asked))
    sentences = [one for one in _SENTENCE_END.split(text[:_MAX_CHARS]) if one and one.strip()]
    return max(
        sentences, key=lambda one: len(words.intersection(document_terms(one))), default=text
    )


def _has(page: str, sentence: str) -> bool:
    """Return whether a page has the beginning of a sentence, or its end without an "And" before."""
    said = neutralise(sentence).casefold().strip()
    return said[:_BEGINNING] in page or said[-_BEGINNING:] in page


def _page_now(paths: StorePaths, key: str | None) -> str:
    pages = [cache_path(paths, None)] if key is None else [cache_path(paths, key), _of_new(paths)]
    for path in pages:
        with suppress(OSError):
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def _of_new(paths: StorePaths) -> Path:
    """Return the page that the recall hook serves where a project has none."""
    return cache_path(paths, "@new")
