"""What was true when: dated changes, chains of them, undoing, and answers as of a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stored import now, raw, stored

from iai_memory import Memory, Record
from iai_memory.errors import InvalidInput, UnknownRecord
from iai_memory.store.filter import Filter
from iai_memory.store.supersession_chain import MAX_HOPS, predecessors, successors
from iai_memory.store.vector_rows import Row

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: words are enough here."""
    return words_only


def held(memory: Memory, moment: datetime | str, **options: Any) -> list[str]:
    """Texts that a recall as of the moment finds for "port"."""
    found = memory.recall("port", as_of=moment, limit=50, **options)
    return sorted(hit.text for hit in found.hits)


def chain(memory: Memory, *texts: str, **fields: Any) -> list[str]:
    """Ids of facts of which each next one superseded the one before."""
    ids = [stored(memory, texts[0], **fields)]
    for text in texts[1:]:
        ids.append(memory.supersede(ids[-1], text).new_id)
    return ids


# Dated changes


def test_a_change_holds_since_the_moment_that_is_given(memory: Memory) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    done = memory.supersede(old, "port 2", at="2026-03-01")
    assert raw(memory, old).valid_to == MARCH
    new = raw(memory, done.new_id)
    assert (new.created_at, new.valid_from, new.valid_to) == (MARCH, MARCH, None)
    assert new.ingested_at > MARCH
    assert [hit.text for hit in memory.recall("port").hits] == ["port 2"]


def test_a_change_may_begin_where_the_old_fact_began(memory: Memory) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    memory.supersede(old, "port 2", at=JANUARY)
    assert held(memory, "2026-02-01") == ["port 2"]


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2025-12-31", "at is 2025-12-31T00:00:00Z, before {id} began to hold: send "
         "2026-01-01T00:00:00Z or later"),
        ("2999-01-01", "at is 2999-01-01T00:00:00Z, which is in the future: send when it began "
         "to hold"),
        ("soon", 'at is not an ISO date or time: send for example "2026-05-08" or '
         '"2026-05-08T14:00:00Z"'),
    ],
)  # fmt: skip
def test_a_change_before_its_fact_or_in_the_future_is_refused(
    memory: Memory, at: str, told: str
) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    with pytest.raises(InvalidInput) as refused:
        memory.supersede(old, "port 2", at=at)
    assert str(refused.value) == told.format(id=old)
    assert memory.store.statistics().total == 1


def test_what_was_superseded_already_names_what_holds_now(memory: Memory) -> None:
    first, second, third = chain(memory, "port 1", "port 2", "port 3")
    for old in (first, second):
        with pytest.raises(InvalidInput) as refused:
            memory.supersede(old, "port 4")
        assert str(refused.value) == f"{old} was already superseded: supersede {third} instead"
    assert memory.supersede(third, "port 4").old_id == third


def test_superseding_what_a_forgotten_memory_replaced_names_the_way_out(memory: Memory) -> None:
    old, new = chain(memory, "port 1", "port 2")
    memory.forget([new])
    with pytest.raises(InvalidInput) as refused:
        memory.supersede(old, "port 3")
    assert str(refused.value) == (
        f"{old} was superseded by a memory that was forgotten: run `iai-mcp restore {old}` first"
    )
    memory.restore([old])
    assert memory.supersede(old, "port 3").old_id == old


# As of a time


def test_since_the_store_was_born_as_of_tells_what_it_held_then(memory: Memory) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    before = now()
    memory.supersede(old, "port 2", at="2026-03-01")
    late = stored(memory, "port 9 was said in spring", created_at="2026-04-01")
    after = now()
    assert held(memory, before) == ["port 1"]
    assert held(memory, after) == ["port 2", "port 9 was said in spring"]
    memory.forget([late])
    assert held(memory, after) == ["port 2", "port 9 was said in spring"]
    assert held(memory, now()) == ["port 2"]


def test_before_the_store_was_born_as_of_tells_what_was_said_and_true_by_then(
    memory: Memory,
) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    memory.supersede(old, "port 2", at="2026-03-01")
    assert held(memory, "2025-12-31") == []
    assert held(memory, "2026-02-01") == ["port 1"]
    assert held(memory, "2026-03-01") == ["port 2"]
    assert held(memory, "2026-05-01", include_superseded=True) == ["port 1", "port 2"]


def test_what_was_true_then_carries_no_mark_of_what_came_later(memory: Memory) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    between = now()
    memory.supersede(old, "port 2", at="2026-03-01")
    for moment in ("2026-02-01", between):
        [hit] = memory.recall("port", as_of=moment).hits
        assert (hit.text, hit.valid_to, hit.superseded_by) == ("port 1", None, None)


