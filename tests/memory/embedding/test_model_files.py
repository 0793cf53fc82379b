"""A model's files: found, proved, and named where they are damaged."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support.checkout import ROOT
from tests.support.model_folders import found_model, model_of_rubbish, run_python, sha256

from iai_memory.embedding.convert import CONVERTER_VERSION
from iai_memory.embedding.encoder import load_encoder
from iai_memory.embedding.identity import IDENTITY, MODEL_NAME
from iai_memory.embedding.model_files import find_model, installed_folder
from iai_memory.errors import ModelCorrupt, ModelMissing
from iai_memory.settings import load_settings


def test_without_any_model_there_is_none(tmp_path: Path) -> None:
    assert find_model(load_settings(store=tmp_path)) is None


def test_a_model_installed_under_the_store_is_found(tmp_path: Path) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    files = found_model(store=tmp_path)
    assert (files.folder, files.origin) == (folder, "installed")
    assert installed_folder(load_settings(store=tmp_path)) == folder


def test_a_model_bundled_with_the_package_wins_over_an_installed_one(tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(
        ROOT / "tools" / "iai_memory",
        package / "iai_memory",
        ignore=shutil.ignore_patterns("bundled", "__pycache__"),
    )
    bundled = model_of_rubbish(package / "iai_memory" / "embedding" / "bundled")
    model_of_rubbish(tmp_path / "store" / "models" / MODEL_NAME)
    script = (
        "from iai_memory.embedding.model_files import find_model\n"
        "from iai_memory.settings import load_settings\n"
        "files = find_model(load_settings())\n"
        "print(files.origin, files.folder)\n"
    )
    result = run_python(script, PYTHONPATH=str(package), IAI_MCP_STORE=str(tmp_path / "store"))
    assert result.stdout.strip() == f"bundled {bundled}"


def test_iai_mcp_model_wins_over_an_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    named = model_of_rubbish(tmp_path / "named")
    monkeypatch.setenv("IAI_MCP_MODEL", str(named))
    files = found_model(store=tmp_path)
    assert (files.folder, files.origin) == (named, "settings")


def test_iai_mcp_model_that_points_nowhere_is_an_error_even_with_an_installed_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    nowhere = tmp_path / "nowhere"
    monkeypatch.setenv("IAI_MCP_MODEL", str(nowhere))
    with pytest.raises(ModelMissing) as error:
        find_model(load_settings(store=tmp_path))
    assert str(error.value) == (
        f"IAI_MCP_MODEL names {nowhere}, which does not exist: "
        f"unset IAI_MCP_MODEL or point it to a whole model folder"
    )


def test_iai_mcp_model_that_points_to_another_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(model=tmp_path))
    assert str(error.value) == (
        f"the embedding model in {tmp_path} cannot be used "
        f"(manifest.json cannot be read: No such file or directory): "
        f"unset IAI_MCP_MODEL or point it to a whole model folder"
    )


def test_a_truncated_file_is_found_without_reading_it(tmp_path: Path) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME, graph=b"x" * 2000)
    os.truncate(folder / "model.onnx", 1500)
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used "
        f"(model.onnx has 1,500 bytes, its manifest says 2,000): run `iai-mcp model install`"
    )


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used "
        f"(tokenizer.json cannot be read: No such file or directory): run `iai-mcp model install`"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "manifest.json cannot be used: format: Input should be 1"),
        ({"files": {}}, "manifest.json cannot be used: files: Dictionary should have at least 2"),
        (
            {"files": {"../../x": {"bytes": 1, "sha256": "0" * 64}}},
            "manifest.json cannot be used: files.../../x.[key]: Input should be 'model.onnx' or",
        ),
        ({"identity": {"model": "m"}}, "manifest.json cannot be used: identity.revision: Field"),
        (
            {"identity": {**vars(IDENTITY), "dimension": 768}},
            "it makes vectors of 768 numbers, a store holds 384): run `iai-mcp model install`",
        ),
    ],
    ids=["format", "no files", "file outside", "identity", "dimension"],
)
def test_a_manifest_that_cannot_be_used_is_said_to_be_so(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    start = f"the embedding model in {folder} cannot be used ("
    assert str(error.value).startswith(start + said)


def test_a_model_of_an_older_converter_is_refused_with_the_command(tmp_path: Path) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME, converter=1)
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used (it was converted by version 1, "
        f"this iai-mcp reads version {CONVERTER_VERSION}): run `iai-mcp model install`"
    )


def test_a_changed_byte_is_found_by_verify(tmp_path: Path) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME, graph=b"as converted")
    (folder / "model.onnx").write_bytes(b"as tampered!")
    files = found_model(store=tmp_path)
    with pytest.raises(ModelCorrupt) as error:
        files.verify()
    found, promised = sha256(b"as tampered!")[:12], sha256(b"as converted")[:12]
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used "
        f"(model.onnx has sha256 {found}, its manifest says {promised}): "
        f"run `iai-mcp model install`"
    )


def test_a_whole_model_is_verified(model_folder: Path) -> None:
    found_model(model=model_folder).verify()


def test_a_tokenizer_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    with pytest.raises(ModelCorrupt) as error:
        load_encoder(found_model(store=tmp_path))
    start = f"the embedding model in {folder} cannot be used (tokenizer.json cannot be loaded: "
    assert str(error.value).startswith(start)
    assert str(error.value).endswith("): run `iai-mcp model install`")


def test_a_graph_that_cannot_be_loaded_is_named(tmp_path: Path, model_folder: Path) -> None:
    tokenizer = (model_folder / "tokenizer.json").read_bytes()
    folder = model_of_rubbish(tmp_path / "models" / MODEL_NAME, tokenizer=tokenizer)
    with pytest.raises(ModelCorrupt) as error:
        load_encoder(found_model(store=tmp_path))
    start = f"the embedding model in {folder} cannot be used (model.onnx cannot be loaded: "
    assert str(error.value).startswith(start)
    assert str(error.value).endswith("): run `iai-mcp model install`")
