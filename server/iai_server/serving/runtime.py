"""The memory of a serving process: loaded in the background, and the clock of its requests."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from iai_memory import Settings
from iai_memory.base.machine_faults import told_by_system
from iai_memory.base.paths import StorePaths
from iai_memory.base.prompt_log import PromptLog
from iai_memory.errors import MemoryFault, StoreUnavailable

from ..startup.gc_pause import gc_paused
from .lifecycle import Lifecycle

if TYPE_CHECKING:
    from iai_memory import Memory

_log = logging.getLogger(__name__)


class Runtime:
    """A memory that a thread of its own loads; each method that returns it waits for the thread.

    Attributes:
        settings: Of this process.
        cwd: The folder that the host started it in; names the own project.
        committed: Set at each commit of this process; the refresher clears it.
        lifecycle: Knows how long no request came.
    """

    def __init__(self, settings: Settings, cwd: Path) -> None:
        """Nothing is loaded before `start`."""
        self.settings = settings
        self.cwd = cwd
        self.committed = threading.Event()
        self.lifecycle = Lifecycle(settings.drowsy_after_sec, settings.sleep_after_sec)
        self._ready = threading.Event()
        self._memory: Memory | None = None
        self._fault: Exception | None = None
        self._loader = threading.Thread(target=self._load, name="iai-mcp-loader", daemon=True)

    def start(self) -> None:
        """Start to load LanceDB and the table; the model is loaded when it is first needed."""
        self._loader.start()

    def for_request(self) -> Memory:
        """Return the memory for a request, which keeps the process awake.

        Raises:
            MemoryFault: It cannot be loaded.
        """
        self.lifecycle.touch()
        return self.memory()

    def memory(self) -> Memory:
        """Return the memory once it is loaded.

        Raises:
            MemoryFault: It cannot be loaded.
        """
        self._ready.wait()
        if self._memory is None:
            if isinstance(self._fault, MemoryFault):
                raise StoreUnavailable(f"the memory could not be loaded: {self._fault}")
            raise StoreUnavailable(
                f"the memory could not be loaded ({self._fault}): run `iai-mcp doctor`"
            )
        return self._memory

    def is_asked_at_prompts(self) -> bool:
        """Return whether hosts of this store have a prompt hook that asks."""
        return PromptLog(StorePaths(self.settings.store)).is_in_use()

    def session_goes_on(self) -> None:
        """Wake, or stay awake, where hosts ask at prompts: one will follow."""
        if self.is_asked_at_prompts():
            self.lifecycle.touch()

    def _load(self) -> None:
        try:
            with gc_paused():
                from iai_memory import Memory

                self._memory = Memory(
                    settings=self.settings,
                    cwd=self.cwd,
                    origin="tool",
                    on_commit=self.committed.set,
                )
        except OSError as exc:
            self._fault = StoreUnavailable(told_by_system(exc))
            _log.error("the memory could not be loaded: %s", self._fault)
        except Exception as exc:  # noqa: BLE001 - the edge of a thread: kept, logged, raised to callers
            self._fault = exc
            _log.exception("the memory could not be loaded")
        finally:
            self._ready.set()
        self._warm_up()

    def _warm_up(self) -> None:
        """Open the table before the first request asks for it."""
        if self._memory is None:
            return
        try:
            _ = self._memory.store
        except MemoryFault as exc:
            # Each tool call meets the same fault and answers with it; here it is only logged.
            _log.error("the memory is not ready: %s", exc)
