"""A prompt to the few memories that belong to it, which are mostly none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..recall.project_scope import in_project
from ..results import PromptRecall
from .block import block_of
from .shown import not_asked_in, not_on_page, not_said_in, seen_by

if TYPE_CHECKING:
    from ..base.ledger import Ledger
    from ..embedding.encoder import Encoder
    from ..recall.query import Query
    from ..store.table import Store

MIN_CONFIDENCE: Final = 0.6
"""Of a memory that is said, where its answer has `MIN_ANSWER`.

On two people's real sessions 20 of the 24 memories said to their 298 questions are right, 12 of 13
and 8 of 11 (`tests.benchmarks.prompt_memories`). Both minimums were chosen on these questions; with
either a twentieth more or less the share is .76 to .83."""
MIN_ANSWER: Final = 0.85
MAX_MEMORIES: Final = 3


def recall_at_prompt(
    store: Store,
    ledger: Ledger,
    encoder: Encoder | None,
    asked: Query,
    *,
    session_id: str | None,
    page_key: str | None,
) -> PromptRecall:
    """Return the memories that answer a prompt for certain, none that the session has seen.

    Args:
        store: Where they are.
        ledger: Tells what was said before in the session.
        encoder: The model; without it nothing is certain enough to be said.
        asked: The prompt as a query; of its project also what belongs to none counts.
        session_id: The session that asks.
        page_key: The key of its project, whose page it began with; None for that of all.

    Raises:
        StoreFault: The store could not be read.
    """
    from ..recall.pipeline import recall

    if encoder is None:
        return PromptRecall(reason="no_model")
    scoped = replace(
        in_project(asked.where, store),
        or_no_project=True,
        not_session_id=session_id,
        # One that waits for its vectors, as a turn just captured does, makes every answer unsure.
        embedded=True,
    )
    found = recall(store, encoder, replace(asked, where=scoped))
    hits = [
        hit
        for hit in found.hits
        if (found.confidence or 0.0) >= MIN_ANSWER and (hit.confidence or 0.0) >= MIN_CONFIDENCE
    ]
    hits = not_asked_in(asked.text, hits)
    if not hits:
        return PromptRecall(reason="unsure")
    known = seen_by(ledger, session_id) if session_id else set[str]()
    hits = [hit for hit in hits if hit.id not in known]
    if not hits:
        return PromptRecall(reason="shown_before")
    if session_id:
        hits = not_said_in(store.latest, session_id, hits)
    if not hits:
        return PromptRecall(reason="said_here")
    hits = not_on_page(store.paths, page_key, hits)[:MAX_MEMORIES]
    if not hits:
        return PromptRecall(reason="on_page")
    return PromptRecall(
        text=block_of(hits),
        memory_ids=[hit.id for hit in hits],
        confidences=[round(hit.confidence or 0.0, 3) for hit in hits],
        reason="answers",
    )
