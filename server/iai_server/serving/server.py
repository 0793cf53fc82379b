"""The real server of a process: serves from the end of the handshake to the end of stdin."""

from __future__ import annotations

import logging
import os
import signal
import sys
from io import BufferedReader, RawIOBase
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

import anyio

from iai_memory import Settings
from iai_memory.base.machine_faults import machine_fault
from iai_memory.base.paths import StorePaths

from ..mcp.handshake_record import keep_own_handshake
from ..mcp.server import build_app
from ..startup.handshake_responder import AlreadyAnswered
from . import logs
from .refresher import Refresher
from .rendezvous import Rendezvous
from .runtime import Runtime

_log = logging.getLogger(__name__)
_SIGNAL_GRACE_SEC = 0.3


class Server:
    """The MCP app, the memory behind it, and the refresher and the rendezvous beside it."""

    def __init__(self, settings: Settings, cwd: Path) -> None:
        """Build everything; nothing runs yet."""
        self._settings = settings
        self._runtime = Runtime(settings, cwd)
        self._refresher = Refresher(self._runtime)
        self._rendezvous = Rendezvous(self._runtime)
        self._app = build_app(self._runtime.for_request)

    def keep_record(self) -> None:
        """Write a record of the handshake for the next start, where none is up to date."""
        keep_own_handshake(self._app, StorePaths(self._settings.store).handshake)

    def run(
        self,
        protocol_in: RawIOBase,
        protocol_out: TextIO,
        already_answered: AlreadyAnswered | None,
    ) -> NoReturn:
        """Serve MCP until `protocol_in` ends or a signal comes, then exit the process with 0.

        Stdout that cannot be written, as on a full disk, is an exit code of 1 and a line on stderr.

        Args:
            protocol_in: The messages of the host; a replay may come first.
            protocol_out: The only way to stdout.
            already_answered: The answers to a replay, which are suppressed.
        """
        logs.configure(StorePaths(self._settings.store).logs, self._settings.log_level)
        _exit_on_signals(self._refresher, self._rendezvous)
        self._runtime.start()
        self._refresher.start()
        self._rendezvous.start()
        _log.info("serving %s", self._settings.store)
        code = 0
        lines = BufferedReader(protocol_in)
        try:
            anyio.run(self._app.serve_stdio, lines, protocol_out, already_answered)
        except OSError as exc:
            code = 1
            sys.stderr.write(f"iai-mcp: {machine_fault(exc, 'stdout cannot be written')}\n")
        finally:
            self._rendezvous.stop()
            ended = self._refresher.stop()
            _log.info("ended%s", "" if ended else ", the refresher was left behind")
            logging.shutdown()
        # A thread that still loads the model would abort the process in the interpreter's teardown.
        os._exit(code)


def _exit_on_signals(refresher: Refresher, rendezvous: Rendezvous) -> None:
    """Exit at SIGINT, SIGTERM and SIGHUP, after at most 0.3 s for a last refresh.

    Hosts send SIGINT, SIGTERM 0.1 s later and SIGKILL 0.5 s later. The SDK blocks in a thread that
    reads stdin, which no signal ends. Everything acknowledged is on disk already, so leaving at
    once loses nothing.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        rendezvous.stop()
        refresher.stop(_SIGNAL_GRACE_SEC)
        os._exit(0)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
