"""A file that somebody else names is read, or refused with its name; nobody waits for it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.mounts import silent_mount

from iai_memory.base.foreign_file import open_foreign, read_foreign, within
from iai_memory.errors import ForeignFileFault, ForeignFileMissing


def fault_of(path: Path | str) -> str:
    with pytest.raises(ForeignFileFault) as caught:
        read_foreign(path, 1000)
    caught.value.path.encode()
    return caught.value.what


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


NO_FILES: dict[str, Callable[[Path], object]] = {
    "is a FIFO": os.mkfifo,
    "is a folder": Path.mkdir,
    "is a socket": a_socket,
    "is a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "is a link to a folder": lambda path: path.symlink_to("/"),
    "is a link to nothing": lambda path: path.symlink_to("gone"),
    "does not exist": lambda path: None,
    "cannot be read (Too many levels of symbolic links)": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_regular_file_is_named_and_not_opened(what: str, tmp_path: Path) -> None:
    NO_FILES[what](tmp_path / "it")
    assert fault_of(tmp_path / "it") == what


def test_a_link_to_a_fifo_and_a_chain_of_links_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "chain").symlink_to("link")
    assert fault_of(tmp_path / "link") == fault_of(tmp_path / "chain") == "is a link to a FIFO"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_refused_before_it_is_opened(device: str) -> None:
    assert fault_of(device) == "is a device"


@pytest.mark.parametrize("path", ["a\0b", "", "half \ud83d a character", "x/" * 3000])
def test_a_text_that_can_be_no_path_is_a_fault_of_it(path: str) -> None:
    assert "cannot be" in fault_of(path)


def test_a_path_below_a_file_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert fault_of(tmp_path / "file" / "x") == "cannot be read (Not a directory)"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)
    assert fault_of(tmp_path / "secret") == "cannot be read (Permission denied)"


def test_what_is_missing_is_told_from_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ForeignFileMissing):
        open_foreign(tmp_path / "none")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ForeignFileFault) as caught:
        open_foreign(tmp_path / "fifo")
    assert not isinstance(caught.value, ForeignFileMissing)


def test_a_regular_file_is_read_also_through_links_and_by_a_name_that_is_not_utf_8(
    tmp_path: Path,
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    odd.write_bytes(b"content")
    (tmp_path / "link").symlink_to(odd)

    assert read_foreign(odd, 7) == read_foreign(tmp_path / "link", 7) == b"content"
    with open_foreign(odd) as stream:
        assert stream.about.st_size == 7
        stream.seek(3)
        assert stream.read(100) == b"tent"


def test_a_file_with_more_bytes_than_wanted_is_a_fault_whatever_its_size_says(
    tmp_path: Path,
) -> None:
    (tmp_path / "long").write_bytes(b"x" * 1001)
    assert fault_of(tmp_path / "long") == "has more than 1000 bytes"
    with pytest.raises(ForeignFileFault, match="more than 10 bytes"):
        read_foreign("/proc/self/status", 10)  # its size is 0


def test_a_stream_is_never_read_without_a_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with open_foreign(tmp_path / "file") as stream, pytest.raises(OSError, match="how many"):
        stream.read()


def test_a_stream_reads_a_file_of_many_buffers_unchanged(tmp_path: Path) -> None:
    content = b"".join(b"%d line\n" % number for number in range(200_000))
    (tmp_path / "file").write_bytes(content)
    with open_foreign(tmp_path / "file") as stream:
        assert b"".join(stream.readline(1000) for _ in range(200_000)) == content


def test_a_closed_stream_gives_its_descriptor_back(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    before = set(Path("/dev/fd").iterdir())
    for _ in range(50):
        open_foreign(tmp_path / "file").close()
    read_foreign(tmp_path / "file", 1)  # a worker closes before it takes the next task

    assert len(set(Path("/dev/fd").iterdir()) - before) <= 2


def test_a_mount_that_does_not_answer_is_a_fault_within_the_time(tmp_path: Path) -> None:
    with silent_mount(tmp_path / "dead") as dead:
        with pytest.raises(ForeignFileFault) as caught:
            read_foreign(dead / "file", 10, timeout=0.2)
        assert caught.value.what == "does not answer within 0.2 s"


def test_a_folder_that_owes_an_answer_is_asked_nothing_more_and_others_are(tmp_path: Path) -> None:
    (tmp_path / "alive").write_bytes(b"x")
    with silent_mount(tmp_path / "dead") as dead:
        with pytest.raises(ForeignFileFault):
            read_foreign(dead / "file", 10, timeout=0.1)
        threads = threading.active_count()
        for number in range(20):
            # Would these be asked, each would wait a day.
            with pytest.raises(ForeignFileFault, match="does not answer"):
                read_foreign(dead / f"deep/{number}", 10, timeout=86400)
        assert threading.active_count() == threads
        assert read_foreign(tmp_path / "alive", 1) == b"x"


def test_an_answer_that_comes_too_late_is_handed_over_and_the_folder_asked_again(
    tmp_path: Path,
) -> None:
    os.mkfifo(tmp_path / "fifo")  # opened without O_NONBLOCK it blocks in the kernel
    (tmp_path / "file").write_bytes(b"x")
    late = threading.Event()

    def hand_over(descriptor: int) -> None:
        os.close(descriptor)
        late.set()

    def blocking_open() -> int:
        return os.open(tmp_path / "fifo", os.O_RDONLY)

    with pytest.raises(ForeignFileFault, match="does not answer"):
        within(str(tmp_path / "fifo"), blocking_open, 0.1, too_late=hand_over)
    with pytest.raises(ForeignFileFault, match="does not answer"):
        read_foreign(tmp_path / "file", 1)
    os.close(os.open(tmp_path / "fifo", os.O_WRONLY))

    assert late.wait(60)
    assert read_foreign(tmp_path / "file", 1) == b"x"


def test_what_the_look_raises_is_raised_to_who_asked() -> None:
    def look() -> None:
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        within("/", look)
