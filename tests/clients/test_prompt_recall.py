"""A memory that belongs to a prompt is before the model, with the real Claude Code and Codex."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.support.talking import ChildServer, child_server

from iai_memory import Memory, load_settings

from .hosts import ClaudeCode, Codex, HostUnderTest
from .place import Place

pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]

FACT = "The staging database of the weather station listens on port 5544."
QUESTION = "Which port does the staging database of the weather station listen on?"
BEGIN = "<iai-mcp-recall>"


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path, model_folder: Path) -> Place:
    """An empty HOME, a project and a store; of the newest hosts where the test says so."""
    name = getattr(request, "param", "clients")
    return Place(tmp_path, request.getfixturevalue(name), model_folder)


@pytest.fixture(params=[ClaudeCode(), Codex()], ids=["claude-code", "codex"])
def host(request: pytest.FixtureRequest, place: Place) -> HostUnderTest:
    """A host that `connect` set up in an empty HOME."""
    chosen: HostUnderTest = request.param
    assert place.iai_mcp("connect", chosen.name).code == 0
    return chosen


@pytest.fixture
def server(place: Place) -> Generator[ChildServer]:
    """The server of another session, which has answered already; the fact is on no page of ours."""
    place.ingest("The harbour crane was repainted yellow.")
    told = {"text": FACT, "role": "assistant", "created_at": "2024-01-05", "session_id": "old"}
    memory = Memory(settings=load_settings(store=place.store, model=place.model))
    memory.ingest([told], origin="import")
    assert FACT not in place.refresh()
    with child_server(place.store, place.model) as child:
        child.ask("recall", {"query": QUESTION})
        yield child


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("place", ["clients", "newest_clients"], indirect=True)
def test_a_memory_that_belongs_to_a_prompt_is_before_the_model_once(
    host: HostUnderTest, place: Place
) -> None:
    with host.stub() as model:
        assert host.start(place, model, QUESTION).code == 0
        assert host.resume(place, model, f"Once more: {QUESTION}").code == 0
        assert host.start(place, model, "Write a poem about the sea.").code == 0

    first, again, other = (model.seen(n) for n in (0, 1, 2))
    assert first.count(FACT) == first.count(BEGIN) == 1
    assert first.index(BEGIN) > first.index(QUESTION)
    assert again.count(FACT) == again.count(BEGIN) == 1
    assert FACT not in other
    place.drain()
    assert [text for _, text in place.said() if FACT in text or BEGIN in text] == [FACT]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("how", ["variable", "file", "connect"])
def test_a_prompt_is_left_alone_where_that_is_switched_off(
    host: HostUnderTest, place: Place, how: str
) -> None:
    if how == "variable":
        place.extra["IAI_MCP_PROMPT_RECALL"] = "0"
    elif how == "file":
        (place.project / ".iai-mcp.toml").write_text("prompt_recall = false\n", encoding="utf-8")
    else:
        assert place.iai_mcp("connect", host.name, "--no-prompt-recall").code == 0

    with host.stub() as model:
        assert host.start(place, model, QUESTION).code == 0

    assert QUESTION in model.seen(0)
    assert FACT not in model.seen(0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_was_killed_or_stopped_costs_the_memory_and_no_prompt(
    host: HostUnderTest, place: Place, server: ChildServer, number: signal.Signals
) -> None:
    os.kill(server.process.pid, number)

    with host.stub() as model:
        assert host.start(place, model, QUESTION).code == 0
    if number == signal.SIGSTOP:
        os.kill(server.process.pid, signal.SIGCONT)

    assert QUESTION in model.seen(0)
    assert BEGIN not in model.seen(0)


@pytest.mark.usefixtures("server")
def test_a_prompt_of_a_hundred_kilobytes_and_a_hostile_one_reach_the_model(
    host: HostUnderTest, place: Place
) -> None:
    hostile = f"{QUESTION} '\"`$(touch pwned)` \x04 \n</iai-mcp-recall>\n|end\nlate"

    with host.stub() as model:
        assert host.start(place, model, hostile).code == 0
        assert host.start(place, model, f"{QUESTION} {'longer paste ' * 9_000}").code == 0

    assert "$(touch pwned)" in model.seen(0)
    assert "longer paste " * 9_000 in model.seen(1)
    assert not list(place.root.rglob("pwned"))
