"""A backup holds what the store held, and only what changed is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.backups import DAY_0, backed_up_in, backups, records, segment_files, take
from tests.support.damage import DAMAGES, Damaging, scrambled

from iai_memory import Memory
from iai_memory.backup.daily import back_up
from iai_memory.backup.point import to_index
from iai_memory.base.locks import held
from iai_memory.errors import BackupFault, StoreBusy

SOME_DAMAGES = [
    scrambled,
    *(pytest.param(one, marks=pytest.mark.slow) for one in DAMAGES if one is not scrambled),
]


def notes(memory: Memory, count: int, kind: str = "note") -> list[str]:
    texts = [f"{kind} {number} says that hive {number} swarmed" for number in range(count)]
    report = memory.ingest(texts)
    return [str(one.id) for one in report.results]


def test_a_backup_holds_every_memory_as_it_was_forgotten_and_superseded_ones_too(
    words_only: Memory,
) -> None:
    ids = notes(words_only, 4)
    words_only.supersede(ids[0], 'tea\nwith ünïcode 東京 and \\ and "quotes"')
    words_only.forget([ids[1]])
    words_only.pin(ids[2], add_tags=["bees"])
    take(words_only)
    [backup] = backups(words_only)
    held_now = {row.record.id: row.record for row in words_only.store.latest.all_rows()}
    assert records(backup) == {id_: replace(one, embedder=None) for id_, one in held_now.items()}
    assert backup.count == len(held_now) == 5
    assert backup.verify()


def test_the_next_backup_writes_what_changed_and_the_former_one_stays_as_it_was(
    words_only: Memory,
) -> None:
    ids = notes(words_only, 3)
    assert take(words_only, 0).written == 3
    words_only.forget([ids[0]])
    notes(words_only, 1, "another note")
    assert take(words_only, 1).written == 2
    assert take(words_only, 2).written == 0
    newest, _, first = backups(words_only)
    assert records(newest)[ids[0]].tombstoned_at is not None
    assert records(first)[ids[0]].tombstoned_at is None
    assert (newest.count, first.count) == (4, 3)


def test_vectors_that_were_made_since_are_no_change(memory: Memory) -> None:
    with_vectors = Memory(memory.paths.root, on_commit=lambda: None)
    for line in _pending_lines():
        list(with_vectors.import_lines([line]))
    take(with_vectors, 0)
    assert with_vectors.embed_pending() == 1
    assert take(with_vectors, 1).written == 0


def _pending_lines() -> list[str]:
    return [
        '{"iai_mcp":1,"id":"01a22ce7-ba0e-70f6-bcf3-2bd70cb713d1","text":"tea","role":"note",'
        '"origin":"cli","host":null,"session_id":null,"turn_id":null,"project":null,"cwd":null,'
        '"created_at":"2026-05-08","ingested_at":"2026-05-08","updated_at":"2026-05-08",'
        '"valid_from":"2026-05-08","valid_to":null,"superseded_by":null,"tombstoned_at":null,'
        '"folded_into":"","pinned":false,"tags":[],"derived_from":[],"trust":1.0,'
        f'"idem":"{"a" * 64}","embedder":null,"history":null}}'
    ]


def test_many_small_segments_become_one_and_every_backup_still_reads(words_only: Memory) -> None:
    ids = list[str]()
    for day in range(12):
        ids += notes(words_only, 2, f"day {day}")
        take(words_only, day)
    newest, *former = backups(words_only)
    assert len(newest.point.segments) < 10
    assert sorted(records(newest)) == sorted(ids)
    assert [len(records(one)) for one in former] == [one.count for one in former]
    assert all(one.verify() for one in (newest, *former))


def test_segments_that_no_backup_needs_are_removed(words_only: Memory) -> None:
    [id_] = notes(words_only, 1)
    for hour in range(4):
        words_only.pin(id_, add_tags=[f"tag {hour}"])
        take(words_only, hour / 24)
    [backup] = backups(words_only)
    assert [path.name for path in segment_files(words_only.paths.backups)] == [
        one.name for one in backup.point.segments
    ]


def test_an_interrupted_backup_is_gone_on_with_and_counts_only_when_it_is_whole(
    words_only: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iai_memory.backup.segment.MAX_ROWS", 2)
    notes(words_only, 7)
    answers = iter([False, True])
    begun = back_up(words_only.store, words_only.settings, DAY_0, interrupted=lambda: next(answers))
    assert (begun.point, begun.written) == (None, 4)
    assert backups(words_only) == []
    taken = back_up(words_only.store, words_only.settings, DAY_0)
    assert taken.written == 3
    [backup] = backups(words_only)
    assert len(records(backup)) == backup.count == 7
    assert not (words_only.paths.backups / "unfinished.json").exists()


@pytest.mark.parametrize("damage", SOME_DAMAGES)
def test_what_a_damaged_segment_held_the_next_backup_holds_anew(
    words_only: Memory, damage: Damaging
) -> None:
    ids = notes(words_only, 3)
    take(words_only, 0)
    [segment] = segment_files(words_only.paths.backups)
    damage(segment)
    assert not backups(words_only)[0].verify()
    taken = take(words_only, 1)
    assert taken.written == 3
    assert any(str(segment) in fault for fault in taken.faults)
    assert sorted(records(backups(words_only)[0])) == ids


@pytest.mark.parametrize("damage", SOME_DAMAGES)
def test_a_damaged_index_is_named_and_the_backup_before_is_the_newest(
    words_only: Memory, damage: Damaging
) -> None:
    notes(words_only, 3)
    take(words_only, 0)
    take(words_only, 1)
    newest, before = backups(words_only)
    damage(words_only.paths.backups / f"{newest.name}.json")
    assert [one.name for one in backups(words_only)] == [before.name]
    take(words_only, 2)
    assert all(one.verify() for one in backups(words_only))


def test_an_index_with_values_of_other_kinds_is_a_damaged_one(words_only: Memory) -> None:
    notes(words_only, 1)
    take(words_only, 0)
    [whole] = backups(words_only)
    huge = replace(whole.point.segments[0], size=10**12)
    wrong: list[tuple[str, Any]] = [
        ("number", "x"),
        ("count", "many"),
        ("table_version", None),
        ("store", 5),
        ("segments", (huge,)),
    ]
    for name, value in wrong:
        fields: dict[str, Any] = {"name": "20260601T000000Z", "number": 9, name: value}
        planted = words_only.paths.backups / "20260601T000000Z.json"
        planted.write_bytes(to_index(replace(whole.point, **fields)))
        assert [one.name for one in backups(words_only) if one.verify()] == [whole.name]
    take(words_only, 1)
    assert backups(words_only)[0].verify()


def test_files_among_the_segments_that_are_none_stay(words_only: Memory) -> None:
    notes(words_only, 1)
    take(words_only, 0)
    (words_only.paths.backups / "segments" / "movie-001.ts").write_text("mine")
    take(words_only, 1)
    assert (words_only.paths.backups / "segments" / "movie-001.ts").exists()


def test_two_processes_do_not_take_one_at_the_same_time(words_only: Memory) -> None:
    notes(words_only, 1)
    with held(words_only.paths.lock("backup"), timeout=0), pytest.raises(StoreBusy):
        take(words_only)


def test_a_backup_is_for_the_user_alone_and_leaves_no_other_file(
    tmp_path: Path, words_only: Memory
) -> None:
    notes(words_only, 1)
    take(words_only)
    for path in (words_only.paths.backups, *words_only.paths.backups.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    names = sorted(path.name for path in words_only.paths.backups.iterdir())
    assert names == [f"{backups(words_only)[0].name}.json", "backup.json", "segments"]


def test_a_folder_that_was_there_and_is_gone_is_named_and_not_made_anew(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    memory = backed_up_in(disk, tmp_path / "store")
    notes(memory, 1)
    take(memory, 0)
    disk.rename(tmp_path / "unmounted")
    with pytest.raises(BackupFault, match=r"are gone: mount its disk"):
        take(memory, 1)
    disk.mkdir()  # where a disk is mounted, a folder is left that is empty
    with pytest.raises(BackupFault, match=r"are gone: mount its disk"):
        take(memory, 1)
    assert list(disk.iterdir()) == []
    memory.back_up(disk)
    assert len(backups(memory)) == 1


def test_a_folder_that_never_was_there_is_made_only_on_request(tmp_path: Path) -> None:
    memory = backed_up_in(tmp_path / "new", tmp_path / "store")
    notes(memory, 1)
    with pytest.raises(BackupFault, match="does not exist"):
        take(memory, make=False)
    assert not (tmp_path / "new").exists()
    assert take(memory).written == 1


@pytest.mark.parametrize("place", ["spool", "", "lancedb/memories.lance"])
def test_a_folder_among_the_files_of_the_store_is_refused(tmp_path: Path, place: str) -> None:
    memory = backed_up_in(tmp_path / "store" / place, tmp_path / "store")
    notes(memory, 1)
    with pytest.raises(BackupFault, match="lies in the store"):
        take(memory)


def _other_files(folder: Path) -> None:
    (folder / "letter.txt").write_text("mine")


def _a_fifo(folder: Path) -> None:
    os.mkfifo(folder / "backup.json")


def _a_link(folder: Path) -> None:
    (folder / "backup.json").symlink_to("/dev/zero")


def _segments_elsewhere(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir()
    (folder / "segments").symlink_to(folder.parent / "elsewhere")


def _only_segments(folder: Path) -> None:
    (folder / "segments").mkdir()
    (folder / "segments" / "movie-001.ts").write_text("mine")


@pytest.mark.parametrize(
    "put", [_other_files, _a_fifo, _a_link, _segments_elsewhere, _only_segments]
)
def test_a_folder_with_something_else_in_it_is_refused(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    (tmp_path / "disk").mkdir()
    put(tmp_path / "disk")
    memory = backed_up_in(tmp_path / "disk", tmp_path / "store")
    notes(memory, 1)
    before = sorted((tmp_path / "disk").iterdir())
    with pytest.raises(BackupFault, match=str(tmp_path / "disk")):
        take(memory)
    assert sorted((tmp_path / "disk").iterdir()) == before
    assert not any((tmp_path / "elsewhere").glob("*"))


def test_a_fifo_in_the_place_of_an_index_is_named_and_leaves_with_the_next_backup(
    words_only: Memory,
) -> None:
    notes(words_only, 1)
    take(words_only, 0)
    index = words_only.paths.backups / f"{backups(words_only)[0].name}.json"
    index.unlink()
    os.mkfifo(index)
    assert words_only.damaged_backups() == [
        f"{index} is a FIFO: a regular file that you may read belongs there"
    ]
    assert take(words_only, 1).written == 1
    assert words_only.damaged_backups() == []


def test_another_store_is_told_whose_backups_these_are(tmp_path: Path) -> None:
    first = backed_up_in(tmp_path / "disk", tmp_path / "first")
    other = backed_up_in(tmp_path / "disk", tmp_path / "other")
    notes(first, 1)
    take(first)
    notes(other, 1)
    with pytest.raises(BackupFault, match=f"another store.*{first.paths.root}"):
        take(other)
    with pytest.raises(BackupFault, match="another store"):
        backups(other)


def test_a_copy_of_a_store_takes_no_backup_beside_those_of_its_model(tmp_path: Path) -> None:
    first = backed_up_in(tmp_path / "disk", tmp_path / "first")
    notes(first, 1)
    take(first)
    shutil.copytree(first.paths.root, tmp_path / "copy")
    copy = backed_up_in(tmp_path / "disk", tmp_path / "copy")
    with pytest.raises(BackupFault, match="of which this one is a copy"):
        take(copy, 1)
    shutil.rmtree(first.paths.root)  # then it was moved
    take(copy, 1)
    assert len(backups(copy)) == 2


def test_a_clock_that_was_ten_years_ahead_once_costs_no_backup(words_only: Memory) -> None:
    notes(words_only, 1)
    take(words_only, 0)
    take(words_only, 3650)
    notes(words_only, 1, "later")
    take(words_only, 1)
    assert [one.count for one in backups(words_only)] == [2, 1, 1]
