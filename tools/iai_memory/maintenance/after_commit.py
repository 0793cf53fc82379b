"""The upkeep after a commit in a process that has no sidecar thread to do it."""

from __future__ import annotations

from ..session_start.cache import cache_modified
from ..session_start.refresh import PageManager, Trigger
from ..store.table import Store
from ..store.table_upkeep import KEEP_VERSIONS


def after_commit(store: Store, pages: PageManager) -> None:
    """Refresh the cached page and compact the store, where either is due.

    Raises:
        StoreFault: The store could not be compacted.
    """
    refresh_cached_page(pages, "wake_sequence")
    compact_if_due(store)


def refresh_cached_page(pages: PageManager, trigger: Trigger) -> None:
    """Refresh the page if there is one, or should be: a hook would go on serving an old one."""
    if cache_modified(pages.cache) is not None or pages.is_urgent():
        pages.refresh(trigger)


def compact_if_due(store: Store) -> bool:
    """Compact the store if its budget of commits is used up; return whether it did.

    Raises:
        StoreFault: The store could not be compacted.
    """
    if not store.compaction_is_due():
        return False
    store.compact(keep=KEEP_VERSIONS)
    return True
