"""What the doctor says of the small files of a store, and of faults that it meets itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.pages import opened

from iai_memory import Memory
from iai_memory.errors import StoreUnavailable
from iai_server.doctor.check import run_check
from iai_server.doctor.state_files import check_state_files


@pytest.fixture
def store(tmp_path: Path) -> Memory:
    found = opened(tmp_path / "store")
    found.ingest("The kiln fires at 1,200 degrees.")
    return found


def _link(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, _link])
@pytest.mark.parametrize(
    "name",
    ["topics.json", "ledger/events.jsonl", "spool/sessions.json", "logs/prompt-2026-05-01.log"],
)
def test_what_is_no_file_is_named(store: Memory, put: Callable[[Path], object], name: str) -> None:
    path = store.paths.root / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    put(path)
    found = run_check("state files", lambda: check_state_files(store))
    assert found.state == "BROKEN"
    assert found.finding.startswith(f"{name} in {store.paths.root}: ")


def test_files_that_are_there_or_missing_are_as_they_should_be(store: Memory) -> None:
    assert run_check("state files", lambda: check_state_files(store)).state == "ok"


def test_a_large_ledger_is_worth_a_look(store: Memory) -> None:
    store.ledger.write("first")
    with store.ledger.current.open("ab") as file:
        file.truncate(100 << 20)
    found = run_check("state files", lambda: check_state_files(store))
    assert found.state == "warning"
    assert "100 MiB" in found.finding


def test_no_finding_sends_to_the_doctor_who_says_it() -> None:
    def broken() -> str:
        raise StoreUnavailable("the table cannot be opened (it is damaged): run `iai-mcp doctor`")

    assert run_check("table", broken).finding == "the table cannot be opened (it is damaged)"


def test_a_fault_of_the_machine_is_a_sentence_in_a_finding() -> None:
    def full() -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/s/spool")

    found = run_check("round trip", full)
    assert found.finding == (
        "/s/spool cannot be used (No space left on device): make room on its disk"
    )
