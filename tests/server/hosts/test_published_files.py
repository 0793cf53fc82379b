"""The plugin and the MCPB manifest are of this version and name what there is."""

from __future__ import annotations

import json
import os

from tests.support.checkout import ROOT
from tests.support.host_files import SCRIPTS

from iai_memory import __version__
from iai_server.hosts.hooks_json import EVENTS


def test_the_plugin_is_of_this_version_and_has_the_hooks_that_connect_installs() -> None:
    folder = ROOT / ".claude-plugin"
    plugin = json.loads((folder / "plugin.json").read_text(encoding="utf-8"))
    hooks = json.loads((ROOT / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]

    assert plugin["version"] == __version__
    assert plugin["mcpServers"]["iai-mcp"]["args"] == ["serve"]
    assert hooks == {
        name: [
            event.group(f'"${{CLAUDE_PLUGIN_ROOT}}"/hooks/{event.script}')
            for event in EVENTS
            if event.name == name
        ]
        for name in dict.fromkeys(event.name for event in EVENTS)
    }
    for script in SCRIPTS:
        assert os.access(ROOT / "hooks" / script, os.X_OK)


def test_the_mcpb_manifest_names_this_version_and_every_tool() -> None:
    manifest = json.loads((ROOT / "examples" / "mcpb" / "manifest.json").read_text("utf-8"))

    assert manifest["version"] == __version__
    assert {tool["name"] for tool in manifest["tools"]} == {
        "recall",
        "ingest",
        "supersede",
        "forget",
        "pin",
        "timeline",
        "session_start",
        "status",
    }
