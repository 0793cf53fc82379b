"""A process that holds a lock and does not go on is named wherever one looks for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.errors import StoreBusy
from iai_server.cli.main import run
from iai_server.doctor.check import BrokenLink
from iai_server.doctor.lock_checks import check_locks

HOLDER = """
import sys
from pathlib import Path
path = Path(sys.argv[1])
sys.argv = ["/usr/bin/iai-mcp", "sleep"]
from iai_memory.base.locks import held
with held(path, timeout=0):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def words_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    """An empty memory without a model."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return Memory(tmp_path / "store", on_commit=lambda: None)


@pytest.fixture
def stopped(words_only: Memory) -> Iterator[subprocess.Popen[str]]:
    """A process that was stopped while it held the lock of all writers."""
    words_only.ingest("a fact")
    command = [sys.executable, "-c", HOLDER, str(words_only.paths.lock("write"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        yield process
        process.kill()


def named(text: str, process: subprocess.Popen[str]) -> bool:
    """Whether pid, command, age and the next command are told."""
    wanted = (f"process {process.pid} (`iai-mcp sleep`) since ", f"`kill -CONT {process.pid}`")
    return text.startswith("write.lock is held by ") and all(one in text for one in wanted)


def test_status_and_doctor_name_a_stopped_holder(
    words_only: Memory, stopped: subprocess.Popen[str]
) -> None:
    [told, *_] = words_only.status().last_errors
    assert named(told, stopped)
    with pytest.raises(BrokenLink) as broken:
        check_locks(words_only)
    assert named(str(broken.value), stopped)
    stopped.kill()
    stopped.wait()
    assert words_only.status().last_errors == []
    assert "none is held" in check_locks(words_only)


@pytest.mark.slow
def test_the_command_status_and_a_write_name_a_stopped_holder(
    words_only: Memory,
    stopped: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(words_only.paths.root))
    assert run(["status"]) == 0
    assert f"process {stopped.pid} (`iai-mcp sleep`)" in capsys.readouterr().out
    with pytest.raises(StoreBusy) as busy:
        words_only.ingest("another fact")
    assert named(str(busy.value), stopped)
    assert words_only.recall("fact").hits
