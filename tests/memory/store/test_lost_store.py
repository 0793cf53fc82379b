"""A store that was lost, emptied, set back or exchanged is told from a new one and left alone."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import lancedb
import pytest
from lancedb.table import LanceTable
from tests.support.damage import data_files, newest_manifest, table_folder
from tests.support.kills import open_until_killed
from tests.support.mounts import fill, small_disk
from tests.support.old_stores import old_store, turn

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.base.store_guard import unguard
from iai_memory.errors import MemoryFault, StoreLost, StoreUnavailable
from iai_memory.store.store_identity import adopt, expect_rows, read_identity, store_id_of

COUNT = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with three memories, each of a commit of its own, and the pages that show them."""
    root = tmp_path_factory.mktemp("whole") / "store"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("IAI_MCP_MODEL", "installed")
        memory = Memory(root)
        for number in range(COUNT):
            memory.ingest(f"the lamp number {number} is changed in March")
        memory.session_start(refresh=True)
    return root


@pytest.fixture
def store(whole: Path, words_only: Memory) -> StorePaths:
    """A copy of it."""
    shutil.copytree(whole, words_only.paths.root)
    return words_only.paths


def opened(paths: StorePaths) -> Memory:
    """The store as another process opens it."""
    unguard(paths.root)
    found = Memory(paths.root)
    _ = found.store
    return found


def files_of(root: Path) -> set[str]:
    """Every file and folder but locks, of which a look may leave one."""
    return {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if "locks" not in path.relative_to(root).parts
    }


def table_of(paths: StorePaths) -> LanceTable:
    """The table as LanceDB has it."""
    table = lancedb.connect(str(paths.database)).open_table("memories")
    assert isinstance(table, LanceTable)
    return table


def without_lancedb(paths: StorePaths) -> None:
    shutil.rmtree(paths.database)


def without_the_table(paths: StorePaths) -> None:
    shutil.rmtree(table_folder(paths))


def without_versions(paths: StorePaths) -> None:
    shutil.rmtree(table_folder(paths) / "_versions")


def with_versions_emptied(paths: StorePaths) -> None:
    for path in (table_folder(paths) / "_versions").iterdir():
        path.unlink()


def without_data(paths: StorePaths) -> None:
    for path in data_files(paths):
        path.unlink()


def with_the_newest_manifest_removed(paths: StorePaths) -> None:
    newest_manifest(paths).unlink()


def with_the_newest_manifest_truncated(paths: StorePaths) -> None:
    os.truncate(newest_manifest(paths), 100)


def with_its_rows_deleted(paths: StorePaths) -> None:
    table_of(paths).delete("true")


def with_one_row_deleted(paths: StorePaths) -> None:
    ids = Memory(paths.root).store.latest.ids()
    table_of(paths).delete(f"id = '{ids[0]}'")


def of_another_store(paths: StorePaths) -> StorePaths:
    other = Memory(paths.root.with_name("other"))
    for number in range(COUNT + 2):
        other.ingest(f"another one's lamp {number}")
    return other.paths


def with_the_table_of_another(paths: StorePaths) -> None:
    other = of_another_store(paths)
    shutil.rmtree(paths.database)
    shutil.copytree(other.database, paths.database)


def with_the_identity_of_another(paths: StorePaths) -> None:
    shutil.copy(of_another_store(paths).identity, paths.identity)


LOSSES: dict[Callable[[StorePaths], None], str] = {
    without_lancedb: "is gone, and what is left is store.json",
    without_the_table: "is gone, and what is left is store.json",
    without_versions: "is gone, and what is left is store.json",
    with_versions_emptied: "is gone, and what is left is store.json",
    without_data: "has lost every file of its rows",
    with_the_newest_manifest_removed: "was set back: its newest version is",
    with_the_newest_manifest_truncated: "manifest, has no footer)",
    with_its_rows_deleted: "has lost memories: it has 0, and 3 were there",
    with_one_row_deleted: "has lost memories: it has 2, and 3 were there",
    with_the_table_of_another: "is of another store",
    with_the_identity_of_another: "is of another store",
}


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_lost_store_is_refused_and_nothing_is_written_into_it(
    store: StorePaths, lose: Callable[[StorePaths], None]
) -> None:
    lose(store)
    before = files_of(store.root)
    memory = Memory(store.root)
    for ask in (
        lambda: memory.recall("lamp"),
        lambda: memory.ingest("a new one"),
        memory.status,
        memory.drain,
        memory.session_start,
        memory.timeline,
        lambda: memory.sleep(force=True),
    ):
        with pytest.raises(StoreLost) as told:
            ask()
        assert LOSSES[lose] in str(told.value)
        assert "iai-mcp doctor --repair" in str(told.value)
        assert "iai-mcp restore-backup" in str(told.value)
        assert "to begin anew, move all but models/ and hooks/ out of" in str(told.value)
    memory.ledger.write("written_beside")
    memory.close()
    assert files_of(store.root) == before


