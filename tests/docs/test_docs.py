"""What the documents say is what the product does."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import typer.main
from tests.support.checkout import ROOT
from typer.core import TyperGroup

from iai_memory import Memory, Settings, load_settings
from iai_server.cli.app import app
from iai_server.cli.main import run
from iai_server.mcp.server import build_app
from iai_server.serving.runtime import Runtime

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
HOOKS = sorted((ROOT / "hooks").rglob("*.sh"))
ONLY_THE_HOOK = {"IAI_MCP_CLI"}
FETCHES = "model install"  # tests have no network
TEXT_SUFFIXES = {".py", ".md", ".sh", ".toml", ".json", ".jsonl", ".yml", ".yaml", ".txt", ".lock"}


def _section(title: str, text: str = README) -> str:
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##? |\Z)", text, re.M | re.S)
    assert found is not None, f"there is no section {title!r}"
    return found[1]


def _rows(title: str) -> list[list[str]]:
    """The rows of a section's table, without its head."""
    lines = [line for line in _section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def _blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def _snippet_lines(text: str = README) -> list[str]:
    lines = [line for block in _blocks("sh", text) for line in block.splitlines()]
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def _commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, (*path, name))
        elif not command.hidden:
            yield " ".join((*path, name)), command


def _all_commands() -> dict[str, Any]:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return dict(_commands(root))


COMMANDS = _all_commands()


