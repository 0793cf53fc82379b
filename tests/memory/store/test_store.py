"""The table: what is acknowledged stays, what is equal is one, and any value is only a value."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lancedb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iai_memory import Memory
from iai_memory.embedding.identity import IDENTITY
from iai_memory.errors import InvalidInput, StoreMismatch, StoreUnavailable, UnknownRecord
from iai_memory.store.filter import Filter
from iai_memory.store.record import Change, Record

NASTY = [
    "O'Reilly",
    "'; DROP TABLE memories; --",
    "') OR 1=1 --",
    'say "x"',
    "back\\slash'",
    "semi;colon",
    "null\x00byte",
    "new\nline",
    "emoji 🐙 and 東京",
    "%_*?",
    "timestamp '2020-01-01'",
    "${jndi}",
]


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: what is tested here is the table."""
    return words_only


def child(code: str, *args: str, **env: str) -> subprocess.Popen[str]:
    """A Python process of its own that runs `code`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "IAI_MCP_MODEL": "", **env},
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


@pytest.mark.parametrize("value", NASTY)
def test_any_text_is_only_a_value_in_every_filter(memory: Memory, value: str) -> None:
    kept = memory.ingest(
        {"text": "kept", "project": value, "session_id": value, "tags": [value]}
    ).results[0]
    memory.ingest({"text": "other", "project": "p", "session_id": "s", "tags": ["t"]})
    for where in (
        Filter(project=value),
        Filter(session_id=value),
        Filter(tags=(value,)),
        Filter(project=value, tags=(value,), session_id=value),
    ):
        assert [record.id for record in memory.store.latest.newest(where, 10)] == [kept.id]
    assert memory.store.latest.by_column("project", [value])[0].id == kept.id
    assert memory.store.statistics().total == 2


@settings(max_examples=60, deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_what_a_filter_names_is_what_it_finds(
    value: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    memory = _shared_memory(tmp_path_factory)
    if not value.strip():
        return
    stored = memory.ingest({"text": f"about {value!r}", "tags": [value]}).results[0]
    found = {record.id for record in memory.store.latest.newest(Filter(tags=(value,)), 100)}
    assert stored.id in found
    everything = memory.store.latest.newest(Filter(), 10_000)
    assert found == {record.id for record in everything if value in record.tags}


_shared: list[Memory] = []


def _shared_memory(factory: pytest.TempPathFactory) -> Memory:
    if not _shared:
        _shared.append(Memory(factory.mktemp("filters") / "store"))
    return _shared[0]


def test_the_same_text_at_the_same_time_is_stored_once(memory: Memory) -> None:
    dated = {"text": "said once", "created_at": "2026-05-08T10:00:00Z"}
    first = memory.ingest([dated, dated])
    assert [result.status for result in first.results] == ["pending", "duplicate"]
    assert memory.ingest(dated).results[0].id == first.results[0].id
    assert memory.store.statistics().total == 1


def test_what_was_forgotten_does_not_come_back_by_being_imported_again(memory: Memory) -> None:
    turn = {"text": "a secret plan", "session_id": "s", "turn_id": "t1", "role": "user"}
    stored = memory.ingest(turn).results[0]
    memory.forget([str(stored.id)])
    again = memory.ingest(turn).results[0]
    assert (again.status, again.id) == ("duplicate", stored.id)
    assert memory.store.statistics().live == 0


def test_a_note_can_become_true_again_after_it_was_superseded(memory: Memory) -> None:
    old = memory.ingest("the port is 1").results[0]
    new = memory.supersede(str(old.id), "the port is 2")
    assert memory.ingest("the port is 1").results[0].status == "pending"
    current = {r.text for r in memory.store.latest.newest(Filter(), 10)}
    assert current == {"the port is 1", "the port is 2"}
    with pytest.raises(InvalidInput, match=f"supersede {new.new_id} instead"):
        memory.supersede(str(old.id), "the port is 3")


def test_supersede_is_one_commit_that_links_both_ways(memory: Memory) -> None:
    old = memory.ingest({"text": "tea", "project": "p", "tags": ["drink"], "pinned": True})
    version = memory.store.version
    done = memory.supersede(str(old.results[0].id), "coffee")
    assert memory.store.version == version + 1
    before, after = memory.store.latest.get([done.old_id, done.new_id])
    assert (before.superseded_by, before.valid_to) == (after.id, after.valid_from)
    assert (after.project, after.tags, after.pinned) == ("p", ("drink",), True)
    assert before.text == "tea"


def test_forget_and_restore_bring_the_record_back_as_it_was(memory: Memory) -> None:
    stored = memory.ingest({"text": "keep me", "tags": ["a"], "pinned": True}).results[0]
    memory.forget([str(stored.id)])
    with pytest.raises(UnknownRecord, match="was forgotten: run `iai-mcp restore"):
        memory.record(str(stored.id))
    memory.restore([str(stored.id)])
    view = memory.record(str(stored.id))
    assert (view.text, view.tags, view.pinned, view.tombstoned_at) == ("keep me", ["a"], True, None)


def test_as_of_knows_what_was_held_and_true_at_each_moment(memory: Memory) -> None:
    stored = memory.ingest({"text": "port 1", "created_at": "2026-01-01"}).results[0]
    moments: list[datetime] = []

    def now() -> None:
        moments.append(datetime.now(UTC))

    now()
    new = memory.supersede(str(stored.id), "port 2").new_id
    now()
    memory.forget([new])
    now()
    memory.restore([new])
    now()

    def held(moment: datetime) -> list[str]:
        return [hit.text for hit in memory.recall("port", as_of=moment).hits]

    assert [held(moment) for moment in moments] == [["port 1"], ["port 2"], [], ["port 2"]]
    assert held(datetime(2025, 1, 1, tzinfo=UTC)) == []


def test_tags_and_pins_are_answered_as_they_were(memory: Memory) -> None:
    stored = memory.ingest({"text": "port 1", "tags": ["old"]}).results[0]
    before = datetime.now(UTC)
    memory.pin(str(stored.id), add_tags=["new"], remove_tags=["old"])
    then = memory.recall("port", as_of=before, tags=["old"]).hits
    assert [(hit.tags, hit.pinned) for hit in then] == [(["old"], False)]
    assert memory.recall("port", as_of=before, tags=["new"]).hits == []
    assert [hit.tags for hit in memory.recall("port").hits] == [["new"]]


def test_history_survives_the_way_through_the_table(memory: Memory) -> None:
    stored = memory.ingest({"text": "x", "tags": ["a", "ü'"]}).results[0]
    memory.pin(str(stored.id), add_tags=["b"])
    memory.forget([str(stored.id)])
    [record] = memory.store.latest.get([str(stored.id)])
    assert [(change.field, change.before) for change in record.history] == [
        ("pinned", False),
        ("tags", ("a", "ü'")),
        ("tombstoned_at", None),
    ]


def test_undoing_every_change_gives_the_first_state() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    record = Record("i", "t", "note", "cli", start, start, start, start, "k")
    changed = record
    for day, tag in enumerate("abc", 1):
        changed = changed.changed(start + timedelta(days=day), tags=(*changed.tags, tag))
    assert changed.as_of(start).tags == ()
    assert changed.as_of(start + timedelta(days=2)).tags == ("a", "b")
    assert changed.history[0] == Change(start + timedelta(days=1), "tags", ())


def test_another_process_sees_every_commit_at_once(memory: Memory) -> None:
    memory.ingest("mine")
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1])
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


def test_four_processes_that_store_the_same_turns_at_once_store_each_once(memory: Memory) -> None:
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1])
memory.store
print("ready", flush=True)
sys.stdin.readline()
for turn in range(20):
    memory.ingest({"text": f"turn {turn}", "session_id": "s", "turn_id": str(turn)})
    print(turn, flush=True)
"""
    _ = memory.store
    others = [child(code, str(memory.paths.root)) for _ in range(4)]
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
    assert sorted(int(record.turn_id or -1) for record in records) == list(range(20))
    assert len({record.id for record in records}) == 20


