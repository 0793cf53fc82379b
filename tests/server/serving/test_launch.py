"""A server process from its first answer to its end: handed over, signalled, left."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import StdioServerParameters
from tests.support.checkout import ROOT
from tests.support.handshakes import CLAUDE, CODEX, INITIALIZED, RECORD, real_only, request, spoken
from tests.support.talking import SERVE, WAIT_SEC, ChildServer, child_environment, connected

from iai_memory import Memory, load_settings
from iai_server.mcp.app import App

IMPORTED = """
import json, os, sys
sys.argv = ["iai-mcp", "serve"]
import iai_server.__main__, iai_server.cli.main, iai_server.serving.launch as launch
from iai_server.startup.handshake_responder import HandshakeResponder
from iai_server.startup.recorded_handshake import packaged_handshake

class Never:
    def fileno(self): return waiting
    def start(self): pass

waiting, _ = os.pipe()
wire = launch.claim_stdout()
try:
    responder = HandshakeResponder(packaged_handshake())
    launch.answer_handshake(launch.claim_stdin(), wire, responder, Never())
except launch.HostLeft:
    print(json.dumps(sorted(sys.modules)), file=wire, flush=True)
"""


def test_nothing_heavy_is_imported_for_the_handshake(tmp_path: Path) -> None:
    asked = [("initialize", CODEX), ("tools/list", {}), ("resources/list", {}), ("ping", {})]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        input=b"".join(request(1, *each) for each in asked),
        env=child_environment(tmp_path / "store", None),
        capture_output=True,
        timeout=WAIT_SEC,
        check=True,
    )
    *answers, modules = done.stdout.splitlines()
    assert len(answers) == len(asked)
    heavy = ["lancedb", "onnxruntime", "pyarrow", "numpy", "mcp", "mcp_types", "pydantic", "anyio"]
    slow = ["typer", "asyncio", "threading", "typing", "pathlib", "dataclasses", "subprocess"]
    assert {*heavy, *slow} & set(json.loads(modules)) == set()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_recalls_through_both_doors(
    model_folder: Path, tmp_path: Path, mode: str
) -> None:
    Memory(settings=load_settings(store=tmp_path / "store", model=model_folder)).ingest(
        "The lighthouse lamp is changed in March."
    )
    parameters = StdioServerParameters(
        command=SERVE[0],
        args=SERVE[1:],
        env=child_environment(tmp_path / "store", model_folder),
        cwd=tmp_path,
    )
    with connected(parameters, mode=mode) as host:
        assert len(host.portal.call(host.client.list_tools).tools) == 8
        [hit, *_] = host.ask("recall", {"query": "when is the lamp changed?"})["hits"]
        assert hit["text"] == "The lighthouse lamp is changed in March."
        assert len(host.portal.call(host.client.list_prompts).prompts) == 2


def test_a_call_right_behind_the_handshake_is_answered_once(
    model_folder: Path, tmp_path: Path
) -> None:
    with _child(tmp_path, model_folder) as child:
        call = {"name": "status", "arguments": {}}
        child.send(
            request("a", "initialize", CODEX)
            + INITIALIZED
            + request("b", "tools/list", {})
            + request("a", "tools/call", call)
            + request("c", "ping", {})[:-1]
        )
        said = [child.receive() for _ in range(4)]
        assert sorted(str(each["id"]) for each in said) == ["a", "a", "b", "c"]
        assert [each["id"] for each in said[:2]] == ["a", "b"]
        assert all("result" in each for each in said)
        code, rest, _ = child.end()
        assert (code, rest) == (0, b"")


def test_claude_and_its_fallback_to_initialize_are_told_what_the_real_server_would_say(
    app: App, model_folder: Path, tmp_path: Path
) -> None:
    lines = [request(0, "server/discover", CLAUDE), request(1, "initialize", CODEX)]
    with spoken(real_only(app)) as real:
        for line in lines:
            real.ask(line)
        expected = sorted(real.answers(2))
    with _child(tmp_path, model_folder) as child:
        for line in lines:
            child.send(line[:-1])
        assert [child.receive() for _ in lines] == [json.loads(line) for line in expected]


def test_a_host_that_leaves_after_the_handshake_leaves_nothing_behind(tmp_path: Path) -> None:
    with _child(tmp_path, None) as child:
        child.send(request(1, "initialize", CODEX)[:-1])
        child.receive()
        code, rest, _ = child.end()
        assert (code, rest, child.stderr()) == (0, b"", "")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("loading", [False, True])
def test_a_signal_during_the_handshake_ends_it_in_silence(
    tmp_path: Path, number: signal.Signals, loading: bool
) -> None:
    with _child(tmp_path, None) as child:
        child.send(request(1, "initialize", CODEX)[:-1])
        child.receive()
        if loading:
            child.send(request(2, "tools/call", {"name": "status", "arguments": {}})[:-1])
        assert child.kill(number) == 0
        assert "Traceback" not in child.stderr()


def test_a_host_that_stops_reading_ends_it_in_silence(tmp_path: Path) -> None:
    with _child(tmp_path, None) as child:
        assert child.process.stdout is not None
        child.process.stdout.close()
        child.send(request(1, "initialize", CODEX)[:-1])
        assert child.process.wait(timeout=WAIT_SEC) == 0
        assert child.stderr() == ""


@pytest.mark.slow
def test_with_other_versions_the_real_server_answers_and_leaves_a_record(tmp_path: Path) -> None:
    package = tmp_path / "changed" / "iai_server"
    shutil.copytree(ROOT / "server" / "iai_server", package)
    (package / "startup" / "handshake_data.json").write_text(
        json.dumps({**RECORD, "needs": {**RECORD["needs"], "mcp": "2.2.9"}})
    )
    kept = tmp_path / "store" / "handshake.json"

    def answered_by_the_real_server() -> bool:
        with _child(tmp_path, None, PYTHONPATH=str(package.parent)) as child:
            child.send(request(1, "initialize", CODEX)[:-1])
            assert child.receive()["result"]["serverInfo"]["name"] == "iai-mcp"
            assert child.end()[0] == 0
            return "serving" in child.stderr()

    assert answered_by_the_real_server()
    assert json.loads(kept.read_text()) == RECORD
    assert not answered_by_the_real_server()
    kept.chmod(0o622)  # somebody else could have written how tools are described
    assert answered_by_the_real_server()
    kept.write_text("{")
    kept.chmod(0o600)
    assert answered_by_the_real_server()
    assert json.loads(kept.read_text()) == RECORD


@contextmanager
def _child(folder: Path, model: Path | None, **more: str) -> Generator[ChildServer]:
    child = ChildServer(folder / "store", model, **more)
    try:
        yield child
    finally:
        child.close()
