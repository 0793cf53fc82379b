"""One write with a wrong clock harms only itself, and not even that for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import lancedb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clocks import clock_off_by
from tests.support.page_text import shown
from tests.support.stored import now, raw, stored

from iai_memory import Memory, Record
from iai_memory.store.filter import Filter
from iai_memory.store.schema import LATE_COLUMNS

YEARS = timedelta(days=3650)
DAY = timedelta(days=1)


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: times need none."""
    return words_only


def held(memory: Memory, moment: datetime) -> list[str]:
    return sorted(hit.text for hit in memory.recall("port", as_of=moment, limit=50).hits)


OFF = pytest.mark.parametrize("off", [YEARS, -YEARS], ids=["ahead", "behind"])


@OFF
def test_what_is_stored_later_has_the_time_of_its_own_clock(memory: Memory, off: timedelta) -> None:
    stored(memory, "port 1")
    with clock_off_by(off):
        stored(memory, "port 2")
    before = now()
    third = raw(memory, stored(memory, "port 3"))
    assert before <= third.created_at <= third.ingested_at == third.updated_at <= now()
    memory.pin(third.id)
    assert before <= raw(memory, third.id).updated_at <= now()


@OFF
def test_the_past_of_every_other_memory_stays_right(memory: Memory, off: timedelta) -> None:
    first = stored(memory, "port 1")
    one = now()
    with clock_off_by(off):
        stored(memory, "port 2")
    two = now()
    memory.forget([first])
    three = now()
    third = stored(memory, "port 3")
    memory.supersede(third, "port 4")
    others = [
        [text for text in held(memory, moment) if text != "port 2"]
        for moment in (one, two, three, now())
    ]
    assert others == [["port 1"], ["port 1"], [], ["port 4"]]


def test_what_a_clock_ahead_stored_is_there_since_the_next_write_at_the_latest(
    memory: Memory,
) -> None:
    stored(memory, "port 1")
    before = now()
    with clock_off_by(YEARS):
        stored(memory, "port 2")
    assert held(memory, now() + DAY) == ["port 1", "port 2"]
    stored(memory, "port 3")
    after = now()
    stored(memory, "port 4")
    assert held(memory, before) == ["port 1"]
    assert held(memory, after) == ["port 1", "port 2", "port 3"]


def test_what_a_clock_ahead_superseded_forgot_and_pinned_is_so_as_of_the_next_write(
    memory: Memory,
) -> None:
    replaced, forgotten = stored(memory, "port 1"), stored(memory, "port 2")
    pinned = stored(memory, "port 3")
    before = now()
    with clock_off_by(YEARS):
        memory.supersede(replaced, "port 10")
        memory.forget([forgotten])
        memory.pin(pinned)
    assert held(memory, now() + DAY) == ["port 10", "port 3"]
    stored(memory, "port 4")
    assert held(memory, now()) == ["port 10", "port 3", "port 4"]
    assert held(memory, before) == ["port 1", "port 2", "port 3"]
    [then] = [one for one in memory.timeline(as_of=before).records if one.id == pinned]
    assert not then.pinned


@OFF
def test_what_is_superseded_or_forgotten_by_a_wrong_clock_is_so_everywhere(
    memory: Memory, off: timedelta
) -> None:
    old = stored(memory, "The port is 5544.", project="gull", pinned=True)
    gone = stored(memory, "The gull's key hangs by the door.", project="gull", pinned=True)
    with clock_off_by(off):
        memory.supersede(old, "The port is 6000.")
        memory.forget([gone])
    page = shown(memory, "gull")
    assert "6000" in page
    assert not any(word in page for word in ("5544", "key hangs"))
    found = memory.status()
    assert (found.records, found.superseded, found.tombstoned) == (1, 1, 1)
    held_now = {one.text: one.superseded_by is None for one in memory.timeline(turns=True).records}
    assert held_now == {"The port is 5544.": False, "The port is 6000.": True}
    assert [hit.text for hit in memory.recall("port").hits] == ["The port is 6000."]
    other = Memory(memory.paths.root.parent / "other", on_commit=lambda: None)
    list(other.import_lines(list(memory.export_lines())))
    assert [hit.text for hit in other.recall("port").hits] == ["The port is 6000."]
    assert (other.status().superseded, other.status().tombstoned) == (1, 1)