def test_before_the_birth_nothing_that_is_forgotten_now_comes_back(memory: Memory) -> None:
    gone = stored(memory, "port 1", created_at="2026-01-01")
    stored(memory, "port 2", created_at="2026-01-01")
    memory.forget([gone])
    assert held(memory, "2026-02-01") == ["port 2"]
    assert held(memory, "2026-02-01", include_superseded=True) == ["port 2"]


def test_what_was_said_of_a_later_time_is_not_true_yet(memory: Memory) -> None:
    stored(memory, "port 1")
    stored(memory, "port 2", created_at="2999-01-01")
    assert held(memory, now()) == ["port 1"]
    assert held(memory, now(), include_superseded=True) == ["port 1"]
    assert held(memory, "2999-01-01") == ["port 1", "port 2"]


def test_a_change_recorded_after_a_time_does_not_reach_back_to_it(memory: Memory) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    asked = now()
    memory.supersede(old, "port 2", at=asked - timedelta(microseconds=1))
    assert held(memory, asked) == ["port 1"]


def test_restoring_is_a_change_of_its_own_as_of_a_time(memory: Memory) -> None:
    old, new = chain(memory, "port 1", "port 2", created_at="2026-01-01")
    superseded = now()
    memory.restore([old])
    both = now()
    memory.forget([new])
    assert held(memory, superseded) == ["port 2"]
    assert held(memory, both) == ["port 1", "port 2"]
    assert held(memory, now()) == ["port 1"]


def test_the_timeline_of_a_time_shows_what_was_held_then(memory: Memory) -> None:
    first = stored(memory, "port 1", created_at="2026-01-01")
    before = now()
    memory.supersede(first, "port 2")
    [then] = memory.timeline(as_of=before).records
    assert (then.id, then.superseded_by) == (first, None)
    assert len(memory.timeline().records) == 2


def test_the_birth_is_the_first_arrival_whoever_stored_it(memory: Memory, tmp_path: Path) -> None:
    assert memory.store.first_ingested_at() is None
    first = stored(memory, "port 1", created_at="2026-01-01")
    stored(memory, "port 2", created_at="2025-01-01")
    assert memory.store.first_ingested_at() == raw(memory, first).ingested_at
    elder = Record("0", "port 0", "note", "cli", JANUARY, JANUARY, JANUARY, JANUARY, "k")
    with Memory(memory.paths.root).store.writing() as writer:
        writer.insert_as_is([Row(elder, None)], writer.now())
    assert memory.store.first_ingested_at() == JANUARY


