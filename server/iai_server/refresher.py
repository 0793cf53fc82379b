"""The sidecar thread: keeps vectors, files and the session-start payload up to date."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from iai_memory.errors import MemoryFault

from .runtime import Runtime

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.session_start import Outcome, Trigger

_log = logging.getLogger(__name__)
SHUTDOWN_SEC = 2.0


class Refresher:
    """Wakes at every tick, and at once when this process committed something.

    The thread is a daemon with an Event of its own: it never keeps the process alive, and `stop`
    joins it within a bound.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Binds the process's runtime."""
        self._runtime = runtime
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="iai-mcp-refresher", daemon=True)
        self._embedded_version = -1

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self, timeout: float = SHUTDOWN_SEC) -> bool:
        """Asks for one last refresh and waits at most `timeout` seconds; says whether it ended."""
        self._stopping.set()
        self._runtime.committed.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        tick = self._runtime.settings.refresh_tick_sec
        try:
            memory = self._runtime.memory()
        except MemoryFault as exc:
            _log.error("the refresher ends: %s", exc)
            return
        self._pass(memory, "periodic_wake")
        while not self._stopping.is_set():
            woken = self._runtime.committed.wait(tick)
            self._runtime.committed.clear()
            if self._stopping.is_set():
                break
            self._pass(memory, "wake_sequence" if woken else "periodic_wake")
        self._refresh(memory, "shutdown")

    def _pass(self, memory: Memory, trigger: Trigger) -> None:
        # The page first: it is what a session waits for; vectors and files can follow.
        self._refresh(memory, trigger)
        try:
            self._embed(memory)
            memory.upkeep()
        except MemoryFault as exc:
            _log.warning("upkeep is put off to the next tick: %s", exc)
        except Exception:  # noqa: BLE001 - the edge of the thread: a sidecar that dies is a frozen page
            _log.exception("upkeep failed")

    def _refresh(self, memory: Memory, trigger: Trigger) -> Outcome | None:
        started = time.perf_counter()
        try:
            return memory.session_start_pages().refresh(trigger)
        except Exception as exc:  # noqa: BLE001 - the edge of the thread: a sidecar that dies is a frozen page
            _log.exception("the refresh failed")
            memory.ledger.write_changed(
                "session_start_cache_write_failed",
                (type(exc).__name__, str(exc)),
                trigger=trigger,
                cache_path=str(memory.paths.root),
                reason=type(exc).__name__,
                error=str(exc)[:200],
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
            )
            return None

    def _embed(self, memory: Memory) -> None:
        """Embeds what is pending, asking only when somebody committed since the last look."""
        if memory.store.version == self._embedded_version:
            return
        while memory.embed_pending() and not self._stopping.is_set():
            self._refresh(memory, "wake_sequence")
        self._embedded_version = memory.store.version
