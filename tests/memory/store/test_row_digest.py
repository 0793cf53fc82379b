"""Each row has a digest of all its fields, whoever wrote it, and a reader knows what damage is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from lancedb.table import LanceTable
from tests.support.damage import data_files, removed
from tests.support.kills import open_until_killed
from tests.support.modes import bound_by_modes, read_only

from iai_memory import Memory
from iai_memory.embedding.passages import Passages
from iai_memory.maintenance import sleep
from iai_memory.store.migrations import schema_version
from iai_memory.store.record import Record
from iai_memory.store.row_digest import Verified, verify
from iai_memory.store.salvage import Salvage
from iai_memory.store.schema import DIGEST_COLUMN
from iai_memory.store.vector_rows import Row, StoredTokens, Vector, to_arrow

AT = datetime(2026, 5, 8, 10, 0, 0, 123_456, tzinfo=UTC)
A_MICROSECOND_LATER = "TIMESTAMP '2026-05-08T10:00:00.123457'"
EVERYTHING_SET = {
    "host": "claude-code",
    "session_id": "s",
    "turn_id": "t",
    "project": "harbour",
    "cwd": "/home/sam/harbour",
    "valid_to": AT,
    "superseded_by": "01970000-0000-7000-8000-000000000001",
    "pinned": True,
    "tags": ("sea", "wind"),
    "derived_from": ("01970000-0000-7000-8000-000000000002",),
    "trust": 0.7,
    "embedder": "a model",
}


def row(text: str, seed: int, *, passages: int = 0, **fields: object) -> Row:
    chance = np.random.default_rng(seed)
    spans = tuple((10 * n, 10 * n + 9) for n in range(passages))
    parts = chance.normal(size=(passages, 384)).astype(np.float32)
    record = Record("", text, "user", "cli", AT, AT, AT, AT, f"{seed:064x}", **fields)  # type: ignore[arg-type]
    vector = chance.normal(size=384).astype(np.float32) if fields.get("embedder") else None
    if not passages:
        return Row(record, vector)
    return Row(record, vector, Passages(parts, spans), StoredTokens("AAAA", "a model/tokens-1"))


def table_of(root: Path) -> LanceTable:
    table = lancedb.connect(
        str(root / "lancedb"), read_consistency_interval=timedelta(0)
    ).open_table("memories")
    assert isinstance(table, LanceTable)
    return table


def whole_rows(table: LanceTable) -> pa.Table:
    return table.search().limit(None).to_arrow().sort_by("id")


def verified(memory: Memory) -> Verified:
    return verify(whole_rows(table_of(memory.paths.root)))


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """Rows with everything, with nothing, with passages and of many bytes."""
    with words_only.store.writing() as writer:
        writer.insert(
            [
                row("all of it: 日本, ü, \0 and \u202e", 1, passages=3, **EVERYTHING_SET),
                row("nothing", 2),
                row("long " * 30_000, 3, passages=40, embedder="a model"),
                row("a vector", 4, embedder="a model"),
            ]
        )
    return words_only


def test_whoever_writes_a_row_gives_it_its_digest_and_a_compaction_keeps_it(
    memory: Memory, tmp_path: Path
) -> None:
    assert verified(memory) == Verified([], 0)
    first, second = memory.ingest(["the ferry leaves at nine", "the gulls sleep"]).results
    memory.supersede(str(first.id), "the ferry leaves at ten")
    memory.pin(str(second.id), pinned=True)
    memory.forget([str(second.id)])
    assert verified(memory) == Verified([], 0)
    memory.store.compact(keep=timedelta(0))
    assert verified(memory) == Verified([], 0)
    other = Memory(tmp_path / "other", on_commit=lambda: None)
    assert sum(batch.stored for batch in other.import_lines(memory.export_lines(vectors=True))) == 7
    assert verified(other) == Verified([], 0)
    assert whole_rows(table_of(other.paths.root))[DIGEST_COLUMN].null_count == 0


def test_a_change_of_any_column_that_nobody_wrote_is_found(memory: Memory) -> None:
    rows = whole_rows(table_of(memory.paths.root)).slice(0, 2)
    other: dict[str, Sequence[int]] = {}
    for name in rows.schema.names:
        # The row without anything gets what the other one has, and the other way round.
        swapped = rows.set_column(
            rows.schema.get_field_index(name), rows.schema.field(name), rows[name].take([1, 0])
        )
        if swapped[name] != rows[name]:
            other[name] = verify(swapped).damaged
    assert all(damaged == [0, 1] for damaged in other.values())
    same = set(rows.schema.names) - other.keys()
    assert same == {
        *("role", "origin", "created_at", "ingested_at", "updated_at", "valid_from"),
        *("tombstoned_at", "folded_into", "entities", "history", "table_version"),
        *("arrival", "arrived_at", "changed_files"),
    }


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("role", "'note'"), ("origin", "'hook'"), ("folded_into", "'x'"), ("history", "'[]'")),
        *(
            (name, "TIMESTAMP '2026-05-08T10:00:00.123457'")
            for name in ("created_at", "ingested_at")
        ),
        *(
            (name, "TIMESTAMP '2026-05-08T10:00:00.123457'")
            for name in ("updated_at", "valid_from")
        ),
        ("tombstoned_at", "TIMESTAMP '2026-05-08T10:00:00.123457'"),
        ("table_version", "table_version + 1"),
        ("entities", "['x']"),
    ],
)
def test_a_row_is_known_as_damaged_by_its_id(memory: Memory, column: str, value: str) -> None:
    table = table_of(memory.paths.root)
    rows = whole_rows(table)
    table.update(where=f"id = '{rows['id'][3]}'", values_sql={column: value})
    assert verified(memory) == Verified([3], 0)


def test_one_bit_of_a_vector_or_of_a_passage_is_found(memory: Memory) -> None:
    schema = table_of(memory.paths.root).schema
    whole = row("words", 1, passages=2, **EVERYTHING_SET)
    assert whole.vector is not None
    assert whole.passages is not None
    written = to_arrow([whole], schema)
    other = replace(whole, vector=_with_another_bit(whole.vector))
    parts = replace(whole.passages, vectors=_with_another_bit(whole.passages.vectors, 1 << 13))
    for changed in (other, replace(whole, passages=parts)):
        read = to_arrow([changed], schema)
        at = read.schema.get_field_index(DIGEST_COLUMN)
        assert verify(read.set_column(at, DIGEST_COLUMN, written[DIGEST_COLUMN])).damaged == [0]


def _with_another_bit(vectors: Vector, bit: int = 1) -> Vector:
    bits = vectors.copy()
    bits.view(np.uint32).flat[5] ^= bit  # 13 bits of a float32 are lost in a float16
    return bits


def test_a_store_without_digests_is_read_and_gets_them_in_sleeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.setattr(sleep, "_ROWS_PER_COMMIT", 4)
    memory = store_without_digests(tmp_path / "store", rows=10)
    before = whole_rows(table_of(memory.paths.root))
    memory.ingest("one more")
    assert verified(memory) == Verified([], 10)
    answers = iter([False, False, True])
    assert memory.sleep(interrupted=lambda: next(answers)).interrupted
    assert verified(memory) == Verified([], 2)
    assert "compact" in memory.sleep().done
    assert verified(memory) == Verified([], 0)
    after = whole_rows(table_of(memory.paths.root)).slice(0, 10)
    assert after.drop([DIGEST_COLUMN]) == before.drop([DIGEST_COLUMN])


@pytest.mark.slow
def test_the_column_is_one_commit_without_data_and_a_killed_upgrade_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = store_without_digests(tmp_path / "store", rows=10, opened=False)
    version, files = table_of(memory.paths.root).version, data_files(memory.paths)
    open_until_killed(memory.paths.root, "store.connection.add_columns", 1)
    assert table_of(memory.paths.root).version == version
    assert memory.store.version == version + 1
    assert data_files(memory.paths) == files
    assert schema_version(table_of(memory.paths.root)) == "3"


def test_a_store_without_digests_that_cannot_be_written_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = store_without_digests(tmp_path / "store", rows=3, opened=False)
    with read_only(memory.paths.database):
        done = subprocess.run(
            [*bound_by_modes(), sys.executable, "-c", READ, str(memory.paths.root)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == "3\n"
    assert DIGEST_COLUMN not in table_of(memory.paths.root).schema.names


READ = """
import sys
from iai_memory import Memory
print(len(Memory(sys.argv[1]).recall("ferry").hits))
"""


def store_without_digests(root: Path, *, rows: int, opened: bool = True) -> Memory:
    """A store as version 3 of the schema left it before it had digests."""
    memory = Memory(root, on_commit=lambda: None)
    memory.ingest([f"the ferry has {number} seats" for number in range(rows)])
    memory.store.compact(keep=timedelta(0))
    table_of(root).drop_columns([DIGEST_COLUMN])
    memory = Memory(root, on_commit=lambda: None)
    if opened:
        assert memory.store.statistics().total == rows
    return memory


def test_vectors_that_an_earlier_version_dropped_are_no_damage(memory: Memory) -> None:
    table = table_of(memory.paths.root)
    dropped = ("vector", "passages", "passage_spans", "embedder")
    table.update(
        where="vector IS NOT NULL",
        values_sql={**dict.fromkeys(dropped, "NULL"), "table_version": str(table.version + 1)},
    )
    assert verified(memory) == Verified([], 3)


def test_vectors_that_are_dropped_take_their_digests_with_them(memory: Memory) -> None:
    with memory.store.writing() as writer:
        writer.drop_vectors()
    assert verified(memory) == Verified([], 3)
    memory.sleep(force=True)
    assert verified(memory) == Verified([], 0)


def test_what_got_its_digest_is_salvaged_beside_a_file_that_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    memory = store_without_digests(tmp_path / "store", rows=10)
    lost = memory.ingest("this file will be gone").results[0].id
    file = data_files(memory.paths)[-1]
    memory.store.give_digests(8)  # these stand twice now, with the same version
    removed(file)
    salvage = Salvage(memory.paths)
    found = [one.record.id for one in salvage.rows()]
    assert len(found) == 10
    assert (salvage.missing, salvage.missing_ids) == (1, [])
    assert lost not in found
