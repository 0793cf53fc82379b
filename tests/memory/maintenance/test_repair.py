"""A repair: a new table of all that can be read anywhere, and nothing that was to be gone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from tests.support.copies import copied, made_once
from tests.support.damage import (
    Damaging,
    data_files,
    emptied,
    index_files,
    newest_manifest,
    removed,
    truncated,
)
from tests.support.transcript_lines import claude

from iai_memory import Memory
from iai_memory.errors import InvalidInput, StoreMismatch, StoreUnavailable
from iai_memory.maintenance.repair import Repaired
from iai_memory.projects.names import ProjectNames
from iai_memory.store.erasures import Erasures
from iai_memory.store.file_digests import LIST_NAME
from iai_memory.store.record import Record
from iai_memory.store.replacement import replacement
from iai_memory.store.store_identity import known_id
from iai_memory.store.vector_rows import Row

PER_FILE = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of memories; one of the first was forgotten, one replaced, one pinned."""

    def fill(memory: Memory) -> None:
        for batch in range(2):
            memory.ingest(
                [f"fact {batch}-{number} of port {5000 + number}" for number in range(PER_FILE)]
            )
        ids = memory.store.latest.ids()
        memory.forget([ids[0]])
        memory.supersede(ids[1], "the port of fact 0-1 is 7000")
        memory.pin(ids[2], add_tags=["kept"])

    return made_once(tmp_path_factory, fill)


@pytest.fixture
def memory(made: Path, words_only: Memory) -> Memory:
    """A copy of it."""
    copied(made, words_only.paths.root)
    return words_only


def records(memory: Memory) -> dict[str, Record]:
    """Every memory of a store that is opened anew, by id."""
    reader = Memory(memory.paths.root, on_commit=lambda: None).store.latest
    return {one.id: one for one in reader.get(reader.ids())}


def shown(memory: Memory) -> dict[str, tuple[str, bool, bool, bool]]:
    """What is to be the same after a repair, by id: the text, and what became of it."""
    return {
        one.id: (one.text, one.is_live(), one.is_current(), one.pinned)
        for one in records(memory).values()
    }


def repaired(memory: Memory, *, transcripts: bool | None = None) -> Repaired:
    return memory.repair(memory.plan_repair(transcripts=transcripts))


def with_a_repair_since(memory: Memory, damaging: Damaging) -> list[str]:
    """Damage the last of two files, repair, forget one of the first, replace one, and tell another.

    Returns:
        The ids of the memories of the first file.
    """
    for batch in range(2):
        memory.ingest([f"fact {batch}-{number} of port {5000 + number}" for number in range(3)])
    ids = sorted(memory.store.latest.ids())[:3]
    damaging(data_files(memory.paths)[1])
    repaired(memory)
    memory.forget([ids[0]])
    memory.supersede(ids[1], "the port of fact 0-1 is 7000")
    memory.ingest("radishes came after the repair")
    return ids


def files_of(memory: Memory) -> dict[Path, bytes]:
    locks = memory.paths.locks
    return {
        path: path.read_bytes()
        for path in memory.paths.root.rglob("*")
        if path.is_file() and locks not in path.parents
    }


def first_file(memory: Memory) -> Path:
    """The data file of the first memories, as they were before they were changed."""
    return data_files(memory.paths)[0]


def test_a_store_that_is_whole_is_left_byte_for_byte(memory: Memory) -> None:
    before = files_of(memory)
    plan = memory.plan_repair()
    memory.repair(plan)
    assert (plan.kind, plan.lines()) == ("whole", [])
    assert files_of(memory) == before


def test_a_plan_changes_nothing(memory: Memory) -> None:
    emptied(first_file(memory))
    before = files_of(memory)
    assert memory.plan_repair().kind == "rebuild"
    assert files_of(memory) == before


@pytest.mark.parametrize("damage", [truncated, removed])
def test_of_a_damaged_newest_manifest_every_memory_comes_back(
    memory: Memory, damage: Damaging
) -> None:
    before = shown(memory)
    damage(newest_manifest(memory.paths))
    done = repaired(memory)
    assert shown(memory) == before
    assert done.replaced is not None
    assert done.missing == 0
    assert memory.plan_repair().kind == "whole"