@pytest.fixture
def used(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    """A store that the environment names, with a HOME that holds the sample transcripts."""
    home = tmp_path / "home"
    shutil.copytree(ROOT / "examples/transcripts/claude", home / ".claude/projects")
    shutil.copytree(ROOT / "examples/transcripts/codex", home / ".codex/sessions")
    for name in list(os.environ):
        if name.startswith(("IAI_MCP_", "CLAUDE_", "CODEX_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o077)
    yield Memory()
    os.umask(umask)


def test_the_two_commands_that_matter_stand_in_the_first_thirty_lines() -> None:
    top = "\n".join(README.splitlines()[:30])
    assert "\nmake demo" in top
    assert "\nmake test" in top


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_and_command_in_a_snippet_exists(name: str) -> None:
    made = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for line in _snippet_lines((ROOT / name).read_text(encoding="utf-8")):
        program, *arguments = shlex.split(line)
        if program == "make":
            assert arguments[0] in made, line
        else:
            assert program == ".venv/bin/iai-mcp", line
            assert _names_a_command(arguments), line


def test_the_snippets_of_the_readme_run_in_their_order(
    used: Memory, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = 0
    for line in _snippet_lines():
        program, *arguments = shlex.split(line)
        if program.endswith("iai-mcp") and " ".join(arguments[:2]) != FETCHES:
            assert run(arguments) == 0, (line, capfd.readouterr())
            ran += 1
    assert ran >= 6
    assert used.status().records == 1


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file(name: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), f"{name} links to {target}"


def test_the_settings_table_is_the_settings() -> None:
    table = {row[0].strip("`"): row[1].strip("`") for row in _rows("Settings")}

    fields = {f"IAI_MCP_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(table) == set(fields) | ONLY_THE_HOOK
    for name, field in fields.items():
        documented = None if table[name] == "none" else table[name]
        loaded = load_settings(**{name.removeprefix("IAI_MCP_").lower(): documented})
        default = Settings.model_validate({name.removeprefix("IAI_MCP_").lower(): field.default})
        assert loaded == default, f"{name} is documented as {table[name]}"


def test_every_variable_that_a_hook_reads_is_documented() -> None:
    table = {row[0].strip("`") for row in _rows("Settings")}
    for hook in HOOKS:
        read = set(re.findall(r"\bIAI_MCP_[A-Z_]+\b", hook.read_text(encoding="utf-8")))
        assert read <= table, f"{hook.name} reads {read - table}"


def test_the_tools_table_is_the_tools(used: Memory) -> None:
    served = build_app(Runtime(used.settings, Path.cwd()).for_request)

    tools = anyio.run(served.list_tools)

    assert [row[0].strip("`") for row in _rows("The tools")] == sorted(
        (tool.name for tool in tools), key=[row[0].strip("`") for row in _rows("The tools")].index
    )


def test_the_command_table_is_the_command_line() -> None:
    documented = [row[0].strip("`").removeprefix("iai-mcp ") for row in _rows("The command line")]
    assert sorted(documented) == sorted(COMMANDS)


def test_nothing_that_is_said_to_be_missing_is_there() -> None:
    missing = re.findall(r"no `iai-mcp ([a-z -]+)`", _section("What it cannot do yet"))
    assert missing
    assert [name for name in missing if _names_a_command(name.split())] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_that_runs(
    name: str, used: Memory, capfd: pytest.CaptureFixture[str]
) -> None:
    example = (COMMANDS[name].epilog or "").partition("Example: ")[2]
    assert example.startswith(f"iai-mcp {name}"), f"iai-mcp {name} --help has no example"
    if name == FETCHES:
        return
    [stored] = used.ingest("Staging listens on port 5433.").results
    if name == "restore":
        used.forget([str(stored.id)])
    if name == "import jsonl":
        assert run(["export", "jsonl", "--out", "backup.jsonl"]) == 0
    command = re.sub(r"\bID\b", str(stored.id), example)

    if "<" in command:
        requests = Path("requests.jsonl")
        requests.write_text('{"jsonrpc":"2.0","id":1,"method":"server/discover"}\n', "utf-8")
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[0])["id"] == 1
    else:
        assert run(shlex.split(command)[1:]) == 0, (command, capfd.readouterr())


def test_the_hooks_of_the_readme_are_those_of_the_plugin() -> None:
    [shown] = _blocks("json")
    plugin = json.loads((ROOT / "hooks" / "hooks.json").read_text(encoding="utf-8"))

    quoted = json.dumps(plugin["hooks"]).replace('\\"', "")
    by_hand = quoted.replace("${CLAUDE_PLUGIN_ROOT}", "/path/to/iai-mcp")
    assert json.loads(shown)["hooks"] == json.loads(by_hand)


def test_the_hooks_of_the_readme_serve_the_page_and_capture_the_conversation(
    used: Memory,
) -> None:
    [settings] = [json.loads(block) for block in _blocks("json")]
    [transcript] = Path.home().glob(".claude/projects/*weather-station/*.jsonl")
    used.ingest("The staging database listens on port 5544.")
    page = used.session_start(refresh=True).payload
    spoken = {
        "session_id": transcript.stem,
        "transcript_path": str(transcript),
        "cwd": str(Path.cwd()),
    }

    said = {
        event: _hook_output(hooks, {**spoken, "hook_event_name": event})
        for event, hooks in settings["hooks"].items()
    }
    used.drain()

    assert said.pop("SessionStart") == page
    assert set(said.values()) == {""}
    [hit, *_] = used.recall("which file system for the spill file?").hits
    assert "LittleFS" in hit.text
    assert hit.origin == "hook"


def test_every_file_of_a_used_store_is_documented(used: Memory) -> None:
    documented = {row[0].strip("`").rstrip("/") for row in _rows("Where files lie")}
    assert run(["import", "claude"]) == 0
    [first, second] = used.timeline(limit=2).records
    used.forget([first.id])
    used.pin(second.id)
    used.session_start(refresh=True)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "status"}}
    served = subprocess.run(
        ["iai-mcp", "serve"],
        input=f"{json.dumps(call)}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert served.returncode == 0

    names = {path.name.replace(".meta.json", ".md") for path in used.paths.root.iterdir()}

    assert names - documented == set()


def test_every_test_that_the_security_document_names_exists() -> None:
    document = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", _section("What is protected", document))
    written = "\n".join(
        path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")
    )
    assert named
    assert [name for name in named if f"def {name}(" not in written] == []


def test_no_file_names_a_place_on_a_machine_or_a_registry() -> None:
    # Spelt in two parts, so that this file passes.
    places = "|".join(
        ("/ro" + "ot/", "/wo" + "rk/", "pypi" + r"\.org", "python" + "hosted", "npm" + "js")
    )
    pattern = re.compile(rf"(?<![\w.~-])({places})")
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in _committed()
        if (match := pattern.search(path.read_text(encoding="utf-8", errors="replace")))
    }
    assert found == {}


def _names_a_command(arguments: list[str]) -> bool:
    """Whether the arguments begin with a command's name, or are options of the program."""
    words = " ".join(arguments)
    return words.startswith("--") or any(
        words == name or words.startswith(f"{name} ") for name in COMMANDS
    )


def _hook_output(hooks: list[dict[str, Any]], spoken: dict[str, str]) -> str:
    [[hook]] = [entry["hooks"] for entry in hooks]
    command = hook["command"].replace("/path/to/iai-mcp", str(ROOT))
    done = subprocess.run(
        command, shell=True, input=json.dumps(spoken), capture_output=True, text=True, check=True
    )
    return done.stdout


def _committed() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing is committed here")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.suffix in TEXT_SUFFIXES and file.is_file()]
