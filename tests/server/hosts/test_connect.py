"""`iai-mcp connect` and `disconnect`: what they put into a host's files, and what they leave."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.support.checkout import ROOT

from iai_memory import Memory, __version__, load_settings
from iai_memory.base.files import make_private_folder
from iai_memory.base.paths import StorePaths
from iai_server.cli.main import run
from iai_server.doctor.host_checks import host_findings
from iai_server.hosts.hooks_json import EVENTS, script_of
from iai_server.hosts.host import apply
from iai_server.hosts.registry import HostName, host

COMMAND = Path(sys.executable).with_name("iai-mcp")
HOSTS = ("claude-code", "claude-desktop", "codex")
SCRIPTS = ("iai-mcp-session-recall.sh", "iai-mcp-capture.sh")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty HOME, and a folder that is worked in."""
    for name in list(os.environ):
        if name.startswith(("IAI_MCP_", "CLAUDE_", "CODEX_", "XDG_")):
            monkeypatch.delenv(name)
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(project)
    umask = os.umask(0o022)
    yield home
    os.umask(umask)


def _files(home: Path, name: str) -> list[Path]:
    found = {
        "claude-code": [home / ".claude.json", home / ".claude" / "settings.json"],
        "claude-desktop": [home / ".config" / "Claude" / "claude_desktop_config.json"],
        "codex": [home / ".codex" / "config.toml", home / ".codex" / "hooks.json"],
    }
    return found[name]


def _everything(home: Path) -> dict[str, bytes]:
    return {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file()}


def _backups(home: Path) -> list[Path]:
    return sorted(home.rglob("*.iai-mcp-backup-*"))


