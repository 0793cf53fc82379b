"""`iai-mcp export`: a whole file or none, and of a damaged store all that can be read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.copies import copied, made_once
from tests.support.damage import (
    DAMAGES,
    Damaging,
    data_files,
    deletion_files,
    index_files,
    newest_manifest,
    removed,
    truncated,
)
from tests.support.pairs import few_quick

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.errors import StoreUnavailable
from iai_memory.store.reader import TableReader
from iai_server.cli.main import run

Command = Callable[..., tuple[int, str, str]]
IAI_MCP = [sys.executable, "-m", "iai_server"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of memories, and two more with a changed memory each."""

    def fill(memory: Memory) -> None:
        for batch in range(3):
            memory.ingest([f"fact {batch}-{number} of port {5000 + number}" for number in range(4)])
        ids = memory.store.latest.ids()
        memory.forget([ids[1]])
        memory.pin(ids[6])

    return made_once(tmp_path_factory, fill)


@pytest.fixture
def memory(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A copy of it, which the environment names."""
    store = copied(made, tmp_path / "store")
    monkeypatch.setenv("IAI_MCP_STORE", str(store))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return Memory(store, on_commit=lambda: None)


@pytest.fixture
def command(memory: Memory, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        code = run([str(one) for one in arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run_command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where exports go: nothing else may be left in it."""
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_file_has_every_memory_and_ends_with_their_number(command: Command, folder: Path) -> None:
    code, out, err = command("export", "jsonl", "--out", folder / "a.jsonl")
    assert (code, out, err) == (0, f"12 memories in {folder}/a.jsonl\n", "")
    *memories, last = lines_of(folder / "a.jsonl")
    assert len({one["id"] for one in memories}) == 12
    assert (last["end_of_export"], last["missing"]) == (12, 0)
    assert [path.name for path in folder.iterdir()] == ["a.jsonl"]


def test_stdout_has_the_memories_alone_and_where_it_is_asked_for_the_last_line(
    command: Command,
) -> None:
    plain, named = command("export", "jsonl"), command("export", "jsonl", "--out", "-")
    assert (plain[0], named[0], plain[2] + named[2]) == (0, 0, "")
    assert len(plain[1].splitlines()) == 12
    assert named[1].startswith(plain[1])
    [last] = named[1][len(plain[1]) :].splitlines()
    assert json.loads(last)["end_of_export"] == 12


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (Path.touch, "there is a file of that name"),
        (Path.mkdir, "there is a folder of that name"),
        (os.mkfifo, "there is a FIFO of that name"),
        (lambda path: path.symlink_to("/dev/null"), "there is a link of that name"),
    ],
    ids=["file", "folder", "FIFO", "link"],
)
def test_what_stands_in_the_place_of_the_file_is_named_and_nobody_waits(
    command: Command, folder: Path, make: Callable[[Path], object], told: str
) -> None:
    make(folder / "a.jsonl")
    code, out, err = command("export", "jsonl", "--out", folder / "a.jsonl")
    assert (code, out) == (2, "")
    assert told in err
    assert len(list(folder.iterdir())) == 1


def test_a_device_is_refused(command: Command) -> None:
    code, _, err = command("export", "jsonl", "--out", "/dev/null")
    assert (code, "there is a device of that name" in err) == (2, True)


@pytest.mark.parametrize("place", ["a.jsonl", "lancedb/a.jsonl", "lancedb/memories.lance/data/a"])
def test_a_file_in_the_stores_own_folder_is_refused_however_it_is_spelled(
    memory: Memory, command: Command, tmp_path: Path, place: str
) -> None:
    (tmp_path / "link").symlink_to(memory.paths.root)
    for root in (memory.paths.root, tmp_path / "link", tmp_path / "exports" / ".." / "store"):
        code, _, err = command("export", "jsonl", "--out", root / place)
        assert (code, "is in the store's own folder" in err or "No such" in err) == (2, True)
    assert not (memory.paths.root / place).exists()


def test_a_folder_that_is_not_there_is_named(command: Command, folder: Path) -> None:
    code, _, err = command("export", "jsonl", "--out", folder / "none" / "a.jsonl")
    assert (code, "No such file or directory" in err) == (2, True)


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_no_file_of_that_name(
    memory: Memory, folder: Path, command: Command
) -> None:
    program = (
        "import os, signal, sys\n"
        "from iai_memory.store.reader import TableReader\n"
        "everything = TableReader.all_rows\n"
        "def killed_there(reader):\n"
        "    yield next(everything(reader))\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "TableReader.all_rows = killed_there\n"
        "from iai_server.cli.main import run\n"
        "run(['export', 'jsonl', '--out', sys.argv[1]])\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(folder / "a.jsonl")])
    assert killed.returncode == -signal.SIGKILL
    assert not (folder / "a.jsonl").exists()
    assert command("export", "jsonl", "--out", folder / "a.jsonl")[0] == 0
    assert lines_of(folder / "a.jsonl")[-1]["end_of_export"] == 12


def test_an_interrupted_export_leaves_nothing(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = TableReader.all_rows

    def interrupted(reader: TableReader) -> Any:
        yield next(everything(reader))
        raise KeyboardInterrupt

    monkeypatch.setattr(TableReader, "all_rows", interrupted)
    assert command("export", "jsonl", "--out", folder / "a.jsonl")[0] != 0
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "arguments", [pytest.param([], marks=pytest.mark.slow), ["--out", "-"]], ids=["plain", "dash"]
)
def test_a_full_disk_behind_stdout_is_a_sentence(memory: Memory, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*IAI_MCP, "export", "jsonl", *arguments], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    [line] = done.stderr.decode().splitlines()
    assert "stdout cannot be written to its end (No space left on device)" in line


def test_on_a_terminal_what_turns_a_text_around_is_escaped(memory: Memory) -> None:
    memory.ingest("turned \u202e around")
    ours, theirs = os.openpty()
    shown = bytearray()
    with subprocess.Popen([*IAI_MCP, "export", "jsonl"], stdout=theirs) as process:
        os.close(theirs)
        with suppress(OSError):  # Linux says so that the other end was closed
            while content := os.read(ours, 4096):
                shown += content
    os.close(ours)
    assert process.returncode == 0
    assert b"turned \\u202e around" in shown
    assert "\u202e".encode() not in shown


@pytest.mark.slow
def test_a_reader_of_stdout_that_goes_away_is_a_sentence(memory: Memory) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*IAI_MCP, "export", "jsonl"], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.returncode == 1
    [line] = done.stderr.decode().splitlines()
    assert "stdout cannot be written to its end" in line


