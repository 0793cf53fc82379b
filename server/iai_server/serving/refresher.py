"""The sidecar thread: keeps the page, captured turns, vectors and files up to date."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from iai_memory.errors import MemoryFault

from ..startup.allocator import give_back
from .lifecycle import State
from .runtime import Runtime

if TYPE_CHECKING:
    from iai_memory import Memory
    from iai_memory.base.presence import Presence
    from iai_memory.session_start.refresh import Trigger

_log = logging.getLogger(__name__)
SHUTDOWN_SEC = 2.0
LOOK_SEC = 0.5


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
        self._faults: dict[str, str] = {}

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout: float = SHUTDOWN_SEC) -> bool:
        """Asks for one last refresh and waits at most `timeout` seconds; says whether it ended."""
        self._stopping.set()
        self._runtime.committed.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            memory = self._runtime.memory()
        except MemoryFault as exc:
            _log.error("the refresher ends: %s", exc)
            return
        presence = self._announce(memory)
        trigger: Trigger = "periodic_wake"
        while not self._stopping.is_set():
            # Taken before the pass: what is committed during it must not look known.
            seen = self._look(memory)
            self._pass(memory, trigger)
            self._tell_state(presence)
            trigger = self._wait(memory, seen)
        self._attempt("shutdown", lambda: self._leave(memory, presence))

    def _wait(self, memory: Memory, seen: tuple[object, ...] | None) -> Trigger:
        """Sleeps until this process committed, the store moved, or a tick is over.

        The looks in between cost microseconds each, so that what another process stored is on the
        page within a second and not within a tick.
        """
        committed, tick = self._runtime.committed, self._runtime.settings.refresh_tick_sec
        over = time.monotonic() + tick
        while not committed.wait(max(0.0, min(LOOK_SEC, over - time.monotonic()))):
            if time.monotonic() >= over or self._look(memory) != seen:
                return "periodic_wake"
        committed.clear()
        return "wake_sequence"

    def _look(self, memory: Memory) -> tuple[object, ...] | None:
        try:
            return memory.change_token()
        except MemoryFault:
            # The store cannot be opened; the pass meets the same and tells it.
            return None

    def _pass(self, memory: Memory, trigger: Trigger) -> None:
        from iai_memory.session_start.cache import cache_path

        # The page first: it is what a session waits for. What a later step commits sets the event,
        # and the next pass renders it without waiting for a tick.
        self._attempt(
            "refresh",
            lambda: memory.page_manager().refresh(trigger),
            trigger=trigger,
            cache_path=str(cache_path(memory.paths, None)),
        )
        self._attempt("capture", memory.drain)
        self._attempt("embedding", lambda: self._embed(memory))
        self._attempt("compaction", memory.upkeep)
        if self._runtime.lifecycle.state is State.SLEEP:
            self._attempt("sleep", lambda: self._sleep(memory))
        if self._runtime.lifecycle.state is not State.WAKE:
            memory.release()
        give_back()

    def _attempt(self, what: str, work: Callable[[], object], **told: str) -> None:
        """Runs one step; a step that fails is told once and tried again at the next tick."""
        started = time.perf_counter()
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - the edge of the thread
            # A sidecar that dies is a page that freezes, so nothing may end it.
            said = f"{type(exc).__name__}: {exc}"
            if self._faults.get(what) != said:
                expected = isinstance(exc, MemoryFault)
                _log.error("%s is put off to the next tick: %s", what, said, exc_info=not expected)
                duration_ms = round((time.perf_counter() - started) * 1000, 1)
                self._tell(what, exc, **told, duration_ms=duration_ms)
            self._faults[what] = said
        else:
            self._faults.pop(what, None)

    def _tell(self, what: str, exc: Exception, **told: str | float) -> None:
        ledger = self._runtime.memory().ledger
        event = "session_start_cache_write_failed" if what == "refresh" else f"{what}_failed"
        ledger.write(event, **told, reason=type(exc).__name__, error=str(exc)[:200])

    def _embed(self, memory: Memory) -> None:
        """Embeds what is pending, asking only when somebody committed since the last look."""
        if memory.store.version == self._embedded_version:
            return
        while memory.embed_pending() and not self._stopping.is_set():
            memory.page_manager().refresh("wake_sequence")
        # Without a model the question stays open: one may be installed without any commit.
        self._embedded_version = -1 if memory.model is None else memory.store.version

    def _sleep(self, memory: Memory) -> None:

        if memory.needs_sleep():
            memory.sleep(interrupted=self._is_disturbed)

    def _is_disturbed(self) -> bool:
        return self._stopping.is_set() or self._runtime.lifecycle.state is not State.SLEEP

    def _announce(self, memory: Memory) -> Presence | None:
        from iai_memory.base.presence import Presence

        try:
            return Presence(memory.paths, self._runtime.cwd)
        except MemoryFault as exc:
            # Only `status` loses sight of this server; serving goes on.
            _log.warning("this server does not show in `iai-mcp status`: %s", exc)
            return None

    def _tell_state(self, presence: Presence | None) -> None:
        if presence is not None:
            state = self._runtime.lifecycle.state.value
            self._attempt("presence", lambda: presence.update(state=state, refresher=True))

    def _leave(self, memory: Memory, presence: Presence | None) -> None:
        memory.page_manager().refresh("shutdown")
        if presence is not None:
            presence.withdraw()
