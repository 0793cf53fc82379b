"""A mount that does not answer: FUSE without a server behind it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

_DETACH = 2


@contextmanager
def silent_mount(folder: Path) -> Generator[Path]:
    """The folder with a mount on it that never answers; skips the test where none can be made.

    Whoever waits for it when the block ends gets an error: the kernel ends a connection whose
    server is gone.
    """
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    except OSError as exc:
        pytest.skip(f"no FUSE: {exc.strerror}")
    try:
        options = f"fd={server},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        if libc.mount(b"silent", os.fsencode(folder), b"fuse", 0, options.encode()) != 0:
            pytest.skip(f"no right to mount: {os.strerror(ctypes.get_errno())}")
        try:
            yield folder
        finally:
            libc.umount2(os.fsencode(folder), _DETACH)
    finally:
        os.close(server)


@contextmanager
def small_disk(folder: Path, size: int) -> Generator[Path]:
    """The folder with a file system of that many bytes; skips the test where none can be made."""
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={size},mode=700".encode()
    if libc.mount(b"small", os.fsencode(folder), b"tmpfs", 0, options) != 0:
        pytest.skip(f"no right to mount: {os.strerror(ctypes.get_errno())}")
    try:
        yield folder
    finally:
        libc.umount2(os.fsencode(folder), _DETACH)


def fill(folder: Path, leave: int = 0) -> Path:
    """Fills the disk of the folder but for so many bytes; the file to remove again."""
    path = folder / "fill"
    room = os.statvfs(folder)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - leave)
    return path
