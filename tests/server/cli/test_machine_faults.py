"""A command that the machine fails: one line, an exit code, no traceback, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import IO

import pytest
from _pytest.mark import ParameterSet
from tests.support.copies import copied, made_once
from tests.support.modes import bound_by_modes, read_only
from tests.support.pairs import few_quick
from tests.support.talking import CLI, WAIT_SEC, child_environment

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_server.cli.main import run

INTERRUPTED = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupts(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == moment:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

moment = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupts())
from iai_server.__main__ import main
main()
"""
FEW_FILES = """
import resource, sys
from iai_server.cli.app import app  # the interpreter's own files are not the matter
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
from iai_server.__main__ import main
sys.argv[1:] = sys.argv[2:]
main()
"""


@pytest.fixture(autouse=True)
def sigint_reaches_children() -> Generator[None]:
    """A shell leaves commands in the background with SIGINT ignored, and children inherit it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of thirty memories."""
    texts = [f"The kiln fires at {n} degrees." for n in range(30)]
    return made_once(tmp_path_factory, lambda memory: memory.ingest(texts))


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copied(made, tmp_path / "store")


def _run(
    store: Path, command: Iterable[str], stdout: int | IO[str] = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        stdout=stdout,
        env=child_environment(store, None),
        cwd=store.parent,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=WAIT_SEC,
        check=False,
    )


def _is_one_line(told: str) -> bool:
    return told.startswith("iai-mcp: ") and told.count("\n") == 1 and "doctor" not in told


COMMANDS = [
    ["--version"],
    ["--help"],
    ["status"],
    ["status", "--json"],
    ["recall", "kiln", "--json"],
    ["timeline"],
    ["session-start"],
    ["export", "jsonl"],
    ["drain"],
]


