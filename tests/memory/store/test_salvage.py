"""What is read of a damaged table, whichever file is damaged, and what is said of the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from tests.support.copies import copied, made_once
from tests.support.damage import (
    DAMAGES,
    Damaging,
    data_files,
    deletion_files,
    newest_manifest,
    removed,
    scrambled,
    table_folder,
    truncated,
    with_one_flip,
)

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.store.record import Record
from iai_memory.store.salvage import Salvage

SMALL_FILES = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of four memories each; one of the first was forgotten, one of the second pinned.

    So a fourth and a fifth file hold their present states, and two files name the replaced rows.
    """

    def fill(memory: Memory) -> None:
        for batch in range(SMALL_FILES):
            memory.ingest([f"fact {batch}-{number} of port {5000 + number}" for number in range(4)])
        ids = memory.store.latest.ids()
        memory.forget([ids[1]])
        memory.pin(ids[6])

    return made_once(tmp_path_factory, fill)


@pytest.fixture
def store(made: Path, tmp_path: Path) -> StorePaths:
    """A copy of it."""
    return StorePaths(copied(made, tmp_path / "store"))


@pytest.fixture
def before(store: StorePaths) -> dict[str, Record]:
    """Every memory as it was before any damage, by id."""
    reader = Memory(store.root).store.latest
    return {record.id: record for record in reader.get(reader.ids())}


def salvaged(paths: StorePaths) -> tuple[dict[str, Record], Salvage]:
    """The memories that are read, by id, each once, and the account of it."""
    salvage = Salvage(paths)
    rows = list(salvage.rows())
    found = {row.record.id: row.record for row in rows}
    assert [row.record.id for row in rows] == sorted(found)
    return found, salvage


def named(salvage: Salvage) -> set[str]:
    return {loss.file for loss in salvage.losses}


