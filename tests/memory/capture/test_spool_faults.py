"""What does not belong in the spool is named each time, with a command that mends it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.modes import bound_by_modes

from iai_memory.base.paths import StorePaths
from iai_memory.capture.spool_faults import bars_hooks, spool_faults

Make = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A spool with everything that belongs there."""
    folder = StorePaths(tmp_path).spool
    (folder / "failed").mkdir(parents=True)
    for name in (
        "doorbell.jsonl",
        "doorbell.claimed-12.jsonl",
        "answered-12-0.jsonl",
        "doorbell-20261101T100000Z-7.json",
        "doorbell.old.jsonl",
        "sessions.json",
        "sessions.json.77.0a1b2c3d.tmp",
        "offsets.json",
        ".waiter",
        ".waiter-again",
        ".DS_Store",
        "failed/0123456789abcdef.json",
    ):
        (folder / name).touch()
    return folder


def _link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's whole path may have a hundred bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


KINDS: list[tuple[Make, str]] = [
    (os.mkfifo, "a FIFO"),
    (Path.mkdir, "a folder"),
    (_link, "a link"),
    (_dangling, "a link"),
    (_loop, "a link"),
    (_socket, "a socket"),
]


def mended(fault: str) -> None:
    """Does what the sentence says."""
    [command] = re.findall("`(.*?)`", fault)
    subprocess.run(["sh", "-c", command], check=True)


def test_a_spool_of_ours_has_no_faults(folder: Path) -> None:
    assert spool_faults(folder) == ()
    assert not bars_hooks(folder)


def test_no_spool_is_no_fault(tmp_path: Path) -> None:
    assert spool_faults(tmp_path / "none" / "spool") == ()
    assert not bars_hooks(tmp_path / "none" / "spool")


@pytest.mark.parametrize(("make", "what"), KINDS, ids=lambda value: str(value)[:18])
@pytest.mark.parametrize(
    "name",
    ["doorbell.jsonl", "sessions.json", ".waiter", "offsets.json", "failed/1.json", "failed/it's"],
)
def test_what_is_no_file_is_named_each_time_until_the_command_that_it_names_was_run(
    folder: Path, name: str, make: Make, what: str
) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    make(path)
    [fault] = spool_faults(folder)
    assert fault.startswith(f"{path} is {what}: remove it with `rm ")
    assert spool_faults(folder) == (fault,)
    assert bars_hooks(folder) is (name == "doorbell.jsonl")
    mended(fault)
    assert spool_faults(folder) == ()
    assert not bars_hooks(folder)


@pytest.mark.parametrize(("make", "what"), [*KINDS, (Path.touch, "a file")])
@pytest.mark.parametrize("name", ["", "failed"], ids=["spool", "failed"])
def test_what_is_no_folder_is_named_too(tmp_path: Path, name: str, make: Make, what: str) -> None:
    if what == "a folder":
        return
    path = StorePaths(tmp_path).spool / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    [fault] = spool_faults(StorePaths(tmp_path).spool)
    assert f"{path} is {what}, and no folder: " in fault
    assert bars_hooks(StorePaths(tmp_path).spool) is (name == "")
    mended(fault)
    assert spool_faults(StorePaths(tmp_path).spool) == ()


def test_a_foreign_file_is_named_and_its_name_moves_nothing_on_the_terminal(folder: Path) -> None:
    (folder / "notes\x1b[2J\n.txt").touch()
    [fault] = spool_faults(folder)
    assert fault.isprintable()
    assert fault.endswith(".txt does not belong in the spool: move it away")
    assert not bars_hooks(folder)


def test_of_many_faults_five_are_named_and_the_others_counted(folder: Path) -> None:
    for number in range(9):
        (folder / f"x{number}").touch()
    found = spool_faults(folder)
    assert len(found) == 6
    assert found[-1] == "4 more of that kind"


BOUND = """
import sys
from pathlib import Path
from iai_memory.capture.spool_faults import bars_hooks, spool_faults
print(bars_hooks(Path(sys.argv[1])), *spool_faults(Path(sys.argv[1])), sep="\\n")
"""


@pytest.mark.parametrize(
    ("name", "mode", "said", "bars"),
    [
        ("", 0o500, "cannot be written", True),
        ("", 0o300, "cannot be written", True),
        ("", 0o000, "cannot be written", True),
        ("doorbell.jsonl", 0o000, "cannot be read", True),
        ("doorbell.jsonl", 0o400, "cannot be written", True),
        ("doorbell.claimed-12.jsonl", 0o200, "cannot be read", False),
        ("failed", 0o000, "cannot be read", False),
    ],
)
def test_what_may_not_be_used_is_named_with_the_command_that_allows_it(
    folder: Path, name: str, mode: int, said: str, bars: bool
) -> None:
    path = folder / name
    path.chmod(mode)
    bound = [*bound_by_modes(), sys.executable, "-c", BOUND, str(folder)]
    try:
        done = subprocess.run(bound, capture_output=True, text=True, check=True, timeout=100)
        found, fault = done.stdout.splitlines()
    finally:
        path.chmod(0o700)
    assert f"{path} {said}" in fault
    assert found == str(bars)
    path.chmod(mode)
    mended(fault)
    done = subprocess.run(bound, capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout == "False\n"
