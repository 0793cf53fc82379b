"""`iai-mcp connect`: what it puts into a host's files, and what it refuses to touch."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from tests.support.checkout import ROOT
from tests.support.host_files import (
    COMMAND,
    HOSTS,
    PROJECT_FILES,
    SCRIPTS,
    everything,
    hook_commands,
    host_files,
    originals,
    put,
    server_entry,
    started_by,
)

from iai_memory import load_settings
from iai_memory.base import installation
from iai_memory.base.installation import Installation, Installer
from iai_memory.base.paths import StorePaths
from iai_server.cli.main import run
from iai_server.hosts import launch_command
from iai_server.hosts.file_change import apply
from iai_server.hosts.hooks_json import script_of
from iai_server.hosts.names import HostName
from iai_server.hosts.registry import host

pytestmark = pytest.mark.usefixtures("home")


# As the documentation of each host shows an entry, read on 2026-12-01: what
# differs from a command with its arguments.
SHAPES: dict[str, dict[str, Any]] = {
    "claude-code": {"type": "stdio"},
    "vscode": {"type": "stdio"},
    "copilot": {"type": "local", "tools": ["*"]},
    "opencode": {
        "type": "local",
        "command": [str(COMMAND), "serve"],
        "enabled": True,
        "args": None,
    },
}


@pytest.mark.parametrize("name", HOSTS)
def test_the_entry_starts_this_installation_by_its_absolute_path(name: str, home: Path) -> None:
    assert run(["connect", name]) == 0

    assert started_by(host_files(home, name)[0]) == ([str(COMMAND), "serve"], {})
    usual: dict[str, Any] = {"command": str(COMMAND), "args": ["serve"]}
    wanted = {key: value for key, value in (usual | SHAPES.get(name, {})).items() if value}
    assert server_entry(host_files(home, name)[0]) == wanted


@pytest.mark.parametrize("name", HOSTS)
def test_a_store_elsewhere_goes_into_the_servers_environment(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "else where"))

    assert run(["connect", name]) == 0
    file = host_files(home, name)[0]
    assert started_by(file)[1] == {"IAI_MCP_STORE": str(tmp_path / "else where")}

    monkeypatch.delenv("IAI_MCP_STORE")
    assert run(["connect", name]) == 0
    assert not {"env", "environment"} & set(server_entry(file))


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_every_event_runs_its_hook_with_a_timeout_in_seconds(name: str, home: Path) -> None:
    assert run(["connect", name]) == 0

    events = json.loads(host_files(home, name)[1].read_text(encoding="utf-8"))["hooks"]

    assert set(events) == {"SessionStart", "UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"}
    assert [group for groups in events.values() for group in groups if "matcher" in group] == []
    recall, capture, prompt = SCRIPTS
    wanted = {"SessionStart": [recall], "UserPromptSubmit": [capture, prompt]}
    for event, groups in events.items():
        hooks = [hook for group in groups for hook in group["hooks"]]
        scripts = [Path(shlex.split(hook["command"])[-1]) for hook in hooks]
        folder = home / ".iai-mcp" / "hooks"
        assert scripts == [folder / name for name in wanted.get(event, [capture])]
        assert all(1 <= hook["timeout"] <= 60 for hook in hooks)
    assert events["SessionEnd"][0]["hooks"][0]["timeout"] <= 3  # what Codex gives at most


@pytest.mark.parametrize("name", ["claude-code", "codex"])
def test_the_scripts_are_the_packaged_ones_and_executable(name: str, home: Path) -> None:
    os.umask(0o077)
    assert run(["connect", name]) == 0

    for script in SCRIPTS:
        copy = home / ".iai-mcp" / "hooks" / script
        assert copy.read_bytes() == (ROOT / "hooks" / script).read_bytes()
        assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / ".iai-mcp").stat().st_mode) == 0o700


@pytest.mark.parametrize("folder", ["plain", "two words", "it's", 'a "quote"', "$ `x` \\ é;&"])
def test_the_hook_commands_work_with_any_character_in_a_path(
    folder: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / folder
    monkeypatch.setenv("IAI_MCP_STORE", str(store))
    assert run(["connect", "claude-code"]) == 0
    [stop] = hook_commands(host_files(home, "claude-code")[1])["Stop"]
    ring = {"hook_event_name": "Stop", "cwd": str(tmp_path), "transcript_path": "/t.jsonl"}

    done = subprocess.run(
        ["sh", "-c", stop],
        input=json.dumps(ring),
        env={"PATH": os.defpath, "HOME": str(home), "IAI_MCP_DRAIN": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rung = (StorePaths(store).spool / "doorbell.jsonl").read_text(encoding="utf-8")
    assert json.loads(rung).items() >= {"event": "Stop", "transcript_path": "/t.jsonl"}.items()


@pytest.mark.parametrize("name", HOSTS)
def test_connecting_again_changes_nothing(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in host_files(home, name):
        put(file, "" if file.suffix == ".toml" else '{"theme": "dark"}')
    assert run(["connect", name]) == 0
    before = everything(home)
    capsys.readouterr()

    assert run(["connect", name]) == 0

    assert everything(home) == before
    assert f"{name}: nothing to change" in capsys.readouterr().out


@pytest.mark.parametrize("name", HOSTS)
def test_one_original_is_kept_in_the_store_until_disconnect(name: str, home: Path) -> None:
    old = [
        put(file, "\n" if file.suffix == ".toml" else "{ }", 0o640)
        for file in host_files(home, name)
    ]
    before = {file.name: file.read_bytes() for file in old}

    for _ in range(2):
        assert run(["connect", name]) == 0
        assert originals(home) == before
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o640 for file in old)
        assert run(["disconnect", name]) == 0
        assert originals(home) == {}
        assert {file.name: file.read_bytes() for file in old} == before


@pytest.mark.parametrize("name", HOSTS)
def test_a_file_that_connect_made_is_private_and_goes_with_disconnect(
    name: str, home: Path
) -> None:
    assert run(["connect", name]) == 0
    for file in host_files(home, name):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    assert run(["disconnect", name]) == 0

    assert not any(file.exists() for file in host_files(home, name))


@pytest.mark.parametrize("name", HOSTS)
def test_a_projects_files_name_no_path_of_this_machine(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    project = tmp_path / "project"
    if name not in PROJECT_FILES:
        assert run(["connect", name, "--project"]) == 2
        return
    old = put(project / ".codex" / "hooks.json", _hooks_of_an_older_release(tmp_path))
    put(project / ".claude" / "settings.json", old.read_bytes())

    assert run(["connect", name, "--project"]) == 0

    committed = [project / file for file in PROJECT_FILES[name] if ".local." not in file]
    assert started_by(committed[0]) == (["iai-mcp", "serve"], {})
    assert [stat.S_IMODE(file.stat().st_mode) for file in committed] == [0o644]
    if name == "claude-code":
        assert not (project / ".claude" / "settings.json").exists()
        assert stat.S_IMODE((project / PROJECT_FILES[name][1]).stat().st_mode) == 0o600
    if name == "codex":
        assert not old.exists()
    for file in committed:
        assert str(tmp_path).encode() not in file.read_bytes()
        assert str(COMMAND.parent).encode() not in file.read_bytes()
    assert run(["disconnect", name, "--project"]) == 0
    assert not any(file.exists() for file in committed)


def _hooks_of_an_older_release(folder: Path) -> str:
    """A hook with its paths, which connect wrote into the files of a project."""
    command = f"IAI_MCP_CLI=/b/iai-mcp {folder}/store/hooks/iai-mcp-capture.sh"
    group = {"hooks": [{"type": "command", "command": command, "timeout": 5}]}
    return json.dumps({"hooks": {"Stop": [group]}}, indent=2) + "\n"


def test_files_move_with_the_folders_that_hosts_are_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "x"))
    monkeypatch.setattr(sys, "platform", "darwin")

    for name in HOSTS:
        assert run(["connect", name]) == 0

    assert server_entry(tmp_path / "c" / ".claude.json")["args"] == ["serve"]
    assert len(hook_commands(tmp_path / "c" / "settings.json")) == 5
    assert server_entry(tmp_path / "x" / "config.toml")["args"] == ["serve"]
    assert len(hook_commands(tmp_path / "x" / "hooks.json")) == 5
    desktop = home / "Library" / "Application Support" / "Claude" / "claude_desktop_config.json"
    assert server_entry(desktop)["args"] == ["serve"]
    assert server_entry(home / "Library/Application Support/Code/User/mcp.json")["args"]


def test_claude_desktop_has_no_projects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["connect", "claude-desktop", "--project"]) == 2

    assert capsys.readouterr().err == (
        "iai-mcp: claude-desktop knows no projects: run the command without --project\n"
    )


@pytest.mark.parametrize("name", HOSTS)
def test_a_dry_run_shows_the_change_and_makes_none(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = host_files(home, name)[0]
    put(file, "" if file.suffix == ".toml" else '{\n\t"theme": "dark"\n}')
    before = everything(home)

    assert run(["connect", name, "--dry-run"]) == 0

    shown = capsys.readouterr().out
    assert f"+++ {file}\n" in shown
    assert str(COMMAND) in shown
    assert everything(home) == before
    assert not (home / ".iai-mcp").exists()


def test_a_linked_file_stays_a_link(home: Path, tmp_path: Path) -> None:
    real = put(tmp_path / "dotfiles" / "settings.json", '{"theme": "dark"}')
    link = home / ".claude" / "settings.json"
    link.parent.mkdir()
    link.symlink_to(real)

    assert run(["connect", "claude-code"]) == 0
    assert link.is_symlink()
    assert len(hook_commands(real)) == 5

    assert run(["disconnect", "claude-code"]) == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == '{"theme": "dark"}'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not JSON"),
        ('{"a": 1} mine', "is not JSON"),
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
    file = put(host_files(home, "claude-desktop")[0], content)
    before = file.read_bytes()

    code = run(["connect", "claude-desktop"])

    if not why:  # the parser takes the last of two; so do we
        assert code == 0
        assert server_entry(file)["args"] == ["serve"]
        return
    assert code == 1
    line, block = capsys.readouterr().err.split("\n", 1)
    assert line.startswith(f"iai-mcp: {file} {why}")
    assert json.loads(block)["mcpServers"]["iai-mcp"]["command"] == str(COMMAND)
    assert file.read_bytes() == before
    assert originals(home) == {}


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
    file = put(host_files(home, "codex")[0], content)

    assert run(["connect", "codex"]) == 1

    line, block = capsys.readouterr().err.split("\n", 1)
    assert line.startswith(f"iai-mcp: {file} {why}")
    assert tomllib.loads(block)["mcp_servers"]["iai-mcp"]["command"] == str(COMMAND)
    assert file.read_text(encoding="utf-8") == content


def test_a_refusal_of_one_file_leaves_the_others_alone(home: Path) -> None:
    server, hooks = host_files(home, "claude-code")
    put(server, "{not JSON")
    put(hooks, "{}")
    before = everything(home)

    assert run(["connect", "claude-code"]) == 1

    assert everything(home) == before


@pytest.mark.parametrize("command", ["connect", "disconnect"])
@pytest.mark.parametrize("name", HOSTS)
def test_a_pipe_or_a_device_in_place_of_a_hosts_file_is_named_and_nobody_waits(
    name: str, command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in host_files(home, name):
        file.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(file)
        assert run([command, name]) == 1
        assert f"{file} is a FIFO" in capsys.readouterr().err
        file.unlink()
        file.symlink_to("/dev/zero")
        assert run([command, name]) == 1
        assert f"{file} is a link to a device" in capsys.readouterr().err
        file.unlink()


@pytest.mark.parametrize(
    "hooks", ['{"hooks": 3}', '{"hooks": {"Stop": {}}}', '{"hooks": {"Stop": [3]}}']
)
def test_hooks_that_no_host_reads_are_refused(
    hooks: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = put(host_files(home, "codex")[1], hooks)

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
    before = json.dumps({"mcpServers": {"iai-mcp": entry}})
    file = put(host_files(home, "claude-desktop")[0], before)
    toml = put(
        host_files(home, "codex")[0],
        '[mcp_servers.iai-mcp] # mine\ncommand = "/old/bin/iai-mcp"\nargs = ["serve"]\n'
        "startup_timeout_sec = 30 # slow disk\n",
    )

    assert run(["connect", "claude-desktop"]) == 0
    assert run(["connect", "codex"]) == 0

    assert server_entry(file) == {**entry, "command": str(COMMAND), "env": {"MINE": "1"}}
    text = toml.read_text(encoding="utf-8")
    assert server_entry(toml)["command"] == str(COMMAND)
    assert "# mine\n" in text
    assert "startup_timeout_sec = 30 # slow disk\n" in text


def test_an_older_hook_of_ours_is_replaced_in_its_place_with_the_users_timeout(home: Path) -> None:
    old = "IAI_MCP_STORE=/old '/old store/hooks/iai-mcp-capture.sh'"
    others = {"type": "command", "command": "notify-me"}
    groups = [
        {"hooks": [others, {"type": "command", "command": old, "timeout": 9}]},
        {"hooks": [{"type": "command", "command": old}]},
    ]
    file = put(host_files(home, "claude-code")[1], json.dumps({"hooks": {"Stop": groups}}))

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
    file = put(host_files(home, "claude-desktop")[0], "{}")
    changes = host(HostName.CLAUDE_DESKTOP, load_settings()).plan()
    file.write_text('{"by": "another"}', encoding="utf-8")

    with pytest.raises(Exception, match="was changed meanwhile: run the command again"):
        apply(changes)

    assert file.read_text(encoding="utf-8") == '{"by": "another"}'
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_without_a_command_to_start_connect_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert shutil.which("iai-mcp") is None

    assert run(["connect", "codex"]) == 1

    mend = f"make -C {shlex.quote(str(ROOT))} setup"
    assert f"no host could start it: run `{mend}`" in capsys.readouterr().err


@pytest.fixture
def fleeting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of ours in the cache of uv, as `uvx` starts one."""
    prefix = tmp_path / "uv" / "archive-v0" / "q1w2"
    _program(prefix / "bin" / "iai-mcp")
    wheel = tmp_path / "iai_mcp-0.1.0-py3-none-any.whl"
    monkeypatch.setattr(
        launch_command, "this_installation", lambda: Installation(Installer.PIP, prefix, wheel)
    )
    monkeypatch.setattr(sys, "executable", str(prefix / "bin" / "python"))
    monkeypatch.setenv("PATH", str(prefix / "bin"))
    return prefix


