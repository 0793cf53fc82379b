"""The commands on backups: what they print, and when they exit with 1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.backups import segment_files
from tests.support.damage import emptied

from iai_memory import Memory
from iai_server.cli.main import run


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one memory, named by the environment."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    assert run(["ingest", "sugar feeds bees"]) == 0
    return tmp_path / "store"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """The JSON that a command prints."""
    capsys.readouterr()
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_backup_is_taken_listed_and_restored(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = printed(capsys, "backup")
    assert (taken["memories"], taken["written"], taken["folder"]) == (1, 1, f"{store}/backups")
    [listed] = printed(capsys, "backup", "--list")
    assert (listed["name"], listed["whole"]) == (taken["name"], True)
    into = str(tmp_path / "restored")
    restored = printed(capsys, "restore-backup", taken["name"], "--into", into)
    assert (restored["memories"], restored["missing"], restored["kept"]) == (1, 0, None)
    in_place = printed(capsys, "restore-backup", "--yes")
    assert Path(in_place["kept"]).is_dir()
    printed(capsys, "restore-backup", "--undo", "--yes")
    assert Memory().recall("bees").hits[0].text == "sugar feeds bees"


def test_what_is_damaged_is_told_on_stderr_with_exit_code_1(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(capsys, "backup")
    [segment] = segment_files(store / "backups")
    emptied(segment)
    [listed] = printed(capsys, "backup", "--list", code=1)
    assert not listed["whole"]
    assert run(["restore-backup", "--into", str(store.parent / "restored")]) == 1
    told = capsys.readouterr().err
    assert str(segment) in told
    assert "1 memory of the backup cannot be read" in told


def test_a_restore_in_place_asks_first(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, "backup")
    assert run(["restore-backup"]) == 2
    assert "add --yes" in capsys.readouterr().err