TRACES = ("store.json", "ledger", "session-start", ".session-start-payload.cached.md")


@pytest.mark.parametrize("trace", TRACES)
def test_one_trace_of_a_table_is_enough(store: StorePaths, trace: str) -> None:
    kept = store.root.with_name("kept")
    store.root.rename(kept)
    store.root.mkdir()
    (kept / trace).rename(store.root / trace)
    with pytest.raises(StoreLost, match="is gone, and what is left is"):
        opened(store)


def test_backups_on_another_disk_are_a_trace_of_the_store_whose_they_are(
    store: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_BACKUP", str(tmp_path / "disk"))
    Memory(store.root).back_up()
    shutil.rmtree(store.root)
    with pytest.raises(StoreLost, match=r"what is left is backups in .*disk \(IAI_MCP_BACKUP\)"):
        opened(store)
    assert not store.root.exists()
    assert Memory(tmp_path / "another").ingest("the first one").stored == 1


def test_what_may_come_before_a_table_is_no_trace_of_one(words_only: Memory) -> None:
    root = words_only.paths.root
    before = ("logs", "locks", "spool", "servers", "ledger", "lancedb", "session-start")
    for folder in (*before, "models", "hooks"):
        (root / folder).mkdir(parents=True)
    for name in ("logs/server.log", "locks/write.lock", "spool/doorbell.jsonl", "handshake.json"):
        (root / name).write_text("{}\n")
    words_only.ledger.write("server_started", cwd="/")
    words_only.ledger.write("session_start_cache_write_failed", error="no space")
    assert words_only.ingest("the first one").stored == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        "store.connection.with_store_id",
        "store.connection.create_size_indexes",
        "store.connection.create_text_index",
        "store.connection.adopt",
        "store.store_identity.note_identity",
    ],
)
def test_a_creation_that_was_killed_is_done_by_the_next_one(words_only: Memory, step: str) -> None:
    open_until_killed(words_only.paths.root, step, 1)
    assert words_only.ingest("the first one").stored == 1
    assert read_identity(words_only.paths) is not None


@pytest.mark.parametrize("room", [0, 8 << 10, 24 << 10, 32 << 10, 48 << 10])
def test_a_store_begun_on_a_full_disk_works_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    with small_disk(tmp_path / "disk", 2 << 20) as disk:
        filling = fill(disk, room)
        with pytest.raises(StoreUnavailable, match=r"(?i)no space left"):
            Memory(disk / "store").ingest("the first one")
        filling.unlink()
        assert Memory(disk / "store").ingest("the first one").stored == 1
        assert Memory(disk / "store").status().records == 1


def test_each_commit_is_noted_with_its_rows(store: StorePaths) -> None:
    memory = Memory(store.root)
    first = read_identity(store)
    assert first is not None
    assert (first.rows, first.version) == (COUNT, memory.store.version)
    ids = memory.store.latest.ids()
    memory.forget([ids[0]])
    memory.supersede(ids[1], "the lamp is changed in April")
    memory.sleep(force=True)
    last = read_identity(store)
    assert last is not None
    assert (last.rows, last.version) == (COUNT + 1, memory.store.version)
    assert (last.id, last.created) == (first.id, first.created)
    assert store_id_of(table_of(store)) == first.id
    assert opened(store).store.id == first.id


def test_two_processes_note_in_turn(store: StorePaths) -> None:
    one, two = Memory(store.root), Memory(store.root)
    for number in range(2):
        one.ingest(f"of one {number}")
        two.ingest([f"of two {number}", f"also of two {number}"])
    noted = read_identity(store)
    assert noted is not None
    assert (noted.rows, noted.version) == (COUNT + 6, one.store.version)


def made_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def made_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


