"""Servers as a host has them that started them and then says nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

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
