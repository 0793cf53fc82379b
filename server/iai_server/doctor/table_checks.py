"""The checks of the store itself: it is opened, read, searched and compared with its digests."""

from __future__ import annotations

from collections.abc import Iterator

from iai_memory import Memory
from iai_memory.errors import StoreFault, StoreUnavailable

from .check import ITSELF, BrokenLink, Check, run_check

_REPAIR = ": run `iai-mcp doctor --repair`"


def check_table(memory: Memory, *, full: bool) -> Iterator[Check]:
    """Check the table by using it; also one that cannot be opened, as far as its files tell.

    Args:
        memory: Whose store is checked.
        full: Read every file and every row, and not a sample.
    """
    yield run_check("table", lambda: _counts(memory))
    for finding in memory.inspect(full=full).findings:
        name = "disk: room" if finding.subject == "space" else f"table: {finding.subject}"
        is_broken = finding.state == "broken"
        yield Check(name, not is_broken, finding.sentence, warns=finding.state == "warning")


def can_be_opened(memory: Memory) -> bool:
    """Return whether the store can be opened; a check says why not."""
    try:
        _ = memory.store
    except StoreFault:
        return False
    return True


def _counts(memory: Memory) -> str:
    try:
        counts = memory.store.statistics()
        version = memory.store.version
    except StoreUnavailable as exc:
        told = str(exc)
        if told.endswith(ITSELF):
            raise BrokenLink(told.removesuffix(ITSELF) + _REPAIR) from exc
        raise
    return f"{counts.live} memories, {counts.pending} pending, version {version}"
