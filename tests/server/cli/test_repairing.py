"""`iai-mcp doctor --repair`: a plan before, consent, a report after, and a way back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.damage import data_files, emptied, newest_manifest, truncated

from iai_memory import Memory
from iai_server.cli.main import run

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """Two files of memories."""
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = Memory(tmp_path / "store", on_commit=lambda: None)
    for batch in range(2):
        memory.ingest([f"fact {batch}-{number} of port {5000 + number}" for number in range(3)])
    return memory


@pytest.fixture
def doctor(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `doctor`; returns its exit code, stdout and stderr."""

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = run(["doctor", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run_command


def test_a_whole_store_is_left_alone(doctor: Command) -> None:
    told = doctor("--repair")
    assert told == (0, "every row of the store can be read: nothing was changed\n", "")


def test_a_damaged_store_is_mended_with_consent_alone_and_put_back(
    memory: Memory, doctor: Command
) -> None:
    truncated(data_files(memory.paths)[0])
    code, out, err = doctor("--repair")
    assert code == 2
    assert "damaged: data/" in out
    assert "readable in the table: 3 memories" in out
    assert "add --yes" in err
    code, out, _ = doctor("--repair", "--yes")
    assert code == 1
    assert "repaired: 3 memories, 3 from the table" in out
    assert "3 memories could not be read anywhere" in out
    assert run(["recall", "fact 1-2"]) == 0
    memory.ingest("radishes came after the repair")
    assert doctor("--undo-repair")[0] == 2
    code, out, _ = doctor("--undo-repair", "--yes")
    assert code == 0
    assert "is the table again" in out
    assert "1 memory: only in lancedb.damaged-" in out
    assert doctor("--repair")[0] == 2


def test_a_backup_makes_it_whole_and_programs_read_how(memory: Memory, doctor: Command) -> None:
    memory.back_up()
    emptied(data_files(memory.paths)[1])
    code, out, _ = doctor("--repair", "--yes", "--json")
    told = json.loads(out)
    assert (code, told["state"], told["plan"]["kind"]) == (0, "repaired", "rebuild")
    done = told["repaired"]
    assert (done["from_table"], done["from_backup"], done["missing"]) == (3, 3, 0)
    assert Path(done["kept"]).is_dir()


def test_a_store_with_nothing_left_is_told_so(memory: Memory, doctor: Command) -> None:
    shutil.rmtree(memory.paths.database)
    code, out, err = doctor("--repair", "--yes")
    assert code == 1
    assert out.startswith("damaged: the table in")
    assert "neither a backup nor a transcript" in err


def test_where_nobody_knows_what_is_missing_it_exits_with_1(
    memory: Memory, doctor: Command
) -> None:
    emptied(newest_manifest(memory.paths))
    memory.paths.identity.unlink()
    code, out, _ = doctor("--repair", "--yes")
    assert code == 1
    assert "nobody knows whether memories are missing" in out