def test_every_write_that_was_acknowledged_survives_kill_9(memory: Memory) -> None:
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1])
for number in range(10_000):
    print(memory.ingest(f"number {number} of {sys.argv[2]}").results[0].id, flush=True)
"""
    acknowledged: list[str] = []
    for round_number in range(4):
        with child(code, str(memory.paths.root), str(round_number)) as other:
            assert other.stdout is not None
            for _ in range(5 + 3 * round_number):
                acknowledged.append(other.stdout.readline().strip())
            other.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in other.stdout if line.endswith("\n")]
    found = {record.id for record in memory.store.latest.get(acknowledged)}
    assert found == set(acknowledged)
    assert memory.ingest("after").results[0].status == "pending"


def test_ids_grow_with_insertion_whatever_the_dates_say(memory: Memory) -> None:
    for year in (2026, 2020, 2031, 1999):
        memory.ingest({"text": f"in {year}", "created_at": f"{year}-01-01"})
    by_arrival = memory.store.latest.newest(Filter(), 10, by="id")
    assert [r.text for r in by_arrival] == ["in 1999", "in 2031", "in 2020", "in 2026"]
    versions = [record.table_version for record in by_arrival]
    assert versions == sorted(versions, reverse=True)


def test_a_snapshot_keeps_answering_from_its_version(memory: Memory) -> None:
    memory.ingest("before")
    snapshot = memory.store.pinned_reader()
    memory.ingest("after")
    assert [record.text for record in snapshot.newest(Filter(), 10)] == ["before"]
    assert snapshot.version < memory.store.version


def test_compaction_runs_on_its_budget_and_keeps_files_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_COMMIT_BUDGET", "8")
    memory = Memory(tmp_path / "store")
    for number in range(40):
        memory.ingest(f"number {number}")
    assert memory.store.commits_since_compaction() < 8
    memory.store.compact(keep=timedelta(0))
    data = list((memory.paths.database / "memories.lance" / "data").iterdir())
    versions = list((memory.paths.database / "memories.lance" / "_versions").glob("*.manifest"))
    assert len(data) <= 2
    assert len(versions) <= 2
    assert memory.store.statistics().total == 40


def test_a_new_table_is_of_the_format_whose_columns_of_one_value_are_not_read_whole(
    memory: Memory,
) -> None:
    memory.ingest("before a compaction")
    memory.ingest("and after it")
    memory.store.compact(keep=timedelta(0))
    files = list((memory.paths.database / "memories.lance" / "data").iterdir())
    # The footer of a Lance file: major and minor version, then the magic bytes.
    assert {file.read_bytes()[-8:] for file in files} == {b"\x02\x00\x01\x00LANC"}


def test_a_larger_store_is_compacted_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_COMMIT_BUDGET", "4")
    monkeypatch.delenv("IAI_MCP_MODEL", raising=False)
    memory = Memory(tmp_path / "store")
    most = []
    for stored in (0, 300, 2_000):
        if stored:
            memory.ingest([f"stored {stored}, {number}" for number in range(stored)])
        memory.store.compact(keep=timedelta(0))
        since = []
        for number in range(20):
            memory.ingest(f"after {stored}, {number}")
            since.append(memory.store.commits_since_compaction())
        most.append(max(since))
    # One commit of the budget compacts, so it is never seen.
    assert most == [3, 6, 15]


def test_a_table_of_another_schema_is_refused_with_the_command(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _make_table(root, schema_version="99", embedder=IDENTITY.key)
    with pytest.raises(StoreMismatch) as refused:
        Memory(root).ingest("x")
    assert str(refused.value) == (
        f"{root} has schema version 99, this iai-mcp reads 2: install the iai-mcp that wrote it, "
        f"or set IAI_MCP_STORE to another folder"
    )


def test_a_table_of_another_embedder_is_refused_with_the_command(tmp_path: Path) -> None:
    root = tmp_path / "store"
    _make_table(root, schema_version="2", embedder="other-model/fp32")
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
    print(str(fault).count(chr(10)), "run `iai-mcp doctor`" in str(fault))
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


def test_records_are_plain_data_on_the_way_out(memory: Memory) -> None:
    memory.ingest({"text": "x", "created_at": "2026-05-08T10:00:00+02:00"})
    records: list[dict[str, Any]] = json.loads(memory.timeline().model_dump_json())["records"]
    assert records[0]["created_at"] == "2026-05-08T08:00:00Z"
