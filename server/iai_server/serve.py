"""One serving process, from its first byte to its last."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from types import FrameType

import anyio

from iai_memory import Settings
from iai_memory.paths import StorePaths

from . import logs
from .app import build_app
from .refresher import Refresher
from .runtime import Runtime
from .wire import claim_stdout

_log = logging.getLogger(__name__)
_SIGNAL_GRACE_SEC = 0.3


def serve(settings: Settings, cwd: Path) -> int:
    """Serves MCP on stdin and stdout until stdin closes or a signal comes; exits with 0 then."""
    wire = claim_stdout()
    logs.configure(StorePaths(settings.store).logs, settings.log_level)
    runtime = Runtime(settings, cwd)
    refresher = Refresher(runtime)
    app = build_app(runtime)
    _exit_on_signals(refresher)
    runtime.start()
    refresher.start()
    _log.info("serving %s", settings.store)
    try:
        anyio.run(app.serve_stdio, wire)
    finally:
        ended = refresher.stop()
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
