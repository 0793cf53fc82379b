"""What each command loads: help and version no memory, the others no more than they use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from tests.support.modules import HEAVY, ours
from tests.support.talking import WAIT_SEC, child_environment, output_of
from typer.core import TyperGroup

from iai_memory import Memory, load_settings
from iai_server.cli.app import app

ABOVE = ("memory", "maintenance", "session_start", "recall", "writing", "store", "embedding")
"""Of `iai_memory`: what a command needs only once it opens the memory."""

LOADED = """
import contextlib, io, json, sys

from iai_server.__main__ import main

for arguments in json.loads(sys.argv[1]):
    sys.argv = ["iai-mcp", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        main()
    assert out.getvalue(), arguments
print(json.dumps(sorted(sys.modules)))
"""


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names of every command and of every group below `group`."""
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, TyperGroup):
            yield from commands(command, (*path, name))


def loaded(folder: Path, *calls: tuple[str, ...], model: Path | None = None) -> set[str]:
    """The modules that a new process has loaded once it ran the calls one after another."""
    command = [sys.executable, "-c", LOADED, json.dumps(calls)]
    return set(json.loads(output_of(command, env=child_environment(folder / "store", model))))


def opened(modules: set[str]) -> list[str]:
    """Those that only an opened memory needs."""
    above = tuple(f"iai_memory.{each}" for each in ABOVE)
    return [name for name in ours(modules) if name.startswith(above)]


def test_the_version_needs_neither_the_memory_nor_a_parser(tmp_path: Path) -> None:
    modules = loaded(tmp_path, ("--version",))
    assert modules & {*HEAVY, "pydantic", "typer", "rich", "asyncio"} == set()
    assert len(ours(modules)) <= 12, ours(modules)


def test_the_help_needs_no_memory(tmp_path: Path) -> None:
    modules = loaded(tmp_path, ("--help",))
    assert modules & {*HEAVY, "pydantic", "rich"} == set()
    assert opened(modules) == []
    assert len(ours(modules)) <= 46, ours(modules)


def test_the_help_of_every_command_needs_no_memory(tmp_path: Path) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    calls = [(*names, "--help") for names in commands(group)]
    assert ("import", "claude", "--help") in calls
    modules = loaded(tmp_path, *calls)
    # typer itself checks arguments with pydantic.
    assert modules & HEAVY == set()
    assert opened(modules) == []
    assert len(ours(modules)) <= 46, ours(modules)


@pytest.mark.parametrize(
    ("call", "more", "most", "most_of_ours"),
    [
        (("session-start",), set[str](), 861, 276),
        (("timeline",), {"rich"}, 888, 264),
        (("status",), {"rich"}, 888, 264),
        (("recall", "which port"), {"rich", "onnxruntime", "tokenizers"}, 952, 308),
    ],
    ids=lambda part: part[0] if isinstance(part, tuple) else None,
)
def test_a_command_on_the_memory_loads_what_it_works_with_and_no_client_of_services(
    tmp_path: Path,
    model_folder: Path,
    call: tuple[str, ...],
    more: set[str],
    most: int,
    most_of_ours: int,
) -> None:
    Memory(settings=load_settings(store=tmp_path / "store", model=model_folder)).ingest("port 5544")
    modules = loaded(tmp_path, call, model=model_folder)
    assert modules & {*HEAVY, "rich"} == {"lancedb", "pyarrow", "numpy", *more}
    unused = ("lance_namespace_urllib3_client", "urllib3", "requests", "httpx", "dateparser")
    assert [name for name in modules if name.startswith(unused)] == []
    assert len(modules) <= most, sorted(modules)
    assert len(ours(modules)) <= most_of_ours, ours(modules)


@pytest.mark.parametrize("arguments", [("--version",), ("--version", "recall")])
def test_the_version_is_the_same_by_either_way(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iai_server", *arguments],
        env=child_environment(tmp_path / "store", None),
        capture_output=True,
        text=True,
        timeout=WAIT_SEC,
        check=True,
    )
    assert done.stdout.startswith("iai-mcp ")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
