"""The process that the capture hook leaves behind: it drains what no server answers, once, and
neither the host's end nor its kill reaches it.

`iai-mcp` is stood in for by a script that says what it is and waits; the real one runs at the end.
Nothing here waits by the clock: a pipe says when the last process with it is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.hooks import CaptureRun, bell, encoded, ring_of

from iai_memory import Memory

IAI_MCP = Path(sys.executable).with_name("iai-mcp")
PR_SET_CHILD_SUBREAPER = 36
HIGH = 30  # some shells' redirections name one digit
RUN = """\
echo "$* in $(pwd), locale ${LC_ALL-none}, store $IAI_MCP_STORE, input $(cat)" >>"$told"
ps -o pgid=,sid=,ni= -p $$ >>"$told.process"
echo started >"$started"
read -r _ <"$go"
rm -f "$IAI_MCP_STORE"/spool/doorbell*"""


@dataclass
class Detached:
    """A capture hook whose drain is a script, and the pipes between that script and the test."""

    hook: CaptureRun
    told: Path
    started: Path
    go: Path
    left: list[int] = field(default_factory=list[int])

    def ring(self, event: str = "Stop", **more: str) -> int:
        """Runs the hook to its end and kills its process group; returns its number.

        The hook holds a pipe from the test, as a host that forgot to close its own might leave one.
        """
        reader, writer = os.pipe()
        high = fcntl.fcntl(writer, fcntl.F_DUPFD_CLOEXEC, HIGH)
        os.close(writer)
        try:
            hook = subprocess.Popen(
                [*self.hook.shell, str(self.hook.script)],
                env=self.hook.environment(),
                cwd=self.hook.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=(high,),
            )
        finally:
            os.close(high)
        self.left.append(reader)
        host = {**bell(self.hook.folder, event=event), **more}
        assert hook.communicate(encoded(host), timeout=60) == (b"", b"")
        for send in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(hook.pid, send)
            except ProcessLookupError:
                break
        return hook.pid

    def is_let_go(self) -> bool:
        """Waits until nobody holds the pipe of the last ring any more."""
        return os.read(self.left[-1], 1) == b""

    def wait_for_drain(self) -> None:
        """Waits until the script runs."""
        assert self.started.read_text() == "started\n"

    def end_drain(self) -> None:
        """Lets the script answer what waits, and end."""
        self.go.write_text("\n")

    def wait_for_end(self) -> None:
        """Waits until no process that a hook left is there any more."""
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()

    def runs(self) -> list[str]:
        """What the script told of each of its runs."""
        return self.told.read_text().splitlines() if self.told.exists() else []


def adopt_orphans(yes: bool) -> None:
    """Makes this process the parent of what its descendants leave behind, so that it can wait."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0) == 0


@pytest.fixture
def detached(capture: CaptureRun) -> Iterator[Detached]:
    """The capture hook with a store; a wait of two seconds takes a tenth of one."""
    capture.store.mkdir(mode=0o700)
    folder = capture.folder
    made = Detached(capture, folder / "told", folder / "started", folder / "go")
    os.mkfifo(made.started)
    os.mkfifo(made.go)
    names = {"told": made.told, "started": made.started, "go": made.go}
    lines = [f"{name}={path}" for name, path in names.items()]
    cli = capture.command("iai-mcp", "\n".join([*lines, RUN]))
    capture.command("sleep", f"exec {shutil.which('sleep')} 0.1")
    capture.command("setsid", f'echo >>"{capture.folder}/setsid"; exec /usr/bin/setsid "$@"')
    capture.env |= {
        "PATH": f"{capture.folder}/bin:{os.environ['PATH']}",
        "IAI_MCP_CLI": str(cli),
        "IAI_MCP_DRAIN": "1",
    }
    adopt_orphans(True)
    yield made
    while orphans := [
        int(child)
        for children in Path("/proc/self/task").glob("*/children")
        for child in children.read_text().split()
    ]:
        os.kill(orphans[0], signal.SIGKILL)
        os.waitpid(orphans[0], 0)  # its own children are orphans of this process then
    adopt_orphans(False)
    for reader in made.left:
        os.close(reader)