@pytest.mark.slow
@given(data=st.data())
def test_sql_lets_by_everything_that_a_filter_admits(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    memory, moments, records = _history(tmp_path_factory)
    where = Filter(
        project=data.draw(st.sampled_from([None, "p", "q"])),
        or_no_project=data.draw(st.booleans()),
        session_id=data.draw(st.sampled_from([None, "s"])),
        since=data.draw(st.sampled_from([None, JANUARY, MARCH])),
        until=data.draw(st.sampled_from([None, MARCH, MAY])),
        as_of=(as_of := data.draw(st.sampled_from([None, JANUARY, MARCH, MAY, *moments]))),
        hindsight=as_of is not None and as_of < moments[0],
        tags=data.draw(st.sampled_from([(), ("t",), ("t", "u")])),
        roles=data.draw(st.sampled_from([(), ("user", "note")])),
        origins=data.draw(st.sampled_from([(), ("cli",), ("hook", "tool")])),
        pinned=data.draw(st.booleans()),
        include_superseded=data.draw(st.booleans()),
        include_tombstoned=data.draw(st.booleans()),
    )
    admitted = {record.id for record in records if where.admits(record)}
    assert {record.id for record in memory.store.latest.newest(where, 100)} == admitted
    if where.as_of is None or where.hindsight:
        # Nothing has to be undone, so SQL alone is exact.
        assert memory.store.latest.count(where) == len(admitted)


_histories: list[tuple[Memory, list[datetime], list[Record]]] = []


def _history(
    factory: pytest.TempPathFactory,
) -> tuple[Memory, list[datetime], list[Record]]:
    """A store with every sort of change in it, moments between them from its birth on, all rows."""
    if _histories:
        return _histories[0]
    memory = Memory(factory.mktemp("history") / "store")
    moments: list[datetime] = []
    ids: list[str] = []
    for number in range(12):
        [done] = memory.ingest(
            {
                "text": f"port {number}",
                "created_at": (JANUARY, MARCH, MAY, None)[number % 4],
                "project": ("p", "q", None)[number % 3],
                "session_id": ("s", None)[number % 2],
                "role": ("user", "note", "tool")[number % 3],
                "tags": [[], ["t"], ["t", "u"]][number % 3],
                "pinned": number % 5 == 0,
            },
            origin=("cli", "hook", "import", "tool")[number % 4],
        ).results
        ids.append(str(done.id))
        moments.append(now())
    moments.insert(0, memory.store.first_ingested_at() or JANUARY)
    changes: list[Callable[[], object]] = [
        lambda: memory.supersede(ids[0], "port 20", at=MARCH),
        lambda: memory.supersede(ids[1], "port 21"),
        lambda: memory.forget(ids[2:5]),
        lambda: memory.restore(ids[3:4]),
        lambda: memory.restore(ids[1:2]),
        lambda: memory.pin(ids[5], add_tags=["u"], remove_tags=["t"]),
        lambda: memory.pin(ids[6]),
        lambda: memory.forget(ids[6:7]),
        lambda: memory.supersede(ids[7], "port 27"),
        lambda: memory.forget(ids[7:8]),
    ]
    for change in changes:
        change()
        moments.append(now())
    records = [row.record for row in memory.store.latest.all_rows()]
    _histories.append((memory, moments, records))
    return _histories[0]


# Chains


def test_each_link_of_a_chain_leads_to_what_holds_now(memory: Memory) -> None:
    ids = chain(memory, "port 1", "port 2", "port 3", "port 4")
    alone = stored(memory, "another port")
    records = [raw(memory, id_) for id_ in (*ids, alone)]
    found = successors(memory.store.latest, records)
    assert {id_: [one.id for one in after] for id_, after in found.items()} == {
        ids[0]: ids[1:],
        ids[1]: ids[2:],
        ids[2]: ids[3:],
        ids[3]: [],
        alone: [],
    }


def test_a_chain_goes_on_behind_a_link_that_was_forgotten(memory: Memory) -> None:
    first, second, third = chain(memory, "port 1", "port 2", "port 3")
    memory.forget([second])
    after = successors(memory.store.latest, [raw(memory, first)])
    assert [one.id for one in after[first]] == [third]
    memory.forget([third])
    assert successors(memory.store.latest, [raw(memory, first)]) == {first: []}


def test_a_chain_is_what_it_was_as_of_a_time(memory: Memory) -> None:
    first = stored(memory, "port 1", created_at="2026-01-01")
    second = memory.supersede(first, "port 2", at="2026-02-01").new_id
    between = now()
    third = memory.supersede(second, "port 3", at="2026-04-01").new_id

    def after(where: Filter) -> list[str]:
        record = where.at_time(raw(memory, first))
        return [one.id for one in successors(memory.store.latest, [record], where)[first]]

    assert after(Filter()) == [second, third]
    assert after(Filter(as_of=between)) == [second]
    assert after(Filter(as_of=MAY, hindsight=True)) == [second, third]
    assert after(Filter(as_of=MARCH, hindsight=True)) == [second]
    assert after(Filter(as_of=JANUARY, hindsight=True)) == []


def test_a_restored_link_is_no_longer_part_of_the_chain(memory: Memory) -> None:
    first, second, third = chain(memory, "port 1", "port 2", "port 3")
    memory.restore([second])
    records = [raw(memory, id_) for id_ in (first, second, third)]
    found = successors(memory.store.latest, records)
    assert {id_: [one.id for one in after] for id_, after in found.items()} == {
        first: [second],
        second: [],
        third: [],
    }
    before = predecessors(memory.store.latest, records)
    assert {id_: [one.id for one in found] for id_, found in before.items()} == {
        first: [],
        second: [first],
        third: [],
    }


def test_what_a_record_replaced_is_what_it_had_replaced_by_then(memory: Memory) -> None:
    first = stored(memory, "port 1", created_at="2026-01-01")
    before = now()
    second = memory.supersede(first, "port 2").new_id
    linked = now()
    memory.forget([first])
    reader, record = memory.store.latest, raw(memory, second)
    assert predecessors(reader, [record]) == {second: []}
    assert predecessors(reader, [record], Filter(as_of=before)) == {second: []}
    [then] = predecessors(reader, [record], Filter(as_of=linked))[second]
    assert (then.id, then.superseded_by) == (first, second)


def _linked(id_: str, to: str | None, at: datetime = JANUARY) -> Row:
    record = Record(id_, f"port {id_}", "note", "cli", at, at, at, at, f"k{id_}")
    return Row(record.changed(MARCH, valid_to=MARCH, superseded_by=to), None)


def test_a_chain_in_a_circle_ends(memory: Memory) -> None:
    with memory.store.writing() as writer:
        writer.insert_as_is([_linked("1", "2"), _linked("2", "3"), _linked("3", "1")], writer.now())
    after = successors(memory.store.latest, [raw(memory, "1")])
    assert [one.id for one in after["1"]] == ["2", "3"]


def test_a_chain_that_lost_a_record_ends_there(memory: Memory) -> None:
    with memory.store.writing() as writer:
        writer.insert_as_is([_linked("1", "2"), _linked("2", "lost")], writer.now())
    assert [one.id for one in successors(memory.store.latest, [raw(memory, "1")])["1"]] == ["2"]


@pytest.mark.slow
def test_a_very_long_chain_is_told_up_to_a_bound(memory: Memory) -> None:
    length = MAX_HOPS + 10
    with memory.store.writing() as writer:
        writer.insert_as_is(
            [_linked(f"{n:04}", f"{n + 1:04}") for n in range(length)], writer.now()
        )
    [after] = successors(memory.store.latest, [raw(memory, "0000")]).values()
    assert len(after) == MAX_HOPS


@pytest.mark.parametrize("id_", ["') OR true --", "x'; DROP TABLE memories; --", "\x00"])
def test_an_id_is_only_a_value_in_a_chain(memory: Memory, id_: str) -> None:
    with memory.store.writing() as writer:
        writer.insert_as_is([_linked("1", id_), _linked("2", None)], writer.now())
    [one] = memory.store.latest.get(["1"])
    assert successors(memory.store.latest, [one]) == {"1": []}
    [strange] = [row.record for row in [_linked(id_, None)]]
    assert [r.id for r in predecessors(memory.store.latest, [strange])[id_]] == ["1"]


# Undoing


def test_restoring_the_middle_of_a_chain_makes_it_current_beside_the_end(memory: Memory) -> None:
    first, second, third = chain(memory, "port 1", "port 2", "port 3")
    assert memory.restore([second]).restored == [second]
    current = {record.id for record in memory.store.latest.newest(Filter(), 10)}
    assert current == {second, third}
    assert raw(memory, first).superseded_by == second


def test_a_fact_whose_correction_was_forgotten_can_be_made_true_again(memory: Memory) -> None:
    first, second = chain(memory, "port 1", "port 2")
    memory.forget([second])
    assert memory.recall("port").hits == []
    memory.restore([first])
    assert [hit.id for hit in memory.recall("port").hits] == [first]


def test_restoring_undoes_one_step_at_a_time_and_then_nothing(memory: Memory) -> None:
    first, second = chain(memory, "port 1", "port 2")
    memory.forget([first])
    assert memory.restore([first]).restored == [first]
    assert raw(memory, first).superseded_by == second
    assert memory.restore([first]).restored == [first]
    assert raw(memory, first).superseded_by is None
    again = memory.restore([first])
    assert (again.restored, again.not_found) == ([], [first])


def test_a_restored_fact_can_be_superseded_and_restored_again(memory: Memory) -> None:
    first, _ = chain(memory, "port 1", "port 2", created_at="2026-01-01")
    memory.restore([first])
    third = memory.supersede(first, "port 3", at="2026-03-01").new_id
    assert raw(memory, first).superseded_by == third
    memory.restore([first])
    assert {hit.text for hit in memory.recall("port").hits} == {"port 1", "port 2", "port 3"}
    fields = [change.field for change in raw(memory, first).history]
    assert fields == ["valid_to", "superseded_by"] * 4


def test_nothing_of_a_change_is_lost_on_the_way_to_another_store(
    memory: Memory, tmp_path: Path
) -> None:
    old = stored(memory, "port 1", created_at="2026-01-01")
    before = now()
    memory.supersede(old, "port 2", at="2026-03-01")
    other = Memory(tmp_path / "other")
    assert [arrived.stored for arrived in other.import_lines(memory.export_lines())] == [2]
    assert held(other, before) == ["port 1"]
    assert held(other, "2026-02-01") == ["port 1"]
    assert held(other, "2026-04-01") == ["port 2"]
    past = [replace(one, number=None) for one in raw(memory, old).history]
    assert [*raw(other, old).history] == past != []


def test_an_unknown_memory_cannot_be_superseded(memory: Memory) -> None:
    with pytest.raises(UnknownRecord, match="no memory has the id 'nothing'"):
        memory.supersede("nothing", "port 2", at="2026-03-01")
