"""Stores in which this process must make no folder: lost ones, and those that were moved away.

A server makes folders of a store wherever it writes: ledger, pages, locks, its own card. In a store
that was moved away, each of them would begin a new one in its place, and hide that it is gone.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_guards: dict[Path, Callable[[], None]] = {}


def guard(root: Path, check: Callable[[], None]) -> None:
    """From now on call `check` before a folder is made in the store at `root`.

    Args:
        root: The store's folder; an earlier check of it is dropped.
        check: Raises StoreLost to prevent it.
    """
    _guards[root] = check


def unguard(root: Path) -> None:
    """Drop the check of a store, for whoever opens or repairs it."""
    _guards.pop(root, None)


def require_not_lost(folder: Path) -> None:
    """Return if folders may be made there; costs microseconds.

    Raises:
        StoreLost: The store was found lost, or it was moved away since it was opened.
    """
    if not _guards:
        return
    for place in (folder, *folder.parents):
        if (check := _guards.get(place)) is not None:
            check()