@dataclass(frozen=True)
class Loss:
    """What is damaged, and what an export says of it; `missing` is None where nobody knows."""

    files: Callable[[StorePaths], list[Path]]
    memories: int
    missing: int | None
    told: str


LOSSES = [
    Loss(lambda paths: [newest_manifest(paths)], 12, None, "nobody knows how many memories are"),
    Loss(lambda paths: data_files(paths)[:1], 9, 3, "3 memories are missing"),
    Loss(lambda paths: data_files(paths)[2:3], 8, 4, "4 memories are missing"),
    Loss(lambda paths: data_files(paths)[4:], 11, 1, "1 memory is missing"),
    Loss(lambda paths: deletion_files(paths)[:1], 12, 0, "no memory is missing"),
]


@pytest.mark.parametrize(("damage", "loss"), few_quick([*DAMAGES], LOSSES))
def test_of_a_damaged_store_all_that_can_be_read_is_exported_and_the_rest_is_named(
    memory: Memory,
    command: Command,
    folder: Path,
    damage: Damaging,
    loss: Loss,
) -> None:
    before = {one["id"]: one for one in map(json.loads, memory.export_lines())}
    [path] = loss.files(memory.paths)
    damage(path)
    code, out, err = command("export", "jsonl", "--out", folder / "a.jsonl")
    assert (code, out) == (1, f"{loss.memories} memories in {folder}/a.jsonl\n")
    assert loss.told in err
    assert f"{path.parent.name}/{path.stem}" in err
    assert err.splitlines()[-1].endswith("run `iai-mcp doctor`")
    *lines, last = lines_of(folder / "a.jsonl")
    assert (last["end_of_export"], last["missing"]) == (loss.memories, loss.missing)
    assert all(before[one["id"]] == one for one in lines)
    assert len({one["id"] for one in lines}) == loss.memories


def test_all_versions_may_be_gone_and_no_new_table_is_begun(
    memory: Memory, command: Command
) -> None:
    before = command("export", "jsonl")[1]
    shutil.rmtree(newest_manifest(memory.paths).parent)
    code, out, err = command("export", "jsonl")
    assert (code, out) == (1, before)
    assert "nobody knows how many memories are missing" in err
    assert len(data_files(memory.paths)) == 5


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_costs_an_export_nothing(
    memory: Memory, command: Command, damage: Damaging
) -> None:
    memory.store.compact(keep=timedelta(0))
    before = command("export", "jsonl")
    for path in index_files(memory.paths):
        damage(path)
    assert command("export", "jsonl") == before
    assert before[0] == 0


def test_damaged_aliases_are_named_and_the_memories_are_exported(
    memory: Memory, command: Command
) -> None:
    memory.paths.projects.write_text("{")
    code, out, err = command("export", "jsonl")
    assert (code, len(out.splitlines())) == (1, 12)
    assert "aliases of projects" in err


def test_the_library_raises_behind_the_last_line_where_nobody_asked_for_the_damage(
    memory: Memory,
) -> None:
    removed(data_files(memory.paths)[0])
    lines: list[str] = []
    with pytest.raises(StoreUnavailable, match="3 memories are missing"):
        lines.extend(memory.export_lines())
    assert len(lines) == 9


def test_an_import_says_what_the_file_lacks(
    memory: Memory, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("export", "jsonl", "--out", folder / "a.jsonl")
    lines = (folder / "a.jsonl").read_text().splitlines(keepends=True)
    monkeypatch.setenv("IAI_MCP_STORE", str(folder / "other"))
    (folder / "b.jsonl").write_text("".join(lines[:3] + lines[5:]))
    code, out, err = command("import", "jsonl", folder / "b.jsonl")
    assert (code, out) == (1, "10 stored, 0 known before\n")
    assert err.endswith("b.jsonl: 2 lines are missing: 12 were exported, the file has 10\n")
    code, out, err = command("import", "jsonl", folder / "a.jsonl")
    assert (code, out, err) == (0, "2 stored, 10 known before\n", "")


def test_an_export_of_an_earlier_version_is_imported_with_a_warning(
    memory: Memory, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.jsonl").write_text("".join(f"{line}\n" for line in memory.export_lines()))
    monkeypatch.setenv("IAI_MCP_STORE", str(folder / "other"))
    code, out, err = command("import", "jsonl", folder / "a.jsonl")
    assert (code, out) == (0, "12 stored, 0 known before\n")
    assert "an earlier iai-mcp exported it" in err


def test_a_file_that_was_cut_in_a_line_is_imported_up_to_it(
    memory: Memory, command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("export", "jsonl", "--out", folder / "a.jsonl")
    truncated(folder / "a.jsonl")
    monkeypatch.setenv("IAI_MCP_STORE", str(folder / "other"))
    code, out, err = command("import", "jsonl", folder / "a.jsonl")
    assert code == 1
    assert " stored, 0 known before" in out
    assert "ends in the middle, so the file was cut short" in err
