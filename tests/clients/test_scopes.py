"""Projects, and the trust that Codex wants, with the real hosts."""

from __future__ import annotations

import json
import os

import pytest

from .hosts import FACT, QUESTION, ClaudeCode, Codex, HostUnderTest, use_in_a_session
from .place import IAI_MCP, Place

pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]


@pytest.mark.parametrize("host", [ClaudeCode(), Codex()], ids=["claude-code", "codex"])
def test_a_connected_project_gives_page_and_tools_to_who_works_in_it(
    host: HostUnderTest, place: Place
) -> None:
    assert place.iai_mcp("connect", host.name, "--project").code == 0
    config = place.home / ".codex" / "config.toml"
    if host.name == "codex":  # the hooks, and the variables that it hands on, are each user's own
        assert place.iai_mcp("connect", "codex").code == 0
        trust = f'\n[projects."{place.project}"]\ntrust_level = "trusted"\n'
        config.write_text(config.read_text("utf-8") + trust, "utf-8")
    path = f"{IAI_MCP.parent}{os.pathsep}{place.environment()['PATH']}"
    place.extra = {"PATH": path, "IAI_MCP_STORE": str(place.store)}

    use_in_a_session(place, host)

    assert ("user", QUESTION) in place.said()


def test_codex_skips_hooks_that_nobody_trusted_and_doctor_says_so(place: Place) -> None:
    codex = Codex(options=())
    assert "/hooks" in place.iai_mcp("connect", "codex").out
    place.ingest(FACT)

    untrusted = place.doctor()["codex: trust in hooks"]
    with codex.stub() as model:
        assert codex.start(place, model, QUESTION).code == 0
        _trust_everything(place)
        trusted = place.doctor()["codex: trust in hooks"]
        assert codex.start(place, model, QUESTION).code == 0

    assert untrusted[0] is False
    assert "SessionStart is untrusted" in untrusted[1]
    assert FACT not in model.seen(0)
    assert trusted == (True, "6 trusted, says codex")
    assert FACT in model.seen()


def test_doctor_sees_that_a_trusted_hook_was_changed(place: Place) -> None:
    assert place.iai_mcp("connect", "codex").code == 0
    _trust_everything(place)
    hooks = place.home / ".codex" / "hooks.json"
    settings = json.loads(hooks.read_text(encoding="utf-8"))
    settings["hooks"]["Stop"][0]["hooks"][0]["timeout"] = 60
    hooks.write_text(json.dumps(settings), encoding="utf-8")

    ok, finding = place.doctor()["codex: trust in hooks"]

    assert not ok
    assert "Stop is modified" in finding
    assert "SessionStart" not in finding


def test_without_codex_on_the_path_doctor_reads_what_codex_noted(place: Place) -> None:
    assert place.iai_mcp("connect", "codex").code == 0
    without = {"PATH": "/usr/bin:/bin"}
    place.extra = without
    untrusted = place.doctor()["codex: trust in hooks"]
    place.extra = {}
    _trust_everything(place)
    place.extra = without

    assert untrusted[0] is False
    assert place.doctor()["codex: trust in hooks"] == (True, "6 trusted, says config.toml")


def _trust_everything(place: Place) -> None:
    """Does what /hooks does when the user trusts all of them."""
    messages = (
        {"id": 0, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}},
        {"method": "initialized"},
        {"id": 1, "method": "hooks/list", "params": {"cwds": [str(place.project)]}},
    )
    answer = place.converse("codex", "app-server", messages=messages)
    [listed] = answer["result"]["data"]
    states = [
        f'\n[hooks.state."{hook["key"]}"]\ntrusted_hash = "{hook["currentHash"]}"\n'
        for hook in listed["hooks"]
    ]
    with (place.home / ".codex" / "config.toml").open("a", encoding="utf-8") as config:
        config.write("".join(states))
