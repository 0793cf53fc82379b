"""Commands with a model that cannot be used: words only, and one sentence with what mends it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.model_folders import WHEEL, model_of_rubbish, needs_wheel

from iai_memory import Memory
from iai_server.cli.main import run
from iai_server.doctor.checks import run_checks


class Done(NamedTuple):
    """What became of a command."""

    code: int
    out: str
    err: str


Command = Callable[..., Done]
FACT = "The staging database listens on port 5544."


@pytest.fixture
def command(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `iai-mcp` in this process."""

    def done(*arguments: str) -> Done:
        capsys.readouterr()
        code, told = run(list(arguments)), capsys.readouterr()
        return Done(code, told.out, told.err)

    return done


def missing(folder: Path, model: Path) -> str:
    return str(folder / "nowhere")


def a_file(folder: Path, model: Path) -> str:
    (folder / "model").write_text("no folder")
    return str(folder / "model")


def a_fifo(folder: Path, model: Path) -> str:
    os.mkfifo(folder / "model")
    return str(folder / "model")


def a_manifest_that_is_a_fifo(folder: Path, model: Path) -> str:
    (folder / "model").mkdir()
    os.mkfifo(folder / "model" / "manifest.json")
    return str(folder / "model")


def an_empty_folder(folder: Path, model: Path) -> str:
    (folder / "model").mkdir()
    return str(folder / "model")


def half_a_copy(folder: Path, model: Path) -> str:
    shutil.copytree(model, folder / "model")
    os.truncate(folder / "model" / "model.onnx", 1_000)
    return str(folder / "model")


def rubbish(folder: Path, model: Path) -> str:
    return str(model_of_rubbish(folder / "model"))


def rubbish_behind_a_tokenizer(folder: Path, model: Path) -> str:
    tokenizer = (model / "tokenizer.json").read_bytes()
    return str(model_of_rubbish(folder / "model", tokenizer=tokenizer))


def relative(folder: Path, model: Path) -> str:
    return os.path.relpath(model)


def unexpanded(folder: Path, model: Path) -> str:
    return "$HOME/model"


UNUSABLE = [
    missing,
    a_file,
    a_fifo,
    a_manifest_that_is_a_fifo,
    an_empty_folder,
    half_a_copy,
    rubbish,
    rubbish_behind_a_tokenizer,
    relative,
    unexpanded,
]


@pytest.mark.parametrize("make", UNUSABLE, ids=lambda make: make.__name__)
def test_each_command_does_what_needs_no_model_and_says_once_what_mends_it(
    make: Callable[[Path, Path], str],
    command: Command,
    tmp_path: Path,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", make(tmp_path, model_folder))
    stored = command("ingest", FACT)
    assert (stored.code, stored.out.split()[0]) == (0, "pending")
    found = command("recall", "which port is staging on?")
    assert found.code == 0
    assert FACT in found.out
    assert found.out.count("only words were searched: ") == 1
    slept = command("sleep")
    assert slept.code == 1
    assert "topics" in slept.out  # the steps that need no model are done
    status = command("model", "status")
    assert status.code == 1
    for err in (stored.err, slept.err, status.err):
        assert err.count("\n") == 1
        assert "IAI_MCP_MODEL" in err
        assert "unset" in err
    assert command("status").code == 0
    assert command("session-start").code == 0


@pytest.mark.parametrize("make", [rubbish, relative], ids=lambda make: make.__name__)
def test_doctor_finds_a_model_that_cannot_be_used(
    make: Callable[[Path, Path], str],
    memory: Memory,
    tmp_path: Path,
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", make(tmp_path, model_folder))
    [check] = [one for one in run_checks(Memory()) if one.name == "model"]
    assert check.state == "BROKEN"
    assert "IAI_MCP_MODEL" in check.finding


@needs_wheel
def test_an_install_says_what_waits_and_that_another_model_is_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(tmp_path / "nowhere"))
    command("ingest", FACT)
    done = command("model", "install", "--wheel", str(WHEEL))
    assert done.code == 0
    assert f"IAI_MCP_MODEL names {tmp_path / 'nowhere'}, which is used in its place" in done.out
    assert "1 memory waits for its vector" in done.out
    monkeypatch.setenv("IAI_MCP_MODEL", "")
    found = command("recall", "which port is staging on?")
    assert "hybrid" in found.out
