"""A backup becomes a store again, whatever else is lost, and brings back nothing that was to go."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.backups import backed_up_in, backups, nobody, segment_files, take
from tests.support.damage import data_files, emptied, newest_manifest, removed, truncated

from iai_memory import Memory, load_settings
from iai_memory.backup.restoring import RestoredBackup
from iai_memory.errors import BackupFault, InvalidInput
from iai_memory.store.record import Record

TEXTS = ("the queen is blue", "hive two swarmed", "sugar feeds bees", "varroa mites fall")


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """Four memories, with a backup of them in a folder beside the store."""
    memory = backed_up_in(tmp_path / "disk", tmp_path / "store")
    memory.ingest([*TEXTS])
    take(memory)
    return memory


def ids(memory: Memory) -> list[str]:
    return memory.store.latest.ids()


def held(memory: Memory) -> list[Record]:
    return [replace(row.record, embedder=None) for row in memory.store.latest.all_rows()]


def restored_elsewhere(
    memory: Memory, tmp_path: Path, when: str | None = None
) -> tuple[Memory, RestoredBackup]:
    """The backup as a store of its own."""
    done = memory.restore_backup(when, into=tmp_path / "restored")
    return Memory(tmp_path / "restored", on_commit=nobody), done


def test_a_restored_store_holds_the_records_as_they_were_with_their_history(
    memory: Memory, tmp_path: Path
) -> None:
    first, second, *_ = ids(memory)
    memory.forget([first])
    memory.supersede(second, "hive two is empty")
    memory.ingest({"text": "the smoker leaks", "project": "hives"})
    memory.projects().alias("bees", "hives")
    take(memory, 1)
    other, done = restored_elsewhere(memory, tmp_path)
    assert held(other) == held(memory)
    assert other.store.project_names.same("bees", "hives")
    assert (done.memories, done.missing, done.faults) == (6, 0, ())


def _table_gone(store: Path) -> None:
    shutil.rmtree(store / "lancedb")


def _manifest_truncated(store: Path) -> None:
    truncated(newest_manifest(Memory(store).paths))


def _data_emptied(store: Path) -> None:
    for file in data_files(Memory(store).paths):
        emptied(file)


def _store_gone(store: Path) -> None:
    shutil.rmtree(store)


@pytest.mark.parametrize(
    ("damage", "elsewhere"),
    [
        (_store_gone, False),
        (_data_emptied, True),
        *(
            pytest.param(damage, elsewhere, marks=pytest.mark.slow)
            for damage, elsewhere in (
                (_table_gone, False),
                (_table_gone, True),
                (_manifest_truncated, False),
                (_manifest_truncated, True),
                (_data_emptied, False),
                (_store_gone, True),
            )
        ),
    ],
)
def test_a_store_comes_back_whatever_happened_to_it(
    memory: Memory, tmp_path: Path, damage: Callable[[Path], None], elsewhere: bool
) -> None:
    before = held(memory)
    root = memory.paths.root
    del memory
    damage(root)
    again = backed_up_in(tmp_path / "disk", root)
    if elsewhere:
        again, _ = restored_elsewhere(again, tmp_path)
    else:
        again.restore_backup()
    assert held(again) == before
    assert [hit.text for hit in again.recall("varroa").hits] == ["varroa mites fall"]


def test_a_folder_of_backups_alone_is_enough(memory: Memory, tmp_path: Path) -> None:
    before = held(memory)
    shutil.rmtree(memory.paths.root)
    elsewhere = Memory(tmp_path / "new machine", on_commit=nobody)
    elsewhere.restore_backup(folder=tmp_path / "disk")
    assert held(elsewhere) == before
    moved = backed_up_in(tmp_path / "disk", tmp_path / "new machine")
    take(moved, 1)  # it is the same store, so its backups go on
    assert [one.count for one in backups(moved)] == [4, 4]


def test_what_was_forgotten_or_superseded_since_stays_so(memory: Memory, tmp_path: Path) -> None:
    first, second, third, _ = ids(memory)
    name = backups(memory)[0].name
    memory.forget([first, third])
    memory.restore([third])
    new = memory.supersede(second, "hive two is empty").new_id
    other, done = restored_elsewhere(memory, tmp_path, name)
    texts = [hit.text for hit in other.recall("queen hive sugar varroa").hits]
    assert sorted(texts) == ["hive two is empty", "sugar feeds bees", "varroa mites fall"]
    assert (done.counts.forgotten, done.counts.superseded, done.counts.successors) == (1, 1, 1)
    assert new in ids(other)


@pytest.mark.parametrize("source", ["ledger", pytest.param("newer backup", marks=pytest.mark.slow)])
def test_so_it_does_where_the_table_is_lost(memory: Memory, tmp_path: Path, source: str) -> None:
    first, second, *_ = ids(memory)
    name = backups(memory)[0].name
    memory.forget([first])
    memory.supersede(second, "hive two is empty")
    if source == "newer backup":
        take(memory, 1)
        shutil.rmtree(memory.paths.ledger)
    shutil.rmtree(memory.paths.database)
    again = backed_up_in(tmp_path / "disk", memory.paths.root)
    other, done = restored_elsewhere(again, tmp_path, name)
    assert (done.counts.forgotten, done.counts.superseded) == (1, 1)
    texts = [hit.text for hit in other.recall("queen hive sugar varroa").hits]
    assert "the queen is blue" not in texts
    assert "hive two swarmed" not in texts


def test_what_was_purged_while_the_backup_was_out_of_reach_does_not_come_back(
    memory: Memory, tmp_path: Path
) -> None:
    memory.ledger.write("purged", ids=ids(memory)[:1])
    shutil.rmtree(memory.paths.database)
    again = backed_up_in(tmp_path / "disk", memory.paths.root)
    other, done = restored_elsewhere(again, tmp_path)
    assert (done.memories, done.counts.removed, done.missing) == (3, 1, 0)
    assert "queen" not in str([row.record.text for row in other.store.latest.all_rows()])


def test_a_text_that_was_scrubbed_since_comes_as_the_scrub_left_it(
    memory: Memory, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "disk", tmp_path / "copy")
    memory.scrub("blue")
    for disk, lost, cleaned, left in (
        ("disk", False, 0, 4),
        ("copy", False, 1, 4),
        ("disk", True, 0, 4),
        ("copy", True, 0, 3),  # nobody knows what to leave out of that one
    ):
        if lost:
            shutil.rmtree(memory.paths.database, ignore_errors=True)
        again = Memory(memory.paths.root, on_commit=nobody)
        done = again.restore_backup(into=tmp_path / f"{disk} {lost}", folder=tmp_path / disk)
        other = Memory(done.folder, on_commit=nobody)
        texts = [row.record.text for row in other.store.latest.all_rows()]
        assert (done.counts.cleaned, len(texts)) == (cleaned, left)
        assert not any("blue" in text for text in texts)


def test_a_restore_in_place_keeps_the_former_table_and_can_be_undone(memory: Memory) -> None:
    first, *_ = ids(memory)
    memory.pin(first, add_tags=["bees"])
    memory.ingest("told after the backup")
    after = held(memory)
    done = memory.restore_backup()
    assert [one.text for one in held(memory)] == [*TEXTS]
    assert not any(one.pinned for one in held(memory))
    assert done.kept is not None
    assert done.kept.is_dir()
    memory.put_table_back()
    assert held(memory) == after


def test_the_backup_after_a_restore_is_of_what_was_restored(memory: Memory) -> None:
    first, *_ = ids(memory)
    memory.pin(first, add_tags=["bees"])
    take(memory, 1)
    name = backups(memory)[1].name
    memory.restore_backup(name)
    take(memory, 2)
    [pinned] = [one for one in backups(memory)[0].rows() if one.record.id == first]
    assert not pinned.record.pinned


def test_what_the_newest_lacks_where_it_is_damaged_older_ones_complete(
    memory: Memory, tmp_path: Path
) -> None:
    memory.ingest("told on the second day")
    take(memory, 1)
    memory.ingest("told on the third day")
    take(memory, 2)
    damaged = segment_files(tmp_path / "disk")[-1]
    removed(damaged)
    other, done = restored_elsewhere(memory, tmp_path)
    assert [one.text for one in held(other)] == [*TEXTS, "told on the second day"]
    assert done.missing == 1
    assert [str(damaged) in fault for fault in done.faults] == [True]


def test_a_backup_after_a_set_back_lacks_what_was_set_back(memory: Memory, tmp_path: Path) -> None:
    memory.ingest("buy cheap watches")
    take(memory, 1)
    memory.restore_backup(backups(memory)[1].name)
    take(memory, 2)
    other, _ = restored_elsewhere(memory, tmp_path)
    assert [one.text for one in held(other)] == [*TEXTS]
    assert backups(memory)[0].count == 4


def test_an_undone_restore_forgets_what_was_forgotten_since(memory: Memory) -> None:
    first, second, *_ = ids(memory)
    memory.restore_backup()
    memory.forget([first])
    memory.supersede(second, "hive two is empty")
    undone = memory.put_table_back()
    assert (undone.forgotten, undone.only_there, undone.superseded) == (1, 1, (second,))
    assert not memory.store.latest.get([first])[0].is_live()


def test_a_lost_successor_is_named(memory: Memory, tmp_path: Path) -> None:
    first, *_ = ids(memory)
    new = memory.supersede(first, "the queen is red").new_id
    shutil.rmtree(memory.paths.database)
    _, done = restored_elsewhere(backed_up_in(tmp_path / "disk", memory.paths.root), tmp_path)
    assert done.counts.lost == [new]


def test_an_empty_store_of_a_new_machine_takes_the_backups_of_another_one(
    memory: Memory, tmp_path: Path
) -> None:
    new = Memory(tmp_path / "new", on_commit=nobody)
    assert new.status().records == 0
    new.restore_backup(folder=tmp_path / "disk")
    assert [one.text for one in held(new)] == [*TEXTS]
    new = backed_up_in(tmp_path / "disk", tmp_path / "new")
    shutil.rmtree(memory.paths.root)
    take(new, 1)
    assert len(backups(new)) == 2


@pytest.mark.parametrize("place", ["store/sub", "disk/new", ""])
def test_no_store_is_made_in_another_one_or_in_the_backups(
    memory: Memory, tmp_path: Path, place: str
) -> None:
    with pytest.raises(InvalidInput, match="lie in each other"):
        memory.restore_backup(into=tmp_path / place)


def test_of_a_backup_that_is_damaged_everywhere_comes_what_reads(
    memory: Memory, tmp_path: Path
) -> None:
    memory.ingest("told later")
    take(memory, 1)
    removed(segment_files(tmp_path / "disk")[0])
    other, done = restored_elsewhere(memory, tmp_path)
    assert [one.text for one in held(other)] == ["told later"]
    assert done.missing == 4
    assert any(str(tmp_path / "disk") in fault for fault in done.faults)


@pytest.mark.parametrize(
    ("when", "texts"),
    [
        ("2026-05-04", 4),
        ("2026-05-05T12:00:00Z", 5),
        pytest.param(None, 6, marks=pytest.mark.slow),
    ],
)
def test_a_date_or_a_time_names_the_newest_backup_until_then(
    memory: Memory, tmp_path: Path, when: str | None, texts: int
) -> None:
    memory.ingest("told on the second day")
    take(memory, 1)
    memory.ingest("told on the third day")
    take(memory, 2)
    other, _ = restored_elsewhere(memory, tmp_path, when)
    assert len(held(other)) == texts


def test_a_time_before_the_first_backup_is_told(memory: Memory, tmp_path: Path) -> None:
    with pytest.raises(BackupFault, match="the oldest backup is"):
        restored_elsewhere(memory, tmp_path, "2026-05-03")
    with pytest.raises(InvalidInput, match="WHEN"):
        restored_elsewhere(memory, tmp_path, "the day before")


def test_a_folder_that_is_not_empty_is_no_place_for_a_new_store(
    memory: Memory, tmp_path: Path
) -> None:
    (tmp_path / "restored").mkdir()
    (tmp_path / "restored" / "letter").write_text("mine")
    with pytest.raises(InvalidInput, match="not empty"):
        restored_elsewhere(memory, tmp_path)
    assert [path.name for path in (tmp_path / "restored").iterdir()] == ["letter"]


def test_a_store_without_a_backup_says_where_it_looked(tmp_path: Path) -> None:
    memory = Memory(settings=load_settings(store=tmp_path / "store"), on_commit=nobody)
    with pytest.raises(BackupFault, match=f"{tmp_path}/store/backups"):
        memory.restore_backup()
    assert not (tmp_path / "store").exists()
