"""The memories that a command opens: opened without waiting for much, closed when it has ended."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iai_memory import Memory

_opened: list[Memory] = []


def open_memory(*, origin: str = "cli") -> Memory:
    """Open the memory that the environment names; the current folder names the own project.

    Raises:
        InvalidInput: An environment variable cannot be used.
    """
    memory = _memory_class()(cwd=Path.cwd(), origin=origin)
    _opened.append(memory)
    return memory


def close_memories() -> None:
    """Close what was opened, the newest first: a refresh put off within its interval would wait for
    a server.

    Raises:
        MemoryFault: One could not be closed; the others are.
    """
    with ExitStack() as closing:
        for memory in _opened:
            closing.callback(memory.close)
        _opened.clear()


def drop_memories() -> None:
    """Let go of what was opened and close none of it, as a process that is interrupted."""
    _opened.clear()


@cache
def _memory_class() -> type[Memory]:
    """Import `Memory`, once a command needs it: with LanceDB it takes 0.7 s, which no `--help`
    should wait for.
    """
    from ..startup.gc_pause import gc_paused
    from ..startup.unused_imports import skip_unused_imports

    skip_unused_imports()
    # Saves a tenth of the processor time that a command takes to start. Only the first time: a
    # pause keeps for ever what was garbage at its end.
    with gc_paused():
        from iai_memory import Memory
    return Memory
