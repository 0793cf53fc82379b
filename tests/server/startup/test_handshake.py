"""The handshake is answered from a record, and nobody can tell it from the real server."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import StdioServerParameters
from mcp.shared.inbound import InboundModernRoute, classify_inbound_request
from mcp_types import InitializeRequestParams
from mcp_types.methods import validate_client_request
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from tests.support.checkout import ROOT
from tests.support.talking import SERVE, WAIT_SEC, ChildServer, child_environment, connected

from iai_memory import Memory, load_settings
from iai_server.mcp.app import App, build_app
from iai_server.mcp.handshake_record import opening, record
from iai_server.serving.launch import converse
from iai_server.serving.runtime import Runtime
from iai_server.startup.front import Front, NotCertain
from iai_server.startup.pipes import Resumed
from iai_server.startup.record_file import PACKAGED, packaged_record

RECORD: dict[str, Any] = json.loads(Path(PACKAGED).read_text(encoding="utf-8"))
CONSTANTS = [
    (version, method) for version in RECORD["answers"] for method in RECORD["answers"][version]
]
LEGACY = [version for version, methods in RECORD["answers"].items() if "ping" in methods]
MODERN = LATEST_MODERN_VERSION
CLAUDE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": {
            "name": "claude-code",
            "title": "Claude Code",
            "version": "2.1.330",
            "description": "Anthropic's agentic coding tool",
            "websiteUrl": "https://claude.com/claude-code",
        },
        "io.modelcontextprotocol/clientCapabilities": {
            "roots": {"listChanged": True},
            "elicitation": {"form": {}, "url": {}},
        },
    }
}
CODEX = {
    "protocolVersion": "2025-06-18",
    "capabilities": {
        "experimental": {"codex/auth-change": {}},
        "elicitation": {"form": {}, "url": {}},
    },
    "clientInfo": {"name": "codex-mcp-client", "title": "Codex", "version": "0.169.0"},
}
CHANGES = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")
LISTEN = {**CLAUDE, "notifications": dict.fromkeys(CHANGES, True)}
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
IMPORTED = """
import json, os, sys
sys.argv = ["iai-mcp", "serve"]
import iai_server.__main__, iai_server.cli.main, iai_server.serving.launch as launch
from iai_server.startup.front import Front
from iai_server.startup.record_file import packaged_record

class Never:
    def fileno(self): return waiting
    def start(self): pass

waiting, _ = os.pipe()
wire = launch.claim_stdout()
try:
    launch.converse(launch.claim_stdin(), wire, Front(packaged_record()), Never())
except launch.HostLeft:
    print(json.dumps(sorted(sys.modules)), file=wire, flush=True)
"""


def _request(id_: int | str, method: str, params: dict[str, Any]) -> bytes:
    asked = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
    return json.dumps(asked).encode() + b"\n"


class Ready:
    """Tells the front that the real server is ready, when the test wants it to be."""

    def __init__(self) -> None:
        self._end, self._tell = os.pipe()
        self.started = threading.Event()

    def fileno(self) -> int:
        return self._end

    def start(self) -> None:
        self.started.set()

    def now(self) -> None:
        if self._tell >= 0:
            os.close(self._tell)
        self._tell = -1

    def close(self) -> None:
        self.now()
        os.close(self._end)


@dataclass
class Spoken:
    """A server in a thread of this process and the test's ends of its pipes."""

    stdin: int
    stdout: BufferedReader
    rest: tuple[bytes, ...] = ()
    """What came after stdin was closed."""

    def ask(self, said: bytes) -> None:
        """Writes as it is."""
        while said:
            said = said[os.write(self.stdin, said) :]

    def answers(self, count: int) -> list[bytes]:
        """The next lines."""
        return [self.stdout.readline() for _ in range(count)]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """The real server without a memory, which nothing here asks for."""
    folder = tmp_path_factory.mktemp("handshake")
    return build_app(Runtime(load_settings(store=folder / "store"), folder))


@contextmanager
def spoken(serve: Callable[[int, TextIOWrapper], None]) -> Generator[Spoken]:
    """Runs a server on two pipes; they are closed and it has ended after the block."""
    source, stdin = os.pipe()
    stdout, sink = os.pipe()
    faults: list[BaseException] = []

    def run() -> None:
        try:
            with os.fdopen(sink, "w", encoding="utf-8", newline="\n") as wire:
                serve(source, wire)
        except BaseException as exc:  # noqa: BLE001 - the edge of a thread: told below
            faults.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    with os.fdopen(stdout, "rb") as reader:
        spoken = Spoken(stdin, reader)
        try:
            yield spoken
        finally:
            os.close(stdin)
            thread.join(WAIT_SEC)
            os.close(source)
        spoken.rest = tuple(sorted(reader))
    assert not thread.is_alive()
    assert not faults, faults


def real_only(app: App) -> Callable[[int, TextIOWrapper], None]:
    """The SDK's server and nothing before it."""

    def serve(source: int, wire: TextIOWrapper) -> None:
        anyio.run(app.serve_stdio, _lines(b"", source), wire)

    return serve


def fronted(app: App, ready: Ready) -> Callable[[int, TextIOWrapper], None]:
    """The front, and behind it the SDK's server."""

    def serve(source: int, wire: TextIOWrapper) -> None:
        front = Front(RECORD)
        lead = converse(source, wire, front, ready)
        anyio.run(app.serve_stdio, _lines(lead, source), wire, front.told)

    return serve


def test_the_record_is_what_the_real_server_answers(app: App) -> None:
    assert Path(PACKAGED).read_text(encoding="utf-8") == record(app), (
        "tools, texts or versions changed: run `python -m iai_server.mcp.handshake_record`"
    )


def test_the_record_is_trusted_with_the_versions_of_the_lock_file() -> None:
    assert packaged_record() == RECORD


@pytest.mark.parametrize(("version", "method"), CONSTANTS)
def test_the_front_answers_byte_for_byte_like_the_real_server(
    app: App, version: str, method: str
) -> None:
    first = "server/discover" if version == MODERN else "initialize"
    front = Front(RECORD)
    asked = [_request(1, first, opening(version, first))]
    if method != first:
        asked.append(_request('näh "2"\n\u2028', method, opening(version, method)))
    with spoken(real_only(app)) as real:
        for line in asked:
            real.ask(line)
            assert front.answer(line.rstrip(b"\n")).encode() == real.answers(1)[0]


@pytest.mark.parametrize("id_", [0, -7, 2**52, "", "1", 'quote " and \\ and \x1f and \x7f', "日本"])
def test_an_id_comes_back_as_it_was_sent(app: App, id_: int | str) -> None:
    line = _request(id_, "initialize", opening("2025-06-18", "initialize"))
    with spoken(real_only(app)) as real:
        real.ask(line)
        [said] = real.answers(1)
    assert json.loads(Front(RECORD).answer(line[:-1]))["id"] == id_
    assert json.loads(said)["id"] == id_


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
options = st.dictionaries(st.sampled_from(["form", "url", "tools", "context", "new"]), json_values)
capabilities = json_values | st.fixed_dictionaries(
    {},
    optional={
        "roots": json_values | st.fixed_dictionaries({"listChanged": json_values}),
        "sampling": json_values | options,
        "elicitation": json_values | options,
        "experimental": json_values,
        "extensions": json_values,
        "tasks": json_values
        | st.dictionaries(st.sampled_from(["list", "cancel", "requests"]), json_values),
        "unheard of": json_values,
    },
)
names = st.text(max_size=3)
client_info = json_values | st.fixed_dictionaries(
    {"name": names, "version": names},
    optional={
        key: names | json_values
        for key in ("title", "description", "websiteUrl", "icons", "website_url", "else")
    },
)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {"protocolVersion": st.sampled_from([*LEGACY, MODERN, "1"]) | json_values},
        optional={"capabilities": capabilities, "clientInfo": client_info, "_meta": json_values},
    )
)
def test_the_front_initializes_nobody_whom_the_sdk_refuses(params: dict[str, Any]) -> None:
    try:
        Front(RECORD).answer(_request(1, "initialize", params)[:-1])
    except NotCertain:
        return
    validate_client_request("initialize", LATEST_HANDSHAKE_VERSION, params)
    InitializeRequestParams.model_validate(params, by_name=False)


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {"io.modelcontextprotocol/protocolVersion": st.just(MODERN) | json_values},
        optional={
            "io.modelcontextprotocol/clientCapabilities": capabilities,
            "io.modelcontextprotocol/clientInfo": client_info,
            "io.modelcontextprotocol/logLevel": st.sampled_from(["info", "loud"]) | json_values,
            "io.modelcontextprotocol/other": json_values,
            "progressToken": json_values,
            "traceparent": json_values,
        },
    )
)
def test_the_front_discovers_for_nobody_whom_the_sdk_refuses(meta: dict[str, Any]) -> None:
    params = {"_meta": meta}
    try:
        Front(RECORD).answer(_request(1, "server/discover", params)[:-1])
    except NotCertain:
        return
    body = {"method": "server/discover", "params": params}
    assert isinstance(classify_inbound_request(body), InboundModernRoute)
    validate_client_request("server/discover", MODERN, params)


def test_the_hosts_of_today_are_answered_by_the_front() -> None:
    claude, codex = Front(RECORD), Front(RECORD)
    for method in ("server/discover", "server/discover", "tools/list", "prompts/list"):
        assert claude.answer(_request(0, method, CLAUDE)[:-1])
    assert claude.answer(_request("listen:0", "subscriptions/listen", LISTEN)[:-1])
    assert codex.answer(_request(0, "initialize", CODEX)[:-1])
    assert not codex.answer(INITIALIZED[:-1])
    assert codex.answer(_request(1, "tools/list", {"_meta": {"progressToken": 0}})[:-1])


@dataclass(frozen=True)
class Said:
    """What a host may write, and how many answers that has."""

    line: bytes
    answers: int


def _said(method: str, *params: dict[str, Any]) -> list[Said]:
    return [Said(_request(f"{method} {n}", method, each), 1) for n, each in enumerate(params)]


ENVELOPE = opening(MODERN, "ping")
NOTHING_CHANGES = [
    *_said("ping", {}, ENVELOPE, {"_meta": {"progressToken": True}}),
    *_said("tools/list", {}, ENVELOPE, {"cursor": "x"}, {"_meta": {"progressToken": 7}}),
    *_said("prompts/list", {}, ENVELOPE),
    *_said("resources/list", {}, ENVELOPE),
    *_said("resources/templates/list", {}, CLAUDE),
    *_said("server/discover", {}, CLAUDE, ENVELOPE),
    *_said("tools/call", {}, {"name": "nope", **ENVELOPE}, {"name": "nope", "arguments": {}}),
    *_said("prompts/get", {"name": "remember"}, {"name": "remember", **ENVELOPE}),
    *_said("no/such/method", {}, ENVELOPE),
    *_said(
        "subscriptions/listen",
        {**ENVELOPE, "notifications": {}},
        {**ENVELOPE, "notifications": {"toolsListChanged": True, "promptsListChanged": False}},
        {**ENVELOPE, "notifications": {"toolsListChanged": "yes"}},
        {**ENVELOPE, "notifications": {"resourceSubscriptions": ["memory://session-start"]}},
        {"notifications": {}},
        LISTEN,
        ENVELOPE,
    ),
    Said(b'{"jsonrpc":"2.0","id":3,"method":"ping","params":{"x":"\\ud83d"}}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":4,"method":"ping"}\r\n', 1),
    Said(b'{"id":5,"method":"ping","jsonrpc":"2.0","more":1}\n', 1),
    Said(b'{"jsonrpc":"2.0","id":6,\r"method":"ping"}\n', 0),
    Said(b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}\n', 0),
    Said(b'{"jsonrpc":"2.0","id":null,"method":"ping"}\n', 0),
    Said(b'{"jsonrpc":"2.0","id":true,"method":"ping"}\n', 0),
    Said(b'{"jsonrpc":"1.0","id":7,"method":"ping"}\n', 0),
    Said(b'[{"jsonrpc":"2.0","id":8,"method":"ping"}]\n', 0),
    Said(b'{"jsonrpc":"2.0","id":9,"result":{}}\n', 0),
    Said(b'{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}\n', 0),
    Said(
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"never"}}\n', 0
    ),
    Said(b'{"jsonrpc":"2.0","method":"notifications/none","params":[]}\n', 0),
    Said(b"\xff\xfe garbage\n", 0),
    Said(b"\n", 0),
]
INITIALIZES = [
    *_said("initialize", *(opening(version, "initialize") for version in [*LEGACY, "1", MODERN])),
    *_said("initialize", CODEX, {}, {"protocolVersion": 1}, {**CODEX, **CLAUDE}),
]
STATE_CHANGES = [Said(INITIALIZED, 0), *INITIALIZES]
# A request ahead of the handshake races with it inside the SDK; so such a host never shakes hands.
conversations = st.one_of(
    st.tuples(
        st.sampled_from([*INITIALIZES, *_said("server/discover", CLAUDE, ENVELOPE)]),
        st.lists(st.sampled_from([*NOTHING_CHANGES, *STATE_CHANGES]), max_size=8),
    ).map(lambda both: [both[0], *both[1]]),
    st.tuples(
        st.sampled_from(INITIALIZES[:4]),
        st.just(STATE_CHANGES[0]),
        st.lists(st.sampled_from(NOTHING_CHANGES), max_size=8),
    ).map(lambda all_: [*all_[:2], *all_[2]]),
    st.lists(st.sampled_from(NOTHING_CHANGES), max_size=5),
)


@settings(max_examples=150, deadline=None)
@given(
    conversation=conversations,
    cuts=st.lists(st.integers(min_value=0, max_value=2_000), max_size=4),
    ready_at=st.integers(min_value=0, max_value=5),
)
def test_a_host_hears_the_same_whoever_answers(
    app: App, conversation: list[Said], cuts: list[int], ready_at: int
) -> None:
    said = b"".join(each.line for each in conversation)
    count = sum(each.answers for each in conversation)
    with spoken(real_only(app)) as real:
        real.ask(said)
        expected = sorted(real.answers(count))
    # An open subscription ends with an error; nothing else is said that was not asked.
    assert all(b'"code":-32000' in line for line in real.rest)
    edges = sorted({min(cut, len(said)) for cut in (0, *cuts, len(said))})
    chunks = [said[start:end] for start, end in itertools.pairwise(edges)]
    ready = Ready()
    try:
        # The last word is one that only the real server can answer, so there is always a hand-over.
        with spoken(fronted(app, ready)) as both:
            for number, chunk in enumerate(chunks):
                if number == ready_at:
                    ready.now()
                both.ask(chunk)
            both.ask(b"\n")
            assert sorted(both.answers(count)) == expected
        assert both.rest == real.rest
    finally:
        ready.close()


@pytest.mark.parametrize("handed_over", [False, True])
def test_a_subscription_that_was_ended_can_be_made_again(app: App, handed_over: bool) -> None:
    listen = _request("listen:0", "subscriptions/listen", LISTEN)
    ended = _request("", "notifications/cancelled", {"requestId": "listen:0"})
    ended = ended.replace(b'"id": "", ', b"")
    ready = Ready()
    try:
        with spoken(real_only(app)) as real, spoken(fronted(app, ready)) as both:
            for said, count in [
                (_request(0, "server/discover", CLAUDE), 1),
                (listen, 1),
                (ended, 0),
                (_request(1, "tools/list", CLAUDE), 1),
                (listen, 1),
                (_request(2, "no/such/method", CLAUDE), 1),
            ]:
                real.ask(said)
                both.ask(said)
                assert real.answers(count) == both.answers(count)
                if handed_over:
                    ready.now()
        assert len(real.rest) == 1
        assert real.rest == both.rest
    finally:
        ready.close()


def test_loading_begins_when_the_host_has_its_answers(app: App) -> None:
    ready = Ready()
    try:
        with spoken(fronted(app, ready)) as both:
            assert not ready.started.is_set()
            both.ask(_request(1, "initialize", CODEX) + INITIALIZED)
            both.answers(1)
            assert ready.started.wait(WAIT_SEC)
            both.ask(_request(2, "tools/list", {}))
            assert len(json.loads(both.answers(1)[0])["result"]["tools"]) == 8
            ready.now()
            both.ask(_request(3, "no/such/method", {}))
            assert json.loads(both.answers(1)[0])["error"]["code"] == -32601
    finally:
        ready.close()


def test_nothing_heavy_is_imported_for_the_handshake(tmp_path: Path) -> None:
    asked = [("initialize", CODEX), ("tools/list", {}), ("resources/list", {}), ("ping", {})]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        input=b"".join(_request(1, *each) for each in asked),
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
            _request("a", "initialize", CODEX)
            + INITIALIZED
            + _request("b", "tools/list", {})
            + _request("a", "tools/call", call)
            + _request("c", "ping", {})[:-1]
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
    lines = [_request(0, "server/discover", CLAUDE), _request(1, "initialize", CODEX)]
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
        child.send(_request(1, "initialize", CODEX)[:-1])
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
        child.send(_request(1, "initialize", CODEX)[:-1])
        child.receive()
        if loading:
            child.send(_request(2, "tools/call", {"name": "status", "arguments": {}})[:-1])
        assert child.kill(number) == 0
        assert "Traceback" not in child.stderr()


def test_a_host_that_stops_reading_ends_it_in_silence(tmp_path: Path) -> None:
    with _child(tmp_path, None) as child:
        assert child.process.stdout is not None
        child.process.stdout.close()
        child.send(_request(1, "initialize", CODEX)[:-1])
        assert child.process.wait(timeout=WAIT_SEC) == 0
        assert child.stderr() == ""


def test_with_other_versions_the_real_server_answers_and_leaves_a_record(tmp_path: Path) -> None:
    package = tmp_path / "changed" / "iai_server"
    shutil.copytree(ROOT / "server" / "iai_server", package)
    (package / "startup" / "handshake_data.json").write_text(
        json.dumps({**RECORD, "needs": {**RECORD["needs"], "mcp": "2.2.9"}})
    )
    kept = tmp_path / "store" / "handshake.json"

    def answered_by_the_real_server() -> bool:
        with _child(tmp_path, None, PYTHONPATH=str(package.parent)) as child:
            child.send(_request(1, "initialize", CODEX)[:-1])
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


def _lines(lead: bytes, source: int) -> TextIOWrapper:
    return TextIOWrapper(BufferedReader(Resumed(lead, source)), encoding="utf-8", errors="replace")