def in_folder(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def test_of_a_sound_table_everything_is_read_and_nothing_is_said(
    store: StorePaths, before: dict[str, Record]
) -> None:
    found, salvage = salvaged(store)
    assert found == before
    assert (salvage.missing, salvage.losses, salvage.missing_ids) == (0, [], [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_manifest_is_named_and_costs_no_memory_and_no_change(
    store: StorePaths, before: dict[str, Record], damage: Damaging
) -> None:
    manifest = newest_manifest(store)
    damage(manifest)
    found, salvage = salvaged(store)
    assert found == before
    assert salvage.missing is None
    assert named(salvage) == {in_folder(manifest)}


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_the_only_manifest_is_damaged_the_data_files_are_read_without(
    store: StorePaths, before: dict[str, Record], damage: Damaging
) -> None:
    Memory(store.root).store.compact(keep=timedelta(0))
    damage(newest_manifest(store))
    found, salvage = salvaged(store)
    assert {id_: (one.text, one.tombstoned_at, one.pinned) for id_, one in found.items()} == {
        id_: (one.text, one.tombstoned_at, one.pinned) for id_, one in before.items()
    }
    assert salvage.missing is None
    assert len(salvage.losses) == 1


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", range(SMALL_FILES))
def test_a_damaged_data_file_costs_its_own_memories_which_are_counted(
    store: StorePaths, before: dict[str, Record], damage: Damaging, file: int
) -> None:
    path = data_files(store)[file]
    own = sorted(before)[4 * file : 4 * file + 4]
    elsewhere = {id_ for id_ in own if before[id_].pinned or before[id_].tombstoned_at is not None}
    damage(path)
    found, salvage = salvaged(store)
    lost = set(own) - elsewhere
    assert found == {id_: one for id_, one in before.items() if id_ not in lost}
    assert salvage.missing == len(lost)
    [loss] = salvage.losses
    assert (loss.file, loss.rows) == (in_folder(path), len(lost))


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_old_state_does_not_come_back_where_the_newer_one_is_lost(
    store: StorePaths, before: dict[str, Record], damage: Damaging
) -> None:
    [forgotten] = [id_ for id_, one in before.items() if one.tombstoned_at is not None]
    path = data_files(store)[SMALL_FILES]
    damage(path)
    found, salvage = salvaged(store)
    assert found == {id_: one for id_, one in before.items() if id_ != forgotten}
    assert (salvage.missing, salvage.missing_ids) == (1, [forgotten])


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", [0, 1])
def test_a_damaged_file_of_replaced_rows_is_named_and_costs_nothing(
    store: StorePaths, before: dict[str, Record], damage: Damaging, file: int
) -> None:
    path = deletion_files(store)[file]
    damage(path)
    found, salvage = salvaged(store)
    assert found == before
    assert salvage.missing == 0
    assert [loss.file for loss in salvage.losses] == [f"_deletions/{path.stem}"]


def test_a_file_of_replaced_rows_that_names_other_rows_hides_none(
    store: StorePaths, before: dict[str, Record]
) -> None:
    first, second = deletion_files(store)
    shutil.copyfile(second, first)  # a file of the same kind and size, which names another row
    found, _ = salvaged(store)
    assert found == before


def test_all_manifests_may_be_gone(store: StorePaths, before: dict[str, Record]) -> None:
    for path in (table_folder(store) / "_versions").iterdir():
        path.unlink()
    found, salvage = salvaged(store)
    assert found == before
    assert salvage.missing is None


def test_a_newest_version_that_is_gone_is_known_by_the_note_of_it(
    store: StorePaths, before: dict[str, Record]
) -> None:
    manifest = newest_manifest(store)
    manifest.unlink()
    found, salvage = salvaged(store)
    assert found == before
    assert [str(loss) for loss in salvage.losses] == [f"_versions/{manifest.name} is missing"]


def test_several_damaged_files_are_all_named(store: StorePaths, before: dict[str, Record]) -> None:
    first, _, third, *_ = data_files(store)
    truncated(first)
    removed(third)
    scrambled(deletion_files(store)[1])
    found, salvage = salvaged(store)
    kept = sorted(before)[4:8]
    assert found.keys() >= set(kept)
    assert salvage.missing == len(before) - len(found)
    assert {in_folder(first), in_folder(third)} < named(salvage)
    assert len(salvage.losses) == 3


def test_what_a_killed_write_left_half_written_is_no_damage(
    store: StorePaths, before: dict[str, Record]
) -> None:
    (table_folder(store) / "data" / "0101.lance").write_bytes(b"half of a file")
    found, salvage = salvaged(store)
    assert (found, salvage.losses, salvage.missing) == (before, [], 0)


def test_of_a_file_that_is_damaged_within_the_other_rows_are_read(memory: Memory) -> None:
    chance = Random(5)
    texts = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ", k=chance.randint(100, 900)))
        for _ in range(600)
    ]
    memory.ingest(texts)
    before = memory.store.latest.ids()
    [path] = data_files(memory.paths)
    content = bytearray(path.read_bytes())
    at = len(content) // 5  # among the texts, which take most of it
    content[at : at + 2000] = (byte * 7 + 13 & 0xFF for byte in content[at : at + 2000])
    path.write_bytes(content)
    found, salvage = salvaged(memory.paths)
    assert len(before) / 2 < len(found) < len(before)
    assert salvage.missing == len(before) - len(found)
    assert set(salvage.missing_ids) == set(before) - found.keys()
    assert sum(loss.rows or 0 for loss in salvage.losses) == salvage.missing


def test_vectors_come_along(open_memory: Callable[[str], Memory]) -> None:
    embedded = open_memory("embedded")
    embedded.ingest(["the port is 1", "tea is drunk hot"])
    [first, second] = embedded.store.latest.all_rows()
    removed(newest_manifest(embedded.paths))
    rows = list(Salvage(embedded.paths).rows())
    for row, known in zip(rows, (first, second), strict=True):
        assert row.record == known.record
        assert row.vector is not None
        assert known.vector is not None
        assert (row.vector == known.vector).all()


@pytest.mark.parametrize("seed", range(12))
def test_no_single_bit_makes_the_rest_unreadable(
    store: StorePaths, before: dict[str, Record], seed: int
) -> None:
    chance = Random(seed)
    files = sorted(path for path in table_folder(store).rglob("*") if path.is_file())
    with_one_flip(chance.choice(files), chance)
    found, salvage = salvaged(store)
    assert len(found) >= len(before) - 4
    assert found.keys() | set(salvage.missing_ids) == before.keys() or salvage.losses


def test_nothing_in_the_store_is_changed(store: StorePaths) -> None:
    truncated(data_files(store)[0])
    content = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    list(Salvage(store).rows())
    after = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    assert after == content


@pytest.mark.slow
def test_a_column_that_cannot_be_read_does_not_cost_the_memories(
    store: StorePaths, before: dict[str, Record]
) -> None:
    path = data_files(store)[0]
    content = path.read_bytes()
    lost = 0
    for at in range(0, len(content), len(content) // 20):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        salvage = Salvage(store, and_older=True)
        found = {row.record.id: row.record for row in salvage.rows()}
        named = {*salvage.changed, *salvage.doubtful, *salvage.older, *salvage.missing_ids}
        assert {id_ for id_, one in found.items() if one.text != before[id_].text} <= named
        lost += len(before.keys() - found.keys())
    # Of twenty places a few belong to the text itself, or to what every column needs.
    assert lost <= 2 * len(before)