def _put(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def _server(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".toml":
        return tomllib.loads(text)["mcp_servers"]["iai-mcp"]
    return json.loads(text)["mcpServers"]["iai-mcp"]


def _commands(path: Path) -> dict[str, list[str]]:
    events = json.loads(path.read_text(encoding="utf-8"))["hooks"]
    return {
        event: [hook["command"] for group in groups for hook in group["hooks"]]
        for event, groups in events.items()
    }


@pytest.mark.parametrize("name", HOSTS)
def test_the_entry_starts_this_installation_by_its_absolute_path(name: str, home: Path) -> None:
    assert run(["connect", name]) == 0

    entry = _server(_files(home, name)[0])

    assert entry["command"] == str(COMMAND)
    assert entry["args"] == ["serve"]
    assert "env" not in entry


@pytest.mark.parametrize("name", HOSTS)
def test_a_store_elsewhere_goes_into_the_servers_environment(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "else where"))

    assert run(["connect", name]) == 0
    assert _server(_files(home, name)[0])["env"] == {"IAI_MCP_STORE": str(tmp_path / "else where")}

    monkeypatch.delenv("IAI_MCP_STORE")
    assert run(["connect", name]) == 0
    assert "env" not in _server(_files(home, name)[0])


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_every_event_runs_its_hook_with_a_timeout_in_seconds(name: str, home: Path) -> None:
    assert run(["connect", name]) == 0

    events = json.loads(_files(home, name)[1].read_text(encoding="utf-8"))["hooks"]

    assert set(events) == {"SessionStart", "UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"}
    assert events["SessionStart"][0]["matcher"] == "startup|resume|clear|compact"
    for event, [group] in events.items():
        [hook] = group["hooks"]
        wanted = SCRIPTS[0] if event == "SessionStart" else SCRIPTS[1]
        assert Path(shlex.split(hook["command"])[-1]) == home / ".iai-mcp" / "hooks" / wanted
        assert 1 <= hook["timeout"] <= 60
    assert events["SessionEnd"][0]["hooks"][0]["timeout"] <= 3  # what Codex gives at most


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_the_scripts_are_the_packaged_ones_and_executable(name: str, home: Path) -> None:
    os.umask(0o077)
    assert run(["connect", name]) == 0

    for script in SCRIPTS:
        copy = home / ".iai-mcp" / "hooks" / script
        assert copy.read_bytes() == (ROOT / "hooks" / script).read_bytes()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o755
    assert stat.S_IMODE((home / ".iai-mcp").stat().st_mode) == 0o700


@pytest.mark.parametrize("folder", ["plain", "two words", "it's", 'a "quote"', "$HOME `x` \\ é;&"])
def test_the_hook_commands_work_with_any_character_in_a_path(
    folder: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / folder
    monkeypatch.setenv("IAI_MCP_STORE", str(store))
    assert run(["connect", "claude-code"]) == 0
    [stop] = _commands(_files(home, "claude-code")[1])["Stop"]
    ring = {"hook_event_name": "Stop", "cwd": str(tmp_path), "transcript_path": "/t.jsonl"}

    done = subprocess.run(
        ["sh", "-c", stop],
        input=json.dumps(ring),
        env={"PATH": os.defpath, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rung = (StorePaths(store).spool / "doorbell.jsonl").read_text(encoding="utf-8")
    assert json.loads(rung) == ring


@pytest.mark.parametrize("name", HOSTS)
def test_connecting_again_changes_nothing(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in _files(home, name):
        _put(file, "" if file.suffix == ".toml" else '{"theme": "dark"}')
    assert run(["connect", name]) == 0
    before = _everything(home)
    capsys.readouterr()

    assert run(["connect", name]) == 0

    assert _everything(home) == before
    assert f"{name}: nothing to change" in capsys.readouterr().out


@pytest.mark.parametrize("name", HOSTS)
def test_what_is_replaced_stays_beside_it(name: str, home: Path) -> None:
    old = [
        _put(file, "\n" if file.suffix == ".toml" else "{ }", 0o640) for file in _files(home, name)
    ]
    before = {file.name: file.read_bytes() for file in old}

    assert run(["connect", name]) == 0

    backups = _backups(home)
    assert {b.name.partition(".iai-mcp-backup-")[0]: b.read_bytes() for b in backups} == before
    for file in [*backups, *old]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", HOSTS)
def test_a_file_that_connect_made_is_private_and_goes_with_disconnect(
    name: str, home: Path
) -> None:
    assert run(["connect", name]) == 0
    for file in _files(home, name):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    assert run(["disconnect", name]) == 0

    assert not any(file.exists() for file in _files(home, name))


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_a_project_gets_files_that_others_can_read(name: str, tmp_path: Path) -> None:
    assert run(["connect", name, "--project"]) == 0

    made = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("project/**/*.*"))
    claude = ["project/.claude", "project/.claude/settings.json", "project/.mcp.json"]
    codex = ["project/.codex", "project/.codex/config.toml", "project/.codex/hooks.json"]
    assert made == (claude if name == "claude-code" else codex)
    for file in tmp_path.rglob("project/**/*.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_files_move_with_the_folders_that_hosts_are_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "x"))
    monkeypatch.setattr(sys, "platform", "darwin")

    for name in HOSTS:
        assert run(["connect", name]) == 0

    assert _server(tmp_path / "c" / ".claude.json")["args"] == ["serve"]
    assert len(_commands(tmp_path / "c" / "settings.json")) == 5
    assert _server(tmp_path / "x" / "config.toml")["args"] == ["serve"]
    assert len(_commands(tmp_path / "x" / "hooks.json")) == 5
    desktop = home / "Library" / "Application Support" / "Claude" / "claude_desktop_config.json"
    assert _server(desktop)["args"] == ["serve"]


def test_claude_desktop_has_no_projects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["connect", "claude-desktop", "--project"]) == 2

    assert capsys.readouterr().err == (
        "iai-mcp: claude-desktop knows no projects: run the command without --project\n"
    )


@pytest.mark.parametrize("name", HOSTS)
def test_a_dry_run_shows_the_change_and_makes_none(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _files(home, name)[0]
    _put(file, "" if file.suffix == ".toml" else '{\n\t"theme": "dark"\n}')
    before = _everything(home)

    assert run(["connect", name, "--dry-run"]) == 0

    shown = capsys.readouterr().out
    assert f"+++ {file}\n" in shown
    assert str(COMMAND) in shown
    assert _everything(home) == before
    assert not (home / ".iai-mcp").exists()


def test_a_linked_file_stays_a_link(home: Path, tmp_path: Path) -> None:
    real = _put(tmp_path / "dotfiles" / "settings.json", '{"theme": "dark"}')
    link = home / ".claude" / "settings.json"
    link.parent.mkdir()
    link.symlink_to(real)

    assert run(["connect", "claude-code"]) == 0
    assert link.is_symlink()
    assert len(_commands(real)) == 5

    assert run(["disconnect", "claude-code"]) == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == '{"theme": "dark"}'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not JSON"),
        ('{"a": 1} // mine', "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"mcpServers": []}', "has a mcpServers that is not an object"),
        ('{"mcpServers": {"iai-mcp": {"command": "other"}}}', "has another server called iai-mcp"),
        ('{"mcpServers": {"iai-mcp": {"url": "x"}}}', "has another server called iai-mcp"),
        ('{"mcpServers": {"a": {}}, "mcpServers": {}, "b": {"c": 1, "c": 2}}', ""),
        (b"\xff{}", "is not UTF-8"),
    ],
)
def test_what_cannot_be_merged_safely_is_refused_with_a_block_to_paste(
    content: str | bytes, why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _put(_files(home, "claude-desktop")[0], content)
    before = file.read_bytes()

    code = run(["connect", "claude-desktop"])

    if not why:  # the parser takes the last of two; so do we
        assert code == 0
        assert _server(file)["args"] == ["serve"]
        return
    assert code == 1
    line, block = capsys.readouterr().err.split("\n", 1)
    assert line.startswith(f"iai-mcp: {file} {why}")
    assert json.loads(block)["mcpServers"]["iai-mcp"]["command"] == str(COMMAND)
    assert file.read_bytes() == before
    assert _backups(home) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("a = ", "is not TOML"),
        ("mcp_servers = 3", "has a mcp_servers that is not a table"),
        ('[mcp_servers.iai-mcp]\ncommand = "other"', "has another server called iai-mcp"),
    ],
)
def test_toml_that_cannot_be_merged_safely_is_refused_with_a_block_to_paste(
    content: str, why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _put(_files(home, "codex")[0], content)

    assert run(["connect", "codex"]) == 1

    line, block = capsys.readouterr().err.split("\n", 1)
    assert line.startswith(f"iai-mcp: {file} {why}")
    assert tomllib.loads(block)["mcp_servers"]["iai-mcp"]["command"] == str(COMMAND)
    assert file.read_text(encoding="utf-8") == content


def test_a_refusal_of_one_file_leaves_the_others_alone(home: Path) -> None:
    server, hooks = _files(home, "claude-code")
    _put(server, "{not JSON")
    _put(hooks, "{}")
    before = _everything(home)

    assert run(["connect", "claude-code"]) == 1

    assert _everything(home) == before


@pytest.mark.parametrize(
    "hooks", ['{"hooks": 3}', '{"hooks": {"Stop": {}}}', '{"hooks": {"Stop": [3]}}']
)
def test_hooks_that_no_host_reads_are_refused(
    hooks: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _put(_files(home, "codex")[1], hooks)

    assert run(["connect", "codex"]) == 1

    assert f"{file} has a hooks" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == hooks


def test_an_older_entry_of_ours_is_brought_up_to_date_and_keeps_what_the_user_added(
    home: Path,
) -> None:
    entry = {
        "command": "/old/bin/iai-mcp",
        "args": ["serve"],
        "alwaysLoad": True,
        "env": {"IAI_MCP_STORE": "/old", "MINE": "1"},
    }
    file = _put(_files(home, "claude-desktop")[0], json.dumps({"mcpServers": {"iai-mcp": entry}}))
    toml = _put(
        _files(home, "codex")[0],
        '[mcp_servers.iai-mcp] # mine\ncommand = "/old/bin/iai-mcp"\nargs = ["serve"]\n'
        "startup_timeout_sec = 30 # slow disk\n",
    )

    assert run(["connect", "claude-desktop"]) == 0
    assert run(["connect", "codex"]) == 0

    assert _server(file) == {**entry, "command": str(COMMAND), "env": {"MINE": "1"}}
    text = toml.read_text(encoding="utf-8")
    assert _server(toml)["command"] == str(COMMAND)
    assert "# mine\n" in text
    assert "startup_timeout_sec = 30 # slow disk\n" in text


def test_an_older_hook_of_ours_is_replaced_in_its_place_with_the_users_timeout(home: Path) -> None:
    old = "IAI_MCP_STORE=/old '/old store/hooks/iai-mcp-capture.sh'"
    others = {"type": "command", "command": "notify-me"}
    groups = [
        {"hooks": [others, {"type": "command", "command": old, "timeout": 9}]},
        {"hooks": [{"type": "command", "command": old}]},
    ]
    file = _put(_files(home, "claude-code")[1], json.dumps({"hooks": {"Stop": groups}}))

    assert run(["connect", "claude-code"]) == 0

    [group] = json.loads(file.read_text(encoding="utf-8"))["hooks"]["Stop"]
    assert group["hooks"][0] == others
    assert group["hooks"][1]["timeout"] == 9
    assert script_of(group["hooks"][1]["command"]) == home / ".iai-mcp/hooks/iai-mcp-capture.sh"


@pytest.mark.parametrize(
    "command",
    [
        "log iai-mcp-capture.sh",
        "iai-mcp-capture.sh; reboot",
        "x=1",
        "'",
        "/h/iai-mcp-capture.sh -v",
    ],
)
def test_a_command_that_does_more_than_run_our_script_is_not_ours(command: str) -> None:
    assert script_of(command) is None


def test_a_file_that_changed_since_it_was_planned_is_left_alone(home: Path) -> None:
    file = _put(_files(home, "claude-desktop")[0], "{}")
    changes = host(HostName.CLAUDE_DESKTOP, load_settings()).plan()
    file.write_text('{"by": "another"}', encoding="utf-8")

    with pytest.raises(Exception, match="was changed meanwhile: run the command again"):
        apply(changes)

    assert file.read_text(encoding="utf-8") == '{"by": "another"}'
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_disconnect_leaves_what_others_registered(home: Path) -> None:
    server = _put(_files(home, "claude-code")[0], '{"mcpServers": {"iai-mcp": {"url": "x"}}}')
    before = _everything(home)

    assert run(["disconnect", "claude-code"]) == 0

    assert server.exists()
    assert _everything(home) == before


@pytest.mark.parametrize("name", HOSTS)
def test_disconnect_after_other_changes_takes_out_ours_alone(name: str, home: Path) -> None:
    texts = ('model = "o" # fast\n', '{"mcpServers": {}, "hooks": {}, "a": [1.50, "\\u00e9"]}')
    for file in _files(home, name):
        _put(file, texts[file.suffix != ".toml"])
    assert run(["connect", name]) == 0
    for file in _files(home, name):
        text = file.read_text(encoding="utf-8")
        file.write_text(
            text + "\n# more\n[tools]\nweb = true\n"
            if file.suffix == ".toml"
            else text.replace('"a": [', '"b": {}, "a": ['),
            encoding="utf-8",
        )

    assert run(["disconnect", name]) == 0

    for file in _files(home, name):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".toml":
            assert text == texts[0] + "\n# more\n[tools]\nweb = true\n"
        else:
            assert text == texts[1].replace('"a": [', '"b": {}, "a": [')


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
            "mcpServers": st.dictionaries(JSON_NAMES, st.just({"command": "x"}), max_size=2),
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


@settings(max_examples=150, deadline=None)
@given(document=JSON_FILES, style=STYLES, end=ENDS, crlf=st.booleans(), bom=st.booleans())
def test_any_json_keeps_its_content_and_comes_back_byte_for_byte(
    document: dict[str, Any], style: dict[str, Any], end: str, crlf: bool, bom: bool
) -> None:
    text = json.dumps(document, **style) + end
    if crlf:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    try:
        content = ("\ufeff" * bom + text).encode()
    except UnicodeEncodeError:  # half a surrogate pair
        reject()
    with _another_home() as home:
        files = _files(home, "claude-code")
        before = {_put(file, content): content for file in files}

        between = _connected_and_back(HostName.CLAUDE_CODE, before)

        server, hooks = (json.loads(between[file].decode("utf-8-sig")) for file in files)
        assert list(server)[: len(document)] == list(document)
        del server["mcpServers"]["iai-mcp"]
        assert {"mcpServers": {}, **document} == server
        for groups in hooks["hooks"].values():
            groups[:] = [g for g in groups if not any(script_of(h["command"]) for h in g["hooks"])]
        wanted = {event.name: [] for event in EVENTS} | document.get("hooks", {})
        assert hooks == {**document, "hooks": wanted}
        assert _is_one_insertion(content, between[files[0]])


def _is_one_insertion(before: bytes, after: bytes) -> bool:
    """Whether only blanks of `before` gave way to what is new in `after`."""
    head = _agreeing(before, after)
    tail = _agreeing(before[head:][::-1], after[head:][::-1])
    return not before[head : len(before) - tail].strip()


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


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
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
        file = _put(_files(home, "codex")[0], text)

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
    file = _put(_files(home, "codex")[0], text)

    assert run(["connect", "codex"]) == 0
    between = tomllib.loads(file.read_text(encoding="utf-8"))
    assert run(["disconnect", "codex"]) == 0

    assert between["mcp_servers"].pop("iai-mcp")["args"] == ["serve"]
    assert between == {"mcp_servers": {}, **tomllib.loads(text)}
    assert file.read_text(encoding="utf-8") == text


def _findings(home: Path) -> dict[str, tuple[bool, str]]:
    store = make_private_folder(home / ".iai-mcp")
    return {found.name: found[1:] for found in host_findings(Memory(store=store))}


def test_doctor_says_when_no_host_is_connected(home: Path) -> None:
    ok, finding = _findings(home)["hosts"]

    assert ok
    assert "iai-mcp connect claude-code" in finding


def test_doctor_says_that_a_connected_host_is_whole(home: Path) -> None:
    assert run(["connect", "claude-code"]) == 0

    found = _findings(home)

    assert found["claude-code: server"][0]
    assert found["claude-code: hooks"] == (True, "5, of this version")
    assert "hosts" not in found


def test_doctor_names_missing_outdated_and_inexecutable_hooks(home: Path) -> None:
    assert run(["connect", "claude-code"]) == 0
    recall, capture = (home / ".iai-mcp" / "hooks" / script for script in SCRIPTS)

    def finding() -> str:
        ok, text = _findings(home)["claude-code: hooks"]
        assert not ok
        assert text.endswith("run `iai-mcp connect claude-code`")
        return text

    recall.write_text("#!/bin/sh\n", encoding="utf-8")
    assert f"{recall} is of another version" in finding()
    capture.chmod(0o644)
    assert f"{capture} has mode 644 instead of 755" in finding()
    recall.unlink()
    assert f"{recall} is missing" in finding()
    file = _files(home, "claude-code")[1]
    settings = json.loads(file.read_text(encoding="utf-8"))
    del settings["hooks"]["SessionEnd"]
    file.write_text(json.dumps(settings), encoding="utf-8")
    assert "SessionEnd has no hook" in finding()

    assert run(["connect", "claude-code"]) == 0
    assert _findings(home)["claude-code: hooks"][0]


def test_doctor_says_that_a_page_comes_twice(home: Path) -> None:
    settings = {"enabledPlugins": {"iai-mcp@team-tools": True}}
    _put(home / ".claude" / "settings.json", json.dumps(settings))
    assert _findings(home)["claude-code: plugin"] == (True, "iai-mcp@team-tools is enabled")
    for arguments in (["claude-code"], ["codex"], ["codex", "--project"]):
        assert run(["connect", *arguments]) == 0

    found = _findings(home)

    assert found["claude-code: once"][1].endswith("run `iai-mcp disconnect claude-code`")
    assert found["codex: once"][1].endswith("run `iai-mcp disconnect codex --project`")
    assert run(["disconnect", "codex", "--project"]) == 0
    assert "codex: once" not in _findings(home)


def test_doctor_names_a_command_that_is_gone_and_another_store(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["connect", "claude-desktop"]) == 0
    file = _files(home, "claude-desktop")[0]
    good = file.read_text(encoding="utf-8")

    file.write_text(good.replace(str(COMMAND), "/gone/iai-mcp"), encoding="utf-8")
    assert _findings(home)["claude-desktop: server"] == (
        False,
        "/gone/iai-mcp cannot be run: run `iai-mcp connect claude-desktop`",
    )
    monkeypatch.setenv("IAI_MCP_STORE", "/another")
    assert run(["connect", "claude-desktop"]) == 0
    monkeypatch.delenv("IAI_MCP_STORE")
    ok, finding = _findings(home)["claude-desktop: server"]
    assert not ok
    assert "uses the store in /another" in finding


def test_doctor_counts_rings_that_wait_and_those_that_were_given_up(home: Path) -> None:
    spool = make_private_folder(home / ".iai-mcp" / "spool")
    (spool / "doorbell.jsonl").write_text('{"cwd": "/x"}\n{"cwd": "/y"}\n', encoding="utf-8")
    _put(spool / "failed" / "x.json", "{}")

    found = _findings(home)

    assert found["capture: backlog"] == (True, "2 rings wait; the next server reads them")
    assert not found["capture: given up"][0]
    assert str(spool / "failed") in found["capture: given up"][1]


def test_the_plugin_is_of_this_version_and_has_the_hooks_that_connect_installs() -> None:
    folder = ROOT / ".claude-plugin"
    plugin = json.loads((folder / "plugin.json").read_text(encoding="utf-8"))
    hooks = json.loads((ROOT / "hooks" / "hooks.json").read_text(encoding="utf-8"))["hooks"]

    assert plugin["version"] == __version__
    assert plugin["mcpServers"]["iai-mcp"]["args"] == ["serve"]
    assert hooks == {
        event.name: [event.group(f'"${{CLAUDE_PLUGIN_ROOT}}"/hooks/{event.script}')]
        for event in EVENTS
    }
    for script in SCRIPTS:
        assert os.access(ROOT / "hooks" / script, os.X_OK)


def test_the_mcpb_manifest_names_this_version_and_every_tool() -> None:
    manifest = json.loads((ROOT / "examples" / "mcpb" / "manifest.json").read_text("utf-8"))

    assert manifest["version"] == __version__
    assert {tool["name"] for tool in manifest["tools"]} == {
        "recall",
        "ingest",
        "supersede",
        "forget",
        "pin",
        "timeline",
        "session_start",
        "status",
    }


def test_without_a_command_to_start_connect_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert shutil.which("iai-mcp") is None

    assert run(["connect", "codex"]) == 1

    assert "no host could start it: run `pip install iai-mcp`" in capsys.readouterr().err
