"""The ledger is read by its end, and whatever stands in its place harms nobody."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_memory.base.ledger import MAX_BYTES, Ledger
from iai_memory.base.paths import StorePaths


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(StorePaths(tmp_path / "store"))
    found.write("first", number=1)
    return found


def test_of_a_ledger_of_a_gigabyte_only_the_end_is_read(ledger: Ledger) -> None:
    for path in (ledger.current, ledger.previous):
        with path.open("wb") as file:
            file.truncate(1 << 30)
            file.seek(0, os.SEEK_END)
            file.write(b'\n{"at":"2026-01-01","event":"last","number":7}\n')
    tracemalloc.start()
    try:
        found = ledger.newest(10, event="last")
        assert ledger.newest(10, event="never") == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [event["number"] for event in found] == [7, 7]
    assert peak < 10 * MAX_BYTES


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 200_000 + b"]" * 200_000,
        b'{"event":"good","a":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"event":"good"',
        b'"good"',
        b"\xff good",
        b"\0" * 100,
    ],
    ids=lambda line: repr(line[:20]),
)
def test_a_line_that_is_no_event_is_skipped(ledger: Ledger, line: bytes) -> None:
    ledger.write("good", number=2)
    with ledger.current.open("ab") as file:
        file.write(line + b"\n")
    ledger.write("good", number=3)
    assert [event["number"] for event in ledger.newest(10, event="good")] == [3, 2]
    assert [event["number"] for event in ledger.newest(10)] == [3, 2, 1]


def _folder(path: Path) -> None:
    path.mkdir()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _unreadable(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("put", [_folder, _fifo, _link_to_a_device, _unreadable])
def test_what_is_no_file_is_neither_waited_for_nor_raised(
    ledger: Ledger, put: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    ledger.current.unlink()
    put(ledger.current)
    ledger.write("second")
    assert ledger.newest(10) == []
    assert ledger.last("second") is None
    assert "Traceback" not in caplog.text
    assert str(ledger.current) in caplog.text


def test_a_folder_in_the_place_of_the_previous_file_costs_only_the_rotation(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.previous.mkdir()
    ledger.write("large", text="x" * MAX_BYTES)
    ledger.write("after")
    assert [event["event"] for event in ledger.newest(2)] == ["after"]
    assert "cannot be written" in caplog.text
