"""The responder and the real server on pipes of this process, and what hosts of today say first."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any

import anyio
from mcp_types.version import LATEST_MODERN_VERSION
from tests.support.talking import WAIT_SEC

from iai_server.mcp.app import App
from iai_server.serving.launch import answer_handshake
from iai_server.startup.handshake_responder import HandshakeResponder
from iai_server.startup.pipes import ResumedInput
from iai_server.startup.recorded_handshake import PACKAGED

RECORD: dict[str, Any] = json.loads(Path(PACKAGED).read_text(encoding="utf-8"))
CONSTANTS = [
    (version, method) for version in RECORD["answers"] for method in RECORD["answers"][version]
]
LEGACY = [version for version, methods in RECORD["answers"].items() if "ping" in methods]
MODERN = LATEST_MODERN_VERSION
CLAUDE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {
            "name": "claude-code",
            "title": "Claude Code",
            "version": "2.1.330",
            "description": "Anthropic's agentic coding tool",
            "websiteUrl": "https://claude.com/claude-code",
        },
        "io.modelcontextprotocol/clientCapabilities": {
            "roots": {"listChanged": True},
            "elicitation": {"form": {}, "url": {}},
        },
    }
}
CODEX = {
    "protocolVersion": "2025-06-18",
    "capabilities": {
        "experimental": {"codex/auth-change": {}},
        "elicitation": {"form": {}, "url": {}},
    },
    "clientInfo": {"name": "codex-mcp-client", "title": "Codex", "version": "0.169.0"},
}
CHANGES = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
LISTEN = {**CLAUDE, "notifications": dict.fromkeys(CHANGES, True)}
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


def request(id_: int | str, method: str, params: dict[str, Any]) -> bytes:
    """One request as a line of JSON."""
    asked = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    return json.dumps(asked).encode() + b"\n"


class Ready:
    """Tells the responder that the real server is ready, when the test wants it to be."""

    def __init__(self) -> None:
        self._end, self._tell = os.pipe()
        self.started = threading.Event()

    def fileno(self) -> int:
        return self._end

    def start(self) -> None:
        self.started.set()

    def now(self) -> None:
        if self._tell >= 0:
            os.close(self._tell)
        self._tell = -1

    def close(self) -> None:
        self.now()
        os.close(self._end)


@dataclass
class SessionOrder:
    """A server in a thread of this process and the test's ends of its pipes."""

    stdin: int
    stdout: BufferedReader
    rest: tuple[bytes, ...] = ()
    """What came after stdin was closed."""

    def ask(self, said: bytes) -> None:
        """Writes as it is."""
        while said:
            said = said[os.write(self.stdin, said) :]

    def answers(self, count: int) -> list[bytes]:
        """The next lines."""
        return [self.stdout.readline() for _ in range(count)]


@contextmanager
def spoken(serve: Callable[[int, TextIOWrapper], None]) -> Generator[SessionOrder]:
    """Runs a server on two pipes; they are closed and it has ended after the block."""
    source, stdin = os.pipe()
    stdout, sink = os.pipe()
    faults: list[BaseException] = []

    def run() -> None:
        try:
            with os.fdopen(sink, "w", encoding="utf-8", newline="\n") as wire:
                serve(source, wire)
        except BaseException as exc:  # noqa: BLE001 - the edge of a thread: told below
            faults.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    with os.fdopen(stdout, "rb") as reader:
        spoken = SessionOrder(stdin, reader)
        try:
            yield spoken
        finally:
            os.close(stdin)
            thread.join(WAIT_SEC)
            os.close(source)
        spoken.rest = tuple(sorted(reader))
    assert not thread.is_alive()
    assert not faults, faults


def real_only(app: App) -> Callable[[int, TextIOWrapper], None]:
    """The SDK's server and nothing before it."""

    def serve(source: int, wire: TextIOWrapper) -> None:
        anyio.run(app.serve_stdio, lines_of(b"", source), wire)

    return serve


def with_responder(app: App, ready: Ready) -> Callable[[int, TextIOWrapper], None]:
    """The responder, and behind it the SDK's server."""

    def serve(source: int, wire: TextIOWrapper) -> None:
        responder = HandshakeResponder(RECORD)
        lead = answer_handshake(source, wire, responder, ready)
        anyio.run(app.serve_stdio, lines_of(lead, source), wire, responder.already_answered)

    return serve


def lines_of(lead: bytes, source: int) -> BufferedReader:
    """A stream of the pipe, after the bytes that were already read from it."""
    return BufferedReader(ResumedInput(lead, source))