@pytest.mark.parametrize("event", ["Stop", "SessionEnd"])
def test_a_ring_that_nobody_answers_is_drained_though_the_host_kills_its_hooks(
    detached: Detached, event: str
) -> None:
    detached.hook.env["LC_ALL"] = "C.UTF-8"
    hook = detached.ring(event)
    detached.wait_for_drain()

    assert detached.is_let_go()
    store = detached.hook.store
    assert detached.runs() == [f"drain in /, locale C.UTF-8, store {store}, input "]
    group, session, nice = Path(f"{detached.told}.process").read_text().split()
    assert hook not in (int(group), int(session))
    assert os.getsid(0) != int(session)
    assert nice == "19"

    detached.end_drain()
    detached.wait_for_end()
    assert detached.hook.log() == []
    assert [path.name for path in (store / "spool").iterdir()] == []


@pytest.mark.parametrize("event", ["UserPromptSubmit", "PreCompact", "Unheard"])
def test_other_events_start_nothing(detached: Detached, event: str) -> None:
    detached.ring(event)

    assert detached.is_let_go()
    assert not (detached.hook.folder / "setsid").exists()
    assert len(detached.hook.lines()) == 1


@pytest.mark.parametrize("value", ["0", "false", "no", "off", "OFF"])
def test_a_drain_that_is_switched_off_is_not_started(detached: Detached, value: str) -> None:
    detached.hook.env["IAI_MCP_DRAIN"] = value

    detached.ring()

    assert detached.is_let_go()
    assert not (detached.hook.folder / "setsid").exists()
    assert len(detached.hook.lines()) == 1


@pytest.mark.parametrize("how", ["IAI_MCP_DISABLE", ".iai-mcp-ignore"])
def test_where_memory_stays_out_nothing_is_started(detached: Detached, how: str) -> None:
    if how == "IAI_MCP_DISABLE":
        detached.hook.env[how] = "1"
    else:
        (detached.hook.folder / how).touch()

    detached.ring()

    assert detached.is_let_go()
    assert not (detached.hook.folder / "setsid").exists()


def test_nothing_runs_when_a_server_answered_meanwhile(detached: Detached) -> None:
    detached.hook.command("sleep", f"rm {detached.hook.doorbell}")  # as a server does
    detached.ring()
    detached.is_let_go()
    detached.wait_for_end()

    assert detached.runs() == []
    assert detached.hook.log() == []


def test_many_rings_at_once_are_drained_once(detached: Detached) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(detached.ring, ["Stop", "SessionEnd"] * 3))
    detached.wait_for_drain()
    detached.end_drain()
    detached.wait_for_end()

    assert len(detached.runs()) == 1


def test_many_rings_in_a_row_are_drained_once(detached: Detached) -> None:
    for number in range(6):
        detached.ring(("Stop", "SessionEnd")[number % 2], session_id=str(number))
    detached.wait_for_drain()
    detached.end_drain()
    detached.wait_for_end()

    assert len(detached.runs()) == 1


def test_a_ring_during_a_drain_starts_no_second_one_and_is_drained_after_it(
    detached: Detached,
) -> None:
    detached.ring()
    detached.wait_for_drain()
    detached.ring(session_id="later")
    detached.is_let_go()
    assert len(detached.runs()) == 1

    rings = detached.hook.doorbell.read_bytes()
    # The script takes everything away; what came while it read is put back, as a drain does. The
    # waiter may sleep as soon as the drain has ended, so this has to be there before.
    detached.hook.command("sleep", f"printf '%s' '{rings.decode()}' >{detached.hook.doorbell}")
    detached.end_drain()
    detached.wait_for_drain()
    detached.end_drain()
    detached.wait_for_end()
    assert len(detached.runs()) == 2


def of_another_process(path: Path) -> None:
    path.write_text(f"{os.getpid()}\n")


def of_nobody(path: Path) -> None:
    path.write_text("4194304\n")


def empty(path: Path) -> None:
    path.touch()


def garbage(path: Path) -> None:
    path.write_bytes(b"\0\xff ../x; 1\n" * 5)


