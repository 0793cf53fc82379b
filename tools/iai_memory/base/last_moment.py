"""The last moment before a change: whoever asked for it may not want it any more."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ASK: Final = ContextVar[Callable[[], None] | None]("asked before each change", default=None)


@contextmanager
def asked_before_changes(ask: Callable[[], None]) -> Generator[None]:
    """Call `ask` before each commit that is made inside the block, in this thread or its workers.

    Args:
        ask: Raises to leave the change undone.
    """
    before = _ASK.set(ask)
    try:
        yield
    finally:
        _ASK.reset(before)


def about_to_change() -> None:
    """Ask whether a change is still wanted; nothing of it has been made yet.

    Raises:
        Cancelled: It is not.
    """
    ask = _ASK.get()
    if ask is not None:
        ask()
