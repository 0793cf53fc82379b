"""What a serving process owns: the memory, loaded behind the handshake, and the refresher."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from iai_memory import Settings
from iai_memory.errors import MemoryFault, StoreUnavailable

from ..startup.gc_pause import collector_paused
from .lifecycle import Lifecycle

if TYPE_CHECKING:
    from iai_memory import Memory

_log = logging.getLogger(__name__)


class Runtime:
    """Loads the memory in a thread of its own and hands it to whoever asks, once it is there."""

    def __init__(self, settings: Settings, cwd: Path) -> None:
        """Binds settings and folder; `start` begins the loading."""
        self.settings = settings
        self.cwd = cwd
        self.committed = threading.Event()
        self.lifecycle = Lifecycle(settings.drowsy_after_sec, settings.sleep_after_sec)
        self._ready = threading.Event()
        self._memory: Memory | None = None
        self._fault: Exception | None = None
        self._loader = threading.Thread(target=self._load, name="iai-mcp-loader", daemon=True)

    def start(self) -> None:
        """Begins to load LanceDB and the table; the model is loaded when it is first needed."""
        self._loader.start()

    def requested(self) -> Memory:
        """The memory, for a request: keeps the process awake.

        Raises:
            MemoryFault: It cannot be loaded.
        """
        self.lifecycle.touch()
        return self.memory()

    def memory(self) -> Memory:
        """The memory; waits for the loader.

        Raises:
            MemoryFault: It cannot be loaded.
        """
        self._ready.wait()
        if self._memory is None:
            raise StoreUnavailable(
                f"the memory could not be loaded ({self._fault}): run `iai-mcp doctor`"
            )
        return self._memory

    def _load(self) -> None:
        try:
            with collector_paused():
                from iai_memory import Memory

                self._memory = Memory(
                    settings=self.settings,
                    cwd=self.cwd,
                    origin="tool",
                    on_commit=self.committed.set,
                )
        except Exception as exc:  # noqa: BLE001 - the edge of a thread: kept, logged, raised to callers
            self._fault = exc
            _log.exception("the memory could not be loaded")
        finally:
            self._ready.set()
        self._warm_up()

    def _warm_up(self) -> None:
        if self._memory is None:
            return
        try:
            _ = self._memory.store
        except MemoryFault as exc:
            # Each tool call meets the same fault and tells it to the user; this is only earlier.
            _log.error("the memory is not ready: %s", exc)
