"""Each file of the table is known by its digest, from the commit that wrote it until it goes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from tests.support.damage import DAMAGES, Damaging, data_files, table_folder, with_one_flip

from iai_memory import Memory
from iai_memory.store.file_digests import LIST_NAME, FileDigests, fault_of, files_of


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """Some commits, a compaction, and commits that delete and append."""
    found = words_only.ingest([f"fact {number} of port {5000 + number}" for number in range(20)])
    words_only.store.compact(keep=timedelta(0))
    words_only.forget([str(found.results[3].id)])
    words_only.ingest("one more fact")
    return words_only


def digests(memory: Memory) -> FileDigests:
    return FileDigests(memory.paths.database, table_folder(memory.paths))


def faults(memory: Memory) -> dict[str, str]:
    """What is wrong with files, by their name."""
    folder = table_folder(memory.paths)
    found = {
        name: fault_of(folder / name, one, whole=True)
        for name, one in digests(memory).known().items()
    }
    return {name: what for name, what in found.items() if what is not None}


def test_every_file_of_every_kind_has_its_digest_after_each_commit(memory: Memory) -> None:
    files = files_of(table_folder(memory.paths))
    assert {name.split("/")[0] for name in files} == {
        *("data", "_deletions", "_indices", "_transactions", "_versions")
    }
    assert digests(memory).known().keys() == set(files)
    assert faults(memory) == {}
    memory.store.compact(keep=timedelta(0))
    assert digests(memory).known().keys() == set(files_of(table_folder(memory.paths)))


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_to_any_file_is_told_with_its_name(memory: Memory, damage: Damaging) -> None:
    for name in files_of(table_folder(memory.paths)):
        damage(table_folder(memory.paths) / name)
    assert faults(memory).keys() == digests(memory).known().keys()


def test_one_bit_is_told_and_so_are_files_that_changed_places(memory: Memory) -> None:
    first, second, *_ = data_files(memory.paths)
    first.rename(first.with_name("other"))
    second.rename(first)
    first.with_name("other").rename(second)
    assert faults(memory).keys() == {f"data/{first.name}", f"data/{second.name}"}
    [index] = {path for path in table_folder(memory.paths).rglob("part_0_invert.lance")}
    with_one_flip(index, Random(1))
    assert faults(memory)[str(index.relative_to(table_folder(memory.paths)))] == (
        "is not what was written"
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_list_accuses_nobody_and_the_next_process_makes_what_it_lacks(
    memory: Memory, damage: Damaging
) -> None:
    listed = memory.paths.database / LIST_NAME
    damage(listed)
    assert faults(memory) == {}
    if listed.is_dir():
        listed.rmdir()
    Memory(memory.paths.root, on_commit=lambda: None).ingest("another fact")
    assert digests(memory).known().keys() == set(files_of(table_folder(memory.paths)))


def test_two_processes_keep_one_list(memory: Memory, tmp_path: Path) -> None:
    other = Memory(memory.paths.root, on_commit=lambda: None)
    for number in range(3):
        memory.ingest(f"fact {number} of the one")
        other.ingest(f"fact {number} of the other")
    files = files_of(table_folder(memory.paths))
    lines = (memory.paths.database / LIST_NAME).read_text().split("\n")
    assert len([line for line in lines if line]) == len(files)
    assert digests(memory).known().keys() == set(files)
    assert faults(memory) == {}


def test_a_list_that_cannot_be_written_stops_no_commit(
    memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    listed = memory.paths.database / LIST_NAME
    listed.unlink()
    listed.mkdir()
    stored = memory.ingest("a fact without digests").results[0]
    assert memory.record(str(stored.id)).text == "a fact without digests"
    assert "cannot be written" in caplog.text
