"""Another table takes the place of the present one: whole, at once, and undone at will."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support.damage import data_files
from tests.support.kills import is_killed_in
from tests.support.records import record

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.embedding.identity import DIMENSION
from iai_memory.errors import InvalidInput, StoreBusy, StoreUnavailable
from iai_memory.store.exchange import (
    kept_tables,
    remove_kept_tables,
    settle_replacement,
    undo_replacement,
)
from iai_memory.store.read_lock import ReadLock
from iai_memory.store.replacement import Replaced, replacement
from iai_memory.store.vector_rows import Row


@pytest.fixture
def store(memory: Memory) -> Memory:
    """Four memories, of which one was forgotten, one replaced and one pinned."""
    memory.ingest([f"the port of service {number} is {5000 + number}" for number in range(4)])
    ids = memory.store.latest.ids()
    memory.forget([ids[0]])
    memory.pin(ids[1], add_tags=["kept"])
    memory.supersede(ids[2], "the port of service 2 is 7000")
    return memory


def rows_of(memory: Memory) -> list[Row]:
    return list(memory.store.latest.all_rows())


def texts(memory: Memory) -> set[str]:
    return {row.record.text for row in memory.store.latest.all_rows()}


def swapped(memory: Memory, rows: list[Row]) -> Replaced:
    with replacement(memory.paths, embedder=memory.embedder_key) as new:
        new.fill(rows)
        return new.swap()


def test_every_field_of_every_row_is_as_it_was(store: Memory) -> None:
    before = rows_of(store)
    done = swapped(store, before)
    assert [row.record for row in rows_of(Memory(store.paths.root))] == [
        row.record for row in before
    ]
    assert done.rows == len(before)
    assert done.kept is not None
    assert done.kept.name.startswith("lancedb.damaged-")


def test_vectors_are_as_they_were_and_those_that_cannot_be_used_are_pending(memory: Memory) -> None:
    unit = np.full(DIMENSION, DIMENSION**-0.5, np.float32)
    none = np.full(DIMENSION, np.nan, np.float32)
    key = memory.embedder_key
    ids = [f"019a0000-0000-7000-8000-00000000000{number}" for number in range(4)]
    given = [
        Row(record(ids[0], embedder=key), unit),
        Row(record(ids[1], embedder=key), none),
        Row(record(ids[2], embedder="another"), unit),
        Row(record(ids[3], embedder=key), None),
    ]
    swapped(memory, given)
    kept, *pending = rows_of(memory)
    assert kept.record.embedder == key
    assert kept.vector is not None
    assert kept.vector.tolist() == unit.tolist()
    assert [(row.record.embedder, row.vector) for row in pending] == [(None, None)] * 3


def test_who_has_the_old_table_open_answers_from_the_new_one_and_writes_into_it(
    store: Memory,
) -> None:
    other = Memory(store.paths.root)
    assert other.recall("port of service 3").hits
    stamp, version = other.store.stamp, other.store.version
    swapped(
        store, [replace_text(row, "the lighthouse is painted red") for row in rows_of(store)[-1:]]
    )
    assert [hit.text for hit in other.recall("lighthouse").hits] == [
        "the lighthouse is painted red"
    ]
    assert other.recall("port of service 3").hits == []
    assert other.store.stamp != stamp
    assert other.store.version > version
    other.ingest("the harbour is deep")
    assert texts(store) == {"the lighthouse is painted red", "the harbour is deep"}


def replace_text(row: Row, text: str) -> Row:
    return replace(row, record=replace(row.record, text=text))


def test_no_version_of_a_row_or_of_the_old_table_comes_again(store: Memory) -> None:
    row = rows_of(store)[0]
    done = swapped(store, [replace(row, record=replace(row.record, table_version=500))])
    assert done.version > 500
    assert swapped(store, rows_of(store)).version > done.version


def test_without_a_swap_nothing_is_changed_and_nothing_is_left(store: Memory) -> None:
    before = files_under(store.paths)
    with replacement(store.paths, embedder=store.embedder_key) as new:
        assert new.fill(rows_of(store)[:1]) == 1
    assert files_under(store.paths) == before


def files_under(paths: StorePaths) -> set[Path]:
    return {path for path in paths.root.rglob("*") if paths.locks not in path.parents}


def test_what_the_source_of_the_rows_raises_is_raised_and_changes_nothing(store: Memory) -> None:
    before = texts(store)

    def rows() -> Iterator[Row]:
        yield rows_of(store)[0]
        raise InvalidInput("the backup ends here")

    with (
        pytest.raises(InvalidInput, match="the backup ends here"),
        replacement(store.paths, embedder=store.embedder_key) as new,
    ):
        new.fill(rows())
    assert texts(store) == before
    assert not store.paths.new_database.exists()


def test_two_states_of_one_memory_are_refused(store: Memory) -> None:
    row = rows_of(store)[0]
    with (
        pytest.raises(InvalidInput, match="1 ids come twice"),
        replacement(store.paths, embedder=store.embedder_key) as new,
    ):
        new.fill([row, row])


def test_too_little_room_is_told_before_anything_is_written(store: Memory) -> None:
    with (
        pytest.raises(StoreUnavailable, match=r"MB free, and a new table takes up to .*make room"),
        replacement(store.paths, embedder=store.embedder_key, needs_bytes=1 << 60),
    ):
        pytest.fail("there is no such disk")
    assert not store.paths.new_database.exists()


def test_nothing_is_swapped_while_somebody_reads(
    store: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iai_memory.store.exchange._WAIT_FOR_READERS_SEC", 0.0)
    before = texts(store)
    rows = rows_of(store)[:1]
    reading = ReadLock(store.paths.lock("reading")).shared()
    with reading, pytest.raises(StoreBusy, match="somebody reads the store"):
        swapped(store, rows)
    assert texts(store) == before
    assert not store.paths.new_database.exists()


def test_a_store_without_a_table_gets_one_and_keeps_none(store: Memory) -> None:
    rows = rows_of(store)
    shutil.rmtree(store.paths.database)
    assert swapped(store, rows).kept is None
    assert len(rows_of(Memory(store.paths.root))) == len(rows)
    assert kept_tables(store.paths) == []


def test_what_was_made_of_the_old_table_goes_and_the_pages_are_behind(store: Memory) -> None:
    derived = [store.paths.root / name for name in ("topics.json", "sleep.json", "imported.json")]
    for path in derived:
        path.write_text("{}")
    swapped(store, rows_of(store))
    assert [path for path in derived if path.exists()] == []
    assert (store.paths.root / ".page-behind").read_bytes().startswith(b"now")


def test_a_swap_is_undone_byte_for_byte_and_so_is_that(store: Memory) -> None:
    before = data_of(store.paths)
    swapped(store, rows_of(store)[:1])
    [kept] = kept_tables(store.paths)
    undo_replacement(store.paths, kept)
    assert data_of(store.paths) == before
    assert len(rows_of(Memory(store.paths.root))) == 5
    undo_replacement(store.paths, kept_tables(store.paths)[0])
    assert len(rows_of(Memory(store.paths.root))) == 1


def data_of(paths: StorePaths) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in data_files(paths)}


def test_only_a_table_that_was_replaced_is_put_back(store: Memory, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no table that was replaced"):
        undo_replacement(store.paths, tmp_path)


def test_kept_tables_are_removed_by_name(store: Memory) -> None:
    swapped(store, rows_of(store))
    other = store.paths.root / "lancedb.damaged-by-hand"
    other.mkdir()
    assert (
        remove_kept_tables(store.paths)
        == [path.name for path in store.paths.root.glob("lancedb.damaged-2*")]
        or kept_tables(store.paths) == []
    )
    assert kept_tables(store.paths) == []
    assert other.exists()


# What a killed process leaves, as it lies on the disk.


def left_behind(memory: Memory, kept: bool, moved: bool) -> Path:
    """The folder as a swap leaves it that was killed after its note; returns the old table's."""
    paths, old = memory.paths, memory.paths.root / "lancedb.damaged-20260102T030405Z"
    shutil.copytree(paths.database, paths.new_database)
    if not kept:
        shutil.rmtree(paths.database)
    elif moved:
        paths.database.rename(old)
    paths.replacing.write_text(
        json.dumps({"source": "lancedb.new", "kept": old.name if kept else None})
    )
    return old


