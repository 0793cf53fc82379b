"""`connect --all`, `--list` and `other`; `disconnect --all`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.host_files import COMMAND, HOSTS, everything, host_files, put, started_by

from iai_server.cli.main import run

pytestmark = pytest.mark.usefixtures("home")


def test_all_connects_what_is_found_and_a_broken_file_stops_no_other(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".cursor").mkdir()
    (home / ".config" / "Code - Insiders" / "User").mkdir(parents=True)
    broken = put(home / ".gemini" / "settings.json", "{")
    insiders = home / ".config" / "Code - Insiders" / "User" / "mcp.json"

    assert run(["connect", "--all", "--json"]) == 1

    done = capsys.readouterr()
    told = json.loads(done.out)
    assert [one["host"] for one in told["hosts"]] == ["vscode", "cursor"]
    assert [one["host"] for one in told["faults"]] == ["gemini"]
    assert f"iai-mcp: gemini: {broken} is not JSON" in done.err
    for file in (insiders, host_files(home, "cursor")[0]):
        assert started_by(file)[0] == [str(COMMAND), "serve"]
    assert not host_files(home, "vscode")[0].exists()

    broken.write_text("{}", encoding="utf-8")
    assert run(["disconnect", "--all"]) == 0
    assert everything(home) == {".gemini/settings.json": b"{}"}


def test_repair_mends_every_connected_host_and_leaves_each_on_its_store(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = {"opencode": home / "of opencode", "codex": home / "of codex", "zed": None}
    for name, store in stores.items():
        with monkeypatch.context() as chosen:
            if store is not None:
                chosen.setenv("IAI_MCP_STORE", str(store))
            assert run(["connect", name]) == 0
    connected = everything(home)
    moved = str(home / "gone" / "iai-mcp")
    for name in stores:
        for file in host_files(home, name):
            if file.exists():
                text = file.read_text(encoding="utf-8").replace(str(COMMAND), moved)
                file.write_text(text, encoding="utf-8")
    assert everything(home) != connected

    monkeypatch.setenv("IAI_MCP_STORE", str(home / "another"))
    assert run(["connect", "--repair"]) == 0

    assert everything(home) == connected
    assert "another" not in capsys.readouterr().out
    assert run(["connect", "--repair"]) == 0
    assert "nothing to change" in capsys.readouterr().out


def test_the_list_says_what_is_found_connected_and_how_it_was_verified(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home / ".qwen" / "settings.json", "{}")
    put(host_files(home, "zed")[0], "{")
    assert run(["connect", "qwen"]) == 0
    capsys.readouterr()

    assert run(["connect", "--list", "--json"]) == 0

    known = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert tuple(known) == HOSTS
    assert (known["qwen"]["found"], known["qwen"]["state"]) == (True, "connected")
    assert (known["zed"]["found"], known["zed"]["state"]) == (True, "unreadable")
    assert (known["cursor"]["found"], known["cursor"]["state"]) == (False, "not connected")
    for one in known.values():
        assert one["verified"].startswith(("run here, ", "by its documentation of 20"))


def test_other_prints_an_entry_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["connect", "other"]) == 0
    entry = {"command": str(COMMAND), "args": ["serve"]}
    assert json.loads(capsys.readouterr().out) == {"mcpServers": {"iai-mcp": entry}}


@pytest.mark.parametrize("arguments", [[], ["--all", "--list"], ["codex", "--all"], ["nope"]])
def test_what_to_connect_has_to_be_said(
    arguments: list[str], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["connect", *arguments]) == 2
    assert "iai-mcp connect" in capsys.readouterr().err
    assert everything(home) == {}
