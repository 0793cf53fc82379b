"""The Claude Code plugin, its marketplaces and the MCPB manifest, with the hosts' own tools."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.support.checkout import ROOT

from .hosts import ANSWER, QUESTION, ClaudeCode, use_in_a_session
from .place import IAI_MCP, Place
from .prompted import FACT as ASKED_FACT
from .prompted import answered, know_the_fact, serving

pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]

SERVER = "plugin_iai-mcp_iai-mcp"
WARNINGS = ("⚠", "warning", "✘", "error")


@pytest.fixture
def plugin(place: Place) -> Path:
    """The files of a checkout that are the plugin; its server finds `iai-mcp` on the PATH."""
    place.extra = {
        "PATH": os.pathsep.join([str(IAI_MCP.parent), place.environment()["PATH"]]),
        "IAI_MCP_STORE": str(place.store),
        "IAI_MCP_MODEL": str(place.model),
    }
    folder = place.root / "checkout"
    for name in (".claude-plugin", "hooks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "README.md", folder)
    shutil.copy(ROOT / "LICENSE", folder)
    return folder


def test_the_plugin_gives_page_tools_and_capture(place: Place, plugin: Path) -> None:
    claude = ClaudeCode(options=("--plugin-dir", str(plugin)), server=SERVER)

    use_in_a_session(place, claude)
    assert place.said() == [("user", QUESTION), ("assistant", ANSWER)]


def test_the_plugin_gives_a_memory_at_a_prompt_once(place: Place, plugin: Path) -> None:
    claude = ClaudeCode(options=("--plugin-dir", str(plugin)), server=SERVER)
    know_the_fact(place)

    with serving(place), claude.stub() as model:
        told = answered(place, model, claude.start)
        again = answered(place, model, claude.resume)

    assert told.seen.count(ASKED_FACT) == again.seen.count(ASKED_FACT) == len(told.ids) == 1
    assert again.reason == "shown_before"


def test_the_checkout_is_a_marketplace_from_which_the_plugin_installs(
    place: Place, plugin: Path
) -> None:
    added = place.run("claude", "plugin", "marketplace", "add", str(plugin))
    assert added.code == 0, added
    installed = place.run("claude", "plugin", "install", "iai-mcp@iai-mcp")
    assert installed.code == 0, installed

    use_in_a_session(place, ClaudeCode(server=SERVER))
    assert place.said() == [("user", QUESTION), ("assistant", ANSWER)]
    assert place.doctor()["claude-code: plugin"] == (True, "iai-mcp@iai-mcp is enabled")


def test_the_example_of_a_team_marketplace_installs_the_plugin(place: Place, plugin: Path) -> None:
    market = place.root / "team"
    shutil.copytree(ROOT / "examples" / "plugin-marketplace", market)
    shutil.move(plugin, market / "iai-mcp")
    _validate(place, market)

    added = place.run("claude", "plugin", "marketplace", "add", str(market))
    assert added.code == 0, added
    installed = place.run("claude", "plugin", "install", "iai-mcp@team-tools")
    assert installed.code == 0, installed

    listed = place.run("claude", "mcp", "list")
    assert "plugin:iai-mcp:iai-mcp" in listed.out
    assert "Connected" in listed.out


@pytest.mark.parametrize("what", ["marketplace.json", "plugin.json"])
def test_plugin_and_marketplace_are_valid_without_a_warning(
    place: Place, plugin: Path, what: str
) -> None:
    _validate(place, plugin / ".claude-plugin" / what)


def test_the_mcpb_manifest_is_valid(place: Place) -> None:
    ran = place.run("mcpb", "validate", str(ROOT / "examples" / "mcpb" / "manifest.json"))

    assert ran.code == 0, ran
    assert "passes" in ran.out


def _validate(place: Place, path: Path) -> None:
    ran = place.run("claude", "plugin", "validate", "--strict", str(path))
    assert ran.code == 0, ran
    said = (ran.out + ran.err).lower()
    assert [word for word in WARNINGS if word in said] == [], said
