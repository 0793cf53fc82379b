"""The sidecar thread: refreshes the page, stores captured turns, embeds and compacts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from iai_memory.base.machine_faults import told_by_system
from iai_memory.errors import MemoryFault, StoreLost, StoreUnavailable

from ..startup.allocator import return_free_memory
from .lifecycle import State
from .runtime import Runtime
from .watchdog import Step, Watchdog

if TYPE_CHECKING:
    from pathlib import Path

    from iai_memory import Memory
    from iai_memory.base.presence import Presence
    from iai_memory.session_start.refresh import Trigger

_log = logging.getLogger(__name__)
SHUTDOWN_SEC = 2.0
CAPTURE_WAIT_SEC = 5.0
POLL_SEC = 0.5
LAST_BACKUP_SEC = 1.0
JUDGE_EVERY_SEC = 3600.0


class Refresher:
    """A thread that passes over all its steps at each tick, and at once after a commit.

    A commit of this process wakes it by an event, one of another process is found within half a
    second by the store's change token. The thread is a daemon: it never keeps the process alive,
    and `stop` waits for it at most `timeout` seconds.
    """

    def __init__(self, runtime: Runtime) -> None:
        """Bind the runtime; the thread starts with `start`."""
        self._runtime = runtime
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="iai-mcp-refresher", daemon=True)
        self._capturing: threading.Thread | None = None
        self._presence: Presence | None = None
        self._started = False
        self._watchdog = Watchdog(self._publish_step)
        self._embedded_version = -1
        self._embeds = False
        self._judges_at = 0.0
        self._reported: dict[str, str] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = SHUTDOWN_SEC) -> bool:
        """Request a last refresh; return whether the thread ended within `timeout` seconds."""
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
        self._watchdog.start()
        trigger: Trigger = "periodic_wake"
        while not self._stopping.is_set():
            # Read before the pass: a commit during the pass must count as a change after it.
            token = self._change_token(memory)
            self._pass(memory, trigger)
            trigger = self._wait(memory, token)
        self._attempt("shutdown", lambda: self._finish(memory))

    def _wait(self, memory: Memory, token: tuple[object, ...] | None) -> Trigger:
        """Wait until this process commits, the store changes, or a tick is over.

        Reading the change token costs microseconds. With it, a memory that another process stored
        is on the page within a second instead of a tick.
        """
        committed, tick = self._runtime.committed, self._runtime.settings.refresh_tick_sec
        end = time.monotonic() + tick
        while not committed.wait(max(0.0, min(POLL_SEC, end - time.monotonic()))):
            if time.monotonic() >= end or self._change_token(memory) != token:
                return "periodic_wake"
        committed.clear()
        return "wake_sequence"

    def _change_token(self, memory: Memory) -> tuple[object, ...] | None:
        try:
            return memory.change_token()
        except MemoryFault:
            # The store cannot be opened; the pass meets the same fault and reports it.
            return None

    def _pass(self, memory: Memory, trigger: Trigger) -> None:
        from iai_memory.session_start.cache import cache_path

        # Nothing is written beside a store that is lost or was moved away.
        if not self._attempt("opening", lambda: self._require_not_lost(memory)):
            return
        self._show_presence(memory)
        self._attempt("forgetting", lambda: self._forget_erased(memory))
        # The page first, since a session waits for it. A commit of a later step sets the event, and
        # the next pass renders it without waiting for a tick.
        self._attempt(
            "refresh",
            lambda: memory.page_manager().refresh(trigger),
            trigger=trigger,
            cache_path=str(cache_path(memory.paths, None)),
        )
        self._capture(memory)
        self._attempt("embedding", lambda: self._embed(memory))
        self._attempt("compaction", memory.upkeep)
        self._attempt("judging", lambda: self._judge(memory))
        if self._runtime.lifecycle.state is State.SLEEP:
            self._attempt("sleep", lambda: self._sleep(memory))
            self._attempt("backup", lambda: self._back_up(memory))
        if self._runtime.lifecycle.state is not State.WAKE and not self._embeds:
            memory.release()
        return_free_memory()
        self._publish_state()

    def _require_not_lost(self, memory: Memory) -> None:
        """Raise StoreLost; another fault the next step meets, and reports it."""
        try:
            _ = memory.store
        except StoreLost:
            raise
        except MemoryFault:
            return

    def _attempt(self, step: str, work: Callable[[], object], **fields: str) -> bool:
        """Run one step; a failure is reported once and the step tried again at the next tick.

        Returns whether it succeeded. `fields` go into the event of a failure.
        """
        started = time.perf_counter()
        try:
            with self._watchdog.watching(step):
                work()
        except Exception as exc:  # noqa: BLE001 - the edge of the thread
            # If this thread died, the page would never change again: nothing may end it.
            told = told_by_system(exc) if isinstance(exc, OSError) else str(exc)
            fault = f"{type(exc).__name__}: {told}"
            if self._reported.get(step) != fault:
                expected = isinstance(exc, MemoryFault | OSError)
                _log.error("%s is put off to the next tick: %s", step, fault, exc_info=not expected)
                duration_ms = round((time.perf_counter() - started) * 1000, 1)
                self._report(step, exc, **fields, duration_ms=duration_ms)
            self._reported[step] = fault
            return False
        self._reported.pop(step, None)
        return True

    def _report(self, step: str, exc: Exception, **fields: str | float) -> None:
        ledger = self._runtime.memory().ledger
        event = "session_start_cache_write_failed" if step == "refresh" else f"{step}_failed"
        ledger.write(event, **fields, reason=type(exc).__name__, error=str(exc)[:200])

    def _capture(self, memory: Memory) -> None:
        """Drain in a thread of its own, and go on without it once it lasts.

        A transcript may lie on a mount that does not answer; the page and the vectors do not wait.
        """
        if self._capturing is None or not self._capturing.is_alive():
            self._capturing = threading.Thread(
                target=self._attempt,
                args=("capture", lambda: self._drain(memory)),
                name="iai-mcp-capture",
                daemon=True,
            )
            self._capturing.start()
        ends = time.monotonic() + CAPTURE_WAIT_SEC
        while self._capturing.is_alive() and not self._stopping.is_set():
            if time.monotonic() >= ends:
                break
            self._capturing.join(POLL_SEC / 5)

    def _drain(self, memory: Memory) -> None:
        done = memory.drain(reading=self._note_transcript)
        if done.stored:
            # Who reads the answer writes the next prompt; the model that embeds it stays for that.
            self._runtime.session_goes_on()
        if done.faults:
            raise StoreUnavailable("; ".join(done.faults))

    def _note_transcript(self, transcript: Path) -> None:
        self._watchdog.at("capture", str(transcript))

    def _forget_erased(self, memory: Memory) -> None:
        """Drop what was erased from this process's memory, and tell who erased it."""
        number = memory.forget_erased()
        if self._presence is not None:
            self._presence.update(forgot=number)

    def _embed(self, memory: Memory) -> None:
        """Take one step of embedding, if anybody committed since nothing was pending.

        Its commit begins the next pass at once, which looks at page and spool before the next step:
        a long text or an import delays neither.
        """
        self._embeds = False
        if memory.store.version == self._embedded_version:
            return
        self._embeds = (memory.embed_pending() or memory.fill_tokens()) > 0
        # Without a model, and while another process embeds, it tries again at each pass.
        is_done = not self._embeds and memory.store.latest.count_pending() == 0
        nothing_left = memory.model is not None and is_done
        self._embedded_version = memory.store.version if nothing_left else -1

    def _judge(self, memory: Memory) -> None:
        """Judge one prompt at each pass while any is due, then look again in an hour."""
        if time.monotonic() < self._judges_at:
            return
        self._judges_at = time.monotonic() + JUDGE_EVERY_SEC  # also where it fails
        if memory.judge_prompts():
            self._judges_at = 0.0

    def _sleep(self, memory: Memory) -> None:
        if memory.needs_sleep():
            memory.sleep(interrupted=self._is_disturbed)

    def _back_up(self, memory: Memory) -> None:
        memory.back_up_if_due(asleep=True, interrupted=self._is_disturbed)

    def _is_disturbed(self) -> bool:
        return self._stopping.is_set() or self._runtime.lifecycle.state is not State.SLEEP

    def _show_presence(self, memory: Memory) -> None:
        """Announce this server, once; again where its store was moved away and put back."""
        if self._presence is not None and self._presence.is_valid():
            return
        if self._started:
            if self._presence is None:
                return
            self._presence.withdraw()
        else:
            # Of a server that is killed nothing else is left; doctor counts who came and went.
            memory.ledger.write("server_started", cwd=str(self._runtime.cwd))
        self._started = True
        self._presence = self._announce(memory)

    def _announce(self, memory: Memory) -> Presence | None:
        from pathlib import Path

        from iai_memory.base.presence import Presence
        from iai_memory.privacy.redaction import redact

        try:
            return Presence(memory.paths, Path(redact(str(self._runtime.cwd)).text))
        except MemoryFault as exc:
            # Only `status` does not list this server; serving goes on.
            _log.warning("this server does not show in `iai-mcp status`: %s", exc)
            return None

    def _publish_state(self) -> None:
        presence = self._presence
        if presence is not None:
            state = self._runtime.lifecycle.state.value
            self._attempt("presence", lambda: presence.update(state=state, refresher=True))

    def _publish_step(self, step: Step | None) -> None:
        if self._presence is None:
            return
        name, since, at = step or Step("", 0.0, "")
        try:
            self._presence.update(step=name, step_at=at, step_since=since)
        except (OSError, MemoryFault) as exc:
            _log.warning("`iai-mcp status` does not show what lasts here: %s", exc)

    def _finish(self, memory: Memory) -> None:
        from iai_memory.base.presence import alive_servers

        self._watchdog.stop()
        try:
            memory.page_manager().refresh("shutdown")
        finally:
            if self._presence is not None:
                self._presence.withdraw()
        if not alive_servers(memory.paths):
            memory.back_up_if_due(max_seconds=LAST_BACKUP_SEC)
