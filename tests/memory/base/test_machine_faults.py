"""Faults of the machine are sentences that say what helps."""

from __future__ import annotations

import errno
import os

import pytest

from iai_memory.base.machine_faults import machine_fault, system_error_in, told_by_system
from iai_memory.errors import StoreUnavailable
from iai_memory.store.lance_errors import translated


def _error(number: int, *names: str) -> OSError:
    return OSError(number, os.strerror(number), *names)


@pytest.mark.parametrize(
    ("number", "helps"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "quota"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "open files"),
        (errno.EROFS, "file system writable"),
        (errno.EACCES, "yours and writable"),
        (errno.EPERM, "yours and writable"),
        (errno.EISDIR, "move that away"),
        (errno.ENOTDIR, "move that away"),
        (errno.EIO, "save what is on its disk"),
        (errno.ENOENT, "put it back"),
        (errno.EPIPE, "has gone"),
    ],
)
def test_each_fault_of_the_machine_names_what_helps(number: int, helps: str) -> None:
    told = machine_fault(_error(number), "/a/b cannot be written")
    assert told.startswith(f"/a/b cannot be written ({os.strerror(number)}): ")
    assert helps in told
    assert "doctor" not in told
    assert "chmod" not in told


def test_an_unknown_fault_is_told_with_its_words() -> None:
    told = machine_fault(OSError("as a library put it"), "the work failed")
    assert told == "the work failed (as a library put it): look at it and at its disk"
    assert machine_fault(OSError(), "x").startswith("x (OSError): ")


def test_a_fault_names_its_file_but_not_where_the_fault_is_not_of_that_file() -> None:
    assert told_by_system(_error(errno.EISDIR, "/a")).startswith("/a cannot be used (Is a dir")
    moved = OSError(errno.EISDIR, "Is a directory", "/a.tmp", None, "/a")
    assert told_by_system(moved).startswith("/a cannot be used")
    full = told_by_system(_error(errno.EMFILE, "/usr/lib/python3/json/decoder.py"))
    assert "decoder" not in full
    assert "ulimit -n" in full


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EROFS, errno.EDQUOT, errno.EACCES])
def test_what_the_table_tells_of_the_machine_is_told_without_where_it_was_built(
    number: int,
) -> None:
    text = (
        f"lance error: LanceError(IO): LocalFileSystem error: Unable to open file /s/a.lance"
        f": {os.strerror(number)} (os error {number}), /home/build/.cargo/lance-io/src/local.rs:1:2"
    )
    with pytest.raises(StoreUnavailable) as told, translated("storing memories"):
        raise RuntimeError(text)
    assert str(told.value).startswith(f"storing memories failed ({os.strerror(number)}): ")
    assert ".rs" not in str(told.value)
    assert "doctor" not in str(told.value)


def test_the_folder_that_the_table_could_not_write_is_named() -> None:
    with pytest.raises(StoreUnavailable) as told, translated("storing memories"):
        raise RuntimeError('LanceError(IO): denied (os error 13) at path "/s/a.lance/data/.tmp1"')
    assert str(told.value).startswith("storing memories failed in /s/a.lance/data (Permission de")


def test_what_the_table_tells_of_itself_is_no_fault_of_the_machine() -> None:
    assert system_error_in(RuntimeError("Schema error: 12 columns (os error)")) is None
    assert system_error_in(ValueError("Not found: /x (os error 9999)")) is None
