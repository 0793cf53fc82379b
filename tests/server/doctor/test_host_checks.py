"""What `iai-mcp doctor` finds about the connected hosts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.support.host_files import COMMAND, SCRIPTS, host_files, put

from iai_memory import Memory
from iai_memory.base.files import make_private_folder
from iai_server.cli.main import run
from iai_server.doctor.host_checks import check_hosts

pytestmark = pytest.mark.usefixtures("home")


def _findings(home: Path) -> dict[str, tuple[bool, str]]:
    store = make_private_folder(home / ".iai-mcp")
    return {found.name: (found.ok, found.finding) for found in check_hosts(Memory(store=store))}


def test_doctor_says_when_no_host_is_connected(home: Path) -> None:
    ok, finding = _findings(home)["hosts"]

    assert ok
    assert "iai-mcp connect --all" in finding


def test_doctor_says_that_a_connected_host_is_whole(home: Path) -> None:
    assert run(["connect", "claude-code"]) == 0

    found = _findings(home)

    assert found["claude-code: server"][0]
    assert found["claude-code: hooks"] == (True, "6, of this version")
    assert "hosts" not in found


def test_doctor_names_a_pipe_in_place_of_a_hosts_file(home: Path) -> None:
    file = host_files(home, "claude-code")[1]
    file.parent.mkdir(parents=True)
    os.mkfifo(file)

    ok, finding = _findings(home)["claude-code"]

    assert not ok
    assert f"{file} is a FIFO" in finding


def test_doctor_names_missing_outdated_and_inexecutable_hooks(home: Path) -> None:
    assert run(["connect", "claude-code"]) == 0
    recall, capture, _ = (home / ".iai-mcp" / "hooks" / script for script in SCRIPTS)

    def finding() -> str:
        ok, text = _findings(home)["claude-code: hooks"]
        assert not ok
        assert text.endswith("run `iai-mcp connect claude-code`")
        return text

    recall.write_text("#!/bin/sh\n", encoding="utf-8")
    assert f"{recall} is of another version" in finding()
    capture.chmod(0o644)
    assert f"{capture} has mode 644 instead of 700" in finding()
    recall.unlink()
    assert f"{recall} is missing" in finding()
    file = host_files(home, "claude-code")[1]
    settings = json.loads(file.read_text(encoding="utf-8"))
    del settings["hooks"]["SessionEnd"]
    file.write_text(json.dumps(settings), encoding="utf-8")
    assert "SessionEnd has no hook" in finding()

    assert run(["connect", "claude-code"]) == 0
    assert _findings(home)["claude-code: hooks"][0]


def test_doctor_names_the_prompt_hook_that_an_older_connect_did_not_install(home: Path) -> None:
    assert run(["connect", "claude-code"]) == 0
    file = host_files(home, "claude-code")[1]
    settings = json.loads(file.read_text(encoding="utf-8"))
    del settings["hooks"]["UserPromptSubmit"][1]
    file.write_text(json.dumps(settings), encoding="utf-8")

    ok, finding = _findings(home)["claude-code: hooks"]

    assert not ok
    assert finding.startswith("UserPromptSubmit (prompt recall) has no hook: run `iai-mcp connect")
    assert run(["connect", "claude-code"]) == 0
    assert _findings(home)["claude-code: hooks"] == (True, "6, of this version")


def test_doctor_says_that_prompt_recall_was_declined(home: Path) -> None:
    assert run(["connect", "codex", "--no-prompt-recall"]) == 0

    assert _findings(home)["codex: hooks"] == (
        True,
        "5, of this version; nothing is recalled at prompts, as you chose",
    )


def test_doctor_names_hooks_of_an_older_form(home: Path) -> None:
    assert run(["connect", "claude-code"]) == 0
    file = host_files(home, "claude-code")[1]
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["hooks"]["SessionStart"][0]["matcher"] = "startup|resume|clear|compact"
    [stop] = settings["hooks"]["Stop"][0]["hooks"]
    stop["command"] = stop["command"].rpartition(" ")[2]
    file.write_text(json.dumps(settings), encoding="utf-8")

    ok, finding = _findings(home)["claude-code: hooks"]

    assert not ok
    assert "SessionStart runs at startup|resume|clear|compact only" in finding
    assert "the command of Stop is of an older form" in finding
    assert finding.endswith("run `iai-mcp connect claude-code`")
    assert run(["connect", "claude-code"]) == 0
    assert _findings(home)["claude-code: hooks"][0]


def test_doctor_says_that_a_page_comes_twice(home: Path) -> None:
    settings = {"enabledPlugins": {"iai-mcp@team-tools": True}}
    put(home / ".claude" / "settings.json", json.dumps(settings))
    assert _findings(home)["claude-code: plugin"] == (True, "iai-mcp@team-tools is enabled")
    assert run(["connect", "claude-code"]) == 0

    found = _findings(home)

    assert found["claude-code: once"][1].endswith("run `iai-mcp disconnect claude-code`")


def test_doctor_says_that_an_older_release_put_paths_into_a_projects_files(home: Path) -> None:
    assert run(["connect", "codex"]) == 0
    shared = put(Path(".codex/hooks.json"), (home / ".codex" / "hooks.json").read_bytes())

    ok, finding = _findings(home)["codex in this folder: shared"]

    assert not ok
    assert str(shared) in finding
    assert finding.endswith("run `iai-mcp connect codex --project`")
    assert run(["disconnect", "codex", "--project"]) == 0
    assert "codex: once" not in _findings(home)


def test_doctor_names_a_command_that_is_gone_and_another_store(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["connect", "claude-desktop"]) == 0
    file = host_files(home, "claude-desktop")[0]
    good = file.read_text(encoding="utf-8")

    file.write_text(good.replace(str(COMMAND), "/gone/iai-mcp"), encoding="utf-8")
    assert _findings(home)["claude-desktop: server"] == (
        False,
        "/gone/iai-mcp cannot be run: run `iai-mcp connect claude-desktop`",
    )
    monkeypatch.setenv("IAI_MCP_STORE", "/another")
    assert run(["connect", "claude-desktop"]) == 0
    monkeypatch.delenv("IAI_MCP_STORE")
    ok, finding = _findings(home)["claude-desktop: server"]
    assert not ok
    assert "uses the store in /another" in finding
