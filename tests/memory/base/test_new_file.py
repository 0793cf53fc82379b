"""A new file is whole when it gets its name, whatever happens before."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_memory.base.new_file import NameTaken, new_file

LONG_AGO = 1_000_000_000


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


TAKEN: dict[str, Callable[[Path], object]] = {
    "a file": Path.touch,
    "a folder": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a socket": make_socket,
    "a link": lambda path: path.symlink_to("elsewhere"),
}


def test_a_file_gets_its_name_when_all_of_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "whole"
    with new_file(path) as file:
        file.write(b"first half, ")
        file.flush()
        assert not path.exists()
        file.write(b"second half")
    assert path.read_bytes() == b"first half, second half"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", TAKEN)
def test_what_has_the_name_already_is_named_and_stays(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "taken"
    TAKEN[kind](path)
    before = path.lstat()
    with pytest.raises(NameTaken, match=f"there is {kind} of that name"), new_file(path):
        pytest.fail("it was opened")
    assert path.lstat() == before
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_that_write_the_same_name_at_once_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "one"
    with pytest.raises(NameTaken), new_file(path) as slow:
        slow.write(b"slow")
        with new_file(path) as quick:
            quick.write(b"quick")
    assert path.read_bytes() == b"quick"
    assert list(tmp_path.iterdir()) == [path]


def test_without_hard_links_the_name_is_given_all_the_same_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    with new_file(tmp_path / "a") as file:
        file.write(b"a")
    assert (tmp_path / "a").read_bytes() == b"a"
    with pytest.raises(NameTaken), new_file(tmp_path / "b") as file:
        (tmp_path / "b").write_bytes(b"quicker")
    assert (tmp_path / "b").read_bytes() == b"quicker"


def test_an_error_in_between_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_file(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), new_file(tmp_path / "a") as file:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from iai_memory.base.new_file import new_file\n"
        "with new_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half')\n    file.flush()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path / "a")])
    assert killed.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()
    assert left.name != "a"
    os.utime(left, (LONG_AGO, LONG_AGO))
    with new_file(tmp_path / "a") as file:
        file.write(b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_another_process_is_writing_stays_however_long_it_takes(tmp_path: Path) -> None:
    with new_file(tmp_path / "slow") as slow:
        slow.write(b"slow")
        [under_way] = tmp_path.iterdir()
        os.utime(under_way, (LONG_AGO, LONG_AGO))
        with new_file(tmp_path / "quick") as quick:
            quick.write(b"quick")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quick", "slow"]


def test_a_folder_that_is_not_there_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), new_file(tmp_path / "none" / "a"):
        pytest.fail("it was opened")
