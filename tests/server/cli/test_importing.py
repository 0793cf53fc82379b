"""`iai-mcp import`: what it tells, how it ends, and that it goes on where it was stopped."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.checkout import ROOT
from tests.support.mounts import silent_mount
from tests.support.transcript_lines import CODEX_META, TRANSCRIPTS, claude, codex, raw

from iai_memory import Memory
from iai_memory.base.page_mark import is_urgent, page_mark
from iai_memory.base.paths import StorePaths
from iai_memory.capture.history_import import ImportProgress
from iai_server.cli.importing import ImportSoFar
from iai_server.cli.long_work import LongWork
from iai_server.cli.main import run

Importing = Callable[..., tuple[int, str, str]]


@pytest.fixture
def importing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Importing:
    """Runs an import into a store of this test, without a model."""
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run(["import", *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def put(path: Path, *lines: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw(*lines))
    return path


def many(folder: Path, count: int) -> Path:
    """A folder with so many turns in ten files."""
    for file in range(10):
        names = [f"{file}-{turn}" for turn in range(count // 10)]
        put(folder / f"{file}.jsonl", *(claude(name, uuid=name) for name in names))
    return folder


def test_a_second_import_says_that_nothing_changed(importing: Importing) -> None:
    code, first, _ = importing("claude", TRANSCRIPTS / "claude")
    assert code == 0
    code, again, _ = importing("claude", TRANSCRIPTS / "claude")
    assert code == 0
    files = first.split(" files")[0]
    assert again.startswith(f"{files} files ({files} unchanged, not read), ")
    assert " 0 stored, " in again
    assert "unchanged" not in importing("claude", TRANSCRIPTS / "claude", "--anew")[1]


def test_everything_of_the_hosts_own_folders_is_found(importing: Importing, tmp_path: Path) -> None:
    home = tmp_path / "home" / ".codex"
    put(home / "archived_sessions" / "rollout-1.jsonl", CODEX_META, codex("archived"))
    put(home / "sessions" / "2026" / "11" / "01" / "rollout-2.jsonl", CODEX_META)
    code, out, _ = importing("codex")
    assert (code, out.split(",")[0]) == (0, "2 files")
    assert " 1 stored" in out


@pytest.mark.parametrize("host", ["claude", "codex"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"not JSON\nnor this\n", "is neither a Claude Code transcript nor a Codex rollout"),
        (b'{"a": "b"}\n', "is neither"),
        (b"", "no turn was found in 1 files"),
        (b"\n\n", "no turn was found in 1 files"),
        (raw(claude("x", isSidechain=True)), "no turn was found in 1 files: 1 lines"),
    ],
    ids=["no JSON", "other JSON", "nothing", "blank", "a sub-agent alone"],
)
def test_a_run_that_yields_nothing_exits_1_with_a_sentence(
    content: bytes, told: str, host: str, importing: Importing, tmp_path: Path
) -> None:
    (tmp_path / "t.jsonl").write_bytes(content)
    code, out, err = importing(host, tmp_path / "t.jsonl")
    assert code == 1
    assert told in out + err


@pytest.mark.parametrize("host", ["claude", "codex"])
def test_nothing_to_look_at_exits_1_with_a_sentence(
    host: str, importing: Importing, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    for paths in ([], [tmp_path / "empty"], [tmp_path / "gone"]):
        code, out, err = importing(host, *paths)
        assert (code, out) == (1, "")
        assert "holds no transcript" in err


def test_turns_that_nobody_asked_for_are_no_failure(importing: Importing, tmp_path: Path) -> None:
    path = put(tmp_path / "t.jsonl", claude("old"))
    assert importing("claude", path, "--since", "2026-11-29")[0] == 0
    assert importing("claude", path)[0] == 0


def test_a_pipe_in_place_of_a_transcript_is_named_and_nobody_waits(
    importing: Importing, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    put(tmp_path / "b.jsonl", claude("kept"))
    code, out, _ = importing("claude", tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert code == 1
    assert f"not read: {tmp_path}/a.jsonl is a FIFO" in out
    assert " 1 stored" in out
    code, _, err = importing("jsonl", tmp_path / "a.jsonl")
    assert (code, err) == (2, f"iai-mcp: {tmp_path}/a.jsonl is a FIFO: name an exported file\n")


def test_a_folder_on_a_mount_that_does_not_answer_is_named(
    importing: Importing, tmp_path: Path
) -> None:
    with silent_mount(tmp_path / "dead") as dead:
        code, out, err = importing("claude", dead / "projects")
    assert code == 1
    assert "does not answer" in out + err


# A shell starts a job in the background with SIGINT ignored, and children inherit that.
HEEDS_CTRL_C = """
import signal, sys
from iai_server.cli.main import run

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(run(sys.argv[1:]))
"""


def signalled(folder: Path, store: Path, number: signal.Signals) -> tuple[int, str, str]:
    """Imports the folder in a process that gets a signal at its first commit."""
    paths = StorePaths(store)
    with subprocess.Popen(
        [sys.executable, "-c", HEEDS_CTRL_C, "import", "claude", str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # Urgent by the commit of a batch: see `hasten_page`.
        while not is_urgent(page_mark(paths)) and process.poll() is None:
            os.sched_yield()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


def test_ctrl_c_says_what_is_stored_and_the_next_run_goes_on(
    importing: Importing, tmp_path: Path
) -> None:
    folder = many(tmp_path / "many", 6000)

    code, out, err = signalled(folder, tmp_path / "store", signal.SIGINT)

    assert (code, out) == (130, "")
    assert "iai-mcp: stopped: " in err
    assert "run the same command again, it goes on" in err
    assert importing("claude", folder)[0] == 0
    assert Memory().status().records == 6000


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_and_doubles_nothing(
    importing: Importing, tmp_path: Path
) -> None:
    folder = many(tmp_path / "many", 4000)

    assert signalled(folder, tmp_path / "store", signal.SIGKILL)[0] == -signal.SIGKILL

    assert importing("claude", folder)[0] == 0
    assert Memory().status().records == 4000


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_pipe_gets_a_line_every_ten_seconds_with_the_time_left() -> None:
    clock, pipe = Clock(), io.StringIO()
    with LongWork(pipe, clock) as work:
        for second in range(31):
            clock.now = 100.0 + second
            work.show(f"{second} done, {work.rate(second * 7)} a second", second, 100)
    assert pipe.getvalue().splitlines() == [
        "10 done, 7 a second, 90 s left",
        "20 done, 7 a second, 80 s left",
        "30 done, 7 a second, 70 s left",
    ]


def test_an_import_shows_files_bytes_turns_and_rate_in_a_pipe(tmp_path: Path) -> None:
    clock, pipe = Clock(), io.StringIO()
    progress = ImportProgress(files=9, size=4_000_000, file=3, read=1_000_000)
    progress.counts.stored = 1500
    with LongWork(pipe, clock) as work:
        clock.now += 10
        ImportSoFar().shown_by(work)(progress)
    assert pipe.getvalue() == ("file 3 of 9, 1.0 of 4.0 MB, 1,500 turns, 150 a second, 30 s left\n")


def test_who_stops_the_vectors_is_told_that_the_words_are_found() -> None:
    progress = ImportProgress(files=1, size=1, is_done=True)
    progress.counts.stored = 7
    told = ImportSoFar(progress).interrupted()
    assert told.startswith("stopped: the words of all 7 new turns are found already")


def test_nothing_done_yet_and_hours_left_are_told_too() -> None:
    clock, pipe = Clock(), io.StringIO()
    with LongWork(pipe, clock) as work:
        clock.now += 10
        work.show("a", 0, 5)
        clock.now += 10
        work.show("b", 1, 1000)
    assert pipe.getvalue() == "a, 50 s left\nb, 333 min left\n"