def test_a_damaged_data_file_costs_its_memories_which_are_counted(memory: Memory) -> None:
    before = shown(memory)
    ids = sorted(before)
    truncated(data_files(memory.paths)[1])
    done = repaired(memory)
    lost = set(ids[PER_FILE : 2 * PER_FILE])
    assert shown(memory) == {id_: one for id_, one in before.items() if id_ not in lost}
    assert done.missing == PER_FILE
    assert f"{PER_FILE} memories could not be read anywhere" in done.lines()


def test_a_backup_gives_what_the_table_lacks(memory: Memory) -> None:
    before = shown(memory)
    memory.back_up()
    truncated(data_files(memory.paths)[1])
    done = repaired(memory)
    assert shown(memory) == before
    assert (done.missing, done.merged and done.merged.from_backup) == (0, PER_FILE)


def test_a_lost_table_is_made_of_the_backup(memory: Memory) -> None:
    before = shown(memory)
    memory.back_up()
    shutil.rmtree(memory.paths.database)
    done = repaired(memory)
    assert shown(memory) == before
    assert done.replaced is not None
    assert done.replaced.kept is None


def test_a_lost_table_without_a_backup_is_named_and_nothing_is_changed(memory: Memory) -> None:
    shutil.rmtree(memory.paths.database)
    before = files_of(memory)
    with pytest.raises(StoreUnavailable, match="neither a backup nor a transcript"):
        repaired(memory)
    assert files_of(memory) == before


def test_a_table_that_was_set_back_is_made_whole_of_the_backup(memory: Memory) -> None:
    before = shown(memory)
    older = Path(shutil.copytree(memory.paths.database, memory.paths.root.with_name("older")))
    memory.ingest("a fact that the older copy lacks")
    memory.back_up()
    shutil.rmtree(memory.paths.database)
    older.rename(memory.paths.database)
    done = repaired(memory)
    assert "the table was set back" in done.plan.faults[0]
    assert len(records(memory)) == len(before) + 1


def test_with_store_json_damaged_the_store_keeps_its_id(memory: Memory) -> None:
    memory.back_up()
    own = known_id(memory.paths)
    for path in (memory.paths.identity, newest_manifest(memory.paths)):
        emptied(path)
    repaired(memory)
    assert known_id(memory.paths) == own
    shutil.rmtree(memory.paths.database)
    memory.paths.identity.unlink()
    repaired(memory)
    assert known_id(memory.paths) == own


def test_another_stores_table_is_not_made_this_ones(memory: Memory, tmp_path: Path) -> None:
    other = Memory(tmp_path / "other", on_commit=lambda: None)
    other.ingest("a fact of somebody else")
    shutil.rmtree(memory.paths.database)
    shutil.copytree(other.paths.database, memory.paths.database)
    with pytest.raises(StoreMismatch, match=r"of another store .* move .*store.json away"):
        memory.plan_repair()


# What was forgotten, replaced or purged


def test_what_was_forgotten_after_the_backup_stays_forgotten(memory: Memory) -> None:
    ids = memory.store.latest.ids()
    memory.back_up()
    memory.forget([ids[6]])
    memory.supersede(ids[7], "the port of fact 1-2 is 7002")
    shutil.rmtree(memory.paths.database)
    done = repaired(memory)
    now = records(memory)
    assert not now[ids[6]].is_live()
    assert not now[ids[7]].is_current()
    assert done.merged is not None
    assert sorted(done.merged.brought_up) == [ids[6], ids[7]]
    # What replaced it is lost, and known to be.
    assert done.merged.missing_ids == [now[ids[7]].superseded_by]


def test_a_state_from_before_it_was_forgotten_is_not_shown(memory: Memory) -> None:
    ids = memory.store.latest.ids()
    memory.forget([ids[6]])
    emptied(data_files(memory.paths)[-1])
    done = repaired(memory)
    assert not records(memory)[ids[6]].is_live()
    assert done.merged is not None
    assert done.merged.older == [ids[6]]


