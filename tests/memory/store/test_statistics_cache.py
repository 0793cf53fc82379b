"""What a process knows of the table without asking it is what the table would answer."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lancedb
import pytest
from tests.support.damage import exchange_tables

from iai_memory import Memory
from iai_memory.store.filter import Filter
from iai_memory.store.key_filter import KeyFilter
from iai_memory.store.statistics import TableStatistics, Tally
from iai_memory.store.vector_rows import Row

KEYS = [f"{number:064x}" for number in range(8)]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a store is to be, without a model: what is tested here is the table."""
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    return tmp_path / "store"


def opened(root: Path) -> Memory:
    return Memory(root, on_commit=lambda: None)


def parts_of(memory: Memory) -> dict[str | None, TableStatistics]:
    store = memory.store
    return store.statistics_by_project(store.latest, store.stamp)


def change(memory: Memory, chance: random.Random, number: int) -> None:
    """One of all that can happen to a table."""
    project = chance.choice(["p", "q", None])
    live = [record.id for record in memory.store.latest.get(memory.store.latest.ids())]
    one = chance.choice(live) if live else ""
    what = chance.choice(["ingest"] * 6 + ["batch", "forget", "restore", "pin", "compact"])
    if what == "batch":
        memory.ingest([{"text": f"{number} of {n}", "project": project} for n in range(3)])
    elif what == "compact":
        memory.store.compact(keep=timedelta(minutes=1))
    elif what == "ingest" or not one:
        memory.ingest({"text": f"number {number}", "project": project})
    elif what == "forget":
        memory.forget([one])
    elif what == "restore":
        memory.restore([one])
    elif memory.store.latest.get([one])[0].is_live():
        memory.pin(one, pinned=bool(number % 2))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_what_is_added_up_is_what_a_scan_counts_whoever_changed_the_table(
    root: Path, seed: int
) -> None:
    chance = random.Random(seed)
    both = [opened(root), opened(root)]
    for number in range(30):
        # Long stretches of one of them, so that it adds up, and then the other comes in between.
        change(both[number // 7 % 2 if chance.random() < 0.9 else 1], chance, number)
        for memory in both:
            scanned = parts_of(opened(root))
            assert {one for one in memory.store.projects() if one} == {
                one for one in scanned if one
            }
            if chance.random() < 0.7:
                assert parts_of(memory) == scanned
    for memory in both:
        assert parts_of(memory) == parts_of(opened(root))


def test_a_table_put_back_from_a_copy_is_counted_anew(root: Path, tmp_path: Path) -> None:
    memory = opened(root)
    memory.ingest("before the copy")
    shutil.copytree(memory.paths.database, tmp_path / "copy")
    memory.ingest("lost with the copy")
    assert memory.store.statistics().total == 2
    exchange_tables(memory.paths, tmp_path / "copy")
    assert memory.store.statistics().total == 1
    memory.ingest("after it")
    assert memory.store.statistics().total == 2
    assert memory.ingest("lost with the copy").stored == 1


def test_what_was_added_to_a_table_that_is_gone_counts_in_no_other(
    root: Path, tmp_path: Path
) -> None:
    memory = opened(root)
    memory.ingest("before the copy")
    shutil.copytree(memory.paths.database, tmp_path / "copy")
    memory.ingest({"text": "lost with the copy", "project": "p"})
    exchange_tables(memory.paths, tmp_path / "copy")
    assert parts_of(memory) == parts_of(opened(root))
    opened(root).ingest({"text": "of the same version as what was lost", "project": "q"})
    assert parts_of(memory) == parts_of(opened(root))


def test_another_table_of_the_same_version_is_counted_anew(root: Path, tmp_path: Path) -> None:
    memory = opened(root)
    _ = memory.store
    another = opened(shutil.copytree(root, tmp_path / "another"))
    for number in range(3):
        memory.ingest({"text": f"{number} here", "project": "p"})
        another.ingest({"text": f"{number} there", "project": "q"})
    assert memory.store.statistics().total == 3
    assert memory.store.version == another.store.version
    exchange_tables(memory.paths, another.paths.database)
    memory.ingest({"text": "one more", "project": "q"})
    assert parts_of(memory) == parts_of(opened(root))
    assert memory.ingest({"text": "0 there", "project": "q"}).duplicates == 1
    assert memory.ingest({"text": "0 here", "project": "p"}).stored == 1


def test_a_commit_that_took_no_lock_counts_too(root: Path) -> None:
    memory = opened(root)
    memory.ingest(["first", "second"])
    memory.store.statistics()
    [first, second] = memory.store.latest.get(memory.store.latest.ids())
    with memory.store.writing() as writer:
        table = lancedb.connect(str(memory.paths.database)).open_table("memories")
        table.delete(f"id = '{first.id}'")
        writer.insert([Row(replace(second, text="third", idem=KEYS[0]), None)])
    assert memory.store.statistics().total == 2
    assert parts_of(memory) == parts_of(opened(root))


def test_a_compaction_hides_nothing_that_another_process_stored_before_it(root: Path) -> None:
    mine, other = opened(root), opened(root)
    for number in range(3):
        mine.ingest(f"number {number}")
    mine.store.statistics()
    stored = other.ingest({"text": "of the other", "project": "q"}).results[0]
    mine.store.compact(keep=timedelta(minutes=1))
    assert parts_of(mine) == parts_of(opened(root))
    again = mine.ingest({"text": "of the other", "project": "q"}).results[0]
    assert (again.status, again.id) == ("duplicate", stored.id)


def test_what_another_process_stored_is_a_duplicate_here_at_once(root: Path) -> None:
    mine, other = opened(root), opened(root)
    for number in range(20):
        turn = {"text": f"turn {number}", "session_id": "s", "turn_id": str(number)}
        first, second = (mine, other) if number % 2 else (other, mine)
        stored = first.ingest(turn).results[0]
        again = second.ingest(turn).results[0]
        assert (again.status, again.id) == ("duplicate", stored.id)


def test_keys_are_looked_up_in_the_table_where_there_are_too_many(root: Path) -> None:
    memory = opened(root)
    memory.ingest([f"number {number}" for number in range(5)])
    reader = memory.store.latest
    few, many = KeyFilter(max_keys=4), KeyFilter(max_keys=5)
    answers = [
        [keys.possible_keys(KEYS, reader, lambda: 1) for _ in range(4)][-1] for keys in (few, many)
    ]
    assert answers == [KEYS, []]


@pytest.mark.slow
def test_a_known_key_is_possible_and_stays_so_from_thousands_on(root: Path) -> None:
    memory = opened(root)
    memory.ingest([f"number {number}" for number in range(9_000)])
    memory.ingest([f"number {number}" for number in range(9_000, 12_000)])
    memory.ingest("the last")
    stored = memory.store.latest.get(memory.store.latest.ids())
    keys = [record.idem for record in stored]
    assert len(memory.store.by_keys([*keys, *KEYS])) == len(keys) == 12_001
    again = memory.ingest([f"number {number}" for number in range(9_999)])
    assert (again.stored, again.duplicates) == (0, 9_999)


def test_a_tally_from_statistics_is_that_of_the_table(root: Path) -> None:
    """Forgotten and superseded memories, of two projects, of another name of one, and of none."""
    memory = opened(root)
    for project in ("alpha", "beta", "gamma", None):
        texts = [f"{number} things of {project} are counted." for number in range(5)]
        report = memory.ingest([{"text": text, "project": project} for text in texts])
        ids = [one.id for one in report.results if one.id]
        memory.forget(ids[:1])
        memory.supersede(ids[1], f"All things of {project} are counted.")
    everything = Filter(include_superseded=True)
    wheres = [
        everything,
        replace(everything, project="alpha"),
        replace(everything, project="alpha", same_project=("gamma",), or_no_project=True),
        replace(everything, project="unknown", or_no_project=True),
        replace(everything, project="unknown"),
        Filter(),
        replace(everything, origins=("cli",)),
        replace(everything, session_id="s"),
    ]
    memory.store.statistics()
    for where in wheres:
        assert memory.store.tally(where) == memory.store.latest.tally(where)
    assert memory.store.tally(everything).rows == 4 * 5
    memory.ingest({"text": "One more thing is counted.", "project": "alpha"})
    assert memory.store.tally(everything) == Tally(4 * 5 + 1, 4 * 5 + 1)
