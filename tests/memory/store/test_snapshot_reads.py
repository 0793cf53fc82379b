"""What is answered from memory is what the table answers, whoever changed it and however."""

from __future__ import annotations

import random
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lancedb
import pytest
from tests.support.any_order import (
    FILTERS,
    SESSIONS,
    served,
    some_memory,
    steps,
    store_of_at_most,
    vector_of,
    without_its_data,
)
from tests.support.damage import exchange_tables
from tests.support.pages import until

from iai_memory import Memory, Record
from iai_memory.embedding.identity import IDENTITY
from iai_memory.errors import StoreUnavailable
from iai_memory.store import dense_search, row_id_cache, table_changes
from iai_memory.store.filter import Filter
from iai_memory.store.reader import TableReader
from iai_memory.store.snapshot import builder, manager, merge_policy, record_cache, snapshot
from iai_memory.store.snapshot.builder import Versioned, build_snapshot, catch_up
from iai_memory.store.snapshot.columns import supports
from iai_memory.store.snapshot.snapshot import Snapshot
from iai_memory.store.vector_rows import Vector

ROUNDED = 3e-3  # of a cosine of codes of one byte
MUCH = 1 << 30
SAMPLED = 5  # filters of all, after each step: what is wrong after one is wrong after the next
ASKED_SESSIONS = [*SESSIONS, "nobody's"]