USELESS: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: os.truncate(path, 0),
    "truncated": lambda path: os.truncate(path, 90),
    "garbage": lambda path: path.write_bytes(bytes(range(256))),
    "no object": lambda path: path.write_text("[1]"),
    "changed": lambda path: path.write_text(path.read_text().replace('"rows": 3', '"rows": 9')),
    "a FIFO": made_a_fifo,
    "a link": made_a_link,
    "nested": lambda path: path.write_text('{"a":' * 900 + "1" + "}" * 900),
}


@pytest.mark.parametrize("useless", USELESS)
def test_a_useless_file_is_made_anew_from_the_table(store: StorePaths, useless: str) -> None:
    before = read_identity(store)
    assert before is not None
    USELESS[useless](store.identity)
    assert read_identity(store) is None
    opened(store).ingest("one more")
    after = read_identity(store)
    assert after is not None
    assert (after.id, after.rows) == (before.id, COUNT + 1)


def test_without_the_file_a_table_that_was_set_back_is_told_all_the_same(
    store: StorePaths,
) -> None:
    store.identity.unlink()
    newest_manifest(store).unlink()
    with pytest.raises(StoreLost, match="was set back"):
        opened(store)


def test_a_folder_in_the_files_place_costs_no_memory(store: StorePaths) -> None:
    store.identity.unlink()
    store.identity.mkdir()
    assert opened(store).ingest("one more").stored == 1
    assert opened(store).recall("lamp").hits


def test_the_file_of_a_later_version_is_left_alone(store: StorePaths) -> None:
    later = json.dumps({"format": 2, "what": "is new"})
    store.identity.write_text(later)
    opened(store).ingest("one more")
    assert store.identity.read_text() == later
    shutil.rmtree(store.database)
    with pytest.raises(StoreLost, match=r"what is left is store\.json"):
        opened(store)


def test_a_table_ahead_of_its_note_is_whole(store: StorePaths) -> None:
    behind = store.identity.read_bytes()
    opened(store).ingest("one that an earlier version did not note")
    store.identity.write_bytes(behind)
    assert opened(store).ingest("one more").stored == 1
    noted = read_identity(store)
    assert noted is not None
    assert noted.rows == COUNT + 2


def test_a_store_of_an_earlier_version_gets_an_identity_when_it_is_opened(tmp_path: Path) -> None:
    old_store(tmp_path / "store", *(turn(number, "s", number) for number in range(2)))
    paths = StorePaths(tmp_path / "store")
    first = opened(paths).store
    noted = read_identity(paths)
    assert noted is not None
    assert (noted.id, noted.rows, noted.version) == (first.id, 2, first.version)
    assert noted.created.startswith("2026-05-08T10:00:00")
    assert opened(paths).store.version == first.version


def test_rows_may_leave_where_that_was_noted_before(store: StorePaths) -> None:
    ids = Memory(store.root).store.latest.ids()
    expect_rows(store, COUNT - 1)
    opened(store)  # as after a kill before the commit
    table_of(store).delete(f"id = '{ids[0]}'")
    assert opened(store).ingest("one more").stored == 1
    noted = read_identity(store)
    assert noted is not None
    assert noted.rows == COUNT


def test_an_adopted_table_is_the_stores(store: StorePaths) -> None:
    before = read_identity(store)
    assert before is not None
    with_the_table_of_another(store)
    with pytest.raises(StoreLost):
        opened(store)
    other = Memory(store.root.with_name("other"))
    shutil.rmtree(store.database)
    shutil.copytree(other.paths.database, store.database)
    identity = adopt(store, table_of(store))
    assert (identity.id, identity.rows) == (before.id, COUNT + 2)
    assert opened(store).recall("lamp").hits


def test_a_copy_by_hard_links_is_not_written_into(store: StorePaths) -> None:
    copied = store.root.with_name("copied.json")
    copied.hardlink_to(store.identity)
    before = copied.read_bytes()
    opened(store).ingest("one more")
    assert copied.read_bytes() == before
    noted = read_identity(store)
    assert noted is not None
    assert noted.rows == COUNT + 1


def test_a_store_that_cannot_be_written_is_read_without_a_note(store: StorePaths) -> None:
    store.identity.unlink()
    store.root.chmod(0o500)
    try:
        assert opened(store).recall("lamp").hits
    finally:
        store.root.chmod(0o700)


# --- a store that goes away while a process has it open -----------------------------------------


def moved(paths: StorePaths) -> Path:
    return paths.root.rename(paths.root.with_name("away"))


