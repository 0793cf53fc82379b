"""What has to leave for good leaves every backup."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from tests.support.backups import backed_up_in, backups, records, segment_files, take

from iai_memory import Memory
from iai_memory.backup.rewriting import Rewritten, rewrite_backups
from iai_memory.store.record import Record


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """Two memories in two backups, one of them with a word that has to go."""
    memory = backed_up_in(tmp_path / "disk", tmp_path / "store")
    memory.ingest(["the password is swordfish", "sugar feeds bees"])
    take(memory, 0)
    memory.ingest(["a swordfish was caught"])
    memory.paths.projects.write_text('{"swordfish": 1}')
    take(memory, 1)
    return memory


def without(memory: Memory, gone: Iterable[str]) -> Rewritten:
    ids = set(gone)
    return rewrite_backups(
        memory.paths,
        memory.settings,
        lambda record: None if record.id in ids else record,
        lambda text: text.replace("swordfish", "…"),
    )


def everything_in(folder: Path) -> bytes:
    """All that the files hold, unpacked."""
    found = b""
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            packed = path.name.endswith(".zst")
            found += zstandard.ZstdDecompressor().decompress(content) if packed else content
    return found


def test_a_memory_leaves_all_backups_and_the_others_stay(memory: Memory, tmp_path: Path) -> None:
    secret, other, fish = memory.store.latest.ids()
    done = without(memory, [secret, fish])
    assert (done.states, done.faults, done.removed) == (2, [], [])
    assert b"swordfish" not in everything_in(tmp_path / "disk")
    assert [list(records(one)) for one in backups(memory)] == [[other], [other]]
    assert [(one.count, one.verify()) for one in backups(memory)] == [(1, True), (1, True)]


def test_a_state_may_be_changed_and_the_next_backup_goes_on_from_it(
    memory: Memory, tmp_path: Path
) -> None:
    def cleaned(record: Record) -> Record:
        text = record.text.replace("swordfish", "…")
        return record if text == record.text else replace(record, text=text)

    done = rewrite_backups(memory.paths, memory.settings, cleaned, lambda text: "{}")
    assert done.states == 2
    assert b"swordfish" not in everything_in(tmp_path / "disk")
    texts = sorted(one.text for one in records(backups(memory)[0]).values())
    assert texts == ["a … was caught", "sugar feeds bees", "the password is …"]
    take(memory, 2)
    assert all(one.verify() for one in backups(memory))


def test_a_damaged_segment_of_which_nobody_knows_what_it_holds_is_named_and_goes_on_request(
    memory: Memory, tmp_path: Path
) -> None:
    damaged = segment_files(tmp_path / "disk")[0]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    gone = memory.store.latest.ids()[2:]
    assert any(str(damaged) in told for told in without(memory, gone).faults)
    assert damaged.exists()
    done = rewrite_backups(
        memory.paths, memory.settings, lambda record: record, str, remove_damaged=True
    )
    assert any(str(damaged) in told for told in done.removed)
    assert not damaged.exists()
    assert b"swordfish" not in everything_in(tmp_path / "disk")


def test_a_copy_of_a_store_does_not_rewrite_the_backups_of_its_model(
    memory: Memory, tmp_path: Path
) -> None:
    shutil.copytree(memory.paths.root, tmp_path / "copy")
    copy = backed_up_in(tmp_path / "disk", tmp_path / "copy")
    done = without(copy, copy.store.latest.ids())
    assert done.states == 0
    assert "of which this one is a copy" in done.faults[0]
    assert len(records(backups(memory)[0])) == 3


def test_a_folder_that_is_out_of_reach_is_named(memory: Memory, tmp_path: Path) -> None:
    memory.back_up(tmp_path / "second disk")
    (tmp_path / "second disk").rename(tmp_path / "unmounted")
    done = without(memory, memory.store.latest.ids()[:1])
    assert done.faults == [f"{tmp_path}/second disk is out of reach: mount its disk"]
    assert len(records(backups(memory)[0])) == 2


def test_a_store_without_backups_has_nothing_to_rewrite(words_only: Memory) -> None:
    words_only.ingest("sugar feeds bees")
    assert without(words_only, words_only.store.latest.ids()) == Rewritten()