def test_a_swap_that_was_killed_half_way_is_finished_by_the_next_open(store: Memory) -> None:
    before = texts(store)
    old = left_behind(store, kept=True, moved=True)
    assert texts(Memory(store.paths.root)) == before
    assert kept_tables(store.paths) == [old]
    assert not store.paths.replacing.exists()


def test_a_swap_into_an_empty_place_is_finished(store: Memory) -> None:
    before = texts(store)
    left_behind(store, kept=False, moved=True)
    assert texts(Memory(store.paths.root)) == before


def test_a_server_with_the_table_open_finishes_it_too(store: Memory) -> None:
    before = texts(store)
    left_behind(store, kept=True, moved=True)
    assert texts(store) == before


def test_a_swap_that_was_killed_before_it_began_is_forgotten(store: Memory) -> None:
    left_behind(store, kept=True, moved=False)
    store.ingest("stored after the kill")
    assert "stored after the kill" in texts(Memory(store.paths.root))
    assert not store.paths.new_database.exists()
    assert not store.paths.replacing.exists()


def test_a_damaged_note_costs_nothing(store: Memory) -> None:
    before = texts(store)
    left_behind(store, kept=True, moved=True)
    store.paths.replacing.write_text("{")
    assert texts(Memory(store.paths.root)) == before


def test_a_table_that_was_never_finished_is_removed_by_the_next_open(store: Memory) -> None:
    before = texts(store)
    shutil.copytree(store.paths.database, store.paths.new_database)
    assert texts(Memory(store.paths.root)) == before
    assert not store.paths.new_database.exists()


def test_a_table_that_is_being_built_is_left_alone(store: Memory) -> None:
    with replacement(store.paths, embedder=store.embedder_key) as new:
        assert settle_replacement(store.paths) is False
        new.fill(rows_of(store))
        new.swap()


SWAP = """
from iai_memory.base.paths import StorePaths
from iai_memory.store.exchange import exchange

paths = StorePaths(root)
die_in(pathlib.Path, "rename", "replace", "unlink")
die_in(os, "fsync", "open")
exchange(paths, paths.new_database)
"""


@pytest.mark.slow
def test_a_kill_at_any_step_of_a_swap_loses_nothing(store: Memory) -> None:
    before = texts(store)
    step, killed = 1, True
    while killed:
        shutil.copytree(store.paths.database, store.paths.new_database)
        killed = is_killed_in(SWAP, store.paths.root, step)
        assert texts(Memory(store.paths.root)) == before
        assert not store.paths.replacing.exists()
        assert not store.paths.new_database.exists()
        step += 1
    assert step > 20
