"""Whether this server is to be ready for a prompt before one comes, and what makes it so.

The hook waits a quarter of a second, and a server that was never asked needs longer: its code, the
model and the table's files are not loaded yet. So the only server of a store loads them at its
start, and again once a session began or went on, where hosts asked at prompts within a week. Where
nobody does, or another server waits that is ready, nothing is loaded ahead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from iai_memory.errors import MemoryFault

from .lifecycle import State

if TYPE_CHECKING:
    from .runtime import Runtime

_log = logging.getLogger(__name__)


class Readiness:
    """What the thread of the rendezvous does before a prompt and after it."""

    def __init__(self, runtime: Runtime) -> None:
        """Bind the runtime."""
        self._runtime = runtime
        self._has_answered = False

    def keep(self, *, alone: bool) -> None:
        """Load what a prompt needs, where one is expected while the server is awake.

        Args:
            alone: Whether no other server of the store waits for hooks.
        """
        runtime = self._runtime
        # The model alone may have been loaded to embed something.
        is_ready = self._has_answered and runtime.memory().is_warm
        is_awake = runtime.lifecycle.state is State.WAKE
        if alone and is_awake and not is_ready and runtime.is_asked_at_prompts():
            self._attempt(runtime.memory().warm)
            self._has_answered = True

    def session_begins(self) -> None:
        """Wake, and load what its first prompt needs, which the hook of the session asks for."""
        self._runtime.session_goes_on()
        self.keep(alone=True)

    def after_prompt(self) -> None:
        """Prepare for the next prompt, now that nobody waits for this one."""
        self._has_answered = True
        self._attempt(self._runtime.memory().prepare_next)

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            work()
        except MemoryFault as exc:
            # The prompt itself meets the same fault, is answered with nothing, and reports it.
            _log.info("the server is not ready for a prompt: %s", exc)
