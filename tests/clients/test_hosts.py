"""The real Claude Code and the real Codex with what `iai-mcp connect` gave them.

Their model is a stub on the loopback interface; everything else is what users have.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from iai_memory.base.paths import StorePaths
from iai_memory.base.presence import alive_servers

from .hosts import ClaudeCode, Codex, HostUnderTest, only_at
from .model_stub import Say
from .place import Place

pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]

FACT = "The staging database listens on port 5544."
NEWS = "The harbour crane was repainted yellow."
QUESTION = "Which port is staging on?"
ANSWER = "Staging is on port fifty-five forty-four."
FENCE = "<iai-mcp-session-start>"
TOOLS = ("recall", "ingest", "supersede", "forget", "pin", "timeline", "session_start", "status")
SERVER_STARTS_SEC = 60


@pytest.fixture(params=[ClaudeCode(), Codex()], ids=["claude-code", "codex"])
def host(request: pytest.FixtureRequest, place: Place) -> HostUnderTest:
    """A host that `connect` set up in an empty HOME."""
    chosen: HostUnderTest = request.param
    connected = place.iai_mcp("connect", chosen.name)
    assert connected.code == 0, connected
    return chosen


def test_the_page_is_before_the_model_when_a_session_starts(
    host: HostUnderTest, place: Place
) -> None:
    place.ingest(FACT)
    page = place.refresh()

    with host.stub() as model:
        ran = host.start(place, model, QUESTION)

    assert ran.code == 0, ran
    assert FACT in page
    assert page.strip() in model.seen(0)


def test_a_resumed_session_gets_the_page_of_now(host: HostUnderTest, place: Place) -> None:
    place.ingest(FACT)
    with host.stub() as model:
        assert host.start(place, model, QUESTION).code == 0
        place.ingest(NEWS)

        ran = host.resume(place, model, "And what else?")

    assert ran.code == 0, ran
    assert NEWS not in model.seen(0)
    assert NEWS in model.seen()


def test_a_compacted_session_gets_the_page_again(host: HostUnderTest, place: Place) -> None:
    place.ingest(FACT)
    with host.stub() as model:
        model.turns = [Say(ANSWER, tokens=50_000)]
        assert host.start(place, model, QUESTION).code == 0
        only_at(host, place, "compact")
        place.ingest(NEWS)

        ran = host.compact_and_resume(place, model, "And what else?")

    assert ran.code == 0, ran
    assert model.seen().count(NEWS) == 1


def test_the_model_sees_the_eight_tools_and_recall_answers_with_hits(
    host: HostUnderTest, place: Place
) -> None:
    place.ingest(FACT)
    only_at(host, place, "compact")  # so that only the tool can tell
    with host.stub() as model:
        model.turns = [host.call("recall", {"query": QUESTION}), Say(ANSWER)]

        ran = host.start(place, model, QUESTION)

    assert ran.code == 0, ran
    assert FACT not in model.seen(0)
    assert FACT in model.seen()
    words = {word for n in range(len(model.asked)) for word in model.seen(n).split()}
    names = {word.removeprefix("mcp__iai-mcp__") for word in words}
    assert names.issuperset(TOOLS)


def test_a_session_is_stored_once_and_the_next_one_begins_with_it(
    host: HostUnderTest, place: Place
) -> None:
    with host.stub() as model:
        model.turns = [Say(ANSWER)]
        assert host.start(place, model, QUESTION).code == 0
        place.drain()
        place.drain()
        assert place.said() == [("user", QUESTION), ("assistant", ANSWER)]

        model.turns = [Say("It is the blue one.")]
        assert host.resume(place, model, "Which of them?").code == 0
        place.drain()
        place.refresh()
        assert host.start(place, model, "Good morning.").code == 0

    assert place.said() == [
        ("user", QUESTION),
        ("assistant", ANSWER),
        ("user", "Which of them?"),
        ("assistant", "It is the blue one."),
        # What shows memories drains first: nobody else has read the last session.
        ("user", "Good morning."),
        ("assistant", "ok"),
    ]
    for text in (QUESTION, ANSWER, "It is the blue one."):
        assert text in model.seen()


def test_nothing_that_we_put_before_the_model_is_stored(host: HostUnderTest, place: Place) -> None:
    place.ingest(FACT)
    with host.stub() as model:
        model.turns = [host.call("recall", {"query": QUESTION}), Say(ANSWER, tokens=50_000)]
        assert host.start(place, model, QUESTION).code == 0
        assert host.compact_and_resume(place, model, "And what else?").code == 0

    assert FENCE in model.seen(0)
    place.drain()
    records = [
        record["text"] for record in place.ask("timeline", "--turns", "--limit", "200")["records"]
    ]
    assert QUESTION in records
    assert [text for text in records if FENCE in text] == []
    assert [text for text in records if FACT in text] == [FACT]


def test_a_session_goes_on_when_the_server_is_killed(host: HostUnderTest, place: Place) -> None:
    place.ingest(FACT)
    killed: list[int] = []

    def kill(number: int) -> None:
        if number == 2:
            killed.extend(_kill_servers(place))

    with host.stub() as model:
        recall = host.call("recall", {"query": QUESTION})
        model.turns = [recall, recall, Say(ANSWER)]
        model.before_answer = kill

        ran = host.start(place, model, QUESTION)

    assert killed
    assert ran.code == 0, ran
    assert ANSWER in ran.out
    place.drain()
    assert ("assistant", ANSWER) in place.said()


@pytest.mark.parametrize("damage", ["gone", "no folder", "damaged table"])
def test_a_session_runs_when_the_store_cannot_be_used(
    host: HostUnderTest, place: Place, damage: str
) -> None:
    place.ingest(FACT)
    if damage == "damaged table":
        for file in (place.store / "lancedb").rglob("*"):
            if file.is_file():
                file.write_bytes(b"nothing that a table holds")
    else:
        shutil.rmtree(place.store)
        if damage == "no folder":
            place.store.write_text("a file in its place", encoding="utf-8")
    with host.stub() as model:
        model.turns = [host.call("recall", {"query": QUESTION}), Say(ANSWER)]

        ran = host.start(place, model, QUESTION)

    assert ran.code == 0, ran
    assert ANSWER in ran.out


def test_a_disconnected_host_runs_without_us(host: HostUnderTest, place: Place) -> None:
    place.ingest(FACT)
    assert place.iai_mcp("disconnect", host.name).code == 0
    with host.stub() as model:
        ran = host.start(place, model, QUESTION)

    assert ran.code == 0, ran
    assert "iai-mcp" not in model.seen()
    assert not host.hooks_file(place).exists()


def test_claude_code_says_that_the_server_is_connected(place: Place) -> None:
    assert place.iai_mcp("connect", "claude-code").code == 0

    listed = place.run("claude", "mcp", "list")

    assert listed.code == 0, listed
    assert "iai-mcp" in listed.out
    assert "Connected" in listed.out


def _kill_servers(place: Place) -> list[int]:
    """Kills the servers of this test's store, once there is one."""
    waited = threading.Event()
    for _ in range(SERVER_STARTS_SEC * 10):
        servers = alive_servers(StorePaths(Path(place.store)))
        if servers:
            for server in servers:
                os.kill(server.pid, signal.SIGKILL)
            return [server.pid for server in servers]
        waited.wait(0.1)
    raise AssertionError("no server announced itself")
