"""The tables of the reference pages are what the code does."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.checkout import HOOKS, ROOT
from tests.support.command_line import COMMANDS
from tests.support.documents import blocks, read, section, tables
from tests.support.host_files import PROJECT_FILES
from tests.support.inventory import unnamed_files

from iai_memory import Memory, Settings, load_settings
from iai_memory.embedding.identity import MULTILINGUAL
from iai_memory.projects.identity import project_of
from iai_memory.store.trust import BY_ORIGIN, BY_ROLE
from iai_server.cli.main import run
from iai_server.hosts.registry import known_hosts
from iai_server.mcp.server import build_app

FETCHES = "model install"  # tests have no network


def _rows(page: str, title: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    return tables(section(page, title))[0]


def _read_by_hooks() -> set[str]:
    scripts = [path.read_text(encoding="utf-8") for path in HOOKS.rglob("*.sh")]
    return {name for text in scripts for name in re.findall(r"\bIAI_MCP_[A-Z_]+\b", text)}


def test_the_settings_table_is_the_settings() -> None:
    table = {row[0].strip("`"): row[1].strip("`") for row in _rows("docs/settings.md", "Settings")}

    fields = {f"IAI_MCP_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(table) == set(fields) | _read_by_hooks()
    for name, field in fields.items():
        documented = None if table[name] == "none" else table[name]
        loaded = load_settings(**{name.removeprefix("IAI_MCP_").lower(): documented})
        default = Settings.model_validate({name.removeprefix("IAI_MCP_").lower(): field.default})
        assert loaded == default, f"{name} is documented as {table[name]}"


def test_the_tools_table_is_the_tools(used: Memory) -> None:
    tools = anyio.run(build_app(lambda: used).list_tools)

    [documented, *_] = tables(read("docs/tools.md"))
    assert sorted(row[0].strip("`") for row in documented) == sorted(tool.name for tool in tools)


def test_the_tables_of_resources_and_prompts_are_those_that_are_served(used: Memory) -> None:
    app = build_app(lambda: used)
    resources = [str(resource.uri) for resource in anyio.run(app.list_resources)]
    templates = [template.uri_template for template in anyio.run(app.list_resource_templates)]
    prompts = [prompt.name for prompt in anyio.run(app.list_prompts)]

    _, resource_rows, prompt_rows = tables(read("docs/tools.md"))
    assert [row[0].strip("`") for row in resource_rows] == resources + templates
    assert [row[0].strip("`") for row in prompt_rows] == prompts


def test_the_command_table_is_the_command_line() -> None:
    rows = _rows("docs/commands.md", "The command line")
    documented = [row[0].strip("`").removeprefix("iai-mcp ") for row in rows]
    assert sorted(documented) == sorted(COMMANDS)


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
    if name == "restore-backup":
        assert run(["backup"]) == 0
    if name == "import jsonl":
        assert run(["export", "jsonl", "--out", "backup.jsonl"]) == 0
    if name == "why":
        used.ingest({"text": "Hello.", "session_id": "48bbfa77-8682-4936-a738-ddb4fb421498"})
    old = str(Path("~/old/weather-station").expanduser())
    if name.startswith("project "):
        used.ingest(
            [{"text": "The vane sticks.", "project": one} for one in (old, str(Path.cwd()))]
        )
    if name == "project undo":
        assert run(["project", "alias", "weather", old]) == 0
    command = re.sub(r"\bID\b", str(stored.id), example)

    if "<" in command:
        requests = Path("requests.jsonl")
        requests.write_text('{"jsonrpc":"2.0","id":1,"method":"server/discover"}\n', "utf-8")
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.splitlines()[0])["id"] == 1
    else:
        assert run(shlex.split(command)[1:]) == 0, (command, capfd.readouterr())
    assert unnamed_files(used.paths.root) == []


def test_the_exit_codes_are_the_documented_ones(used: Memory) -> None:
    codes = [int(row[0]) for row in _rows("docs/commands.md", "Exit codes")]

    tried = [
        run(["status"]),
        run(["forget", "01a229c4-3bd0-73da-a297-e6d2aaa3d61f"]),
        run(["recall", "anything", "--limit", "0"]),
    ]

    # Of a signal, as 130, the tests of `cli/test_machine_faults.py` decide.
    assert tried == [code for code in codes if code < 128]


def test_the_trust_table_is_the_shares_of_origins_and_roles() -> None:
    rows = _rows("docs/store.md", "What to trust")

    def shares(cells: list[tuple[str, str]]) -> dict[str, float]:
        return {name.split("`")[1]: float(share) for name, share in cells}

    assert shares([(row[0], row[1]) for row in rows]) == {
        name: grade.share for name, grade in BY_ORIGIN.items()
    }
    assert shares([(row[2], row[3]) for row in rows]) == {
        name: grade.share for name, grade in BY_ROLE.items()
    }


def test_the_hooks_of_the_page_on_hosts_are_those_of_the_plugin() -> None:
    [shown] = blocks("json", read("docs/hosts.md"))
    plugin = json.loads((HOOKS / "hooks.json").read_text(encoding="utf-8"))

    quoted = json.dumps(plugin["hooks"]).replace('\\"', "")
    by_hand = quoted.replace("${CLAUDE_PLUGIN_ROOT}", "/path/to/iai-mcp")
    assert json.loads(shown)["hooks"] == json.loads(by_hand)


def test_the_hooks_of_the_page_on_hosts_serve_the_page_and_capture_the_conversation(
    used: Memory,
) -> None:
    [settings] = [json.loads(block) for block in blocks("json", read("docs/hosts.md"))]
    [transcript] = Path.home().glob(".claude/projects/*weather-station/*.jsonl")
    used.ingest("The staging database listens on port 5544.")
    page = used.session_start(project_of(Path.cwd()).name, refresh=True).payload
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
    while used.embed_pending():
        pass

    assert said.pop("SessionStart") == page
    assert set(said.values()) == {""}
    [hit, *_] = used.recall("which file system for the spill file?").hits
    assert "LittleFS" in hit.text
    assert hit.origin == "hook"


def _hook_output(hooks: list[dict[str, Any]], spoken: dict[str, str]) -> str:
    said = ""
    for command in (hook["command"] for entry in hooks for hook in entry["hooks"]):
        done = subprocess.run(
            # The drain would go on after the test.
            f"export IAI_MCP_DRAIN=0; {command.replace('/path/to/iai-mcp', str(ROOT))}",
            shell=True,
            input=json.dumps(spoken),
            capture_output=True,
            text=True,
            check=True,
        )
        said += done.stdout
    return said


def test_every_file_of_a_used_store_is_documented(used: Memory) -> None:
    rows = _rows("docs/store.md", "Where files lie")
    documented = {row[0].strip("`").rstrip("/") for row in rows}
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
    named = re.findall(r"`(test_\w+)`", read("SECURITY.md"))
    written = "\n".join(
        path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")
    )
    assert named
    assert [name for name in named if f"def {name}(" not in written] == []


def test_every_sentence_of_the_threat_model_names_a_test() -> None:
    model = read("SECURITY.md").partition("## The threat model\n")[2].partition("\n## ")[0]
    sentences = model.split("\n- ")[1:]
    assert len(sentences) > 20
    assert [one for one in sentences if not re.search(r"`test_\w+`", one)] == []
    assert [one for one in sentences if not one.startswith(("Holds: ", "Does not hold: "))] == []


def test_the_documents_count_the_languages_that_the_second_model_reads() -> None:
    count = len(set(MULTILINGUAL.reads))
    for name in ("CHANGELOG.md", "docs/commands.md", "docs/how-to/use-other-languages.md"):
        assert set(re.findall(r"(\d+) languages", (ROOT / name).read_text())) >= {str(count)}, name


def test_the_table_of_hosts_is_what_connect_knows() -> None:
    table = tables(read("docs/hosts.md"))[0]

    known = known_hosts(load_settings(), None)
    assert [(row[0].strip("`"), row[4]) for row in table] == [
        (host.name, host.verified) for host in known
    ]
    for row in table:
        in_project = row[2].strip("`")
        assert in_project == PROJECT_FILES.get(row[0].strip("`"), ("none",))[0]
