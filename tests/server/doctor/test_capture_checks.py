"""What `iai-mcp doctor` and `iai-mcp status` say of rings that wait."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.checkout import HOOKS
from tests.support.pages import cache, minutes_pass, refresh, ring, set_age, until
from tests.support.talking import child_server

from iai_memory import Memory
from iai_memory.base.presence import Presence
from iai_memory.capture.spool import Spool
from iai_server.cli.main import run
from iai_server.doctor.capture_checks import check_capture
from iai_server.doctor.check import Check
from iai_server.doctor.checks import run_checks


def rings(memory: Memory) -> Check:
    """The check of the rings."""
    return next(check for check in check_capture(memory) if check.name == "capture: rings")


def age(memory: Memory, seconds: float) -> None:
    """Sets the time of every ring back by so much."""
    path = memory.paths.spool / "doorbell.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    at = int(time.time() - seconds)
    path.write_text("".join(json.dumps({**line, "at": at}) + "\n" for line in lines))


def test_no_ring_is_fine(memory: Memory) -> None:
    assert rings(memory) == Check("capture: rings", True, "no ring waits")


def test_a_transcript_that_grew_after_its_last_ring_is_a_warning_until_it_is_read(
    memory: Memory,
) -> None:
    transcript = ring(memory, "one")
    memory.drain()
    assert rings(memory).state == "ok"
    with transcript.open("a") as file:
        file.write(transcript.read_text().replace("s-1-", "s-2-"))
    assert rings(memory).state == "warning"
    assert "a transcript grew: run `iai-mcp drain`" in rings(memory).finding
    memory.drain()
    assert rings(memory).state == "ok"


def test_two_young_rings_are_fine_and_counted(memory: Memory) -> None:
    ring(memory, "one")
    ring(memory, "two")
    found = rings(memory)
    assert found.state == "ok"
    assert found.finding.startswith("2 rings wait since ")


def test_three_rings_are_a_warning(memory: Memory) -> None:
    for number in range(3):
        ring(memory, f"turn {number}")
    assert rings(memory).state == "warning"
    assert rings(memory).finding.endswith("run `iai-mcp drain`")


@pytest.mark.parametrize(("seconds", "state"), [(500, "ok"), (700, "warning")])
def test_a_ring_of_ten_minutes_is_a_warning(memory: Memory, seconds: float, state: str) -> None:
    ring(memory, "one")
    age(memory, seconds)
    assert rings(memory).state == state


def test_servers_that_came_and_went_without_reading_a_ring_are_broken(memory: Memory) -> None:
    ring(memory, "one")
    age(memory, 300)
    memory.ledger.write("server_started")
    # This process is no server: it is not among those that are alive.
    found = rings(memory)
    assert found.state == "BROKEN"
    assert "and a server came and went: run `iai-mcp drain`" in found.finding
    memory.ledger.write("server_started")
    assert "and 2 servers came and went" in rings(memory).finding


def test_a_server_that_is_alive_may_still_read_it(memory: Memory) -> None:
    ring(memory, "one")
    age(memory, 300)
    memory.ledger.write("server_started")
    presence = Presence(memory.paths, Path("/"))
    assert rings(memory).state == "ok"
    age(memory, 700)
    assert "though a server runs" in rings(memory).finding
    presence.withdraw()


def test_servers_that_went_before_the_ring_are_not_to_blame(memory: Memory) -> None:
    memory.ledger.write("server_started")
    ring(memory, "one")
    line = json.loads((memory.paths.spool / "doorbell.jsonl").read_text())
    line["at"] += 2
    (memory.paths.spool / "doorbell.jsonl").write_text(json.dumps(line) + "\n")
    assert rings(memory).state == "ok"


def test_a_server_that_came_and_went_left_its_start_in_the_ledger(memory: Memory) -> None:
    with child_server(memory.paths.root, None) as server:
        server.ask("status")
        pid = server.process.pid
        until("its start", lambda: memory.ledger.last("server_started") is not None)
    assert [event["pid"] for event in memory.ledger.newest(5, event="server_started")] == [pid]


def test_a_spool_file_that_is_no_file_is_broken_and_named(memory: Memory) -> None:
    memory.paths.spool.mkdir(parents=True)
    path = memory.paths.spool / "doorbell.jsonl"
    os.mkfifo(path)
    assert rings(memory).state == "BROKEN"
    assert "doorbell.jsonl is a FIFO: remove it" in rings(memory).finding
    assert memory.status().spool_faults == [f"{path} is a FIFO: remove it with `rm {path}`"]


def test_a_hook_that_could_not_ring_is_found_until_one_rings_again(memory: Memory) -> None:
    memory.ingest("a fact")
    path = memory.paths.spool / "doorbell.jsonl"
    path.mkdir(parents=True)
    for _ in range(2):
        run_capture_hook(memory)
    hook = _hook(memory)
    assert hook.state == "warning"
    assert "the capture hook failed 2 times without a ring since, last at " in hook.finding
    assert "UTC: failed: the spool cannot be written: see " in hook.finding
    path.rmdir()
    assert _hook(memory).state == "warning"  # what was said then is not read yet
    run_capture_hook(memory)
    assert path.is_file()
    assert _hook(memory) == Check("capture: hook", True, "no hook failed since the last ring")


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_log_that_is_no_file_and_one_with_anything_in_it_is_no_failure(
    memory: Memory, make: Callable[[Path], object]
) -> None:
    day = datetime.now(UTC)
    memory.paths.logs.mkdir(parents=True)
    make(memory.paths.logs / f"capture-{day:%Y-%m-%d}.log")
    (memory.paths.logs / f"capture-{day - timedelta(days=1):%Y-%m-%d}.log").write_bytes(
        b"\xff\xfe\n2026-99-99T00:00:00Z failed: x\nnoise failed: y\n" + b"z" * 50_000
    )
    assert _hook(memory).state == "ok"


def _hook(memory: Memory) -> Check:
    return next(check for check in check_capture(memory) if check.name == "capture: hook")


def run_capture_hook(memory: Memory) -> None:
    """A prompt, as the host reports it."""
    event = {"hook_event_name": "UserPromptSubmit", "session_id": "s", "transcript_path": "/t/s"}
    subprocess.run(
        [HOOKS / "iai-mcp-capture.sh"],
        input=json.dumps({**event, "cwd": "/"}).encode(),
        env={"PATH": os.environ["PATH"], "IAI_MCP_STORE": str(memory.paths.root)},
        check=True,
    )


def test_a_transcript_that_was_given_up_is_broken_until_it_can_be_read(memory: Memory) -> None:
    path = ring(memory, "")
    os.mkfifo(path)
    for _ in range(3):
        memory.drain()
        minutes_pass(memory)
    [*_, given_up] = check_capture(memory)
    assert (given_up.name, given_up.state) == ("capture: given up", "BROKEN")
    assert str(path) in given_up.finding
    assert "`iai-mcp unreadable --accept`" in given_up.finding
    path.unlink()
    # A host that keeps no transcript leaves nothing to mend; until a later session is whole, it is
    # said.
    assert [check.state for check in check_capture(memory)] == ["warning", "ok", "warning"]
    assert ring(memory, "there after all") == path
    memory.drain()
    assert len(list(check_capture(memory))) == 2


def test_status_says_how_many_rings_wait_and_since_when(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    ring(memory, "", session_id="gone")
    status = memory.status()
    assert status.rings_waiting == 1
    assert status.rings_since == Spool(memory.paths).waiting().since
    assert run(["status"]) == 0
    shown = capsys.readouterr().out
    assert "1 ring waits since " in shown


def _payload(memory: Memory) -> Check:
    return next(check for check in run_checks(memory) if check.name == "payload")


def test_a_page_that_is_behind_is_a_warning_that_a_refresh_mends(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    memory.ingest("stored by a server that was killed")
    found = _payload(memory)
    assert (found.state, found.finding) == (
        "warning",
        "1 records behind the store: run `iai-mcp session-start --refresh`",
    )
    refresh(memory)
    assert _payload(memory).state == "ok"


def test_a_page_that_cannot_be_refreshed_is_broken(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    memory.ingest("another")
    folder = cache(memory)
    set_age(folder, 3600)
    memory.ledger.write("session_start_cache_write_failed", reason="OSError", error="disk full")
    assert _payload(memory).state == "BROKEN"
    assert "disk full" in _payload(memory).finding


@pytest.mark.parametrize(("states", "code"), [(["ok", "warning"], 0), (["BROKEN", "ok"], 1)])
def test_doctor_exits_1_only_for_a_broken_link(
    memory: Memory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    states: list[str],
    code: int,
) -> None:
    assert memory
    checks = [Check("link", state != "BROKEN", "x", warns=state == "warning") for state in states]

    def found(memory: Memory, *, full: bool) -> list[Check]:
        return checks

    monkeypatch.setattr("iai_server.doctor.checks.run_checks", found)
    assert run(["doctor"]) == code
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == states
    assert run(["doctor", "--json"]) == code
    assert [check["state"] for check in json.loads(capsys.readouterr().out)] == states
