"""A store of the first schema version becomes one of today's by being opened, whatever happens."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from lancedb.index import FTS
from lancedb.table import LanceTable
from tests.support.kills import open_until_killed

from iai_memory import Memory
from iai_memory.embedding.identity import IDENTITY
from iai_memory.errors import StoreMismatch
from iai_memory.store.filter import Filter

EMBEDDER = IDENTITY.key
START = datetime(2026, 5, 8, 10, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")
ROWS = 1_250  # more than one batch
HISTORY = '[{"at":"2026-05-09T10:00:00Z","field":"tags","before":["old"]}]'


def schema_of_version_1() -> pa.Schema:
    """The columns as the first release documented them."""
    vector = pa.field("vector", pa.list_(pa.float32(), 384))
    required = {"nullable": False}
    return pa.schema(
        [
            pa.field("id", pa.string(), **required),
            pa.field("text", pa.string(), **required),
            vector.with_metadata({"iai.embedder": EMBEDDER}),
            pa.field("role", pa.string(), **required),
            pa.field("origin", pa.string(), **required),
            *(pa.field(name, pa.string()) for name in ("host", "session_id", "turn_id")),
            *(pa.field(name, pa.string()) for name in ("project", "cwd")),
            *(pa.field(name, TIME, **required) for name in ("created_at", "ingested_at")),
            *(pa.field(name, TIME, **required) for name in ("updated_at", "valid_from")),
            pa.field("valid_to", TIME),
            pa.field("superseded_by", pa.string()),
            pa.field("tombstoned_at", TIME),
            pa.field("pinned", pa.bool_(), **required),
            pa.field("tags", pa.list_(pa.string()), **required),
            pa.field("entities", pa.list_(pa.string()), **required),
            pa.field("idem", pa.string(), **required),
            pa.field("embedder", pa.string()),
            pa.field("history", pa.string()),
            pa.field("table_version", pa.int64(), **required),
        ],
        metadata={"iai.schema_version": "1"},
    )


def row_of_version_1(number: int) -> dict[str, Any]:
    """A row; every seventh is pending, every eleventh was forgotten."""
    vector = np.zeros(384, np.float32)
    vector[number % 384] = 1.0
    pending = number % 7 == 0
    at = START + timedelta(seconds=number)
    return {
        "id": f"01970000-0000-7000-8000-{number:012d}",
        "text": f"the lighthouse keeper number {number} wrote a letter",
        "vector": None if pending else vector,
        "role": "user",
        "origin": "hook",
        "host": "claude",
        "session_id": f"s{number // 10}",
        "turn_id": str(number),
        "project": "harbour",
        "cwd": None,
        "created_at": at,
        "ingested_at": at,
        "updated_at": at,
        "valid_from": at,
        "valid_to": None,
        "superseded_by": None,
        "tombstoned_at": at if number % 11 == 0 else None,
        "pinned": number % 13 == 0,
        "tags": ["sea", "new"],
        "entities": [],
        "idem": f"idem{number}",
        "embedder": None if pending else EMBEDDER,
        "history": HISTORY if number % 3 == 0 else None,
        "table_version": 3,
    }


def table_of_version_1(root: Path, rows: int = ROWS) -> LanceTable:
    """A store as the first release left it: its rows, its primary key, its text index."""
    root.mkdir(mode=0o700)
    database = lancedb.connect(str(root / "lancedb"), read_consistency_interval=timedelta(0))
    schema = schema_of_version_1()
    table = database.create_table("memories", schema=schema)
    assert isinstance(table, LanceTable)
    table.set_unenforced_primary_key("id")
    data = pa.Table.from_pylist([row_of_version_1(number) for number in range(rows)], schema)
    table.add(data)
    table.create_index(
        "text", config=FTS(with_position=True, base_tokenizer="icu/split"), name="text_idx"
    )
    return table


def everything_in(root: Path) -> list[dict[str, Any]]:
    """Every row of the table as it lies there, oldest first."""
    table = lancedb.connect(str(root / "lancedb")).open_table("memories")
    rows: list[dict[str, Any]] = table.search().limit(None).to_arrow().to_pylist()
    return sorted(rows, key=lambda row: str(row["id"]))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the store lies; no model, as no vector is to be made here."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return tmp_path / "store"


def test_opening_an_old_store_upgrades_it_and_keeps_every_value(root: Path) -> None:
    old = table_of_version_1(root)
    before, version = everything_in(root), old.version
    memory = Memory(root)
    assert memory.store.version > version
    after = everything_in(root)
    assert [{name: row[name] for name in before[0]} for row in after] == before
    assert {(tuple(row["derived_from"]), row["trust"]) for row in after} == {((), 1.0)}
    found = memory.recall("keepers who write letters", limit=1).hits
    assert found[0].text.startswith("the lighthouse keeper number")


def test_an_upgraded_store_is_written_and_compacted_like_any_other(root: Path) -> None:
    table_of_version_1(root, rows=20)
    memory = Memory(root)
    stored = memory.ingest("a windmill on the dike").results[0]
    assert stored.id is not None
    assert stored.id > everything_in(root)[-2]["id"]
    known = memory.ingest({"text": "x", "turn_id": "1", "session_id": "s"})
    memory.store.compact(keep=timedelta(0))
    assert [hit.id for hit in memory.recall("windmills").hits] == [stored.id]
    assert known.stored == 1
    assert Memory(root).store.statistics().total == 22


def test_texts_of_an_old_store_get_their_passages_from_the_next_embedding(
    root: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    table = table_of_version_1(root, rows=0)
    said = ["The ferry was late again today. The gulls slept on the pier.", "It rained in Brest."]
    rows = [{**row_of_version_1(n + 1), "text": text} for n, text in enumerate(said)]
    table.add(pa.Table.from_pylist(rows, table.schema))
    memory = Memory(root)
    assert memory.encoder is not None
    assert memory.status().pending == 1
    looked_for = np.zeros(384, np.float32)
    looked_for[1] = 1.0
    found = memory.store.latest.nearest(looked_for, Filter(), 1, nprobes=50)
    assert found == {rows[0]["id"]: 1.0}
    assert memory.embed_pending() == 1
    assert memory.status().pending == 0
    stored = {one.record.id: one for one in memory.store.latest.rows([row["id"] for row in rows])}
    passages = stored[rows[0]["id"]].passages
    assert passages is not None
    assert [said[0][start:end] for start, end in passages.spans] == [
        "The ferry was late again today.",
        "The gulls slept on the pier.",
    ]
    assert stored[rows[1]["id"]].passages is None


def test_what_an_old_store_held_at_a_past_moment_is_still_known(root: Path) -> None:
    table_of_version_1(root, rows=7)
    [record] = Memory(root).store.latest.get([row_of_version_1(3)["id"]])
    assert record.tags == ("sea", "new")
    assert record.as_of(START + timedelta(hours=1)).tags == ("old",)


def test_an_old_store_of_another_embedder_is_upgraded_by_reembedding(
    root: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    table = table_of_version_1(root, rows=5)
    table.update_field_metadata({"path": "vector", "metadata": {"iai.embedder": "other"}})
    with pytest.raises(StoreMismatch, match="run `iai-mcp model reembed`"):
        Memory(root).recall("x")
    assert Memory(root).reembed() == 4
    assert Memory(root).store.statistics().pending == 0


def test_a_creation_killed_before_its_index_is_finished_by_the_next_open(root: Path) -> None:
    open_until_killed(root, "store.connection.create_text_index", 1)
    memory = Memory(root)
    stored = memory.ingest("a windmill on the dike").results[0]
    memory.pin(str(stored.id), pinned=True)
    assert [hit.id for hit in memory.recall("windmills").hits] == [stored.id]


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("store.connection.migrate", 1),
        ("store.migrations.document_terms", 1),
        pytest.param("store.migrations.document_terms", 1_100, marks=pytest.mark.slow),
        pytest.param("store.connection.create_size_indexes", 1, marks=pytest.mark.slow),
        ("store.connection.create_text_index", 1),
    ],
)
def test_an_upgrade_killed_at_any_step_is_finished_by_the_next_open(
    root: Path, step: str, times: int
) -> None:
    table_of_version_1(root)
    before = everything_in(root)
    open_until_killed(root, step, times)
    left = everything_in(root)
    assert [{name: row[name] for name in before[0]} for row in left] == before
    memory = Memory(root)
    assert memory.recall("keeper 1249", limit=1).hits[0].text.split()[4] == "1249"
    after = everything_in(root)
    assert [{name: row[name] for name in before[0]} for row in after] == before


@pytest.mark.slow
def test_processes_that_open_an_old_store_at_once_upgrade_it_once(root: Path) -> None:
    old = table_of_version_1(root)
    code = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1])
sys.stdin.readline()
print(memory.ingest(f"from process {sys.argv[2]}").stored, memory.store.statistics().total >= 1251)
"""
    others = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(root), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "IAI_MCP_MODEL": "installed"},
        )
        for number in range(3)
    ]
    told = [other.communicate("\n", timeout=100)[0] for other in others]
    assert told == ["1 True\n"] * 3
    assert Memory(root).store.statistics().total == ROWS + 3
    # One rewrite, its index, three commits; another rewrite would be two more.
    assert old.version < 4 + 2 + 3 + 2


def test_a_server_of_the_old_version_writes_nothing_into_an_upgraded_store(root: Path) -> None:
    served_by_the_old_version = table_of_version_1(root, rows=3)
    before = everything_in(root)
    _ = Memory(root).store
    row = {**row_of_version_1(9), "vector": None}
    with pytest.raises(RuntimeError, match="non-nullable"):
        served_by_the_old_version.add(
            pa.Table.from_pylist([row], schema=served_by_the_old_version.schema)
        )
    assert Memory(root).store.latest.newest(Filter(include_tombstoned=True), 10, by="id")[
        0
    ].id == str(before[-1]["id"])
