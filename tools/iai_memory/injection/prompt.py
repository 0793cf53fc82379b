"""A prompt to the few memories that belong to it, which are mostly none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..base.clock import utc_now
from ..recall.project_scope import in_project
from ..results import PromptRecall
from ..session_start.hit_files import with_named_files
from .block import block_of
from .page_hits import note_page_hits
from .shown import given_to, not_on_page, not_said_in
from .threshold import MIN_ANSWER, MIN_CONFIDENCE, threshold_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..base.ledger import Ledger
    from ..embedding.encoder import Encoder
    from ..recall.query import Query
    from ..results import Hit, PromptThreshold
    from ..session_start.hit_files import Asking
    from ..store.table import Store

MAX_MEMORIES: Final = 3
_WAIT_SEC: Final = 0.02  # a hook waits for us


def recall_at_prompt(
    store: Store,
    ledger: Ledger,
    encoder: Encoder | None,
    asked: Query,
    *,
    session_id: str | None,
    asking: Asking | None,
) -> PromptRecall:
    """Return the memories that answer a prompt for certain, none that the session has seen.

    Args:
        store: Where they are.
        ledger: Tells what was said before in the session.
        encoder: The model; without it nothing is certain enough to be said.
        asked: The prompt as a query; of its project also what belongs to none counts.
        session_id: The session that asks.
        asking: Its project, whose page counts where the ledger knows none of the session's; None
            for the page of all.

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
    found = recall(store, encoder, replace(asked, where=scoped, without_repeats=True))
    hits = [
        hit
        for hit in found.hits
        if (found.confidence or 0.0) >= MIN_ANSWER and (hit.confidence or 0.0) >= MIN_CONFIDENCE
    ]
    if not hits:
        return PromptRecall(reason="unsure")
    note_page_hits(store.paths, ledger, wait_sec=_WAIT_SEC)
    given = given_to(ledger, session_id) if session_id else []
    known = {id_ for one in given if one.by != "page" for id_ in one.ids}
    hits = [hit for hit in hits if hit.id not in known]
    if not hits:
        return PromptRecall(reason="shown_before")
    if session_id:
        hits = not_said_in(store.latest, session_id, hits)
    if not hits:
        return PromptRecall(reason="said_here")
    page_key = None if asking is None else asking.project.key
    hits = not_on_page(store, page_key, hits, given, asked.text)[:MAX_MEMORIES]
    if not hits:
        return PromptRecall(reason="on_page")
    if asking is not None:
        hits = with_named_files(hits, store, asking)
    return _said(hits, found.confidence or 0.0, threshold_now(store.paths, utc_now()))


def _said(said: Sequence[Hit], answer: float, threshold: PromptThreshold) -> PromptRecall:
    """Return the hits if the answer reaches the threshold, which may be higher than its base."""
    if answer < threshold.min_answer:
        return PromptRecall(reason="threshold_raised", threshold=threshold)
    return PromptRecall(
        text=block_of(said),
        memory_ids=[hit.id for hit in said],
        confidences=[round(hit.confidence or 0.0, 3) for hit in said],
        reason="answers",
        threshold=threshold,
    )