def _program(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_a_copy_in_a_cache_is_not_written_into_a_hosts_file(
    fleeting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["connect", "codex"]) == 1

    wheel = shlex.quote(str(tmp_path / "iai_mcp-0.1.0-py3-none-any.whl"))
    said = capsys.readouterr().err
    assert f"{fleeting / 'bin' / 'iai-mcp'} lies in a cache" in said
    assert f"run `uv tool install {wheel}`" in said
    assert not (Path.home() / ".codex").exists()
    assert run(["disconnect", "codex"]) == 0


def test_in_place_of_a_copy_in_a_cache_the_one_that_stays_is_connected(
    fleeting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where tests keep their files counts as temporary.
    monkeypatch.setattr(installation, "TEMPORARY", ())
    staying = fleeting.parents[2] / "local" / "bin"
    _program(staying / "iai-mcp")
    monkeypatch.setenv("PATH", f"{fleeting / 'bin'}{os.pathsep}{staying}")

    assert run(["connect", "codex"]) == 0

    written = (Path.home() / ".codex" / "config.toml").read_text(encoding="utf-8")
    assert str(staying / "iai-mcp") in written
    assert "archive-v0" not in written


OLD_MATCHER = "startup|resume|clear|compact"


def connected_before(home: Path, name: str) -> Path:
    """The hooks file as the first versions of connect wrote it."""
    assert run(["connect", name]) == 0
    file = host_files(home, name)[1]
    start, event, rest = file.read_text(encoding="utf-8").partition('"UserPromptSubmit"')
    start, found = re.subn(
        r'("SessionStart": ?\[\s*\{)(\s*)("hooks")', rf'\1\2"matcher": "{OLD_MATCHER}", \2\3', start
    )
    assert found == 1
    start = re.sub(r", (?=\s)", ",", start)
    rest = rest.replace(f"IAI_MCP_CLI={shlex.quote(str(COMMAND))} ", "")
    file.write_text(start + event + rest, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["claude-code", "codex"])
@pytest.mark.parametrize("before", [None, "{}", '{"theme": "dark"}', '{\n\t"hooks": {}\n}\n'])
def test_a_connection_of_an_older_form_is_renewed_in_place_and_taken_out_whole(
    name: str, before: str | None, home: Path
) -> None:
    for file in host_files(home, name)[1:]:
        if before is not None:
            put(file, before)
    original = everything(home)
    file = connected_before(home, name)
    assert OLD_MATCHER in file.read_text(encoding="utf-8")

    assert run(["connect", name]) == 0

    events = json.loads(file.read_text(encoding="utf-8"))["hooks"]
    assert [len(groups) for groups in events.values()] == [1, 2, 1, 1, 1]
    assert "matcher" not in json.dumps(events)
    for command in chain.from_iterable(hook_commands(file).values()):
        assert f"IAI_MCP_CLI={shlex.quote(str(COMMAND))} " in command
    assert run(["disconnect", name]) == 0
    left = {path: content for path, content in everything(home).items() if path in original}
    assert left == original
    assert file.exists() == (before is not None)


def prompt_hooks(home: Path, name: str) -> list[str]:
    """The names of the scripts that run at a prompt."""
    commands = hook_commands(host_files(home, name)[1])["UserPromptSubmit"]
    return [script.name for command in commands if (script := script_of(command)) is not None]


@pytest.mark.parametrize("name", ["claude-code", "codex"])
@pytest.mark.parametrize("before", [None, '{"theme": "dark"}', '{"hooks": {"Stop": []}}\n'])
def test_the_prompt_hook_can_be_declined_and_stays_declined(
    name: str, before: str | None, home: Path
) -> None:
    if before is not None:
        put(host_files(home, name)[1], before)
    original = everything(home)
    both = ["iai-mcp-capture.sh", "iai-mcp-prompt-recall.sh"]

    assert run(["connect", name]) == 0
    assert prompt_hooks(home, name) == both
    connected = host_files(home, name)[1].read_bytes()
    assert run(["connect", name, "--no-prompt-recall"]) == 0
    assert prompt_hooks(home, name) == both[:1]
    assert run(["connect", name]) == 0
    assert prompt_hooks(home, name) == both[:1]
    assert run(["connect", name, "--prompt-recall"]) == 0
    assert host_files(home, name)[1].read_bytes() == connected

    assert run(["connect", name, "--no-prompt-recall"]) == 0
    assert run(["disconnect", name]) == 0
    left = {path: content for path, content in everything(home).items() if path in original}
    assert left == original
    assert host_files(home, name)[1].exists() == (before is not None)


def test_an_older_connection_gets_the_prompt_hook_at_the_end(home: Path) -> None:
    assert run(["connect", "codex"]) == 0
    file = host_files(home, "codex")[1]
    hooks = json.loads(file.read_text(encoding="utf-8"))
    new = hooks["hooks"]["UserPromptSubmit"].pop()
    hooks["hooks"]["UserPromptSubmit"].append({"hooks": [{"type": "command", "command": "date"}]})
    file.write_text(json.dumps(hooks), encoding="utf-8")

    assert run(["connect", "codex"]) == 0

    hooks["hooks"]["UserPromptSubmit"].append(new)
    assert json.loads(file.read_text(encoding="utf-8")) == hooks


def test_a_host_without_hooks_has_no_prompt_hook_to_decline(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["connect", "claude-desktop", "--no-prompt-recall"]) == 2

    assert "claude-desktop has no hooks" in capsys.readouterr().err
    assert not host_files(home, "claude-desktop")[0].exists()


def test_a_users_own_matcher_and_the_users_hooks_beside_ours_stay(home: Path) -> None:
    file = connected_before(home, "claude-code")
    settings = json.loads(file.read_text(encoding="utf-8"))
    own = {"type": "command", "command": "date"}
    settings["hooks"]["SessionStart"][0]["hooks"].append(own)
    file.write_text(json.dumps(settings, indent=2), encoding="utf-8")

    assert run(["connect", "claude-code"]) == 0

    groups = json.loads(file.read_text(encoding="utf-8"))["hooks"]["SessionStart"]
    assert groups[0] == {"matcher": OLD_MATCHER, "hooks": [own]}
    assert len(groups) == 2
    assert set(groups[1]) == {"hooks"}

    groups[1]["matcher"] = "startup"
    settings["hooks"]["SessionStart"] = groups
    file.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    assert run(["connect", "claude-code"]) == 0
    now = json.loads(file.read_text(encoding="utf-8"))["hooks"]["SessionStart"]
    assert now == groups


def test_the_model_of_the_store_goes_into_every_hooks_command(
    home: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))

    assert run(["connect", "codex"]) == 0

    for command in chain.from_iterable(hook_commands(host_files(home, "codex")[1]).values()):
        assert f"IAI_MCP_MODEL={shlex.quote(str(model_folder))} " in command
