"""The doctor's look at what was erased for good: is it finished, and is it known what was?"""

from __future__ import annotations

from iai_memory import Memory
from iai_memory.store.erasures import Erasures

from .check import BrokenLink


def check_erasures(memory: Memory) -> str:
    """Return how much was purged.

    Raises:
        BrokenLink: A purge was begun and is not finished.
        StoreUnavailable: The list of what was purged is damaged.
    """
    erased = Erasures(memory.paths).now()
    if erased.unfinished:
        raise BrokenLink(
            f"a purge of {len(erased.unfinished):,} memories was begun and is not finished: run "
            f"`iai-mcp purge`"
        )
    return f"{len(erased.purged):,} memories were purged, and none is half gone"
