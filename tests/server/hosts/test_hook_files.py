"""The hook files that connect installs: one set of one version, whatever was there before."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from tests.support.checkout import HOOKS

from iai_memory import Memory, load_settings
from iai_server.cli.main import run
from iai_server.doctor.host_checks import check_hosts
from iai_server.hosts.hook_files import CAPTURE_HOOK, HOOK_FILES, RECALL_HOOK
from iai_server.hosts.hook_scripts import stale_scripts


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty HOME, which is no project."""
    for name in list(os.environ):
        if name.startswith(("IAI_MCP_", "CLAUDE_", "CODEX_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def installed(home: Path) -> Path:
    """The folder of hook files of a connected host."""
    assert run(["connect", "claude-code"]) == 0
    return home / ".iai-mcp" / "hooks"


def _contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (
            path.read_bytes(),
            stat.S_IMODE(path.stat().st_mode),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def _shipped() -> dict[str, tuple[bytes, int]]:
    return {name: ((HOOKS / name).read_bytes(), mode & 0o700) for name, mode in HOOK_FILES.items()}


def _finding() -> tuple[bool, str]:
    found = {one.name: one for one in check_hosts(Memory(settings=load_settings()))}
    return found["claude-code: hooks"].ok, found["claude-code: hooks"].finding


def test_connect_installs_every_hook_file_of_the_checkout_and_nothing_else(
    installed: Path,
) -> None:
    files = {path.relative_to(HOOKS).as_posix() for path in HOOKS.rglob("*") if path.is_file()}

    assert set(HOOK_FILES) == files - {"hooks.json"}
    assert _contents(installed) == _shipped()


def test_connecting_again_writes_no_hook_file(
    installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["connect", "claude-code"]) == 0

    assert stale_scripts(installed) == []
    assert str(installed) not in capsys.readouterr().out


def test_an_installation_of_two_scripts_without_lib_is_brought_up_to_date(home: Path) -> None:
    folder = home / ".iai-mcp" / "hooks"
    folder.mkdir(parents=True)
    for script in (RECALL_HOOK, CAPTURE_HOOK):
        (folder / script).write_text("#!/bin/sh\nexit 0\n")
        (folder / script).chmod(0o755)
    (folder / "of-the-user.sh").write_text("mine")
    (folder / "of-the-user.sh").chmod(0o600)

    assert run(["connect", "claude-code"]) == 0

    assert _contents(folder) == {**_shipped(), "of-the-user.sh": (b"mine", 0o600)}
    assert _finding() == (True, "6, of this version")


@pytest.mark.parametrize("name", HOOK_FILES)
def test_one_file_of_another_version_makes_the_whole_set_stale(installed: Path, name: str) -> None:
    file = installed / name
    file.write_bytes(file.read_bytes() + b"\n")

    assert stale_scripts(installed) == [installed / each for each in HOOK_FILES]
    assert _finding()[1].startswith(f"{file} is of another version: ")
    assert run(["connect", "claude-code"]) == 0
    assert _contents(installed) == _shipped()


@pytest.mark.parametrize("name", HOOK_FILES)
def test_doctor_names_the_hook_file_that_is_missing(installed: Path, name: str) -> None:
    (installed / name).unlink()

    assert _finding() == (
        False,
        f"{installed / name} is missing: run `iai-mcp connect claude-code`",
    )
    assert run(["connect", "claude-code"]) == 0
    assert _finding()[0]


def test_doctor_names_a_file_of_lib_that_others_may_write(installed: Path) -> None:
    file = installed / "lib" / "common.sh"
    file.chmod(0o666)

    assert f"{file} has mode 666 instead of 600" in _finding()[1]
    assert run(["connect", "claude-code"]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_hook_files_that_others_may_read_but_not_write_are_no_fault(installed: Path) -> None:
    for name, mode in HOOK_FILES.items():
        (installed / name).chmod(mode)

    assert _finding() == (True, "6, of this version")
    assert run(["connect", "claude-code"]) == 0
    assert _contents(installed) == _shipped()


def test_a_pipe_in_place_of_a_hook_file_is_named_and_replaced(installed: Path) -> None:
    pipe = installed / "lib" / "json.sh"
    pipe.unlink()
    os.mkfifo(pipe)

    assert f"{pipe} is a FIFO" in _finding()[1]
    assert run(["connect", "claude-code"]) == 0
    assert _contents(installed) == _shipped()


def test_nothing_is_written_behind_a_link_in_place_of_lib(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, elsewhere = home / ".iai-mcp" / "hooks", home / "elsewhere"
    elsewhere.mkdir()
    folder.mkdir(parents=True)
    (folder / "lib").symlink_to(elsewhere)

    assert run(["connect", "claude-code"]) == 1

    assert f"{folder / 'lib'} is a link" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []
    assert not (home / ".claude.json").exists()


def test_a_host_may_run_the_hooks_through_a_link(installed: Path, home: Path) -> None:
    link = home / "bin" / RECALL_HOOK
    link.parent.mkdir()
    link.symlink_to(installed / RECALL_HOOK)
    settings = home / ".claude" / "settings.json"
    settings.write_text(settings.read_text().replace(str(installed / RECALL_HOOK), str(link)))

    assert _finding() == (True, "6, of this version")


def test_the_hooks_of_another_host_go_on_after_one_is_disconnected(installed: Path) -> None:
    assert run(["connect", "codex"]) == 0
    assert run(["disconnect", "claude-code"]) == 0

    assert _contents(installed) == _shipped()
    done = subprocess.run(
        [installed / RECALL_HOOK, "--key", "/"], capture_output=True, check=True, text=True
    )
    assert (done.stdout, done.stderr) == ("+\n", "")
