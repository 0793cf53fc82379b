"""The check of the store's locks: whether somebody holds one and will not let go of it."""

from __future__ import annotations

from iai_memory import Memory
from iai_memory.base.locks import stuck_locks

from .check import BrokenLink


def check_locks(memory: Memory) -> str:
    """Return that every lock is free or in use.

    Raises:
        BrokenLink: The holder of one is stopped, or at it for longer than it promised.
    """
    stuck = stuck_locks(memory.paths.locks)
    if stuck:
        raise BrokenLink("; ".join(stuck))
    return "none is held by a process that is stopped or stuck"