@pytest.mark.parametrize("leave", [of_another_process, of_nobody, empty, garbage])
def test_the_mark_of_a_waiter_that_was_killed_keeps_nobody_from_draining(
    detached: Detached, leave: Callable[[Path], None]
) -> None:
    (detached.hook.store / "spool").mkdir(mode=0o700)
    leave(detached.hook.store / "spool" / ".waiter")

    detached.ring()
    detached.wait_for_drain()
    detached.end_drain()
    detached.wait_for_end()

    assert len(detached.runs()) == 1


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("name", [".waiter", ".waiter-again"])
def test_what_is_no_file_in_the_place_of_a_mark_leaves_no_process_behind(
    detached: Detached, make: Callable[[Path], None], name: str
) -> None:
    (detached.hook.store / "spool").mkdir(mode=0o700)
    make(detached.hook.store / "spool" / name)

    detached.ring()
    detached.is_let_go()
    detached.wait_for_end()

    mark = detached.hook.store / "spool" / name
    assert detached.hook.log() == [f"drain skipped: {mark} is no file: remove it"]
    assert detached.runs() == []


@pytest.mark.parametrize("missing", [("setsid",), ("setsid", "perl")], ids=["perl", "nothing"])
def test_a_system_without_setsid_has_another_way(
    detached: Detached, missing: tuple[str, ...]
) -> None:
    if "perl" in missing and "bash" not in detached.hook.shell:
        pytest.skip("only bash, the sh of a system without setsid, can do it alone")
    hide(detached.hook, missing)

    hook = detached.ring()
    detached.wait_for_drain()

    assert detached.is_let_go()
    group, session, _ = Path(f"{detached.told}.process").read_text().split()
    assert int(group) != hook
    assert "perl" in missing or int(session) != hook
    detached.end_drain()
    detached.wait_for_end()


def hide(hook: CaptureRun, names: tuple[str, ...]) -> None:
    """Gives the hook a PATH on which everything is but these."""
    tools = hook.folder / "bin"
    for folder in ("/usr/bin", "/bin"):
        for tool in Path(folder).iterdir():
            if tool.name not in names and not (tools / tool.name).exists():
                (tools / tool.name).symlink_to(tool)
    (tools / "setsid").unlink()
    hook.env["PATH"] = str(tools)


def test_a_machine_without_the_command_says_so_in_the_log(detached: Detached) -> None:
    detached.hook.env |= {"IAI_MCP_CLI": "/no/such", "HOME": "/no/such"}
    (detached.hook.folder / "bin" / "iai-mcp").unlink()
    detached.ring()
    detached.is_let_go()
    detached.wait_for_end()

    assert detached.hook.log() == ["drain skipped: iai-mcp CLI not found"]
    assert detached.hook.lines() == [ring_of(bell(detached.hook.folder))]


def test_a_drain_that_fails_is_logged_with_its_sentence(detached: Detached) -> None:
    detached.hook.command("iai-mcp", "echo 'iai-mcp: the table is damaged' >&2; exit 1")
    detached.ring()
    detached.is_let_go()
    detached.wait_for_end()

    assert detached.hook.log() == ["drain rc=1: iai-mcp: the table is damaged"]


def test_a_conversation_is_stored_without_any_server(detached: Detached) -> None:
    transcript = detached.hook.folder / "t.jsonl"
    line = {
        "type": "user",
        "uuid": "u1",
        "sessionId": "s",
        "timestamp": "2026-11-20T10:00:00.000Z",
        "cwd": "/",
        "message": {"role": "user", "content": "Staging listens on port 5544."},
    }
    transcript.write_text(f"{json.dumps(line)}\n")
    detached.hook.env |= {"IAI_MCP_CLI": str(IAI_MCP), "HOME": str(detached.hook.folder)}

    detached.ring("SessionEnd", transcript_path=str(transcript))
    detached.is_let_go()
    detached.wait_for_end()

    [record] = Memory(store=detached.hook.store).timeline(turns=True).records
    assert record.text == "Staging listens on port 5544."
    assert not list((detached.hook.store / "spool").glob("doorbell*"))
