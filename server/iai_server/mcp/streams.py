r"""The streams between the SDK's transport and its server: each request gets exactly one answer.

The SDK silently drops a line that it cannot read, and the sender waits for ever. That happens: a
JavaScript host escapes half of a surrogate pair as `\ud83d`, which JSON allows and Unicode does
not. And the server reads a request that the handshake responder answered once more, in the replay
that `serving/launch.py` describes.
"""

from __future__ import annotations

import json
import logging
from types import TracebackType
from typing import Any, Protocol, Self

from mcp.shared.message import SessionMessage
from mcp_types import (
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
)
from pydantic import ValidationError

from ..startup.handshake_responder import ACKNOWLEDGED, SUBSCRIPTION_KEY, AlreadyAnswered

_log = logging.getLogger(__name__)

UNREADABLE = (
    "the request is not a JSON-RPC message in valid Unicode: send it again without halves of "
    "surrogate pairs"
)


class Closable(Protocol):
    """A stream of the transport."""

    async def aclose(self) -> None:
        """Close it."""
        ...


class Source(Closable, Protocol):
    """The transport's reading side: messages, and for an unreadable line the exception."""

    async def receive(self) -> SessionMessage | Exception:
        """Return the next item."""
        ...

    async def __anext__(self) -> SessionMessage | Exception:
        """Return the next item while there is one."""
        ...


class Sink(Closable, Protocol):
    """The transport's writing side."""

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message."""
        ...


class _Wrapper:
    """A stream around another one, which is closed with it."""

    def __init__(self, stream: Closable) -> None:
        self._stream = stream

    async def aclose(self) -> None:
        """Close the wrapped stream."""
        await self._stream.aclose()

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


class IncomingStream(_Wrapper):
    """The reading side for the SDK's server; answers unreadable requests with an error."""

    def __init__(self, source: Source, sink: Sink) -> None:
        """Read from `source`; send errors to `sink`, which is not closed with this stream."""
        super().__init__(source)
        self._source = source
        self._sink = sink

    @property
    def last_context(self) -> Any:
        """The sender's context of the last item, which the SDK looks for on a stream."""
        return getattr(self._source, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """Return the next item; an unreadable request was answered before."""
        return await self._answered(await self._source.receive())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self._answered(await self._source.__anext__())

    async def _answered(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        if not isinstance(item, Exception):
            return item
        id_ = _request_id(item)
        _log.warning("a line on stdin is no message of the protocol, its id is %r", id_)
        if id_ is not None:
            error = ErrorData(code=PARSE_ERROR, message=UNREADABLE)
            await self._sink.send(SessionMessage(JSONRPCError(jsonrpc="2.0", id=id_, error=error)))
        return item


class OutgoingStream(_Wrapper):
    """The writing side for the SDK's server; suppresses answers that the host has already."""

    def __init__(self, sink: Sink, already_answered: AlreadyAnswered) -> None:
        """Write to `sink`; ids of subscriptions leave `already_answered` when suppressed."""
        super().__init__(sink)
        self._sink = sink
        self._already_answered = already_answered

    async def send(self, item: SessionMessage, /) -> None:
        """Send one message, unless the host has it already."""
        if not self._was_answered(item.message):
            await self._sink.send(item)

    def _was_answered(self, message: JSONRPCMessage) -> bool:
        answered = self._already_answered
        if not isinstance(message, JSONRPCNotification):
            return getattr(message, "id", None) == answered.opening_id
        if message.method != ACKNOWLEDGED or not answered.subscriptions:
            return False
        id_ = (message.params or {})["_meta"][SUBSCRIPTION_KEY]
        known = id_ in answered.subscriptions
        # A later subscription may have the same id again.
        answered.subscriptions.discard(id_)
        return known


def _request_id(problem: Exception) -> int | str | None:
    """Return the request's id in an unreadable line; None if it has none to send back."""
    if not isinstance(problem, ValidationError):
        return None
    first = problem.errors(include_url=False)[0]
    if first["type"] != "json_invalid":
        # JSON that is no envelope: pydantic gives the part that is wrong and not the id.
        return None
    try:
        # More lenient than the SDK's parser: it lets halves of surrogate pairs pass.
        message = json.loads(first["input"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or "method" not in message:
        return None
    id_ = message.get("id")
    if isinstance(id_, str):
        return id_ if id_.isprintable() else None
    return id_ if isinstance(id_, int) and not isinstance(id_, bool) else None
