"""An inspection uses the store, names what is damaged, and mends what is derived."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import lancedb
import pytest
from tests.support.copies import copied, made_once
from tests.support.damage import (
    DAMAGES,
    Damaging,
    data_files,
    deletion_files,
    emptied,
    index_files,
    newest_manifest,
    removed,
    table_folder,
    truncated,
    with_one_flip,
)

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.errors import StoreFault
from iai_memory.maintenance.inspection import Inspection, inspect
from iai_memory.store.file_digests import LIST_NAME
from iai_memory.store.table import Store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two data files, one with rows that were replaced, and an index of words."""

    def fill(memory: Memory) -> None:
        found = memory.ingest([f"fact {number} of port {5000 + number}" for number in range(30)])
        memory.store.compact(keep=timedelta(0))
        memory.supersede(str(found.results[3].id), "fact 3 of port 6003")
        memory.forget([str(found.results[4].id)])

    return made_once(tmp_path_factory, fill)


@pytest.fixture
def memory(made: Path, words_only: Memory) -> Memory:
    """A copy of it."""
    copied(made, words_only.paths.root)
    return words_only


def opened(paths: StorePaths) -> Store | None:
    try:
        return Memory(paths.root, on_commit=lambda: None).store
    except StoreFault:
        return None


def inspected(memory: Memory, *, full: bool = True) -> Inspection:
    """The inspection by another process, which keeps nothing in memory."""
    return inspect(memory.paths, opened(memory.paths), full=full, chance=Random(1))


def told(found: Inspection, subject: str) -> str:
    return "\n".join(one.sentence for one in found.findings if one.subject == subject)


def change(memory: Memory, where: str, **values: str) -> None:
    """Changes rows as no code of ours does."""
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    table.update(where=where, values_sql=values)


def local(memory: Memory, path: Path) -> str:
    return str(path.relative_to(table_folder(memory.paths)))


@pytest.mark.parametrize("full", [False, True])
def test_a_store_that_is_whole_is_found_whole(memory: Memory, full: bool) -> None:
    found = inspected(memory, full=full)
    assert {one.state for one in found.findings} == {"ok"}
    assert [one.subject for one in found.findings] == ["files", "counts", "rows", "search", "space"]
    assert told(found, "rows") == "31 of 31 compared with their digests"
    assert (found.files, found.rows, found.mended) == ((), (), ())


class Place(NamedTuple):
    kind: str
    files: Callable[[StorePaths], list[Path]]


PLACES = [
    Place("manifest", lambda paths: [newest_manifest(paths)]),
    Place("data", data_files),
    Place("deletion", lambda paths: deletion_files(paths)[-1:]),
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.kind)
def test_a_damaged_file_is_named_with_the_command_that_helps(
    memory: Memory, place: Place, damage: Damaging
) -> None:
    for path in place.files(memory.paths):
        damage(path)
        found = inspected(memory)
        assert found.needs_repair
        assert local(memory, path) in {one.file for one in found.files if one.kind == place.kind}
        assert f"{local(memory, path)} " in told(found, "files")
        assert told(found, "files").endswith(": run `iai-mcp doctor --repair`")


@pytest.mark.parametrize("damage", [truncated, emptied, removed])
def test_what_changed_its_size_is_found_without_reading_it(
    memory: Memory, damage: Damaging
) -> None:
    path = data_files(memory.paths)[0]
    damage(path)
    assert local(memory, path) in told(inspected(memory, full=False), "files")


def test_one_flip_in_any_needed_file_is_named_or_mended_and_in_others_told(memory: Memory) -> None:
    whole = memory.paths.root.with_name("whole")
    shutil.copytree(memory.paths.root, whole)
    states: dict[str, set[str]] = {}
    for path in sorted(path for path in table_folder(memory.paths).rglob("*.*") if path.is_file()):
        if path.name == "latest_version_hint.json":
            continue
        with_one_flip(path, Random(7))
        found = inspected(memory)
        state = "named" if found.needs_repair else "mended" if found.mended else "told"
        states.setdefault(path.relative_to(table_folder(memory.paths)).parts[0], set()).add(state)
        assert {one.file for one in found.files} >= {local(memory, path)}
        shutil.rmtree(memory.paths.root)
        shutil.copytree(whole, memory.paths.root)
    assert states == {
        "_deletions": {"named", "told"},
        "_indices": {"mended"},
        "_transactions": {"told"},
        "_versions": {"named", "told"},
        "data": {"named"},
    }


def test_a_damaged_index_is_built_anew_by_the_inspection_that_says_so(memory: Memory) -> None:
    [path] = [path for path in index_files(memory.paths) if path.name == "part_0_docs.lance"]
    with_one_flip(path, Random(3))
    found = inspected(memory)
    assert found.mended == ("terms_idx",)
    assert not found.needs_repair
    assert "terms_idx was dropped, and is built anew" in told(found, "index")
    again = inspected(memory)
    assert again.mended == ()
    assert not again.needs_repair
    assert memory.recall("port 5007").hits[0].text == "fact 7 of port 5007"