@OFF
def test_a_change_by_a_wrong_clock_makes_the_page_new_and_counts_as_behind(
    memory: Memory, off: timedelta
) -> None:
    ids = [stored(memory, f"port {number}", project="gull") for number in range(3)]
    memory.page_manager().refresh("manual")
    with clock_off_by(off):
        memory.pin(ids[1], add_tags=["harbour"])
    assert (memory.status().freshness.fresh, memory.status().freshness.behind) == (False, 1)
    assert memory.page_manager().refresh("manual").reason == "watermark_changed"
    assert (memory.status().freshness.fresh, memory.status().freshness.behind) == (True, 0)


def test_a_line_of_a_clock_ahead_heads_page_and_timeline_only_until_the_next_one(
    memory: Memory,
) -> None:
    with clock_off_by(YEARS):
        stored(memory, "by the clock ahead", project="gull")
    stored(memory, "by the right clock", project="gull")
    page = memory.page_manager().render_now("gull").payload
    assert page.index("by the right clock") < page.index("by the clock ahead")
    assert [one.text for one in memory.timeline().records] == [
        "by the right clock",
        "by the clock ahead",
    ]
    [ahead] = memory.store.latest.newest(Filter(tags=("time-estimated",)), 9)
    assert ahead.valid_from - now() > YEARS - DAY  # what the clock said is still to be seen


@OFF
def test_a_supersession_by_a_wrong_clock_ends_no_fact_before_its_time(
    memory: Memory, off: timedelta
) -> None:
    old = stored(memory, "port 1")
    held_then = now()
    with clock_off_by(off):
        new = memory.supersede(old, "port 2").new_id
    for _ in range(2):
        assert held(memory, held_then) == ["port 1"]
        assert held(memory, now() + DAY) == ["port 2"]
        assert held(memory, datetime(2017, 1, 1, tzinfo=UTC)) == []
        stored(memory, "something else")
    # Another one with the other fault, and a right one.
    other = stored(memory, "harbour 1")
    before = now()
    with clock_off_by(-off):
        second = memory.supersede(other, "harbour 2").new_id
    memory.supersede(second, "harbour 3")
    memory.supersede(new, "port 3")
    harbours = [hit.text for hit in memory.recall("harbour", as_of=before, limit=9).hits]
    assert harbours == ["harbour 1"]
    assert held(memory, before) == ["port 2"]
    assert held(memory, now()) == ["port 3"]


@OFF
def test_what_a_wrong_clock_stored_leaves_no_version_behind_a_compaction(
    memory: Memory, off: timedelta
) -> None:
    with clock_off_by(off):
        stored(memory, "port 1")
    versions = memory.paths.database / "memories.lance" / "_versions"
    # The times of versions are the system's, which the test cannot set: they are made older ones.
    memory.store.compact(keep=timedelta(0))
    assert len(list(versions.glob("*.manifest"))) == 1


def test_a_clock_that_was_set_back_changes_no_time_of_what_is_stored(memory: Memory) -> None:
    for number in range(4):
        stored(memory, f"port {number}")
    times = {one.id: (one.created_at, one.ingested_at) for one in _all(memory)}
    with clock_off_by(-YEARS):
        opened = Memory(memory.paths.root, on_commit=lambda: None)
        stored(opened, "port 9")
        opened.page_manager().refresh("manual")
        assert len(opened.timeline(limit=9).records) == 5
    after = {one.id: (one.created_at, one.ingested_at) for one in _all(memory)}
    assert after.items() > times.items()
    assert held(memory, now() + DAY) == ["port 0", "port 1", "port 2", "port 3", "port 9"]


def test_a_clock_far_behind_does_not_make_the_store_older_than_it_is(memory: Memory) -> None:
    stored(memory, "port 1", created_at="2019-03-01")
    first = raw(memory, stored(memory, "port 2")).ingested_at
    with clock_off_by(-YEARS):
        stored(memory, "port 3")
    birth = memory.store.first_ingested_at()
    assert birth is not None
    assert birth <= first
    assert first - birth < DAY
    # Before its birth a store answers by when things were said.
    assert held(memory, datetime(2020, 1, 1, tzinfo=UTC)) == ["port 1"]


