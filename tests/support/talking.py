"""Ways to talk to the server: the SDK's client without async, and a child process line by line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent
from tests.support.checkout import ROOT

CLI = [sys.executable, "-m", "iai_server"]
SERVE = [*CLI, "serve"]
INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "tests", "version": "1"},
}
WAIT_SEC = 30
"""How long anything may take before it counts as hung; nothing is measured by it."""


def child_environment(store: Path, model: Path | None, **more: str) -> dict[str, str]:
    """The environment of a child: no setting of this process, only the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IAI_MCP_")}
    chosen = {"IAI_MCP_STORE": str(store), "IAI_MCP_REFRESH_TICK_SEC": "0.1"}
    return {**kept, **chosen, "IAI_MCP_MODEL": str(model or "installed"), **more}


class Host:
    """The official client, connected."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self.portal = portal
        self.client = client

    def call(self, tool: str, arguments: dict[str, Any] | None = None) -> CallToolResult:
        """Calls a tool; returns its result, an error result too."""
        result: CallToolResult = self.portal.call(self.client.call_tool, tool, arguments)
        return result

    def ask(self, tool: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Calls a tool that must succeed; returns its structured content."""
        result = self.call(tool, arguments)
        assert not result.is_error, result.content
        return structured(result)


@contextmanager
def connected(
    server: MCPServer[Any] | StdioServerParameters, *, mode: str = "auto"
) -> Generator[Host]:
    """A client of a server in this process, or of one that it starts."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, mode=mode)) as client,
    ):
        yield Host(portal, client)


def structured(result: CallToolResult) -> dict[str, Any]:
    """The structured content of a result, which is an object."""
    assert isinstance(result.structured_content, dict)
    return cast("dict[str, Any]", result.structured_content)


def said(result: CallToolResult) -> str:
    """The text of a result that has one piece of content."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


class ChildServer:
    """A real `iai-mcp serve` whose pipes the test holds itself."""

    def __init__(
        self,
        store: Path,
        model: Path | None,
        *,
        command: Iterable[str] = SERVE,
        **more: str,
    ) -> None:
        """Starts it; `more` are environment variables."""
        self.errors = store.parent / f"stderr-{time.monotonic_ns()}.txt"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=child_environment(store, model, **more),
                cwd=store.parent,
            )
        self._next_id = 0

    def send(self, line: bytes) -> None:
        """Writes one line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next line, which must be a message of the protocol."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the server ended: {self.stderr()}"
        message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return dict(message)

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Sends a request and returns the whole answer."""
        self._next_id += 1
        asked = {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params}
        self.send(json.dumps(asked).encode())
        answer = self.receive()
        assert answer["id"] == self._next_id
        return answer

    def initialize(self) -> dict[str, Any]:
        """The handshake that hosts of today speak; returns the server's part."""
        result = self.request("initialize", INITIALIZE)["result"]
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return dict(result)

    def call(self, tool: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Calls a tool and returns its result, an error result too."""
        params = {"name": tool, "arguments": arguments or {}}
        return dict(self.request("tools/call", params)["result"])

    def ask(self, tool: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        """Calls a tool that must succeed; returns its structured content."""
        result = self.call(tool, arguments)
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def refused(self, tool: str, arguments: dict[str, Any] | None = None) -> str:
        """Calls a tool that must fail; returns what it says."""
        result = self.call(tool, arguments)
        assert result["isError"], result
        [content] = result["content"]
        return str(content["text"])

    def end(self) -> tuple[int, bytes, float]:
        """Closes stdin; returns the exit code, what was left on stdout, and the seconds."""
        started = time.perf_counter()
        rest, _ = self.process.communicate(timeout=WAIT_SEC)
        return self.process.returncode, rest, time.perf_counter() - started

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=WAIT_SEC)

    def stderr(self) -> str:
        """What it wrote to stderr so far."""
        return self.errors.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """Ends it whatever state it is in; again is safe."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=WAIT_SEC)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                _close_quietly(pipe)


@contextmanager
def child_server(
    store: Path, model: Path | None, *, command: Iterable[str] = SERVE, **more: str
) -> Generator[ChildServer]:
    """A server that has shaken hands and is gone after the block."""
    child = ChildServer(store, model, command=command, **more)
    try:
        child.initialize()
        yield child
    finally:
        child.close()


def output_of(
    command: Iterable[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """Runs a child to its end, which must be a success; returns what it prints."""
    done = subprocess.run(
        list(command),
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=WAIT_SEC,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_cli(store: Path, *arguments: str, **more: str) -> str:
    """Runs the command line on that store, without a model; returns what it prints."""
    return output_of([*CLI, *arguments], env=child_environment(store, None, **more), cwd=ROOT)


def _close_quietly(pipe: Any) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        # What was never flushed has no reader any more; the test said what it had to say.
        return