def test_without_the_ledgers_word_an_older_state_is_left_out(memory: Memory) -> None:
    ids = memory.store.latest.ids()
    memory.forget([ids[6]])
    emptied(data_files(memory.paths)[-1])
    memory.ledger.previous.write_bytes(b"")  # it was rotated since
    memory.ledger.current.write_bytes(b"")
    done = repaired(memory)
    assert ids[6] not in records(memory)
    assert done.merged is not None
    assert ids[6] in done.merged.missing_ids


def test_what_was_restored_after_the_backup_is_there(memory: Memory) -> None:
    ids = memory.store.latest.ids()
    memory.back_up()
    memory.restore([ids[0]])
    shutil.rmtree(memory.paths.database)
    repaired(memory)
    assert records(memory)[ids[0]].is_live()


def test_what_was_purged_or_scrubbed_does_not_come_from_a_backup(memory: Memory) -> None:
    ids = memory.store.latest.ids()
    memory.back_up()
    memory.ledger.write("purged", ids=[ids[6]])
    memory.ledger.write("scrubbed", ids=[ids[7]])
    [purged] = memory.store.latest.get([ids[8]])
    Erasures(memory.paths).begin([purged], ProjectNames())
    shutil.rmtree(memory.paths.database)
    repaired(memory)
    assert {*ids[6:9]} & records(memory).keys() == set()


# Transcripts