def commands(turn: int, *quick: str) -> list[ParameterSet]:
    """All of them; a third is quick, another one for each way in which stdout takes nothing."""
    return [
        pytest.param(
            one,
            id=" ".join(one),
            marks=() if at % 3 == turn or one[0] in quick else pytest.mark.slow,
        )
        for at, one in enumerate(COMMANDS)
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", commands(0))
def test_a_full_stdout_is_one_line(store: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = _run(store, [*CLI, *arguments], stdout=full)
    assert done.returncode == 1
    assert _is_one_line(done.stderr), done.stderr
    assert "stdout cannot be written" in done.stderr
    assert "(No space left on device)" in done.stderr


@pytest.mark.parametrize("arguments", commands(1))
def test_a_closed_stdout_is_one_line_and_is_no_file_of_the_store(
    store: Path, arguments: list[str]
) -> None:
    done = _run(store, ["sh", "-c", 'exec "$@" >&-', "sh", *CLI, *arguments])
    assert done.returncode == 1
    assert _is_one_line(done.stderr), done.stderr
    assert Memory(store).status().records == 30


@pytest.mark.parametrize("arguments", commands(2, "export"))
def test_a_reader_who_leaves_is_told_nothing(store: Path, arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = _run(store, [*CLI, *arguments], stdout=write)
    finally:
        os.close(write)
    assert done.returncode == 1
    if arguments[0] == "export":
        assert _is_one_line(done.stderr), done.stderr  # what is kept of it is no backup
    else:
        assert done.stderr == ""


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-", "<&-"])
def test_a_closed_stdin_or_stderr_changes_nothing(store: Path, closed: str) -> None:
    done = _run(store, ["sh", "-c", f'exec "$@" {closed}', "sh", *CLI, "status", "--json"])
    assert done.returncode == 0
    assert json.loads(done.stdout)["records"] == 30
    failed = _run(store, ["sh", "-c", f'exec "$@" {closed}', "sh", *CLI, "forget", "nope"])
    assert failed.returncode != 0
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize(
    "moment",
    [
        "iai_server.cli.main",
        "lancedb",
        "rich.table",
        *(
            pytest.param(moment, marks=pytest.mark.slow)
            for moment in (
                "iai_server.startup.lance_log",
                "typer",
                "iai_server.cli.memories",
                "iai_memory.memory",
                "iai_memory.store.table",
                "pyarrow",
                "numpy",
            )
        ),
    ],
)
def test_ctrl_c_at_any_moment_ends_it_without_a_traceback(store: Path, moment: str) -> None:
    done = _run(store, [sys.executable, "-c", INTERRUPTED, moment, "status"])
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1
    assert Memory(store).status().records == 30


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_waits_for_a_lock_ends_it(store: Path, number: signal.Signals) -> None:
    from iai_memory.base.locks import held

    with held(StorePaths(store).lock("write"), timeout=WAIT_SEC):
        child = subprocess.Popen(
            [*CLI, "ingest", "Waits for the lock."],
            env=child_environment(store, None),
            cwd=store.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=2)
            child.send_signal(number)
            _, told = child.communicate(timeout=WAIT_SEC)
        finally:
            child.kill()
            child.wait()
    assert child.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in told
    assert Memory(store).status().records == 30


@pytest.mark.slow
@pytest.mark.parametrize("limit", [8, 12, 20])
@pytest.mark.parametrize("arguments", [["status"], ["recall", "kiln"], ["ingest", "More."]])
def test_too_few_open_files_are_one_line(store: Path, limit: int, arguments: list[str]) -> None:
    done = _run(store, [sys.executable, "-c", FEW_FILES, str(limit), *arguments])
    if done.returncode:
        assert done.returncode == 1
        # LanceDB's panic prints lines of its own before ours.
        assert _is_one_line(f"{done.stderr.splitlines()[-1]}\n"), done.stderr
        assert "ulimit -n" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    assert Memory(store).status().records >= 30


@pytest.mark.parametrize("arguments", [["ingest", "More."], ["session-start", "--refresh"]])
def test_a_store_that_may_not_be_written_is_one_line(store: Path, arguments: list[str]) -> None:
    with read_only(store):
        done = _run(store, [*bound_by_modes(), *CLI, *arguments])
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "doctor" not in done.stderr
    if arguments[0] == "ingest":
        assert _is_one_line(done.stderr), done.stderr
        assert str(store) in done.stderr


def _deep(path: Path) -> None:
    path.write_bytes(b'{"a":' * 200_000 + b"1" + b"}" * 200_000)


def _deep_list(path: Path) -> None:
    path.write_bytes(b"[" * 200_000 + b"]" * 200_000)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("somebody's")


def _fifo(path: Path) -> None:
    os.mkfifo(path)


STATE_FILES = [
    "topics.json",
    "maintenance.json",
    "sleep.json",
    "imported.json",
    "handshake.json",
    "projects.json",
    "spool/sessions.json",
    "spool/offsets.json",
    "ledger/events.jsonl",
    "ledger/events.1.jsonl",
    "servers/1-abcdef.json",
    "session-start.cached.md",
    "session-start.cached.meta.json",
]


@pytest.mark.parametrize("name", ["lancedb", "locks", "spool", "ledger", "servers", "logs"])
def test_a_file_in_the_place_of_a_folder_of_the_store_is_named(
    store: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(store))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    if (store / name).exists():
        (store / name).rename(store.parent / name)
    (store / name).write_text("somebody's")
    for arguments in (["ingest", "More."], ["status"], ["session-start"]):
        code = run(arguments)
        told = capfd.readouterr().err
        assert "Traceback" not in told
        if code:
            assert str(store) in told.splitlines()[-1]
            # A repair makes a new table, and what is here in its place is put away.
            assert ("doctor --repair" in told) is (name == "lancedb")
    assert (store / name).read_text() == "somebody's"


@pytest.mark.parametrize(
    ("name", "put"), few_quick(STATE_FILES, [_deep, _deep_list, _folder, _fifo])
)
def test_whatever_stands_in_the_place_of_a_state_file_ends_no_command(
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
    put: Callable[[Path], None],
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(store))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    path = store / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    put(path)
    for arguments in (
        ["ingest", "Said beside what does not belong there."],
        ["recall", "kiln"],
        ["status"],
        ["events"],
        ["session-start"],
        ["sleep"],
    ):
        code = run(arguments)
        told = capfd.readouterr().err
        assert "Traceback" not in told
        assert "fault of iai-mcp" not in told, told
        if arguments[0] in ("ingest", "recall") and name != "projects.json":
            assert code == 0, told
    assert Memory(store).status().records == 31
