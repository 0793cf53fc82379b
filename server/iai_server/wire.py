r"""The protocol's two pipes: stdout for nothing else, and no request on stdin without an answer.

The SDK drops a line that it cannot read in silence, and whoever sent it waits for ever. It happens
in earnest: a JavaScript host escapes half of a surrogate pair as `\ud83d`, which JSON allows and
Unicode does not.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from mcp.shared.message import SessionMessage
from mcp_types import PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

_log = logging.getLogger(__name__)

UNREADABLE = (
    "the request is not a JSON-RPC message in valid Unicode: send it again without halves of "
    "surrogate pairs"
)


def claim_stdout() -> TextIO:
    """Takes stdout for the protocol alone and returns the only way to it, line-buffered UTF-8.

    Whatever anyone prints from here on goes to stderr: Python code, libraries in C, child
    processes, and what still stands in a buffer when the interpreter ends. Done before anything is
    loaded, because a library may print while it is imported.
    """
    sys.stdout.flush()
    wire = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(wire, "w", encoding="utf-8", newline="\n")


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