def transcript(tmp_path: Path, *texts: str) -> Path:
    path = tmp_path / "projects" / "session.jsonl"
    path.parent.mkdir(exist_ok=True)
    lines = [
        claude(text, uuid=f"6f1d2c3b-0000-4000-8000-{number:012}")
        for number, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def imported(words_only: Memory, tmp_path: Path) -> Memory:
    """Three turns of a transcript that is still there, imported."""
    from iai_memory.capture.transcript_files import look_at

    path = transcript(tmp_path, "the red boat", "the green boat", "the blue boat")
    words_only.import_transcripts([look_at(path)], "claude-code")
    return words_only


def test_turns_come_back_from_the_transcripts_that_are_there(imported: Memory) -> None:
    shutil.rmtree(imported.paths.database)
    done = repaired(imported)
    assert {one.text for one in records(imported).values()} == {
        *("the red boat", "the green boat", "the blue boat")
    }
    assert done.from_transcripts == 3


def test_a_turn_that_is_there_is_not_doubled(imported: Memory) -> None:
    truncated(newest_manifest(imported.paths))
    before = shown(imported) if imported.plan_repair().kind == "whole" else {}
    repaired(imported)
    assert before == {}
    assert len(records(imported)) == 3


def test_transcripts_that_may_say_what_was_forgotten_are_read_on_request_alone(
    imported: Memory,
) -> None:
    imported.forget(imported.store.latest.ids()[:1])
    imported.ingest("a note of its own")
    shutil.rmtree(imported.paths.database)
    plan = imported.plan_repair()
    assert (plan.kind, plan.withheld, plan.transcripts) == ("hopeless", 1, [])
    repaired(imported, transcripts=True)
    assert len(records(imported)) == 3


def test_a_killed_repair_reads_the_transcripts_when_it_is_run_again(imported: Memory) -> None:
    from iai_memory.maintenance.repair import rebuild

    shutil.rmtree(imported.paths.database)
    rebuild(imported.paths, imported.plan_repair())  # and no further
    assert records(imported) == {}
    done = repaired(imported)
    assert (done.plan.kind, done.from_transcripts) == ("whole", 3)
    assert imported.plan_repair().transcripts == []


# Rows that are not what was stored


def with_rows(memory: Memory, change: Callable[[Record], Record]) -> None:
    """Puts a table in the place of this one whose rows were changed."""
    rows = [
        Row(change(record), None) for record in memory.store.latest.get(memory.store.latest.ids())
    ]
    with replacement(memory.paths, embedder=memory.embedder_key, purpose="repair") as new:
        new.fill(rows)
        new.swap()


def test_fields_that_no_iai_mcp_wrote_are_set_anew(memory: Memory) -> None:
    ids = sorted(records(memory))

    def garbled(record: Record) -> Record:
        if record.id != ids[3]:
            return record
        return replace(record, role="us\x00r", origin="hxok", superseded_by="\x01", trust=2.0)

    with_rows(memory, garbled)
    removed(newest_manifest(memory.paths))
    done = repaired(memory)
    found = records(memory)[ids[3]]
    assert (found.role, found.origin, found.superseded_by) == ("note", "import", None)
    assert 0 <= found.trust <= 1
    assert done.merged is not None
    assert done.merged.mended == {ids[3]: ["origin", "role", "superseded_by", "trust"]}


def with_a_changed_letter(path: Path, letters: bytes, others: bytes) -> None:
    content = path.read_bytes()
    assert content.count(letters) == 1
    path.write_bytes(content.replace(letters, others))


def test_a_text_that_was_damaged_is_marked_or_taken_from_the_backup(words_only: Memory) -> None:
    text = "zebra crossings are painted every spring"
    stored = words_only.ingest(text).results[0]
    [file] = data_files(words_only.paths)
    with_a_changed_letter(file, text.encode(), text.replace("spring", "autumn").encode())
    done = repaired(words_only)
    assert done.merged is not None
    assert done.merged.changed == [stored.id]
    assert records(words_only)[str(stored.id)].tags == ("damaged",)
    assert "1 memory is not what was stored" in done.plan.faults


def test_of_a_damaged_text_the_backups_is_taken(words_only: Memory) -> None:
    text = "zebra crossings are painted every spring"
    stored = words_only.ingest(text).results[0]
    words_only.back_up()
    [file] = data_files(words_only.paths)
    with_a_changed_letter(file, text.encode(), text.replace("spring", "autumn").encode())
    repaired(words_only)
    found = records(words_only)[str(stored.id)]
    assert (found.text, found.tags) == (text, ())


# Tables of another kind


def test_a_table_of_a_later_version_is_refused(memory: Memory, tmp_path: Path) -> None:
    rows = list(memory.store.latest.all_rows())
    with replacement(memory.paths, embedder=memory.embedder_key, schema_version="9") as new:
        new.fill(rows)
        new.swap()
    with pytest.raises(StoreMismatch, match="install the iai-mcp that wrote it"):
        memory.plan_repair()


def test_a_table_of_another_model_keeps_its_name(memory: Memory) -> None:
    rows = list(memory.store.latest.all_rows())
    with replacement(memory.paths, embedder="another-model") as new:
        new.fill(rows)
        new.swap()
    emptied(newest_manifest(memory.paths))
    assert memory.plan_repair().embedder == "another-model"


def test_damaged_indexes_alone_are_made_anew_in_place(memory: Memory) -> None:
    before = shown(memory)
    truncated(max(index_files(memory.paths), key=lambda path: path.stat().st_size))
    done = repaired(memory)
    assert (done.plan.kind, done.indexes, done.replaced) == ("indexes", ["terms_idx"], None)
    assert shown(memory) == before
    assert Memory(memory.paths.root).recall("fact").hits


def test_a_repair_is_undone(memory: Memory) -> None:
    emptied(first_file(memory))
    before = {path.name: path.read_bytes() for path in data_files(memory.paths)}
    repaired(memory)
    memory.put_table_back()
    assert {path.name: path.read_bytes() for path in data_files(memory.paths)} == before


def test_an_undo_without_a_repair_says_so(memory: Memory) -> None:
    with pytest.raises(InvalidInput, match="neither a repair nor a restore kept a table"):
        memory.put_table_back()


def test_an_undone_repair_forgets_what_was_forgotten_since_and_counts_the_rest(
    words_only: Memory,
) -> None:
    def with_another_word(path: Path) -> None:
        path.write_bytes(path.read_bytes().replace(b"fact 1-1", b"tact 1-1"))

    ids = with_a_repair_since(words_only, with_another_word)
    undone = words_only.put_table_back()
    assert (undone.forgotten, undone.still_shown, undone.superseded) == (1, (), (ids[1],))
    assert undone.only_there == 2
    assert not records(words_only)[ids[0]].is_live()


def test_where_the_table_that_is_back_cannot_be_read_it_names_what_may_be_shown(
    words_only: Memory,
) -> None:
    ids = with_a_repair_since(words_only, truncated)
    undone = words_only.put_table_back()
    assert (undone.forgotten, undone.still_shown, undone.superseded) == (0, (ids[0],), (ids[1],))
    assert undone.only_there == 2
    done = repaired(words_only)
    found = records(words_only)
    assert not found[ids[0]].is_live()
    assert found[str(found[ids[1]].superseded_by)].text == "the port of fact 0-1 is 7000"
    assert "radishes came after the repair" in [one.text for one in found.values()]
    assert done.merged is not None
    assert (done.merged.from_kept, done.missing) == (2, 3)


@pytest.mark.parametrize("whose", ["of another store", "set aside by a restore"])
def test_a_kept_table_that_is_not_of_a_repair_of_this_store_is_no_source(
    words_only: Memory, whose: str
) -> None:
    with_a_repair_since(words_only, truncated)
    words_only.put_table_back()
    if whose == "of another store":
        identity = json.loads(words_only.paths.identity.read_text())
        words_only.paths.identity.write_text(json.dumps(identity | {"id": str(uuid4())}))
    else:
        ledger = words_only.paths.ledger / "events.jsonl"
        ledger.write_text(ledger.read_text().replace('"repair"', '"restore"'))
    done = repaired(words_only)
    assert done.merged is not None
    assert done.merged.from_kept == 0


def test_what_was_replaced_by_what_nobody_has_stays_current_and_is_told(
    words_only: Memory,
) -> None:
    ids = with_a_repair_since(words_only, truncated)
    undone = words_only.put_table_back()
    assert undone.kept is not None
    shutil.rmtree(undone.kept)
    done = repaired(words_only)
    assert records(words_only)[ids[1]].is_current()
    assert f"still current, for what replaced them is lost: {ids[1]}" in done.lines()


def test_a_folder_without_a_store_is_named(tmp_path: Path, memory: Memory) -> None:
    with pytest.raises(StoreUnavailable, match="there is no store in"):
        Memory(tmp_path / "elsewhere").plan_repair()


def test_aliases_of_projects_come_back_with_a_lost_table(memory: Memory) -> None:
    memory.store.aliases.link("old-name", "new-name", "alias")
    before = memory.paths.projects.read_bytes()
    memory.back_up()
    shutil.rmtree(memory.paths.database)
    memory.paths.projects.unlink()
    repaired(memory)
    assert memory.paths.projects.read_bytes() == before


def test_what_an_undo_may_have_hidden_is_not_brought_back_by_an_older_event(
    memory: Memory,
) -> None:
    ids = memory.store.latest.ids()
    memory.back_up()
    memory.restore([ids[0]])
    memory.ledger.write("undone", number=9, to=7)
    shutil.rmtree(memory.paths.database)
    repaired(memory)
    assert not records(memory)[ids[0]].is_live()


@pytest.mark.parametrize("name", ["_transactions", "_indices", f"../{LIST_NAME}"])
def test_what_is_no_folder_within_the_table_is_mended(memory: Memory, name: str) -> None:
    before = shown(memory)
    place = memory.paths.table / name
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    done = repaired(memory)
    assert done.replaced is not None
    assert shown(memory) == before
    Memory(memory.paths.root, on_commit=lambda: None).ingest("what is said afterwards")


@pytest.mark.parametrize("put", [Path.touch, os.mkfifo])
def test_what_stands_in_the_place_of_the_table_is_put_away(
    memory: Memory, put: Callable[[Path], object]
) -> None:
    before, paths = shown(memory), memory.paths
    memory.back_up()
    shutil.rmtree(paths.database)
    put(paths.database)
    done = repaired(memory)
    assert done.replaced is not None
    assert done.replaced.kept is not None
    assert shown(memory).keys() == before.keys()
