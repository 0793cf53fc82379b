"""The SDK's server with lean schemas, compact results and errors of one sentence each."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TextIO

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedResourceError,
    UnexpectedToolError,
)
from mcp_types import CallToolResult, InputRequiredResult, TextContent, Tool
from pydantic import ValidationError

from iai_memory.base.machine_faults import told_by_system
from iai_memory.errors import InvalidInput, MemoryFault, UnknownRecord
from iai_memory.text.visible import escape_unprintable

from ..startup.handshake_responder import AlreadyAnswered
from .cancelling import RunningChanges
from .lines import Lines
from .schemas import lean, lean_result, rejection
from .streams import LAST_ANSWERS_SEC, IncomingStream, OutgoingStream

if TYPE_CHECKING:
    from mcp.server.lowlevel.helper_types import ReadResourceContents
    from mcp.shared._stream_protocols import ReadStream, WriteStream
    from mcp.shared.message import SessionMessage
    from pydantic import AnyUrl


class App(MCPServer[Any]):
    """An MCP server whose tools and resources may raise `MemoryFault`.

    The text of a `MemoryFault` names the thing and the next command, so it is the whole error that
    a host sees. Any other exception is a crash: its text goes to the log alone.
    """

    _listed: list[Tool] | None = None

    def __init__(self, name: str, *, version: str, instructions: str) -> None:
        """Make a server without tools; its log shows warnings."""
        super().__init__(name, version=version, instructions=instructions, log_level="WARNING")
        self._changes = RunningChanges()

    async def list_tools(self) -> list[Tool]:
        """Return the tools without the noise that pydantic puts into schemas; computed once."""
        if self._listed is None:
            self._listed = [
                tool.model_copy(
                    update={
                        "input_schema": lean(tool.input_schema) | {"additionalProperties": False},
                        "output_schema": tool.output_schema and lean_result(tool.output_schema),
                    }
                )
                for tool in await super().list_tools()
            ]
        return list(self._listed)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; the result's JSON is one line.

        Raises:
            ToolError: An argument, a `MemoryFault` or an error of the operating system, in one
                sentence.
            UnexpectedToolError: The tool crashed; the text names the command that looks into it.
        """
        await self._check_names(name, arguments)
        try:
            with self._cancellable(context):
                return _compact(await super().call_tool(name, arguments, context))
        except UnexpectedToolError as exc:
            if isinstance(exc.__cause__, MemoryFault):
                raise ToolError(str(exc.__cause__)) from exc.__cause__
            if isinstance(exc.__cause__, OSError):
                raise ToolError(f"{name}: {told_by_system(exc.__cause__)}") from exc.__cause__
            raise UnexpectedToolError(
                f"{name} failed inside iai-mcp: tell the user to run `iai-mcp doctor`"
            ) from exc.__cause__
        except ToolError as exc:
            raise ToolError(_sentence(name, exc)) from exc.__cause__

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource.

        Raises:
            ResourceNotFoundError: No resource, or no memory or session alone, has that address.
            ResourceError: The memory cannot be read, in one sentence.
            UnexpectedResourceError: The resource crashed.
        """
        try:
            return await super().read_resource(uri, context)
        except UnexpectedResourceError as exc:
            if isinstance(exc.__cause__, UnknownRecord | InvalidInput):
                raise ResourceNotFoundError(str(exc.__cause__)) from exc.__cause__
            if isinstance(exc.__cause__, MemoryFault):
                raise ResourceError(str(exc.__cause__)) from exc.__cause__
            if isinstance(exc.__cause__, OSError):
                raise ResourceError(told_by_system(exc.__cause__)) from exc.__cause__
            raise

    async def serve_stdio(
        self,
        protocol_in: Lines,
        protocol_out: TextIO,
        already_answered: AlreadyAnswered | None = None,
    ) -> None:
        """Serve stdin and stdout until `protocol_in` ends, or nobody reads `protocol_out`.

        Every line that is no message is answered with an error; answers that the host has already
        are suppressed.

        Raises:
            OSError: `protocol_out` cannot be written, other than by a reader who left.
        """
        outgoing = OutgoingStream(
            protocol_out, already_answered or AlreadyAnswered(), self._changes
        )
        incoming = IncomingStream(protocol_in, outgoing, self._changes)
        written = anyio.Event()

        async def write(serving: anyio.CancelScope) -> None:
            await outgoing.write_all()
            written.set()
            if outgoing.fault is not None:
                serving.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write, tasks.cancel_scope)
            await self.serve_streams(incoming, outgoing)
            with anyio.move_on_after(LAST_ANSWERS_SEC):
                await written.wait()
            tasks.cancel_scope.cancel()
        if outgoing.fault is not None and outgoing.fault.errno != errno.EPIPE:
            raise outgoing.fault

    async def serve_streams(
        self,
        incoming: ReadStream[SessionMessage | Exception],
        outgoing: WriteStream[SessionMessage],
    ) -> None:
        """Serve one connection whose lines are parsed already."""
        await self._lowlevel_server.run(
            incoming, outgoing, self._lowlevel_server.create_initialization_options()
        )

    def _cancellable(self, context: Context[Any, Any] | None) -> AbstractContextManager[None]:
        if context is None:
            return nullcontext()
        return self._changes.running(context.request_id)

    async def _check_names(self, name: str, arguments: dict[str, Any]) -> None:
        schemas = {tool.name: tool.input_schema for tool in await self.list_tools()}
        if name not in schemas:
            raise ToolError(f"no tool is called {name[:80]!a}: call one of {', '.join(schemas)}")
        known = schemas[name].get("properties", {})
        for given in arguments:
            if given not in known:
                send = f"send {', '.join(known)}" if known else "send none"
                raise ToolError(f"{name} has no argument {given[:80]!a}: {send}")


def _sentence(name: str, error: ToolError) -> str:
    if isinstance(error.__cause__, ValidationError):
        return rejection(name, error.__cause__)
    return str(error).removeprefix(f"Error executing tool {name}: ")


def _compact(result: CallToolResult | InputRequiredResult) -> CallToolResult | InputRequiredResult:
    """Return the result with its JSON on one line: the SDK indents it, which costs tokens.

    Control and format characters are escaped.
    """
    if not isinstance(result, CallToolResult) or result.structured_content is None:
        return result
    text = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
    return result.model_copy(
        update={"content": [TextContent(type="text", text=escape_unprintable(text))]}
    )