def deleted_and_copied(paths: StorePaths) -> Path:
    copy = Path(shutil.copytree(paths.root, paths.root.with_name("away"), symlinks=True))
    shutil.rmtree(paths.root)
    return copy


def unmounted(paths: StorePaths) -> Path:
    away = paths.root.rename(paths.root.with_name("away"))
    paths.root.mkdir(mode=0o700)
    return away


@pytest.mark.parametrize("go_away", [moved, deleted_and_copied, unmounted])
def test_a_store_that_went_away_is_not_made_anew_and_is_used_when_it_is_back(
    store: StorePaths, go_away: Callable[[StorePaths], Path]
) -> None:
    memory = Memory(store.root)
    memory.ingest("one before")
    away = go_away(store)
    for ask in (memory.status, lambda: memory.ingest("one meanwhile"), memory.session_start):
        with pytest.raises(StoreLost, match="was there when this process opened it, and is gone"):
            ask()
    with pytest.raises(MemoryFault):
        memory.drain()
    memory.catch_up()
    memory.ledger.write("something")
    memory.close()
    assert not store.root.exists() or not any(store.root.iterdir())
    if store.root.exists():
        store.root.rmdir()
    away.rename(store.root)
    assert memory.ingest("one after").stored == 1
    assert memory.status().records == COUNT + 2


def test_another_store_in_its_place_is_refused_and_not_written(store: StorePaths) -> None:
    memory = Memory(store.root)
    memory.ingest("one before")
    away = moved(store)
    other = opened(store)
    other.ingest("another one's")
    before = files_of(store.root)
    with pytest.raises(StoreLost, match="is another store now"):
        memory.ingest("one meanwhile")
    with pytest.raises(StoreLost, match="is another store now"):
        memory.recall("lamp")
    assert files_of(store.root) == before
    shutil.rmtree(store.root)
    away.rename(store.root)
    assert memory.recall("lamp").hits


def test_a_table_that_is_exchanged_for_another_one_of_the_store_is_followed(
    store: StorePaths,
) -> None:
    memory = Memory(store.root)
    assert memory.recall("lamp").hits
    copy = store.root.with_name("copy")
    shutil.copytree(store.database, copy)
    shutil.rmtree(store.database)
    copy.rename(store.database)
    assert len(memory.recall("lamp").hits) == COUNT
    assert memory.ingest("one more").stored == 1


def test_who_opens_a_lost_store_again_finds_it_once_it_is_mended(store: StorePaths) -> None:
    away = store.database.rename(store.root.with_name("lancedb"))
    memory = Memory(store.root)
    for _ in range(2):
        with pytest.raises(StoreLost):
            memory.status()
    away.rename(store.database)
    assert memory.status().records == COUNT
    memory.ledger.write("mended")
    assert memory.ledger.last("mended")


def test_a_new_store_may_follow_a_deleted_one_in_another_process(store: StorePaths) -> None:
    shutil.rmtree(store.root)
    anew = opened(store)
    anew.ingest("the first one")
    assert anew.status().records == 1


WRITES = """
import sys
from datetime import timedelta
from iai_memory import Memory

memory = Memory(sys.argv[1], on_commit=lambda: None)
for number in range(10_000):
    [stored] = memory.ingest(f"memory {number} of {sys.argv[2]}").results
    print(number, flush=True)
    if number % 5 == 4:
        memory.forget([stored.id])
    if number % 7 == 6:
        memory.store.compact(keep=timedelta(0))
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_is_no_loss(store: StorePaths) -> None:
    acknowledged = COUNT
    for kill in range(4):
        command = [sys.executable, "-c", WRITES, str(store.root), str(kill)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writing:
            assert writing.stdout is not None
            for _ in range(3 + 9 * kill):
                writing.stdout.readline()
            writing.kill()
            acknowledged += 3 + 9 * kill + len(writing.stdout.readlines())
        found = opened(store).store
        noted = read_identity(store)
        assert noted is not None
        assert noted.rows <= len(found.latest.ids())
        assert noted.version <= found.version
        assert len(found.latest.ids()) >= acknowledged
        acknowledged = len(found.latest.ids())  # one more may be stored than was acknowledged


def test_a_memory_that_nobody_holds_any_more_is_freed(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "store", on_commit=lambda: None)
    memory.ingest("a fact")
    gone = weakref.ref(memory)
    del memory
    gc.collect()
    assert gone() is None
