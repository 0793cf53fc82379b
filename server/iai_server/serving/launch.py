"""How a serving process starts: the handshake first, everything heavy behind it.

    claim the pipes → answer from the record → load in a thread → hand the stream over

The front and the real server never read at the same time. What the front took from stdin and did
not answer, and what the real server must hear to be where the front was, are the first bytes that
it reads. Standard library only, and little of it.
"""

from __future__ import annotations

import os
import select
import signal
import sys

from ..startup.front import Front, NotCertain
from ..startup.pipes import Resumed, claim_stdin, claim_stdout
from ..startup.record_file import own_record, packaged_record

TYPE_CHECKING = False  # typing itself costs 5 ms of the handshake
if TYPE_CHECKING:
    from threading import Thread
    from types import FrameType
    from typing import Protocol, TextIO

    from .server import Server

    class Background(Protocol):
        """What the front needs to know of a loader."""

        def fileno(self) -> int:
            """A descriptor that can be read once the real server is ready."""
            ...

        def start(self) -> None:
            """Begins to load; again is nothing."""
            ...


IDLE_SEC = 0.05
_CHUNK = 65_536
_LONGEST = 65_536
_SWITCH_SEC = 0.0005


class HostLeft(Exception):
    """There is nobody to answer, or nothing that has no answer yet."""

    def __init__(self, silent: bool) -> None:
        """`silent`: nothing at all came."""
        super().__init__()
        self.silent = silent


class Loader:
    """Imports and builds the real server in a thread of its own."""

    def __init__(self, *, keeps_record: bool) -> None:
        """Nothing runs until `start`; `keeps_record` leaves a record for the next start."""
        self._keeps_record = keeps_record
        self._done, self._tell = os.pipe()
        self._interval = sys.getswitchinterval()
        self._thread: Thread | None = None
        self._server: Server | None = None
        self._fault: BaseException | None = None

    def fileno(self) -> int:
        """A descriptor that can be read once the thread is done."""
        return self._done

    def start(self) -> None:
        """Starts the thread; again is nothing."""
        if self._thread is None:
            import threading

            from ..startup.allocator import use_one_heap

            use_one_heap()
            # An importing thread gives way every 5 ms; a waiting host should not pay for that.
            sys.setswitchinterval(_SWITCH_SEC)
            self._thread = threading.Thread(target=self._run, name="iai-mcp-imports", daemon=True)
            self._thread.start()

    def server(self) -> Server:
        """The real server; waits for the thread.

        Raises:
            MemoryFault: A setting cannot be used.
        """
        self.start()
        assert self._thread is not None
        self._thread.join()
        sys.setswitchinterval(self._interval)
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
            os.close(self._tell)


def serve() -> int:
    """Serves MCP on stdin and stdout until stdin closes or a signal comes; then 0.

    Raises:
        MemoryFault: A setting cannot be used.
    """
    wire = claim_stdout()
    source = claim_stdin()
    # Python's own handler of SIGINT writes a traceback, and nothing is open yet that could be lost.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    packaged = packaged_record()
    record = packaged or own_record()
    loader = Loader(keeps_record=packaged is None)
    front = Front(record) if record else None
    try:
        lead = converse(source, wire, front, loader) if front else b""
    except HostLeft as exc:
        if exc.silent:
            from iai_memory import load_settings

            load_settings()  # whoever only looks whether it starts learns what would stop it
        os._exit(0)
    return loader.server().run(Resumed(lead, source), wire, front.told if front else None)


def converse(source: int, wire: TextIO, front: Front, loader: Background) -> bytes:
    """Answers what the front can answer; returns what the real server must read first.

    Loading starts once the host has its first answer and nothing more to ask for `IDLE_SEC`, or
    with the first message that the front cannot answer. It ends this function in both cases.

    Raises:
        HostLeft: There is nothing more to answer.
    """
    pending = b""
    silent = True
    while True:
        while b"\n" in pending:
            line, rest = pending.split(b"\n", 1)
            try:
                said = front.answer(line)
            except NotCertain:
                return b"".join(front.replay) + pending
            pending = rest
            if said:
                _say(said, wire)
        if len(pending) > _LONGEST:
            return b"".join(front.replay) + pending
        waiting = None if silent else IDLE_SEC
        ready, _, _ = select.select([source, loader.fileno()], [], [], waiting)
        if not ready:
            loader.start()
        elif source not in ready:
            return b"".join(front.replay) + pending
        else:
            read = os.read(source, _CHUNK)
            if not read and not pending:
                raise HostLeft(silent)
            if not read:
                return b"".join(front.replay) + pending
            pending += read
            silent = False


def _say(said: str, wire: TextIO) -> None:
    try:
        wire.write(said)
        wire.flush()
    except BrokenPipeError:
        raise HostLeft(silent=False) from None


def _load() -> Server:
    from ..startup.gc_pause import collector_paused
    from ..startup.unused_imports import import_less

    import_less()
    with collector_paused():
        from pathlib import Path

        from iai_memory import load_settings

        from .server import Server

        return Server(load_settings(), Path.cwd())


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(0)
