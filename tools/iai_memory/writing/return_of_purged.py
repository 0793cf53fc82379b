"""What was purged and comes again: it is not stored.

What comes by itself, from a transcript or a file, does not come back if it says the same. Who
states a text anew by `ingest`, without the time or the number of the purged one, is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..results import PURGED
from ..store.table import Store
from .draft import Draft


def without_purged(
    store: Store, drafts: Mapping[int, Draft], *, by_itself: bool
) -> dict[int, Draft]:
    """Return the drafts; those of purged memories are skipped.

    Raises:
        StoreUnavailable: The list of what was purged is damaged.
    """
    if not store.erasures.now().digests:
        return dict(drafts)
    names = store.project_names
    return {
        number: replace(draft, skip=PURGED)
        if draft.skip is None
        and (by_itself or not draft.undated)
        and store.erasures.holds(draft.record, names, by_words=by_itself)
        else draft
        for number, draft in drafts.items()
    }
