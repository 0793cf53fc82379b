"""Requests on a pipe: each is answered once, whatever else the host does."""

from __future__ import annotations

import json
import os
import select
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.handshakes import (
    CODEX,
    INITIALIZED,
    Ready,
    real_only,
    request,
    spoken,
    with_responder,
)
from tests.support.talking import (
    SERVE,
    WAIT_SEC,
    ChildServer,
    child_environment,
    child_server,
)

from iai_memory import Memory
from iai_memory.base.last_moment import about_to_change
from iai_memory.base.locks import held
from iai_memory.base.paths import StorePaths
from iai_memory.errors import Cancelled
from iai_server.mcp.app import App
from iai_server.mcp.cancelling import RunningChanges

INITIALIZE = request("open", "initialize", CODEX) + INITIALIZED
STALLED_SEC = 3.0
"""A pipe that takes nothing for this long is one that nobody reads."""


def _ids(lines: list[bytes]) -> list[Any]:
    return [json.loads(line)["id"] for line in lines]


@pytest.mark.parametrize("responding", [False, True])
def test_odd_requests_are_answered_in_a_connection_that_goes_on(app: App, responding: bool) -> None:
    odd = [
        (b'[{"jsonrpc":"2.0","id":901,"method":"ping"}]\n', 901),
        (b'{"id":902,"method":"ping"}\n', 902),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', 1.5),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}\n', True),
        (b'{"jsonrpc":"2.0","id":903,"method":"tools/call","params":"x"}\n', 903),
        (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":904,"method":"ping"}\r\n', 904),
        (b'{"jsonrpc":"2.0","id":[0],"method":"ping"}\n', [0]),
        (b'{"jsonrpc":"2.0","id":9,"method":"\xe4"}\n', 9),
        (b"\r\n\n" + request(906, "ping", {}), 906),
    ]
    ready = Ready()
    serve = with_responder(app, ready) if responding else real_only(app)
    try:
        with spoken(serve) as host:
            host.ask(INITIALIZE)
            assert _ids(host.answers(1)) == ["open"]
            for line, id_ in odd:
                host.ask(line)
                assert _ids(host.answers(1)) == [id_]
        assert host.rest == ()
    finally:
        ready.close()


@pytest.mark.parametrize("first", [b"garbage\n", b"[]\n", b'{"id":1}\n', b"\xef\xbb\xbf\n"])
def test_a_handshake_behind_garbage_is_answered(app: App, first: bytes) -> None:
    ready = Ready()
    try:
        with spoken(with_responder(app, ready)) as host:
            host.ask(first * 20 + INITIALIZE + request(2, "tools/list", {}))
            while True:
                [line] = host.answers(1)
                if json.loads(line)["id"] == 2:
                    break
        assert host.rest == ()
    finally:
        ready.close()


def test_what_was_asked_before_stdin_closed_is_answered(tmp_path: Path) -> None:
    asked = [{"text": f"Said at the end, {n}."} for n in range(3)]
    child = ChildServer(tmp_path / "store", None)
    try:
        call = {"name": "ingest", "arguments": {"memories": asked}}
        child.send(
            INITIALIZE
            + request(1, "tools/call", call)
            + request(2, "tools/call", {"name": "status", "arguments": {}})
            + request(3, "no/such/method", {})[:-1]
        )
        code, rest, _ = child.end()
    finally:
        child.close()
    answers = {each["id"]: each for each in map(json.loads, rest.splitlines())}
    assert code == 0
    assert sorted(map(str, answers)) == ["1", "2", "3", "open"]
    assert answers[1]["result"]["structuredContent"]["stored"] == 3
    assert "result" in answers[2]


def test_a_last_request_without_a_line_end_is_answered(app: App) -> None:
    with spoken(real_only(app)) as host:
        host.ask(INITIALIZE + request(7, "ping", {})[:-1])
        assert _ids(host.answers(1)) == ["open"]
    assert _ids(list(host.rest)) == [7]


