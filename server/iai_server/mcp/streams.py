"""The streams between stdin, stdout and the SDK's server: each request gets exactly one answer.

The SDK's own transport drops what it cannot read, takes in requests without end while nobody reads
their answers, and drops requests at the end of stdin. Here a line that is no message is refused
(`envelope.py`); the next line is read when there is room for its answer; and the end of stdin is
told to the server when everything before it was answered. The server reads a request that the
handshake responder answered once more, in the replay that `serving/launch.py` describes; that
answer is dropped.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

import anyio
from anyio import to_thread
from mcp.shared.dispatcher import coerce_request_id
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
)

from ..startup.handshake_responder import ACKNOWLEDGED, SUBSCRIPTION_KEY, AlreadyAnswered
from ..startup.message_check import compact_json
from .cancelling import RunningChanges
from .envelope import Refusal, messages_in
from .lines import CutLine, Lines, read_line

_log = logging.getLogger(__name__)

MAX_OPEN: Final = 32
"""Requests at work at once; with the two threads of the streams fewer than anyio's 40 threads."""

MAX_OPEN_BYTES: Final = 16 << 20
"""Of the lines of those requests, unless there is but one."""

MAX_UNREAD_BYTES: Final = 16 << 20
"""Of answers that the host has not read yet."""

LAST_ANSWERS_SEC: Final = 10.0
"""How long a host may take to read the last answers after it closed stdin."""

_CANCELLED: Final = "notifications/cancelled"


class _Stream:
    """What the SDK asks of both streams."""

    async def aclose(self) -> None:
        """Close it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> bool | None:
        await self.aclose()
        return None


class OutgoingStream(_Stream):
    """Answers on their way to stdout, and the requests that still wait for one.

    Attributes:
        fault: Why stdout takes nothing any more; None while it does.
    """

    def __init__(
        self, wire: TextIO, already_answered: AlreadyAnswered, changes: RunningChanges
    ) -> None:
        """Write to `wire`.

        Args:
            wire: To stdout.
            already_answered: Is not sent again; ids of subscriptions leave it when suppressed.
            changes: Are told which requests were answered.
        """
        self.fault: OSError | None = None
        self._changes = changes
        self._wire = wire
        self._already_answered = already_answered
        self._open = Counter[int | str]()
        self._open_bytes: dict[int | str, int] = {}
        self._lines = deque[str]()
        self._unread_bytes = 0
        self._closed = False
        self._moved = anyio.Event()

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message, unless the host has it already.

        Raises:
            BrokenResourceError: Nobody reads stdout any more.
        """
        try:
            if not self._was_answered(item.message):
                await self._put(_line_of(item.message))
        finally:
            if (id_ := _answered_id(item.message)) is not None:
                self._settle(id_)
                self._changes.answered(id_)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer what is no request.

        Raises:
            BrokenResourceError: Nobody reads stdout any more.
        """
        error = {"code": refusal.code, "message": refusal.text}
        await self._put(compact_json({"jsonrpc": "2.0", "id": refusal.id, "error": error}))

    async def room(self) -> None:
        """Wait until another request may be taken in."""
        await self._until(
            lambda: (
                self._open.total() < MAX_OPEN and sum(self._open_bytes.values()) <= MAX_OPEN_BYTES
            )
        )

    def opened(self, request: JSONRPCRequest, size: int) -> None:
        """Note a request that must be answered, and the bytes of its line."""
        key = coerce_request_id(request.id)
        self._open[key] += 1
        self._open_bytes[key] = self._open_bytes.get(key, 0) + size

    def abandoned(self, id_: int | str) -> None:
        """Note that a request is cancelled, and will not be answered."""
        self._settle(coerce_request_id(id_))

    async def all_answered(self) -> None:
        """Wait until every request was answered."""
        await self._until(lambda: not self._open)

    async def aclose(self) -> None:
        """Take no more messages; those that were taken are written."""
        self._closed = True
        self._tell()

    async def write_all(self) -> None:
        """Write what was sent, until the stream is closed or stdout fails; then see `fault`."""
        while True:
            await self._until(lambda: bool(self._lines) or self._closed)
            if not self._lines:
                return
            text = "".join(self._lines)
            self._lines.clear()
            try:
                # A host that never reads must not keep the process from its end.
                await to_thread.run_sync(self._write, text, abandon_on_cancel=True)
            except OSError as exc:
                self.fault = exc
                self._open.clear()
                self._tell()
                return
            self._unread_bytes -= len(text)
            self._tell()

    def _write(self, text: str) -> None:
        self._wire.write(text)
        self._wire.flush()

    async def _put(self, line: str) -> None:
        await self._until(lambda: self._unread_bytes < MAX_UNREAD_BYTES)
        if self.fault is not None or self._closed:
            raise anyio.BrokenResourceError
        self._lines.append(line + "\n")
        self._unread_bytes += len(line) + 1
        self._tell()

    def _settle(self, id_: int | str) -> None:
        if id_ in self._open:
            self._open[id_] -= 1
            if not self._open[id_]:
                del self._open[id_], self._open_bytes[id_]
        self._tell()

    async def _until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true, or stdout has failed."""
        while not true() and self.fault is None:
            await self._moved.wait()

    def _tell(self) -> None:
        self._moved.set()
        self._moved = anyio.Event()

    def _was_answered(self, message: JSONRPCMessage) -> bool:
        answered = self._already_answered
        if not isinstance(message, JSONRPCNotification):
            return getattr(message, "id", None) == answered.opening_id
        id_ = _acknowledged_id(message)
        known = id_ in answered.subscriptions
        if id_ is not None:
            # A later subscription may have the same id again.
            answered.subscriptions.discard(id_)
        return known


