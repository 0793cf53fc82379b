"""Every file of `examples/` does what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from tests.support.checkout import EXAMPLES

from iai_memory import Memory

BIN = Path(sys.executable).parent
CONFIGURATIONS = ("claude_desktop_config.json", "claude_code.mcp.json", "codex_config.toml")
LIBRARY, DEMO = "library.py", "demo.py"
FACT = "The staging database listens on port 5544."


@pytest.fixture
def environment(tmp_path: Path, model_folder: Path) -> dict[str, str]:
    """A HOME and a store of their own, and the venv first on the PATH."""
    home = tmp_path / "home"
    home.mkdir()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("IAI_MCP_")}
    return {
        **inherited,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "IAI_MCP_STORE": str(tmp_path / "store"),
        "IAI_MCP_MODEL": str(model_folder),
    }


def _run(environment: dict[str, str], cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def _entry(name: str) -> dict[str, Any]:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if name.endswith(".toml"):
        [entry] = tomllib.loads(text)["mcp_servers"].values()
    else:
        [entry] = json.loads(text)["mcpServers"].values()
    return dict(entry)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_command_of_an_example_configuration_serves_a_host(
    name: str, environment: dict[str, str], tmp_path: Path
) -> None:
    entry = _entry(name)
    assert (entry["command"], entry["args"]) == ("iai-mcp", ["serve"])
    Memory(store=environment["IAI_MCP_STORE"]).ingest(FACT)
    started = StdioServerParameters(
        command=entry["command"],
        args=entry["args"],
        env={**environment, **entry.get("env", {})},
        cwd=tmp_path,
    )

    async def ask() -> tuple[str, list[str], list[str]]:
        async with (
            stdio_client(started) as (read, write),
            ClientSession(read, write) as session,
        ):
            server = (await session.initialize()).server_info.name
            tools = [tool.name for tool in (await session.list_tools()).tools]
            found = await session.call_tool("recall", {"query": "which port is staging on?"})
            assert found.structured_content is not None
            return server, tools, [hit["text"] for hit in found.structured_content["hits"]]

    server, tools, texts = anyio.run(ask)

    assert server == "iai-mcp"
    assert len(tools) == 8
    assert texts == [FACT]


def test_the_library_example_runs(environment: dict[str, str], tmp_path: Path) -> None:
    done = _run(environment, tmp_path, sys.executable, str(EXAMPLES / LIBRARY))

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("The staging database listens on port 5433.")
    assert lines[1] == "now: The staging database listens on port 5544."
    assert lines[2:5] == [
        "ever:",
        "  The staging database listens on port 5433.",
        "  The staging database listens on port 5544.",
    ]


def test_the_demo_succeeds_and_is_plain_in_a_pipe(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = _run(environment, tmp_path, sys.executable, str(EXAMPLES / DEMO))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every step was checked" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    assert not list((tmp_path / "home").iterdir())
    assert not Path(environment["IAI_MCP_STORE"]).exists()


@pytest.mark.slow
def test_the_demo_fails_and_says_so_when_a_step_does_not_give_what_it_should(
    environment: dict[str, str], tmp_path: Path
) -> None:
    environment["IAI_MCP_MODEL"] = str(tmp_path / "nothing")

    done = _run(environment, tmp_path, sys.executable, str(EXAMPLES / DEMO))

    assert done.returncode == 1
    assert "✗" in done.stdout
    assert "Every step was checked" not in done.stdout


def test_every_example_is_run_by_a_test() -> None:
    shown = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert shown == {*CONFIGURATIONS, LIBRARY, DEMO}
