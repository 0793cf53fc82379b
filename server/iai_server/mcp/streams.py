r"""The protocol's two streams: no request without an answer, and none with two.

The SDK drops a line that it cannot read in silence, and whoever sent it waits for ever. It happens
in earnest: a JavaScript host escapes half of a surrogate pair as `\ud83d`, which JSON allows and
Unicode does not.
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

from ..startup.front import ACKNOWLEDGED, SUBSCRIPTION_KEY, Told

_log = logging.getLogger(__name__)

UNREADABLE = (
    "the request is not a JSON-RPC message in valid Unicode: send it again without halves of "
    "surrogate pairs"
)


class Incoming(Protocol):
    """What the transport reads: a message, or why a line was none."""

    async def receive(self) -> SessionMessage | Exception:
        """The next item."""
        ...

    async def aclose(self) -> None:
        """Ends the reading."""
        ...

    async def __anext__(self) -> SessionMessage | Exception:
        """The next item while there is one."""
        ...


class Outgoing(Protocol):
    """Where answers go."""

    async def send(self, item: SessionMessage, /) -> None:
        """Sends one message."""
        ...

    async def aclose(self) -> None:
        """Ends the sending."""
        ...


class AnsweredStream:
    """The transport's incoming stream, which answers unreadable requests by itself."""

    def __init__(self, incoming: Incoming, outgoing: Outgoing) -> None:
        """Wraps the stream; it is closed with this one."""
        self._incoming = incoming
        self._outgoing = outgoing

    @property
    def last_context(self) -> Any:
        """The sender's context of the last item, as the SDK asks for it."""
        return getattr(self._incoming, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """The next item; of an unreadable line, after it was answered."""
        return await self._answered(await self._incoming.receive())

    async def aclose(self) -> None:
        """Closes the wrapped stream."""
        await self._incoming.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self._answered(await self._incoming.__anext__())

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

    async def _answered(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        if not isinstance(item, Exception):
            return item
        id_ = _asked_id(item)
        _log.warning("a line on stdin is no message of the protocol, its id is %r", id_)
        if id_ is not None:
            error = ErrorData(code=PARSE_ERROR, message=UNREADABLE)
            await self._outgoing.send(
                SessionMessage(JSONRPCError(jsonrpc="2.0", id=id_, error=error))
            )
        return item


class SilencedStream:
    """The transport's outgoing stream without what the host has been told already."""

    def __init__(self, outgoing: Outgoing, told: Told) -> None:
        """Wraps the stream; it is closed with this one."""
        self._outgoing = outgoing
        self._told = told

    async def send(self, item: SessionMessage, /) -> None:
        """Sends one message, unless it was told before."""
        if not self._was_told(item.message):
            await self._outgoing.send(item)

    async def aclose(self) -> None:
        """Closes the wrapped stream."""
        await self._outgoing.aclose()

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

    def _was_told(self, message: JSONRPCMessage) -> bool:
        if not isinstance(message, JSONRPCNotification):
            return getattr(message, "id", None) == self._told.replayed_id
        if message.method != ACKNOWLEDGED or not self._told.listening:
            return False
        id_ = (message.params or {})["_meta"][SUBSCRIPTION_KEY]
        told = id_ in self._told.listening
        # A later subscription may have the same id again.
        self._told.listening.discard(id_)
        return told


def _asked_id(problem: Exception) -> int | str | None:
    """The id of the request in an unreadable line; None where it holds none that can be sent."""
    if not isinstance(problem, ValidationError):
        return None
    first = problem.errors(include_url=False)[0]
    if first["type"] != "json_invalid":
        # JSON that is no envelope; pydantic tells the part that is wrong and not the id.
        return None
    try:
        # More lenient than the SDK's parser: it lets halves of surrogate pairs pass.
        asked = json.loads(first["input"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or "method" not in asked:
        return None
    id_ = asked.get("id")
    if isinstance(id_, str):
        return id_ if id_.isprintable() else None
    return id_ if isinstance(id_, int) and not isinstance(id_, bool) else None