class IncomingStream(_Stream):
    """Messages of the host for the SDK's server."""

    def __init__(self, lines: Lines, outgoing: OutgoingStream, changes: RunningChanges) -> None:
        """Read `lines`; what cannot be used is answered over `outgoing`.

        Args:
            lines: Of stdin.
            outgoing: Knows what is still to be answered.
            changes: Know which requests can still be left undone.
        """
        self._lines = lines
        self._outgoing = outgoing
        self._changes = changes
        self._waiting = deque[tuple[JSONRPCMessage, int]]()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message.

        Raises:
            EndOfStream: Stdin has ended, and every request was answered.
        """
        while True:
            await self._outgoing.room()
            while not self._waiting:
                await self._read()
            message, size = self._waiting.popleft()
            if isinstance(message, JSONRPCRequest):
                self._outgoing.opened(message, size)
            if not self._comes_too_late(message):
                return SessionMessage(message)

    async def _read(self) -> None:
        line = await to_thread.run_sync(self._next_line, abandon_on_cancel=True)
        if line is None:
            await self._outgoing.all_answered()
            raise anyio.EndOfStream
        found = messages_in(line)
        for each in found:
            if isinstance(each, Refusal):
                _log.warning("a line on stdin is no message of the protocol: %s", each.text)
                await self._outgoing.refuse(each)
            else:
                self._waiting.append((each, len(line) // len(found)))

    def _next_line(self) -> bytes | CutLine | None:
        try:
            return read_line(self._lines)
        except OSError as exc:
            _log.warning("stdin cannot be read (%s), it counts as ended", exc.strerror)
            return None

    def _comes_too_late(self, message: JSONRPCMessage) -> bool:
        """Return whether it cancels a change that is being made, which is then answered."""
        if not isinstance(message, JSONRPCNotification) or message.method != _CANCELLED:
            return False
        id_ = (message.params or {}).get("requestId")
        if isinstance(id_, bool) or not isinstance(id_, int | str):
            return False
        if not self._changes.cancel(id_):
            return True
        self._outgoing.abandoned(id_)
        return False


def _line_of(message: JSONRPCMessage) -> str:
    """Return the message as the SDK writes it; an error for a result that is no Unicode."""
    try:
        return message.model_dump_json(by_alias=True, exclude_unset=True)
    except ValueError:
        _log.exception("an answer cannot be written")
        error = ErrorData(code=INTERNAL_ERROR, message="the answer cannot be written in UTF-8")
        id_ = getattr(message, "id", None)
        return JSONRPCError(jsonrpc="2.0", id=id_, error=error).model_dump_json(by_alias=True)


def _answered_id(message: JSONRPCMessage) -> int | str | None:
    """Return the id of the request that has its answer with this message.

    A subscription is answered at its end; what its host waits for is the acknowledgement.
    """
    if isinstance(message, JSONRPCNotification):
        id_ = _acknowledged_id(message)
    elif isinstance(message, JSONRPCRequest):
        id_ = None  # one of ours
    else:
        id_ = message.id
    return None if id_ is None else coerce_request_id(id_)


def _acknowledged_id(message: JSONRPCNotification) -> int | str | None:
    if message.method != ACKNOWLEDGED:
        return None
    id_: int | str = (message.params or {})["_meta"][SUBSCRIPTION_KEY]
    return id_
