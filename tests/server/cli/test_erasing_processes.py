"""Erasures beside other processes, and erasures that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.talking import child_server

from iai_memory import Memory
from iai_memory.base.presence import alive_servers
from iai_server.cli.main import run

TEXT = "The heron of Quirrenbach nests behind the mill."

KILLED_BEFORE = """
import importlib, os, signal, sys
from iai_memory import Memory

module, step = sys.argv[2].rsplit(".", 1)

def killed(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(importlib.import_module(module), step, killed)
Memory(sys.argv[1]).purge(sys.argv[3:])
"""
PURGE = "iai_memory.maintenance.purge"
STEPS = [
    *(f"{PURGE}.{step}" for step in ("clean_files", "without_text", "drop_derived")),
    *(f"{PURGE}.{step}" for step in ("without_memories", "rewrite_backups", "look_for_remains")),
    "iai_memory.maintenance.erasure.remove_kept_tables",
    "iai_memory.store.table_upkeep.create_all_indexes",
]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_purge_killed_before_any_step_is_finished_by_the_next(
    memory: Memory, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = str(memory.ingest([TEXT, "Sugar feeds bees."]).results[0].id)
    memory.sleep(force=True)
    memory.back_up()
    store = str(memory.paths.root)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE, store, step, gone], env=os.environ, timeout=100
    )
    assert killed.returncode == -signal.SIGKILL

    assert run(["purge"]) == 0

    assert gone in capsys.readouterr().out
    left = [path for path in memory.paths.root.rglob("*") if path.is_file() and holds(path)]
    assert left == []
    assert [row.record.text for row in memory.store.latest.all_rows()] == ["Sugar feeds bees."]
    assert memory.store.erasures.now().unfinished == frozenset()


def holds(path: Path) -> bool:
    content = path.read_bytes()
    return TEXT.encode() in content or b"Quirrenbach" in content


@pytest.mark.slow
def test_a_running_server_drops_what_it_holds_and_one_that_does_not_answer_is_named(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.ingest([TEXT, "Sugar feeds bees."])
    with child_server(memory.paths.root, None) as server:
        for _ in range(3):  # the second search builds a snapshot
            assert server.ask("recall", {"query": "heron"})["hits"][0]["text"] == TEXT

        assert run(["scrub", "heron of Quirrenbach"]) == 0

        hits = server.ask("recall", {"query": "Quirrenbach heron"})["hits"]
        assert "Quirrenbach" not in str(hits)
        [card] = alive_servers(memory.paths)
        assert card.forgot == memory.store.erasures.now().number

        os.kill(card.pid, signal.SIGSTOP)
        try:
            assert run(["scrub", "nests behind"]) == 1
        finally:
            os.kill(card.pid, signal.SIGCONT)
        told = capsys.readouterr().out
        assert f"NOT LOOKED AT: the memory of the server with process id {card.pid}" in told