def test_two_copies_of_a_store_with_an_id_of_the_future_give_no_id_twice(
    memory: Memory, tmp_path: Path
) -> None:
    with clock_off_by(YEARS):
        stored(memory, "port 0")
    # Ids come from the system's clock in nanoseconds, which the test cannot set.
    _with_id_of_the_future(memory)
    other = Memory(tmp_path / "other", on_commit=lambda: None)
    list(other.import_lines(list(memory.export_lines())))
    for name, one in (("here", memory), ("there", other)):
        ids = [stored(one, f"port {number} {name}") for number in range(20)]
        assert ids == sorted(ids)
        assert {UUID(id_).version for id_ in ids} == {7}
        assert {UUID(id_).variant for id_ in ids} == {UUID(int=2 << 62).variant}
    [counts] = memory.import_lines(list(other.export_lines()))
    assert counts.stored == 20


def _with_id_of_the_future(memory: Memory) -> None:
    table = lancedb.connect(memory.paths.database).open_table("memories")
    table.update(where="true", values={"id": "7fffffff-ffff-7fff-bfff-fffffffffffe"})


def _all(memory: Memory) -> list[Record]:
    return memory.store.latest.get(memory.store.latest.ids())


def _stamped_by_an_earlier_version(memory: Memory, first: str, others: list[str]) -> None:
    """As earlier versions did: what follows a clock ahead gets its time and a microsecond."""
    table = lancedb.connect(memory.paths.database).open_table("memories")
    ahead = raw(memory, first).ingested_at
    for number, id_ in enumerate(others, 1):
        at = (ahead + number * timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
        table.update(
            where=f"id = '{id_}'",
            values_sql={
                **dict.fromkeys(("ingested_at", "updated_at"), f"timestamp '{at}'"),
                **dict.fromkeys(LATE_COLUMNS, "NULL"),
            },
        )


def test_a_store_of_an_earlier_version_whose_rows_are_stamped_ahead_recovers(
    memory: Memory,
) -> None:
    stored(memory, "port 0")
    with clock_off_by(YEARS):
        ahead = stored(memory, "port 1")
    moments = [now()]
    later = []
    for number in range(2, 8):
        later.append(stored(memory, f"port {number}"))
        moments.append(now())
    _stamped_by_an_earlier_version(memory, ahead, later)
    opened = Memory(memory.paths.root, on_commit=lambda: None)
    assert held(opened, now() + DAY) == [f"port {number}" for number in range(8)]
    assert len(held(opened, moments[3])) >= 4
    assert "port 6" not in held(opened, moments[3])
    new = raw(opened, stored(opened, "port 8"))
    assert new.ingested_at <= now()
    assert held(opened, now())[-1] == "port 8"


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.lists(st.sampled_from(["ingest", "pin", "forget", "restore", "supersede"]), max_size=5))
def test_whatever_a_wrong_clock_does_in_between_leaves_the_past_of_others(
    tmp_path_factory: pytest.TempPathFactory, wrong: list[str]
) -> None:
    memory = Memory(tmp_path_factory.mktemp("clocks") / "store", on_commit=lambda: None)
    mine = [stored(memory, f"port {number}") for number in range(2)]
    moments = [now()]
    theirs = [stored(memory, "port 90"), stored(memory, "port 91")]
    for number, what in enumerate(wrong):
        with clock_off_by(YEARS if number % 2 else -YEARS):
            _change(memory, what, theirs, number)
    moments.append(now())
    memory.forget(mine[:1])
    moments.append(now())
    stored(memory, "port 3")
    moments.append(now())
    seen = [[text for text in held(memory, at) if len(text) == len("port 1")] for at in moments]
    assert seen == [["port 0", "port 1"], ["port 0", "port 1"], ["port 1"], ["port 1", "port 3"]]


def _change(memory: Memory, what: str, ids: list[str], number: int) -> None:
    if what == "ingest":
        ids.append(stored(memory, f"port 9{number}"))
    elif what == "pin":
        live = [one.id for one in memory.store.latest.get(ids) if one.is_live()]
        memory.pin(live[0], add_tags=[f"t{number}"]) if live else None
    elif what == "supersede":
        shown_now = [one.id for one in memory.store.latest.get(ids) if one.is_live()]
        current = [id_ for id_ in shown_now if raw(memory, id_).is_current()]
        if current:
            ids.append(memory.supersede(current[0], f"port 8{number}").new_id)
    else:
        getattr(memory, what)(ids[:1])