def test_the_newest_version_that_is_gone_is_missed_even_without_a_hint(memory: Memory) -> None:
    path = newest_manifest(memory.paths)
    path.unlink()
    path.with_name("latest_version_hint.json").unlink()
    found = inspected(memory)
    assert [(one.file, one.what) for one in found.files] == [(local(memory, path), "is missing")]
    assert found.needs_repair


def test_files_of_old_versions_that_went_are_not_missed(memory: Memory) -> None:
    listed = memory.paths.database / LIST_NAME
    before = listed.read_bytes()
    memory.store.compact(keep=timedelta(0))
    after = listed.read_bytes()
    listed.write_bytes(before + after)  # as an earlier version leaves it, which keeps no list
    assert {one.state for one in inspected(memory).findings} == {"ok"}


def test_a_row_that_nobody_wrote_is_named_by_its_id(memory: Memory) -> None:
    [row] = memory.store.latest.ids_by_text(lambda text: text.startswith("fact 9 "))
    change(memory, f"id = '{row}'", project="'elsewhere'")
    found = inspected(memory)
    assert found.rows == (row,)
    assert told(found, "rows") == (
        f"1 row not what was written ({row}): run `iai-mcp doctor --repair`"
    )


def test_a_table_without_digests_whose_file_cannot_be_read_is_told_by_trying(
    memory: Memory,
) -> None:
    memory.paths.database.joinpath(LIST_NAME).unlink()
    path = data_files(memory.paths)[0]
    truncated(path)
    found = inspected(memory)
    assert local(memory, path) in told(found, "files")
    assert {one.file for one in found.files} == {local(memory, path)}


def test_a_store_that_does_not_know_its_counts_says_so_and_the_next_commit_mends_it(
    memory: Memory,
) -> None:
    store = opened(memory.paths)
    memory.paths.identity.unlink()
    found = inspect(memory.paths, store, full=True)
    assert [one.subject for one in found.findings if one.state == "warning"] == ["counts"]
    memory.ingest("one more")
    assert told(inspected(memory), "counts") == "32 rows, of 32 that were noted at the least"


def test_rows_that_stand_twice_are_found(memory: Memory) -> None:
    table = lancedb.connect(str(memory.paths.database)).open_table("memories")
    [row] = table.search().limit(1).to_arrow()["id"].to_pylist()
    table.add(table.search().where(f"id = '{row}'").to_arrow())
    assert f"1 id stored twice ({row})" in told(inspected(memory), "rows")


def test_odd_times_and_links_are_told_and_are_no_damage(memory: Memory) -> None:
    ids = memory.store.latest.ids()
    with memory.store.writing() as writer:
        rows = {row.record.id: row for row in writer.reader.rows(ids)}
        nowhere = "01970000-0000-7000-8000-000000000001"
        changed = rows[ids[0]].record.changed(writer.now(), superseded_by=nowhere)
        later = replace(rows[ids[1]].record, valid_to=rows[ids[1]].record.valid_from - timedelta(1))
        ahead = replace(
            rows[ids[2]].record,
            ingested_at=rows[ids[2]].record.ingested_at + timedelta(days=4_000),
        )
        writer.update(
            [
                replace(rows[ids[0]], record=changed),
                replace(rows[ids[1]], record=later),
                replace(rows[ids[2]], record=ahead),
            ],
            writer.now(),
        )
    found = inspected(memory)
    assert not found.needs_repair
    assert f"1 memory replaced by one that is not there ({ids[0]})" in told(found, "links")
    times = told(found, "times")
    assert f"1 memory true until before they were ({ids[1]})" in times
    assert f"1 memory of the future ({ids[2]})" in times


def test_a_disk_without_room_for_a_compaction_is_told(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(memory.paths.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    assert told(inspected(memory), "space").startswith("1 MB are free, and a compaction may take")


@pytest.mark.slow
def test_who_writes_and_compacts_meanwhile_is_not_accused(memory: Memory) -> None:
    stop = threading.Event()

    def write() -> None:
        for number in range(20):
            memory.ingest(f"meanwhile {number}")
            if number % 4 == 0:
                memory.store.compact(keep=timedelta(minutes=10))
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    store, found = opened(memory.paths), list[Inspection]()
    while not stop.is_set():
        found.append(inspect(memory.paths, store, full=True))
    writer.join()
    assert {one.files for one in found} == {()}
    assert not any(one.needs_repair for one in found)


@pytest.mark.parametrize("name", ["_transactions", "_deletions", f"../{LIST_NAME}"])
def test_a_fifo_within_the_table_is_named_and_holds_nobody_up(memory: Memory, name: str) -> None:
    place = table_folder(memory.paths) / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    found = inspect(memory.paths, memory.store, full=True)
    [told] = [one for one in found.findings if one.subject == "places"]
    assert told.state == "broken"
    assert str(place.name) in told.sentence
    try:
        memory.ingest("what is said beside a FIFO")
    except StoreFault as exc:
        assert str(exc)  # what LanceDB cannot write into is told
    if name != "_deletions":  # without its files no row can be read
        assert Memory(memory.paths.root).timeline().records
