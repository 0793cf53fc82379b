"""The history of a memory, and the difference of a store between two times."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.clocks import clock_off_by
from tests.support.stored import now, stored

from iai_memory import Memory
from iai_memory.errors import InvalidInput, UnknownRecord


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: words are enough here."""
    return words_only


def test_a_history_shows_each_state_with_what_by_what_and_why(memory: Memory) -> None:
    id_ = stored(memory, "port 1", tags=["a"])
    tool = Memory(memory.paths.root, origin="tool", on_commit=lambda: None)
    tool.pin(id_, add_tags=["b"])
    memory.forget([id_], reason="a misunderstanding")
    memory.undo()
    memory.supersede(id_, "port 2", reason="it moved")
    found = memory.history(id_[:-1])
    assert [(one.what, one.by, one.reason) for one in found.states] == [
        (["added"], "cli", None),
        (["pinned", "tagged"], "tool", None),
        (["forgotten"], "cli", "a misunderstanding"),
        (["restored"], "undo", None),
        (["superseded"], "cli", "it moved"),
    ]
    assert found.states[1].tags == ["a", "b"]
    numbers = [one.change for one in found.states]
    assert all(number is not None for number in numbers)
    assert numbers == sorted(numbers, key=lambda number: number or 0)
    assert [one.text for one in found.replaced_by] == ["port 2"]
    assert found.states[-1].other == found.replaced_by[0].id
    [before] = memory.history(found.replaced_by[0].id).replaced
    assert (before.id, before.text) == (id_, "port 1")


def test_a_forgotten_text_is_shown_on_request_only(memory: Memory) -> None:
    since = now()
    id_ = stored(memory, "the key hangs by the door")
    memory.forget([id_])
    assert (memory.history(id_).text, memory.history(id_).forgotten) == (None, True)
    assert memory.history(id_, forgotten=True).text == "the key hangs by the door"
    assert memory.diff(since).memories[0].text is None
    assert memory.diff(since, forgotten=True).memories[0].text == "the key hangs by the door"


def test_an_id_that_nothing_has_or_that_was_purged_is_named(memory: Memory) -> None:
    with pytest.raises(UnknownRecord, match="no memory has the id"):
        memory.history("01970000-0000-7000-8000-000000000000")
    id_ = stored(memory, "port 1")
    memory.purge([id_])
    with pytest.raises(InvalidInput):
        memory.history("")
    with pytest.raises(UnknownRecord, match="no memory has the id"):
        memory.history(id_[:1])
    with pytest.raises(UnknownRecord, match="was purged"):
        memory.history(id_)


def test_a_difference_counts_all_and_lists_the_newest_first(memory: Memory) -> None:
    ids = [str(one.id) for one in memory.ingest([f"port {n}" for n in range(5)]).results]
    since = now()
    memory.forget(ids[:1])
    memory.supersede(ids[1], "port 9")
    memory.pin(ids[2], add_tags=["t"])
    until = now()
    memory.restore(ids[:1])
    memory.pin(ids[2], pinned=False)

    found = memory.diff(since, until, limit=2)
    assert found.total == 4
    assert found.counts == {"tagged": 1, "pinned": 1, "added": 1, "superseded": 1, "forgotten": 1}
    assert len(found.memories) == 2
    assert found.memories[0].what == ["pinned", "tagged"]
    after = memory.diff(until)
    assert after.counts == {"unpinned": 1, "restored": 1}
    # What was done and undone in between is no difference, apart from the tag.
    assert memory.diff(since).counts == {"tagged": 1, "added": 1, "superseded": 1}


def test_a_difference_of_a_day_begins_with_it_and_nothing_is_no_difference(memory: Memory) -> None:
    stored(memory, "port 1")
    assert memory.diff("today").total == memory.diff("2 hours ago").total == 1
    assert memory.diff(now()).total == 0
    assert memory.diff("2020-01-01", "2020-12-31").total == 0
    with pytest.raises(InvalidInput, match="since is not before until"):
        memory.diff("2021-01-01", "2020-01-01")


@pytest.mark.parametrize("off", [timedelta(days=3650), timedelta(days=-3650)])
def test_what_a_wrong_clock_stored_is_of_the_time_between_its_neighbours(
    memory: Memory, off: timedelta
) -> None:
    stored(memory, "port 1")
    since = now()
    with clock_off_by(off):
        stored(memory, "port 2")
    stored(memory, "port 3")
    assert memory.diff(since).total == 2
    assert memory.undo(to=since).total == 2
    assert [one.text for one in memory.timeline().records] == ["port 1"]