@pytest.mark.slow
def test_a_host_that_does_not_read_is_not_read_from_either(app: App) -> None:
    """Ids of 500 KB are answered with as much."""
    with spoken(real_only(app)) as host:
        host.ask(INITIALIZE)
        host.answers(1)
        asked, left, count = request("x" * 500_000, "ping", {}), b"", 0
        os.set_blocking(host.stdin, False)
        while select.select([], [host.stdin], [], STALLED_SEC)[1]:
            count += not left
            left = left or asked
            left = left[os.write(host.stdin, left) :]
            assert count * len(asked) < 64 << 20
        os.set_blocking(host.stdin, True)
        rest = threading.Thread(target=host.ask, args=(left,))
        rest.start()
        assert all(len(line) > 500_000 for line in host.answers(count))
        rest.join()
    assert count > 16
    assert host.rest == ()


def test_a_host_that_closes_stdout_ends_the_server_in_silence(tmp_path: Path) -> None:
    with child_server(tmp_path / "store", None) as child:
        child.ask("status")
        assert child.process.stdout is not None
        child.process.stdout.close()
        child.send(request(1, "ping", {})[:-1])
        assert child.process.wait(timeout=WAIT_SEC) == 0
        assert "Traceback" not in child.stderr()
        assert "iai-mcp: " not in child.stderr()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("first", [INITIALIZE, request(1, "tools/call", {"name": "status"})])
def test_a_stdout_that_is_full_ends_the_server_with_one_line(tmp_path: Path, first: bytes) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            SERVE,
            input=first,
            stdout=full,
            stderr=subprocess.PIPE,
            env=child_environment(tmp_path / "store", None),
            cwd=tmp_path,
            timeout=WAIT_SEC,
            check=False,
        )
    told = [line for line in done.stderr.splitlines() if line.startswith(b"iai-mcp: ")]
    assert done.returncode == 1
    assert told == [
        b"iai-mcp: stdout cannot be written (No space left on device): make room on its disk"
    ]
    assert b"Traceback" not in done.stderr


def test_a_change_that_is_cancelled_while_it_waits_is_not_made(tmp_path: Path) -> None:
    store = tmp_path / "store"
    [known] = Memory(store).ingest("The kiln fires at 1,200 degrees.").results
    assert known.id is not None
    arguments: dict[str, dict[str, Any]] = {
        "ingest": {"memories": [{"text": "Never to be stored."}]},
        "supersede": {"id": known.id, "text": "It fires at 1,300 degrees."},
        "forget": {"ids": [known.id]},
        "pin": {"id": known.id},
    }
    with child_server(store, None) as child:
        before = child.ask("status")["table_version"]
        for tool in arguments:
            with held(StorePaths(store).lock("write"), timeout=WAIT_SEC):
                call = {"name": tool, "arguments": arguments[tool]}
                child.send(request(f"gone {tool}", "tools/call", call)[:-1])
                gone = {"requestId": f"gone {tool}", "reason": "changed their mind"}
                note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": gone}
                child.send(json.dumps(note).encode())
                child.request("ping", {})
            behind = {"memories": [{"text": f"Stored behind {tool}."}]}
            assert child.ask("ingest", behind)["stored"] == 1, tool
            before += 1
            assert child.ask("status")["table_version"] == before, tool
        code, rest, _ = child.end()
    assert (code, rest) == (0, b"")
    memory = Memory(store)
    assert memory.status().table_version == before
    assert memory.record(known.id).text == "The kiln fires at 1,200 degrees."
    assert not memory.record(known.id).pinned


def test_a_change_is_cancelled_as_a_whole_or_made_and_answered() -> None:
    changes = RunningChanges()
    with changes.running("7"):
        assert changes.cancel("7")
        with pytest.raises(Cancelled):
            about_to_change()
        with pytest.raises(Cancelled):
            about_to_change()
    with changes.running(7):
        about_to_change()
        assert not changes.cancel("7")
        about_to_change()
    assert not changes.cancel(7)
    changes.answered("7")
    assert changes.cancel(7)
    about_to_change()
