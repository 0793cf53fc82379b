"""The start of a serving process: it answers the handshake while everything heavy still loads.

A connection begins with a responder, which answers from a record
(`startup/handshake_responder.py`), and goes on with the real server, which is the MCP SDK's
(`mcp/app.py`). Three things happen to a message:

    host                    responder                          real server
     │ initialize ─────────▶ answer from the record
     │ ◀───────────── result
     │ initialized ────────▶ keep
     │                       nothing for 50 ms: load ─────────▶ (imports)
     │ tools/list ─────────▶ answer from the record
     │ ◀───────────── result
     │ tools/call ─────────▶ not certain: hand over
     │                       replay initialize, initialized ──▶ reads them
     │                       suppress the result of initialize ◀ result
     │                       tools/call ──────────────────────▶ reads it
     │ ◀────────────────────────────────────────────────────── result

- **answer**: the responder answers a request if it is certain of the real server's answer.
- **replay**: the real server first reads the messages that bring it into the responder's state
  (`HandshakeResponder.replay`), then the first message that was not answered, then stdin.
- **suppress**: its answers to the replay are dropped, since the host has them
  (`AlreadyAnswered`, dropped by `mcp/streams.py`).

The two never read stdin at the same time.
"""

from __future__ import annotations

import os
import select
import signal
import sys

from ..startup.handshake_responder import HandshakeResponder
from ..startup.message_check import NotCertain
from ..startup.pipes import ResumedInput, claim_stdin, claim_stdout
from ..startup.recorded_handshake import own_handshake, packaged_handshake

TYPE_CHECKING = False  # startup/__init__.py says why
if TYPE_CHECKING:
    from threading import Thread
    from types import FrameType
    from typing import Protocol, TextIO

    from .server import Server

    class Loading(Protocol):
        """A real server that may be loading."""

        def fileno(self) -> int:
            """Return a descriptor that becomes readable once the real server is ready."""
            ...

        def start(self) -> None:
            """Start to load; a second call does nothing."""
            ...


IDLE_SEC = 0.05
_READ_BYTES = 65_536
_MAX_LINE_BYTES = 65_536
_SWITCH_SEC = 0.0005


class HostLeft(Exception):
    """The host closed the connection, and no request of it is left to answer."""

    def __init__(self, silent: bool) -> None:
        """Note with `silent` that the host never sent a byte."""
        super().__init__()
        self.silent = silent


class Loader:
    """The thread that imports and builds the real server."""

    def __init__(self, *, keeps_record: bool) -> None:
        """Nothing runs until `start`; `keeps_record` leaves a record for the next start."""
        self._keeps_record = keeps_record
        self._done, self._signal_done = os.pipe()
        self._switch_interval = sys.getswitchinterval()
        self._thread: Thread | None = None
        self._server: Server | None = None
        self._fault: BaseException | None = None

    def fileno(self) -> int:
        """Return a descriptor that becomes readable once the thread is done."""
        return self._done

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread is None:
            import threading

            from ..startup.allocator import use_one_heap

            use_one_heap()
            # An importing thread gives way every 5 ms; a waiting host should not pay for that.
            sys.setswitchinterval(_SWITCH_SEC)
            self._thread = threading.Thread(target=self._run, name="iai-mcp-imports", daemon=True)
            self._thread.start()

    def server(self) -> Server:
        """Return the real server, after waiting for the thread; call it once.

        Raises:
            MemoryFault: A setting cannot be used.
        """
        self.start()
        assert self._thread is not None
        self._thread.join()
        sys.setswitchinterval(self._switch_interval)
        os.close(self._done)
        if self._server is None:
            raise self._fault or RuntimeError("the import thread ended without a server")
        return self._server

    def _run(self) -> None:
        try:
            server = _load()
            if self._keeps_record:
                server.keep_record()
            self._server = server
        except BaseException as exc:  # noqa: BLE001 - the edge of a thread: raised again in `server`
            self._fault = exc
        finally:
            os.close(self._signal_done)


def serve() -> int:
    """Serve MCP on stdin and stdout until stdin closes or a signal comes; then exit with 0.

    Raises:
        MemoryFault: A setting cannot be used.
    """
    protocol_out = claim_stdout()
    protocol_in = claim_stdin()
    # Python's own handler of SIGINT writes a traceback, and nothing is open yet that could be lost.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    packaged = packaged_handshake()
    record = packaged or own_handshake()
    loader = Loader(keeps_record=packaged is None)
    if record is None:
        return loader.server().run(ResumedInput(b"", protocol_in), protocol_out, None)
    responder = HandshakeResponder(record)
    try:
        first = answer_handshake(protocol_in, protocol_out, responder, loader)
    except HostLeft as exc:
        if exc.silent:
            from iai_memory import load_settings

            load_settings()  # a start by hand, to see whether it works, shows a bad setting
        os._exit(0)
    already_answered = responder.already_answered
    return loader.server().run(ResumedInput(first, protocol_in), protocol_out, already_answered)


def answer_handshake(
    protocol_in: int, protocol_out: TextIO, responder: HandshakeResponder, loading: Loading
) -> bytes:
    """Answer what the responder can; return the bytes that the real server must read first.

    Those are the replay, then all bytes of stdin that were read and not answered. Loading starts
    when the host has its first answer and has sent nothing more for `IDLE_SEC`. The function
    returns at the first message that the responder cannot answer, or when loading is done.

    Args:
        protocol_in: The descriptor of stdin.
        protocol_out: The stream to stdout.
        responder: Answers; its `replay` grows.
        loading: Started at most once, and never waited for.

    Raises:
        HostLeft: Stdin ended, or stdout was closed, and no request is left to answer.
    """
    pending = b""
    silent = True
    while True:
        while b"\n" in pending:
            line, rest = pending.split(b"\n", 1)
            try:
                answer = responder.answer(line)
            except NotCertain:
                return b"".join(responder.replay) + pending
            pending = rest
            if answer:
                _send(answer, protocol_out)
        if len(pending) > _MAX_LINE_BYTES:
            return b"".join(responder.replay) + pending
        wait_sec = None if silent else IDLE_SEC
        ready, _, _ = select.select([protocol_in, loading.fileno()], [], [], wait_sec)
        if not ready:
            loading.start()
        elif protocol_in not in ready:
            return b"".join(responder.replay) + pending
        else:
            read = os.read(protocol_in, _READ_BYTES)
            if not read and not pending:
                raise HostLeft(silent)
            if not read:
                return b"".join(responder.replay) + pending
            pending += read
            silent = False


def _send(answer: str, protocol_out: TextIO) -> None:
    try:
        protocol_out.write(answer)
        protocol_out.flush()
    except BrokenPipeError:
        raise HostLeft(silent=False) from None
    except OSError as exc:
        from iai_memory.base.machine_faults import machine_fault

        sys.stderr.write(f"iai-mcp: {machine_fault(exc, 'stdout cannot be written')}\n")
        os._exit(1)


def _load() -> Server:
    from ..startup.gc_pause import gc_paused
    from ..startup.unused_imports import skip_imports_unused_by_a_server

    skip_imports_unused_by_a_server()
    with gc_paused():
        from pathlib import Path

        from iai_memory import load_settings

        from .server import Server

        return Server(load_settings(), Path.cwd())


def _exit(number: int, frame: FrameType | None) -> None:
    os._exit(0)
