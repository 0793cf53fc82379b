"""The first request to the model has our tools, however busy the machine is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator

import pytest

from .hosts import ClaudeCode, Codex, HostUnderTest
from .model_stub import Say
from .place import Place

pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]


@pytest.fixture
def busy() -> Generator[None]:
    """Every core is kept busy by a process of its own."""
    command = [sys.executable, "-c", "while True: pass"]
    spinning = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    yield
    for one in spinning:
        assert one.poll() is None
        one.kill()
        one.wait()


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("host", [ClaudeCode(), Codex()], ids=["claude-code", "codex"])
def test_a_busy_machine_has_the_tools_in_the_first_request(
    host: HostUnderTest, place: Place
) -> None:
    place.extra = {"MCP_CONNECTION_NONBLOCKING": "1"}  # the host's default: it waits for nobody
    assert place.iai_mcp("connect", host.name).code == 0
    with host.stub() as model:
        model.turns = [Say("Good morning.")]

        ran = host.start(place, model, "Good morning.")

    assert ran.code == 0, ran
    names = {word.removeprefix("mcp__iai-mcp__") for word in model.seen(0).split()}
    assert names.issuperset({"recall", "ingest", "timeline", "session_start"})
