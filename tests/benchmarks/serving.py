"""Servers as a host has them, and what a benchmark asks of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.talking import ChildServer

from iai_memory import load_settings
from iai_memory.base.paths import StorePaths
from iai_memory.embedding.encoder import Encoder
from iai_memory.session_start.cache import cache_path

from .echo_server import COMMAND as ECHO
from .timings import timed

TICK_SEC = 5.0
_HELLO = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "benchmark", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]


@contextmanager
def silent_server(environment: dict[str, str]) -> Generator[int]:
    """The process id of a server that has shaken hands; its stdin is closed after the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iai_server", "serve"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in _HELLO:
            process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        yield process.pid
    finally:
        process.communicate(timeout=60)


def spawned(store: Path, command: list[str] | None = None, **settings: str) -> ChildServer:
    """A server on the store, just started, with the model and the ticks that a user would have.

    Of the settings in the environment the copy's size is taken over, to tell what it costs.
    """
    chosen = {"IAI_MCP_REFRESH_TICK_SEC": str(TICK_SEC)} | settings
    if "IAI_MCP_COPY_MB" in os.environ:
        chosen["IAI_MCP_COPY_MB"] = os.environ["IAI_MCP_COPY_MB"]
    serve = [sys.executable, "-m", "iai_server", "serve"]
    return ChildServer(store, load_settings().model, command=command or serve, **chosen)


@contextmanager
def talking_server(store: Path) -> Generator[ChildServer]:
    """A server that has shaken hands and whose sidecar has looked at the store once.

    Its stdin is closed after the block, so that it ends as it does under a host.
    """
    page = cache_path(StorePaths(store), None)
    page.unlink(missing_ok=True)
    child = spawned(store)
    try:
        child.initialize()
        await_page(page)
        yield child
        child.end()
    finally:
        child.close()


@contextmanager
def echo_server(folder: Path) -> Generator[ChildServer]:
    """The SDK's echo, which has shaken hands; `folder` takes what it writes to stderr."""
    child = spawned(folder / "echo", ECHO)
    try:
        child.initialize()
        yield child
    finally:
        child.close()


def call_ms(server: ChildServer, tool: str, **arguments: Any) -> float:
    """Milliseconds of one call, request to answer."""
    return timed(lambda: server.ask(tool, arguments))[1]


def reference_ms(echo: ChildServer, encoder: Encoder, text: str) -> float:
    """What a call with this text cannot do without: an echo's round trip and its embedding."""
    return call_ms(echo, "echo", text=text) + timed(lambda: encoder.encode([text]))[1]


def await_page(page: Path, seconds: float = 600.0) -> None:
    """Waits until a sidecar has rendered the session-start page.

    Raises:
        TimeoutError: None came.
    """
    ends = time.monotonic() + seconds
    while not page.exists():
        if time.monotonic() > ends:
            raise TimeoutError(f"no server rendered {page} within {seconds:g} s")
        time.sleep(0.05)


def command_line(store: Path, *arguments: str) -> str:
    """Runs `iai-mcp` on the store and returns what it prints.

    Raises:
        subprocess.CalledProcessError: It failed; its stderr was passed on.
    """
    script = str(Path(sys.executable).with_name("iai-mcp"))
    environment = {**os.environ, "IAI_MCP_STORE": str(store)}
    asked = [script, *arguments]
    done = subprocess.run(asked, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout
