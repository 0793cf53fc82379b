"""Whatever stands in a host's file keeps its content and comes back byte for byte."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.support.host_files import HOSTS, SERVERS, host_files, put

from iai_memory import load_settings
from iai_server.cli.main import run
from iai_server.hosts.file_change import apply
from iai_server.hosts.hooks_json import EVENTS, script_of
from iai_server.hosts.names import HostName
from iai_server.hosts.registry import host

pytestmark = pytest.mark.usefixtures("home")

JSON_NAMES = st.text(min_size=0, max_size=6).filter(lambda name: name.isprintable())
JSON_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON_VALUES = st.recursive(
    JSON_LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_NAMES, inner, max_size=3),
    max_leaves=8,
)
FOREIGN_HOOK = st.fixed_dictionaries(
    {"type": st.just("command"), "command": st.text(max_size=9)},
    optional={"timeout": st.integers(1, 9)},
)
FOREIGN_GROUP = st.fixed_dictionaries(
    {"hooks": st.lists(FOREIGN_HOOK, max_size=2)}, optional={"matcher": st.text(max_size=4)}
)
EVENT_NAMES = st.sampled_from([event.name for event in EVENTS] + ["PostToolUse"])
JSON_FILES = st.dictionaries(JSON_NAMES, JSON_VALUES, max_size=4).flatmap(
    lambda rest: st.fixed_dictionaries(
        {},
        optional={
            **{
                key: st.dictionaries(JSON_NAMES, st.just({"command": "x"}), max_size=2)
                for key in ("mcpServers", "servers", "mcp", "context_servers")
            },
            "hooks": st.dictionaries(EVENT_NAMES, st.lists(FOREIGN_GROUP, max_size=2), max_size=3),
        },
    ).map(lambda known: {**rest, **known})
)
STYLES = st.fixed_dictionaries(
    {
        "indent": st.sampled_from([None, 0, 1, 2, 4, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" , ", " : ")]),
        "ensure_ascii": st.booleans(),
    }
)
ENDS = st.sampled_from(["", "\n", "\r\n", " \n\n"])


COMMENTS = ("", " //\u00a7 why, {not}", ' /*\u00a7 it\'s\n "so" */', "\n//\u00a7 [")
COMMENTED = st.none() | st.lists(st.sampled_from(COMMENTS), min_size=1, max_size=5)
JSON_HOSTS = st.sampled_from([HostName(name) for name in HOSTS if name != "codex"])


@contextmanager
def _another_home() -> Generator[Path]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", folder)
        yield Path(folder)


def _connected_and_back(name: HostName, before: dict[Path, bytes]) -> dict[Path, bytes]:
    """Connects, proves that a second time changes nothing, and disconnects; the files between."""
    settings = load_settings()
    apply(host(name, settings).plan())
    between = {path: path.read_bytes() for path in before}
    assert host(name, settings).plan() == []
    apply(host(name, settings).plan_removal())
    assert {path: path.read_bytes() for path in before} == before
    return between


@pytest.mark.slow
@settings(max_examples=150)
@given(
    name=JSON_HOSTS,
    document=JSON_FILES,
    style=STYLES,
    comments=COMMENTED,
    end=ENDS,
    crlf=st.booleans(),
    bom=st.booleans(),
)
def test_any_json_keeps_its_content_and_comes_back_byte_for_byte(
    name: HostName,
    document: dict[str, Any],
    style: dict[str, Any],
    comments: list[str] | None,
    end: str,
    crlf: bool,
    bom: bool,
) -> None:
    text = json.dumps(document, **style)
    text = (text if comments is None else _commented(text, comments)) + end
    if crlf:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        content = ("\ufeff" * bom + text).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        reject()
    with _another_home() as home:
        files = host_files(home, name)
        before = {put(file, content): content for file in files}

        between = _connected_and_back(name, before)

        server, *hooks = (_uncommented(between[file]) for file in files)
        assert list(server)[: len(document)] == list(document)
        servers = SERVERS.get(name, "mcpServers")
        del server[servers]["iai-mcp"]
        assert {servers: {}, **document} == server
        for file in hooks:
            for groups in file["hooks"].values():
                groups[:] = [
                    g for g in groups if not any(script_of(h["command"]) for h in g["hooks"])
                ]
            wanted = {event.name: [] for event in EVENTS} | document.get("hooks", {})
            assert file == {**document, "hooks": wanted}
        if comments is None:
            assert _is_one_insertion(content, between[files[0]])
        else:
            assert _is_kept_in(content, between[files[0]])
        left = _taken_out_without_the_original(name, home, files[0])
        empty: dict[str, Any] = {} if document.get(servers) else {servers: {}}
        assert {**_uncommented(left), **empty} == {**document, **empty}
        assert left.count("\u00a7".encode()) == content.count("\u00a7".encode()) or left == b"{}"


def _taken_out_without_the_original(name: HostName, home: Path, file: Path) -> bytes:
    """Connects, loses what was kept, and disconnects: ours has to be found and cut out."""
    settings = load_settings()
    apply(host(name, settings).plan())
    shutil.rmtree(home / ".iai-mcp" / "host-files")
    apply(host(name, settings).plan_removal())
    return file.read_bytes() if file.exists() else b"{}"


def _commented(text: str, comments: list[str]) -> str:
    """JSON as people write it: a comment at the end of each line, a comma behind the last item."""
    text = re.sub(r"(?<![\[{,\s])(?=\n\s*[\]}])", ",", text)
    lines = text.split("\n")
    return "\n".join(line + comments[i % len(comments)] for i, line in enumerate(lines)) + "\n"


def _uncommented(content: bytes) -> Any:
    text = content.decode("utf-8-sig").replace("\r\n", "\n")
    text = re.sub(r"//\u00a7[^\n]*|/\*\u00a7[^*]*\*/", "", text)
    return json.loads(re.sub(r",(?=\s*\n\s*[\]}])", "", text))


def _is_one_insertion(before: bytes, after: bytes) -> bool:
    """Whether only blanks of `before` gave way to what is new in `after`."""
    head = _agreeing(before, after)
    tail = _agreeing(before[head:][::-1], after[head:][::-1])
    return not before[head : len(before) - tail].strip()


def _is_kept_in(before: bytes, after: bytes) -> bool:
    """Whether all of `before` but blanks is in `after`, in its order."""
    rest = iter(after)
    return all(byte in rest for byte in before if not bytes([byte]).isspace())


def _agreeing(one: bytes, other: bytes) -> int:
    """How many bytes the two begin with alike."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


TOML_KEYS = st.text("abcdefg-_", min_size=1, max_size=6).filter(lambda key: key != "mcp_servers")
TOML_VALUES = st.sampled_from(
    [
        '"x"',
        "'its'",
        "1_000",
        "0x1F",
        "[1, 2,]",
        "{ a = 1 }",
        "1979-05-27",
        '"""\nmany\n[lines]\n"""',
        "true",
    ]
)
TOML_LINES = st.lists(
    st.tuples(
        TOML_KEYS, TOML_VALUES, st.sampled_from(["", "  # why", "\n# a line of its own", "\n"])
    ),
    max_size=3,
    unique_by=lambda line: line[0],
).map(lambda lines: "".join(f"{key} = {value}{more}\n" for key, value, more in lines))
TOML_TABLES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "[tools]",
                "[mcp_servers.a]",
                "[mcp_servers.a.env]",
                "[mcp_servers]",
                '["x y".z]',
                "[[hooks.SessionStart]]",
                '[hooks.state."/h/hooks.json:stop:0:0"]',
                "[ profiles . p ]",
            ]
        ),
        TOML_LINES,
    ),
    max_size=4,
    unique_by=lambda table: table[0],
).map(lambda tables: "".join(f"\n# before\n{header}\n{body}" for header, body in tables))


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much])
@given(top=TOML_LINES, tables=TOML_TABLES, end=st.sampled_from(["", "# last", "\n\n", "# last\n"]))
def test_any_toml_keeps_its_content_and_comes_back_byte_for_byte(
    top: str, tables: str, end: str
) -> None:
    text = top + tables + end
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()
    with _another_home() as home:
        file = put(host_files(home, "codex")[0], text)

        between = _connected_and_back(HostName.CODEX, {file: text.encode()})[file].decode()

        after = tomllib.loads(between)
        del after["mcp_servers"]["iai-mcp"]
        assert after == {"mcp_servers": {}, **document}
        rest = iter(between.splitlines())
        assert [line for line in text.splitlines() if line not in rest] == []


@pytest.mark.parametrize(
    "text",
    ["mcp_servers = { a = { command = 'x' } } # inline\n", "mcp_servers.a.command = 'x'\n", ""],
)
def test_servers_written_in_other_ways_are_kept(text: str, home: Path) -> None:
    file = put(host_files(home, "codex")[0], text)

    assert run(["connect", "codex"]) == 0
    between = tomllib.loads(file.read_text(encoding="utf-8"))
    assert run(["disconnect", "codex"]) == 0

    assert between["mcp_servers"].pop("iai-mcp")["args"] == ["serve"]
    assert between == {"mcp_servers": {}, **tomllib.loads(text)}
    assert file.read_text(encoding="utf-8") == text