@pytest.fixture
def root(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IAI_MCP_MODEL", str(model_folder))
    return tmp_path / "store"


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Threads take turns fifty times as often, so that none waits long for those that spin."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def by_id(records: Sequence[Record]) -> list[Record]:
    return sorted(records, key=lambda one: one.id)


def tokens_of(table: TableReader, ids: Sequence[str]) -> dict[str, tuple[bytes, object]]:
    found = table.token_vectors(ids, IDENTITY.token_key or "")
    return {id_: (one.packed.tobytes(), one.spans.tolist()) for id_, one in found.items()}


def make_segments_small(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Several segments where there would be one, but for the first seed."""
    if seed:
        monkeypatch.setattr(merge_policy, "_SMALL_ROWS", 2)
        monkeypatch.setattr(merge_policy, "_LARGE_ROWS", 16)


class Answers:
    """What a table answers, which remembers nothing: asked once, held against any reader."""

    def __init__(
        self, table: TableReader, query: Vector, filters: Sequence[Filter] = FILTERS
    ) -> None:
        self.query = query
        self.filters = filters
        self.nearest = [table.nearest(query, where, 1_000, nprobes=50) for where in filters]
        self.sessions = table.sessions(ASKED_SESSIONS)
        self.ids = table.ids()
        asked = [*self.ids, "nobody's"]
        self.candidates = table.candidates(asked)
        self.similarities = table.similarities(query, asked)
        self.replaced_by = by_id(table.replaced_by(asked))
        self.tokens = tokens_of(table, asked)


def assert_same(latest: TableReader, table: Answers) -> None:
    """Every answer of `latest` is the table's."""
    for where, expected in zip(table.filters, table.nearest, strict=True):
        found = latest.nearest(table.query, where, 1_000, nprobes=50)
        assert found == pytest.approx(expected, abs=ROUNDED), where
        assert list(found.values()) == sorted(found.values(), reverse=True)
        few = latest.nearest(table.query, where, 3, nprobes=50)
        assert list(few.values()) == pytest.approx(list(found.values())[:3], abs=ROUNDED)
    assert latest.sessions(ASKED_SESSIONS) == table.sessions
    ids = [*table.ids, "nobody's"]
    assert list(latest.candidates(ids)) == table.ids
    assert latest.candidates(ids) == table.candidates
    assert latest.similarities(table.query, ids) == table.similarities
    assert by_id(latest.replaced_by(ids)) == table.replaced_by
    assert tokens_of(latest, ids) == table.tokens


@pytest.mark.parametrize(
    ("seed", "rounds"), [(0, 12), *(pytest.param(n, 25, marks=pytest.mark.slow) for n in range(3))]
)
def test_two_processes_remember_exactly_what_the_table_holds(
    root: Path, seed: int, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_segments_small(monkeypatch, seed)
    chance = random.Random(seed)
    memories = [served(root), served(root)]
    memories[0].ingest([some_memory(chance) for _ in range(8)])
    uncopied = store_of_at_most(memories[0], 0).latest
    query = vector_of(memories[0], "who paints a lighthouse?")
    names = list(steps(chance, memories[0]))
    for _ in range(rounds):
        memory = chance.choice(memories)
        # What is seldom is dear; the usual is tried more often.
        name = chance.choice([*names, *names[:6] * 3])
        steps(chance, memory)[name]()
        table = memory.store.pinned_reader()
        answers = Answers(table, query, chance.sample(FILTERS, SAMPLED))
        for one in chance.sample(memories, chance.choice([1, 2])):
            assert one.store.pinned_reader().version == table.version
            assert_same(one.store.latest, answers)
        # It remembers where rows lay when they were met, and they may lie elsewhere by now. So this
        # comes before any search, which would meet them anew.
        assert uncopied.candidates(answers.ids) == answers.candidates
        assert_same(uncopied, answers)


def latest_snapshot(memory: Memory, before: Versioned | None) -> Versioned:
    """Of the latest version, made of an earlier one where that can be."""
    latest = memory.store.latest
    made = None if before is None else catch_up(latest, before, MUCH)
    made = made or build_snapshot(latest, MUCH, lambda: False)
    assert made is not None
    return made


def answers_of(snapshot: Snapshot, query: Vector, ids: Sequence[str]) -> list[object]:
    """Whatever a reader can see of it."""
    seen: list[object] = [snapshot.fingerprint, snapshot.nbytes]
    for where in filter(supports, FILTERS):
        seen.append(list(snapshot.nearest(query, where, 1_000).items()))
        seen.append(list(snapshot.matching("the heron of my aunt", where, 1_000).items()))
    return [
        *seen,
        snapshot.sessions(SESSIONS),
        snapshot.candidates(ids),
        snapshot.similarities(query, ids),
        snapshot.missing_vectors(ids),
        by_id(snapshot.replaced_by(ids)),
    ]


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_an_earlier_snapshot_answers_as_it_did_whatever_is_made_of_it(
    root: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_segments_small(monkeypatch, seed)
    chance = random.Random(seed)
    memory = served(root)
    memory.ingest([some_memory(chance) for _ in range(8)])
    query = vector_of(memory, "who paints a lighthouse?")
    names = list(steps(chance, memory))
    held = latest_snapshot(memory, None)
    seen = list[tuple[Snapshot, list[str], list[object]]]()
    for _ in range(20):
        ids = memory.store.latest.ids()
        seen.append((held.snapshot, ids, answers_of(held.snapshot, query, ids)))
        steps(chance, memory)[chance.choice([*names, *names[:6] * 3])]()
        held = latest_snapshot(memory, held)
        earlier, ids, answers = chance.choice(seen)
        assert answers_of(earlier, query, ids) == answers
    assert len({id(earlier) for earlier, _, _ in seen}) > 10
    for earlier, ids, answers in seen:
        assert answers_of(earlier, query, ids) == answers


@pytest.mark.slow
@pytest.mark.usefixtures("eager_threads")
def test_who_reads_a_snapshot_sees_it_unchanged_while_later_ones_are_made(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_segments_small(monkeypatch, 1)
    chance = random.Random(9)
    memory = served(root)
    ids = [str(one.id) for one in memory.ingest([some_memory(chance) for _ in range(20)]).results]
    query = vector_of(memory, "who paints a lighthouse?")
    held = first = latest_snapshot(memory, None)
    expected = answers_of(first.snapshot, query, ids)
    differing, over = list[object](), threading.Event()

    def read() -> None:
        while not over.is_set():
            answers = answers_of(first.snapshot, query, ids)
            if answers != expected:
                differing.append(answers)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for id_ in ids[::2]:
        memory.forget([id_])
        memory.ingest([some_memory(chance) for _ in range(3)])
        held = latest_snapshot(memory, held)
    over.set()
    for thread in threads:
        thread.join()
    assert differing == []
    assert answers_of(held.snapshot, query, ids) != expected


@pytest.mark.slow
def test_a_table_over_the_bound_is_answered_by_the_table_with_the_same_answers(root: Path) -> None:
    chance = random.Random(7)
    memory = served(root)
    memory.ingest([some_memory(chance) for _ in range(6)])
    query = vector_of(memory, "who paints a lighthouse?")
    copied, small, grown = (
        store_of_at_most(memory, most).latest for most in (1_000_000, 1_000, 25_000)
    )
    for _ in range(3):
        answers = Answers(memory.store.pinned_reader(), query)
        for latest in (copied, small, grown):
            assert_same(latest, answers)
        memory.ingest([some_memory(chance) for _ in range(8)])
    expected = copied.nearest(query, Filter(), 5, nprobes=50)
    with without_its_data(memory):
        assert copied.nearest(query, Filter(), 5, nprobes=50) == expected
        for latest in (small, grown):
            with pytest.raises(StoreUnavailable):
                latest.nearest(query, Filter(), 5, nprobes=50)


def test_what_was_read_once_is_not_read_again_until_it_changes(root: Path) -> None:
    memory = served(root)
    kept, changed = [
        str(result.id) for result in memory.ingest(["A heron waits.", "A gull sleeps."]).results
    ]
    memory.store.latest.nearest(vector_of(memory, "birds"), Filter(), 5, nprobes=50)
    memory.store.latest.nearest(vector_of(memory, "birds"), Filter(), 5, nprobes=50)
    assert list(memory.store.latest.candidates([changed, kept])) == [changed, kept]
    with without_its_data(memory):
        assert list(memory.store.latest.candidates([kept, changed])) == [kept, changed]
    served(root).pin(changed)
    assert memory.store.latest.candidates([changed])[changed].record.pinned
    assert list(memory.store.latest.candidates([kept])) == [kept]


def test_words_alone_are_searched_in_memory_from_the_second_time_on(root: Path) -> None:
    served(root).ingest(["A heron waits.", "A gull sleeps."])
    latest = served(root).store.latest
    for searched in range(3):
        assert latest.is_in_memory is (searched > 1)
        assert len(latest.matching("heron", Filter(), 5)) == 1


def test_a_recall_that_searches_words_and_vectors_once_copies_nothing(root: Path) -> None:
    memory = served(root)
    memory.ingest(["A heron waits.", "A gull sleeps."])
    latest = memory.store.latest
    latest.matching("heron", Filter(), 5)
    latest.nearest(vector_of(memory, "birds"), Filter(), 5, nprobes=50)
    assert not latest.is_in_memory
    latest.nearest(vector_of(memory, "birds"), Filter(), 5, nprobes=50)
    assert latest.is_in_memory


def test_token_vectors_are_read_once_and_of_what_changed_again(root: Path) -> None:
    memory = served(root)
    texts = ["A heron waits.", "A gull sleeps.", "My aunt rows to the lighthouse."]
    ids = [str(result.id) for result in memory.ingest(texts).results]
    for _ in range(2):
        memory.store.latest.nearest(vector_of(memory, "birds"), Filter(), 5, nprobes=50)
    assert tokens_of(memory.store.latest, ids[:1])
    until("all are held", lambda: held_tokens(memory).keys() == {*ids})
    with without_its_data(memory):
        assert tokens_of(memory.store.latest, ids).keys() == {*ids}
    other = served(root)
    other.scrub("heron")
    other.forget(ids[1:2])
    assert not tokens_of(memory.store.latest, ids[:1])
    assert held_tokens(memory).keys() == {ids[2]}


def held_tokens(memory: Memory) -> dict[str, bytes]:
    snapshots: manager.SnapshotManager = vars(memory.store.latest)["_snapshots"]
    held = snapshots.current()
    assert held is not None
    return held.tokens.found(memory.store.latest.ids(), IDENTITY.token_key or "")


def test_what_was_given_back_is_remembered_anew_with_the_same_answers(root: Path) -> None:
    memory = served(root)
    memory.ingest([f"Sentence {n} is about the harbour." for n in range(12)])
    before = [memory.recall("the harbour").hits for _ in range(3)]
    memory.release()
    after = [memory.recall("the harbour").hits for _ in range(3)]
    assert before == after


def test_rows_that_somebody_deletes_from_the_table_are_gone(root: Path) -> None:
    memory = served(root)
    gone, kept = [
        str(result.id) for result in memory.ingest(["A heron waits.", "A gull sleeps."]).results
    ]
    query = vector_of(memory, "birds")
    for _ in range(2):
        assert len(memory.store.latest.nearest(query, Filter(), 5, nprobes=50)) == 2
        assert len(memory.store.latest.candidates([gone, kept])) == 2
    lancedb.connect(str(memory.paths.database)).open_table("memories").delete(f"id = '{gone}'")
    assert list(memory.store.latest.nearest(query, Filter(), 5, nprobes=50)) == [kept]
    assert list(memory.store.latest.candidates([gone, kept])) == [kept]


@pytest.mark.parametrize("copy_mb", ["0", "320"])
def test_another_table_in_the_place_of_this_one_is_seen(
    root: Path, tmp_path: Path, copy_mb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_COPY_MB", copy_mb)
    memory = served(root)
    memory.ingest(["A heron waits.", "A gull sleeps."])
    shutil.copytree(root, tmp_path / "backup")
    later = str(memory.ingest("An owl is awake.").results[0].id)
    query = vector_of(memory, "birds")
    for _ in range(2):
        assert len(memory.store.latest.nearest(query, Filter(), 5, nprobes=50)) == 3
        assert list(memory.store.latest.candidates([later])) == [later]
    exchange_tables(memory.paths, tmp_path / "backup" / memory.paths.database.name)
    assert len(memory.store.latest.nearest(query, Filter(), 5, nprobes=50)) == 2
    assert list(memory.store.latest.candidates([later])) == []
    again = str(memory.ingest("Another owl is awake.").results[0].id)
    assert list(memory.store.latest.candidates([later, again])) == [again]
    # What was met there may lie where the other table has another record.
    assert not memory.store.latest.similarities(query, [later])
    assert again in memory.store.latest.nearest(query, Filter(), 5, nprobes=50)


@pytest.mark.slow
def test_what_a_thread_stored_it_finds_at_once_while_others_store_too(root: Path) -> None:
    memories = [served(root), served(root)]
    query = vector_of(memories[0], "who waits?")
    _ = memories[0].store, memories[1].store
    missed: list[str] = []

    def store_and_look(number: int) -> None:
        writer, reader = memories[number % 2], memories[number // 2]
        for turn in range(12):
            result = writer.ingest(f"Heron {turn} of {number} waits. It is patient.").results[0]
            id_ = str(result.id)
            found = reader.store.latest.nearest(query, Filter(), 1_000, nprobes=50)
            if id_ not in found or id_ not in reader.store.latest.candidates(found):
                missed.append(id_)

    threads = [threading.Thread(target=store_and_look, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []
    for memory in memories:
        assert_same(memory.store.latest, Answers(memory.store.pinned_reader(), query))


def test_a_large_table_is_copied_while_the_table_goes_on_answering(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manager, "_SMALL_ROWS", 0)
    chance = random.Random(3)
    memory = served(root)
    memory.ingest([some_memory(chance) for _ in range(30)])
    query = vector_of(memory, "who waits?")
    latest = memory.store.latest
    expected = latest.nearest(query, Filter(), 5, nprobes=50)
    found = expected
    for _ in range(10_000):
        found = latest.nearest(query, Filter(), 5, nprobes=50)
        assert found == pytest.approx(expected, abs=ROUNDED)
        if found != expected:
            break  # the cosines of codes: the copy is there
    with without_its_data(memory):
        assert latest.nearest(query, Filter(), 5, nprobes=50) == found
    late = str(memory.ingest("The heron waits for the ferry.").results[0].id)
    assert late in latest.nearest(query, Filter(), 5, nprobes=50)
    assert_same(latest, Answers(memory.store.pinned_reader(), query))


@pytest.mark.parametrize(("rows", "segment"), [(1, 7), (10, 100), (1_000, 20)])
def test_a_copy_is_the_table_however_many_rows_are_taken_over_at_once(
    root: Path, rows: int, segment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_changes, "BATCH_ROWS", 3)
    monkeypatch.setattr(builder, "_READ_AT_ONCE", rows)
    monkeypatch.setattr(merge_policy, "_LARGE_ROWS", segment)
    chance = random.Random(8)
    memory = served(root)
    stored = memory.ingest([some_memory(chance) for _ in range(32)]).results
    memory.forget([str(one.id) for one in stored[5:9]])
    query = vector_of(memory, "who waits?")
    for _ in range(2):
        assert_same(memory.store.latest, Answers(memory.store.pinned_reader(), query))
    with without_its_data(memory):
        assert memory.store.latest.nearest(query, Filter(), 5, nprobes=50)


def test_who_allows_no_copy_has_none_and_the_same_answers(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(4)
    builder = served(root)
    builder.ingest([some_memory(chance) for _ in range(9)])
    monkeypatch.setenv("IAI_MCP_COPY_MB", "0")
    memory = served(root)
    query = vector_of(memory, "who waits?")
    for _ in range(3):
        asked, copied = memory.recall("who waits?"), builder.recall("who waits?")
        assert asked.hits == copied.hits
    assert builder.store.latest.nearest(query, Filter(), 5, nprobes=50)
    with without_its_data(memory):
        assert builder.store.latest.nearest(query, Filter(), 5, nprobes=50)
        with pytest.raises(StoreUnavailable):
            memory.store.latest.nearest(query, Filter(), 5, nprobes=50)


def test_words_find_as_many_where_the_best_ones_were_forgotten(root: Path) -> None:
    memory = served(root)
    ids = [str(one.id) for one in memory.ingest([f"heron {n}" for n in range(40)]).results]
    live = Filter(include_superseded=True)
    best = list(memory.store.latest.matching("heron", live, 40))
    memory.forget(best[:25])
    assert set(memory.store.latest.matching("heron", live, 10)) <= set(ids) - set(best[:25])
    assert len(memory.store.latest.matching("heron", live, 10)) == 10
    assert len(memory.store.latest.matching("heron", live, 40)) == 15


def test_meaning_finds_as_many_where_the_nearest_ones_were_forgotten(root: Path) -> None:
    memory = served(root)
    ids = {str(one.id) for one in memory.ingest([f"heron {n}" for n in range(40)]).results}
    live, query = Filter(include_superseded=True), vector_of(memory, "heron")
    nearest = list(memory.store.pinned_reader().nearest(query, live, 40, nprobes=50))
    memory.forget(nearest[:25])
    table = memory.store.pinned_reader()
    assert set(table.nearest(query, live, 10, nprobes=50)) <= ids - set(nearest[:25])
    assert list(table.nearest(query, live, 10, nprobes=50)) == nearest[25:35]
    assert list(table.nearest(query, live, 40, nprobes=50)) == nearest[25:]


def test_what_is_moved_between_its_search_and_its_reading_is_found(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = served(root)
    ids = [str(one.id) for one in memory.ingest([f"heron {n}" for n in range(9)]).results]
    query, table = vector_of(memory, "heron"), store_of_at_most(memory, 0).latest
    searched: Callable[..., dict[int, float]] = vars(dense_search)["_cosines"]
    moves = [ids[0], ids[5]]

    def searched_and_moved(*asked: Any) -> dict[int, float]:
        found = searched(*asked)
        if moves:
            memory.pin(moves.pop())
        return found

    monkeypatch.setattr(dense_search, "_cosines", searched_and_moved)
    assert set(table.nearest(query, Filter(), 9, nprobes=50)) == set(ids)
    assert not moves


@pytest.mark.slow
def test_a_store_that_is_too_large_to_be_copied_is_asked_and_changed_like_any_other(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(6)
    served(root).ingest([some_memory(chance) for _ in range(9)])
    monkeypatch.setattr(manager, "_MIN_ROW_BYTES", 1 << 30)
    memory = served(root)
    late = str(memory.ingest("The zebra crosses at noon.").results[0].id)
    for _ in range(3):
        assert memory.recall("when does the zebra cross?").hits[0].id == late
    with without_its_data(memory), pytest.raises(StoreUnavailable):
        memory.recall("when does the zebra cross?")
    memory.forget([late])
    assert late not in [hit.id for hit in memory.recall("when does the zebra cross?").hits]


def test_of_what_is_remembered_the_earliest_goes_first(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_id_cache, "_MAX_ROWS", 2)
    monkeypatch.setattr(record_cache, "_MAX_RECORDS", 2)
    monkeypatch.setattr(snapshot, "_MAX_KNOWN_ROWS", 2)
    memory = served(root)
    ids = [str(one.id) for one in memory.ingest([f"heron {n}" for n in range(9)]).results]
    query, uncopied = vector_of(memory, "heron"), store_of_at_most(memory, 0).latest
    for latest in (memory.store.latest, uncopied):
        for _ in range(3):
            assert set(latest.nearest(query, Filter(), 9, nprobes=50)) == set(ids)
            assert list(latest.candidates(ids)) == ids
