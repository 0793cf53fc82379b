"""A model's files: found, proved, and named where they are damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
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


def checkout(folder: Path, project: str = 'name = "iai-mcp"\n') -> Path:
    """A checkout with the code of this one, and a model where `make setup` puts it."""
    shutil.copytree(
        ROOT / "tools" / "iai_memory",
        folder / "tools" / "iai_memory",
        ignore=shutil.ignore_patterns("bundled", "__pycache__"),
    )
    (folder / "pyproject.toml").write_text(f"[project]\n{project}")
    return model_of_rubbish(folder / ".cache" / "model")


def found_in(code: Path, store: Path, **environment: str) -> str:
    """What the code in that folder finds: the origin and the folder."""
    script = (
        "from iai_memory.embedding.model_files import find_model\n"
        "from iai_memory.settings import load_settings\n"
        "files = find_model(load_settings())\n"
        "print(files and f'{files.origin} {files.folder}')\n"
    )
    chosen = {"IAI_MCP_MODEL": "", "IAI_MCP_STORE": str(store), "PYTHONPATH": str(code)}
    return run_python(script, **chosen | environment).stdout.strip()


def test_a_checkout_finds_the_model_of_make_setup_where_no_other_is(tmp_path: Path) -> None:
    model = checkout(tmp_path / "checkout")
    code, store = tmp_path / "checkout" / "tools", tmp_path / "store"
    assert found_in(code, store) == f"checkout {model}"
    assert found_in(code, store, IAI_MCP_MODEL="installed") == "None"
    named = model_of_rubbish(tmp_path / "named")
    assert found_in(code, store, IAI_MCP_MODEL=str(named)) == f"settings {named}"
    installed = model_of_rubbish(store / "models" / MODEL_NAME)
    assert found_in(code, store) == f"installed {installed}"


def test_the_model_beside_code_that_is_no_checkout_of_ours_does_not_count(tmp_path: Path) -> None:
    checkout(tmp_path / "other", 'name = "another"\n')
    assert found_in(tmp_path / "other" / "tools", tmp_path / "store") == "None"
    checkout(tmp_path / "ours")
    (tmp_path / "ours" / "tools").rename(tmp_path / "ours" / "site-packages")
    assert found_in(tmp_path / "ours" / "site-packages", tmp_path / "store") == "None"


def test_a_damaged_model_of_a_checkout_is_an_error_that_says_how_it_is_made(tmp_path: Path) -> None:
    os.truncate(checkout(tmp_path / "checkout") / "model.onnx", 1)
    with pytest.raises(subprocess.CalledProcessError) as error:
        found_in(tmp_path / "checkout" / "tools", tmp_path / "store")
    assert f"run `make -C {tmp_path / 'checkout'} setup`" in error.value.stderr


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("model", "it is relative"),
        ("./model", "it is relative"),
        ("$HOME/model", "it has a variable that nobody replaced"),
        ("/home/${USER}/model", "it has a variable that nobody replaced"),
        ("~nobody/model", "it begins with the name of a user"),
        ("file:///model", "it has a scheme"),
    ],
)
def test_a_model_that_would_be_another_one_elsewhere_is_an_error_that_says_why(
    value: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host may start a server anywhere, and give it a variable as it stands in a file."""
    model_of_rubbish(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IAI_MCP_MODEL", value)
    with pytest.raises(ModelMissing, match=f"^IAI_MCP_MODEL names .*, but {why}.* write"):
        find_model(load_settings(store=tmp_path))


def test_a_fifo_in_the_place_of_a_model_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "manifest.json")
    for model in (tmp_path / "fifo", folder):
        with pytest.raises(ModelCorrupt, match=r"manifest\.json (is a FIFO|cannot be read)"):
            find_model(load_settings(model=model))


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
        f"(manifest.json does not exist): "
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


def test_how_cosines_are_read_is_what_this_version_knows_of_a_published_model(
    tmp_path: Path,
) -> None:
    folder = model_of_rubbish(tmp_path / "model")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["identity"] |= {"cosine_zero": 0.5, "reads": ["la"], "tokens": "of before"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = found_model(model=folder).identity
    assert found == replace(IDENTITY, tokens="of before")
    manifest["identity"]["model"] = "one of yours"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert found_model(model=folder).identity.reads == ("la",)
