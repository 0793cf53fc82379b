"""The doctor uses the store that it judges, and goes on where the store cannot be opened."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.damage import (
    Damaging,
    data_files,
    emptied,
    index_files,
    newest_manifest,
    table_folder,
    truncated,
)
from tests.support.pages import opened

from iai_memory import Memory
from iai_server.cli.main import run
from iai_server.doctor.check import Check
from iai_server.doctor.table_checks import can_be_opened, check_table


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    found = opened(tmp_path / "store")
    found.ingest([f"Kiln {number} fires at {1_000 + number} degrees." for number in range(30)])
    found.store.compact(keep=timedelta(0))
    return found


def checked(store: Memory, *, full: bool = True) -> list[Check]:
    """The checks by another process, which keeps nothing in memory."""
    return list(check_table(opened(store.paths.root), full=full))


def doctor(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = run(["doctor", *options])
    return code, capsys.readouterr().out


def test_a_table_that_is_whole_is_ok_in_every_part(store: Memory) -> None:
    found = checked(store)
    assert {check.state for check in found} == {"ok"}
    assert [check.name for check in found] == [
        *("table", "table: files", "table: counts", "table: rows"),
        *("table: search", "disk: room"),
    ]


@pytest.mark.parametrize("damage", [truncated, emptied])
def test_of_a_store_that_cannot_be_opened_everything_else_is_checked(
    store: Memory, damage: Damaging, capsys: pytest.CaptureFixture[str]
) -> None:
    path = newest_manifest(store.paths)
    damage(path)
    assert not can_be_opened(opened(store.paths.root))
    code, out = doctor(capsys)
    assert code == 1
    assert f"BROKEN  table: files: _versions/{path.name} " in out
    broken = [line for line in out.splitlines() if line.startswith("BROKEN  table")]
    assert all("`iai-mcp doctor --repair`" in line for line in broken)
    for name in ("store folder", "round trip: spool to recall", "hosts", "capture: rings"):
        assert f"ok      {name}: " in out


def test_a_changed_bit_in_a_data_file_is_found_by_a_full_look(
    store: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    [path] = data_files(store.paths)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    code, out = doctor(capsys, "--full")
    assert code == 1
    assert f"data/{path.name} is not what was written" in out


def test_what_mends_itself_is_a_warning(store: Memory, capsys: pytest.CaptureFixture[str]) -> None:
    [path] = [path for path in index_files(store.paths) if path.name == "part_0_docs.lance"]
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    _, out = doctor(capsys, "--full")
    name = path.relative_to(table_folder(store.paths))
    assert f"warning table: index: {name} is not what was written: terms_idx was dropped" in out
    assert "BROKEN  table" not in out
    assert {check.ok for check in checked(store)} == {True}
