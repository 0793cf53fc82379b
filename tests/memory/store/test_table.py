"""The table: what is acknowledged stays, processes see each other, other stores are refused."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import lancedb
import pytest

from iai_memory import Memory
from iai_memory.embedding.identity import IDENTITY
from iai_memory.errors import StoreMismatch, StoreUnavailable
from iai_memory.store.filter import Filter


def child(code: str, *args: str, **env: str) -> subprocess.Popen[str]:
    """A Python process of its own that runs `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "IAI_MCP_MODEL": "installed", **env},
    )


def test_the_folder_is_private_and_so_is_every_file_in_it(memory: Memory) -> None:
    memory.ingest("one")
    memory.session_start(refresh=True)
    memory.store.compact(keep=timedelta(0))
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in [memory.paths.root, *memory.paths.root.rglob("*")]
    }
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_another_process_sees_every_commit_at_once(memory: Memory) -> None:
    memory.ingest("mine")
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1], on_commit=lambda: None)
print(memory.store.statistics().total, flush=True)
sys.stdin.readline()
print(memory.store.statistics().total, flush=True)
memory.ingest("lighthouse")
print("stored", flush=True)
"""
    with child(code, str(memory.paths.root)) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "1\n"
        memory.ingest("mine again")
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "2\n"
        assert other.stdout.readline() == "stored\n"
        assert memory.store.statistics().total == 3
        assert {h.text for h in memory.recall("lighthouse").hits} == {"lighthouse"}


@pytest.mark.slow
def test_three_processes_that_store_the_same_turns_at_once_store_each_once(memory: Memory) -> None:
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1], on_commit=lambda: None)
memory.store
print("ready", flush=True)
sys.stdin.readline()
for turn in range(15):
    memory.ingest({"text": f"turn {turn}", "session_id": "s", "turn_id": str(turn)})
    print(turn, flush=True)
"""
    _ = memory.store
    others = [child(code, str(memory.paths.root)) for _ in range(3)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    for other in others:
        assert other.wait(timeout=100) == 0
        other.communicate()
    records = memory.store.latest.newest(Filter(), 1000)
    assert sorted(int(record.turn_id or -1) for record in records) == list(range(15))
    assert len({record.id for record in records}) == 15


@pytest.mark.slow
def test_every_write_that_was_acknowledged_survives_kill_9(memory: Memory) -> None:
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1], on_commit=lambda: None)
for number in range(10_000):
    print(memory.ingest(f"number {number} of {sys.argv[2]}").results[0].id, flush=True)
"""
    acknowledged: list[str] = []
    for round_number in range(3):
        with child(code, str(memory.paths.root), str(round_number)) as other:
            assert other.stdout is not None
            for _ in range(5 + 3 * round_number):
                acknowledged.append(other.stdout.readline().strip())
            other.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in other.stdout if line.endswith("\n")]
    found = {record.id for record in memory.store.latest.get(acknowledged)}
    assert found == set(acknowledged)
    assert memory.ingest("after").results[0].status == "pending"


def test_a_snapshot_keeps_answering_from_its_version(memory: Memory) -> None:
    memory.ingest("before")
    snapshot = memory.store.pinned_reader()
    memory.ingest("after")
    assert [record.text for record in snapshot.newest(Filter(), 10)] == ["before"]
    assert snapshot.version < memory.store.version


def test_a_table_of_another_schema_is_refused_with_the_command(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _make_table(root, schema_version="99", embedder=IDENTITY.key)
    with pytest.raises(StoreMismatch) as refused:
        Memory(root).ingest("x")
    assert str(refused.value) == (
        f"{root} has schema version 99, this iai-mcp reads 3: install the iai-mcp that wrote it, "
        f"or set IAI_MCP_STORE to another folder"
    )


def test_a_table_of_another_embedder_is_refused_with_the_command(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _make_table(root, schema_version="3", embedder="other-model/fp32")
    with pytest.raises(StoreMismatch) as refused:
        Memory(root).recall("x")
    assert str(refused.value) == (
        f"{root} holds vectors of other-model/fp32, the model here is "
        f"{IDENTITY.key}: run `iai-mcp model reembed`"
    )


def test_reembedding_makes_the_store_of_another_embedder_usable(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    root = tmp_path / "store"
    memory = Memory(root)
    memory.ingest(["a lighthouse in the fog", "a recipe for plum cake"])
    memory.store.set_embedder("other-model/fp32")
    with pytest.raises(StoreMismatch):
        Memory(root).recall("x")
    assert Memory(root).reembed() == 2
    found = Memory(root).recall("beacon at sea")
    assert (found.mode, found.hits[0].text) == ("dense", "a lighthouse in the fog")


def test_a_file_where_the_store_should_be_is_one_clear_error(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.write_text("not a folder")
    with pytest.raises(StoreUnavailable, match="cannot be used as a store folder"):
        Memory(root).ingest("x")


def test_a_full_disk_is_one_clear_error_and_loses_nothing(memory: Memory) -> None:
    memory.ingest("before")
    code = """
import resource, signal, sys
from iai_memory import Memory
from iai_memory.errors import StoreFault
memory = Memory(sys.argv[1])
memory.store.statistics()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    memory.ingest("during")
except StoreFault as fault:
    print(str(fault).count(chr(10)), "raise the limit of file sizes" in str(fault))
"""
    with child(code, str(memory.paths.root)) as other:
        out, _ = other.communicate(timeout=100)
    assert out == "0 True\n"
    assert [record.text for record in memory.store.latest.newest(Filter(), 10)] == ["before"]
    memory.ingest("after")


def _make_table(root: Path, *, schema_version: str, embedder: str) -> None:
    from iai_memory.store.schema import table_schema

    root.mkdir(mode=0o700)
    schema = table_schema(384, embedder=embedder, metadata={"iai.schema_version": schema_version})
    lancedb.connect(str(root / "lancedb")).create_table("memories", schema=schema)
