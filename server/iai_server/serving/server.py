"""The real server of a serving process, from the end of the handshake to the last byte."""

from __future__ import annotations

import logging
import os
import signal
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

import anyio

from iai_memory import Settings
from iai_memory.base.paths import StorePaths

from ..mcp.handshake_record import keep_own_record
from ..mcp.server import build_app
from ..startup.front import Told
from . import logs
from .refresher import Refresher
from .runtime import Runtime

_log = logging.getLogger(__name__)
_SIGNAL_GRACE_SEC = 0.3


class Server:
    """The MCP app, the memory behind it and the refresher beside it."""

    def __init__(self, settings: Settings, cwd: Path) -> None:
        """Builds everything; nothing runs yet."""
        self._settings = settings
        self._runtime = Runtime(settings, cwd)
        self._refresher = Refresher(self._runtime)
        self._app = build_app(self._runtime.requested)

    def keep_record(self) -> None:
        """Leaves a record of the handshake for the next start."""
        keep_own_record(self._app, StorePaths(self._settings.store).handshake)

    def run(self, source: RawIOBase, wire: TextIO, told: Told | None) -> NoReturn:
        """Serves MCP until `source` ends or a signal comes, and exits the process with 0.

        Args:
            source: What hosts say.
            wire: The only way to stdout.
            told: What a front said before, and is not said again.
        """
        logs.configure(StorePaths(self._settings.store).logs, self._settings.log_level)
        _exit_on_signals(self._refresher)
        self._runtime.start()
        self._refresher.start()
        _log.info("serving %s", self._settings.store)
        # As the SDK reads stdin: bytes that are no UTF-8 cost their message, not the connection.
        lines = TextIOWrapper(BufferedReader(source), encoding="utf-8", errors="replace")
        try:
            anyio.run(self._app.serve_stdio, lines, wire, told)
        finally:
            ended = self._refresher.stop()
            _log.info("ended%s", "" if ended else ", the refresher was left behind")
            logging.shutdown()
        # A thread that still loads the model would abort the process in the interpreter's teardown.
        os._exit(0)


def _exit_on_signals(refresher: Refresher) -> None:
    """Hosts send SIGINT, SIGTERM 0.1 s later and SIGKILL 0.5 s later.

    The SDK blocks in a thread that reads stdin, which no signal ends. Everything acknowledged is on
    disk already, so leaving at once loses nothing.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        refresher.stop(_SIGNAL_GRACE_SEC)
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
