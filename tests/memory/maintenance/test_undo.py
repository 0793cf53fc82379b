"""Undo: one change is one, however many rows it has, and nothing that was undone is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import lancedb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.support.clocks import clock_off_by
from tests.support.old_stores import forked, old_store
from tests.support.stored import now, raw, stored

from iai_memory import Memory, Record
from iai_memory.errors import InvalidInput
from iai_memory.store.filter import EVERYTHING, Filter
from iai_memory.store.schema import LATE_COLUMNS
from iai_memory.writing.ingest import ingest
from iai_memory.writing.new_memory import new_memories


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model: words are enough here."""
    return words_only


def captured(memory: Memory, *texts: str) -> list[str | None]:
    """Turns as a drain stores them."""
    turns = [
        {"text": text, "role": "user", "host": "claude", "session_id": "s", "turn_id": f"t{text}"}
        for text in texts
    ]
    report = ingest(memory.store, None, new_memories(turns), origin="hook")
    return [one.status for one in report.results]


def texts(memory: Memory) -> list[str]:
    """What is shown today, sorted."""
    return sorted(one.text for one in memory.store.latest.newest(Filter(), 1_000))


def test_what_was_added_is_forgotten_and_undoing_the_undo_brings_it_back(memory: Memory) -> None:
    stored(memory, "port 1")
    added = stored(memory, "port 2", pinned=True, tags=["a"])
    done = memory.undo()
    assert (done.done, done.total, done.counts) == (True, 1, {"forgotten": 1})
    assert [one.id for one in done.memories] == [added]
    assert texts(memory) == ["port 1"]
    assert memory.recall("port").hits[0].text == "port 1"
    again = memory.undo()
    assert again.counts == {"restored": 1}
    assert texts(memory) == ["port 1", "port 2"]
    assert (raw(memory, added).pinned, raw(memory, added).tags) == (True, ("a",))


def test_a_supersession_is_undone_with_its_new_wording_in_one_change(memory: Memory) -> None:
    old = stored(memory, "port 1")
    memory.supersede(old, "port 2")
    assert memory.undo(dry_run=True).counts == {"forgotten": 1, "current again": 1}
    assert texts(memory) == ["port 2"]  # a dry run changes nothing
    memory.undo()
    assert texts(memory) == ["port 1"]
    assert (raw(memory, old).valid_to, raw(memory, old).superseded_by) == (None, None)
    memory.undo()
    assert texts(memory) == ["port 2"]


def test_forgetting_many_ids_is_one_change(memory: Memory) -> None:
    ids = [str(one.id) for one in memory.ingest([f"port {n}" for n in range(40)]).results]
    memory.forget(ids)
    assert memory.undo().total == 40
    assert len(texts(memory)) == 40
    assert memory.undo().total == 40
    assert texts(memory) == []


@pytest.mark.parametrize("lines", [3, 501], ids=["one batch", "several batches"])
def test_an_import_is_one_change_however_many_batches_it_has(
    memory: Memory, tmp_path: Path, lines: int
) -> None:
    other = Memory(tmp_path / "other", on_commit=lambda: None)
    other.ingest([f"harbour {number}" for number in range(lines)])
    stored(memory, "port 1")
    before = now()
    for _ in memory.import_lines(list(other.export_lines())):
        pass
    assert memory.undo().total == lines
    assert texts(memory) == ["port 1"]
    memory.undo()
    assert len(texts(memory)) == lines + 1
    # It came now, however old its memories are.
    assert memory.undo(to=before).total == lines
    assert texts(memory) == ["port 1"]


def test_an_undone_turn_does_not_come_back_by_capture_or_import_and_does_by_a_new_statement(
    memory: Memory, tmp_path: Path
) -> None:
    other = Memory(tmp_path / "other", on_commit=lambda: None)
    assert captured(other, "the gull sleeps on the roof") == ["pending"]
    captured(memory, "the gull sleeps on the roof")
    assert memory.undo().total == 1
    assert captured(memory, "the gull sleeps on the roof") == ["duplicate"]
    list(memory.import_lines(list(other.export_lines())))
    assert texts(memory) == []
    stored(memory, "the gull sleeps on the roof")
    assert texts(memory) == ["the gull sleeps on the roof"]


def test_pins_and_tags_get_their_values_from_before(memory: Memory) -> None:
    id_ = stored(memory, "port 1", tags=["a"])
    memory.pin(id_, add_tags=["b"], remove_tags=["a"])
    assert memory.undo().counts == {"unpinned": 1, "tagged": 1}
    assert (raw(memory, id_).pinned, raw(memory, id_).tags) == (False, ("a",))
    memory.undo()
    assert (raw(memory, id_).pinned, raw(memory, id_).tags) == (True, ("b",))


def test_what_a_model_pinned_stays_its_pin_when_an_undo_brings_it_back(memory: Memory) -> None:
    id_ = stored(memory, "port 1")
    tool = Memory(memory.paths.root, origin="tool", on_commit=lambda: None)
    tool.pin(id_, add_tags=["b"])
    memory.pin(id_, pinned=False, remove_tags=["b"])
    memory.undo()
    assert (raw(memory, id_).pinned_by, raw(memory, id_).tagged_by("b")) == ("model", "model")


def test_vectors_and_compaction_are_no_changes(memory: Memory) -> None:
    stored(memory, "port 1")
    id_ = stored(memory, "port 2")
    memory.store.compact(keep=timedelta(0))
    with memory.store.writing(shown=False) as writer:
        writer.update(writer.reader.rows([id_]), writer.now())
    assert [one.id for one in memory.undo().memories] == [id_]


def test_one_change_is_undone_where_others_came_since_and_what_changed_again_stays(
    memory: Memory,
) -> None:
    ids = [str(one.id) for one in memory.ingest(["port 1", "port 2"]).results]
    memory.forget(ids)
    forgotten = memory.undo(dry_run=True).change
    memory.restore(ids[:1])
    stored(memory, "port 3")
    done = memory.undo(change=forgotten)
    assert (done.total, done.kept) == (1, 1)
    assert texts(memory) == ["port 1", "port 2", "port 3"]


def test_an_empty_store_has_nothing_to_undo(memory: Memory) -> None:
    done = memory.undo()
    assert (done.done, done.total, done.redo) == (False, 0, None)
    assert not memory.undo(to="2020-01-01").done
    stored(memory, "port 1")
    assert not memory.undo(to=now()).done


def test_a_time_is_told_by_date_or_words_and_anything_else_is_refused(memory: Memory) -> None:
    stored(memory, "port 1")
    assert memory.undo(to="yesterday", dry_run=True).total == 1
    assert memory.undo(to="2 hours ago", dry_run=True).total == 1
    assert memory.undo(to="2020-01-01", dry_run=True).total == 1
    assert memory.undo(to="today", dry_run=True).total == 0
    with pytest.raises(InvalidInput, match=r'to is not .* or words as "yesterday"'):
        memory.undo(to="when the gull came")


def test_pages_and_other_processes_see_an_undo_at_once(memory: Memory) -> None:
    stored(memory, "port 1", project="gull")
    stored(memory, "port 2", project="gull")
    memory.page_manager().refresh("manual")
    other = Memory(memory.paths.root, on_commit=lambda: None)
    assert len(other.recall("port").hits) == 2
    memory.undo()
    assert not list(memory.paths.root.rglob("*.cached*"))
    assert [hit.text for hit in other.recall("port").hits] == ["port 1"]
    assert "port 2" not in other.session_start("gull").payload


def test_the_last_change_is_the_last_whatever_the_clocks_said(memory: Memory) -> None:
    with clock_off_by(timedelta(days=3650)):
        stored(memory, "port 1")
    stored(memory, "port 2")
    middle = now()
    with clock_off_by(-timedelta(days=3650)):
        stored(memory, "port 3")
    assert [one.text for one in memory.undo().memories] == ["port 3"]
    assert memory.undo(to=middle, dry_run=True).counts == {}
    memory.undo()
    assert memory.undo(to=middle, dry_run=True).counts == {"forgotten": 1}
    memory.undo()
    memory.forget(memory.store.latest.ids()[:1])
    assert memory.undo(to=middle, dry_run=True).counts == {"restored": 1}


def test_a_store_of_an_earlier_version_is_undone_by_the_times_of_its_changes(
    memory: Memory,
) -> None:
    ids = [str(one.id) for one in memory.ingest(["port 1", "port 2"]).results]
    memory.forget(ids)
    _without_numbers(memory)
    assert memory.undo().counts == {"restored": 2}
    assert texts(memory) == ["port 1", "port 2"]
    assert memory.undo().counts == {"forgotten": 2}


def test_what_an_upgrade_folded_is_no_change_to_be_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    old_store(tmp_path / "old", *forked(3))
    upgraded = Memory(tmp_path / "old", on_commit=lambda: None)
    assert upgraded.status().folded == 3
    assert "folded" not in upgraded.undo(to="2000-01-01", dry_run=True).counts
    upgraded.undo()
    upgraded.undo(to=now())
    assert upgraded.status().folded == 3
    before = now()
    upgraded.undo(to="2000-01-01")
    assert (upgraded.status().records, upgraded.status().folded) == (0, 3)
    upgraded.undo(to=before)
    assert upgraded.status().folded == 3
    assert upgraded.restore_folded().restored


def _without_numbers(memory: Memory, where: str = "true") -> None:
    """Makes rows as earlier versions write them."""
    table = lancedb.connect(memory.paths.database).open_table("memories")
    history = "regexp_replace(history, ',\"number\":[0-9]+', '', 'g')"
    table.update(
        where=where, values_sql={"history": history, **dict.fromkeys(LATE_COLUMNS, "NULL")}
    )


def test_what_an_earlier_version_wrote_last_beside_this_one_is_the_last_change(
    memory: Memory,
) -> None:
    first = stored(memory, "port 1")
    second = stored(memory, "port 2")
    _without_numbers(memory, f"id = '{second}'")
    assert [one.id for one in memory.undo().memories] == [second]
    assert texts(memory) == ["port 1"]
    memory.undo()
    memory.supersede(first, "port 3")
    _without_numbers(memory, "true")
    assert memory.undo().counts == {"forgotten": 1, "current again": 1}
    assert texts(memory) == ["port 1", "port 2"]
    stored(memory, "port 4")
    assert memory.undo().counts == {"forgotten": 1}


def test_words_that_were_scrubbed_are_in_no_past_and_the_undo_says_so(memory: Memory) -> None:
    before = now()
    id_ = stored(memory, "the key is 5544-6000")
    memory.ledger.write("scrubbed", ids=[id_])
    assert memory.undo(to=before, dry_run=True).gone == 1
    assert memory.undo(to=now(), dry_run=True).gone == 0


# Kills and other processes

_UNDO_UNTIL_KILLED = """
import os, signal, sys
from iai_memory import Memory
from iai_memory.store import writer

commit, where = writer.Writer._commit, sys.argv[2]

def killed(self, *arguments, **named):
    if where == "after":
        commit(self, *arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

memory = Memory(sys.argv[1], on_commit=lambda: None)
memory.store
writer.Writer._commit = killed
memory.undo(change=int(sys.argv[3]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("where", "left"), [("before", 0), ("after", 30)])
def test_an_undo_that_is_killed_is_done_whole_or_not_at_all_and_again_comes_to_the_same(
    memory: Memory, where: str, left: int
) -> None:
    ids = [str(one.id) for one in memory.ingest([f"port {n}" for n in range(30)]).results]
    memory.forget(ids)
    memory.page_manager().refresh("manual")
    number = memory.undo(dry_run=True).change
    done = subprocess.run(
        [sys.executable, "-c", _UNDO_UNTIL_KILLED, str(memory.paths.root), where, str(number)],
        env={**os.environ, "IAI_MCP_MODEL": "installed"},
        timeout=100,
    )
    assert done.returncode == -signal.SIGKILL
    opened = Memory(memory.paths.root, on_commit=lambda: None)
    assert len(texts(opened)) == left
    assert ("port 29" in opened.session_start().payload) == bool(left)
    assert opened.undo(change=number).total == 30 - left
    assert len(texts(opened)) == 30


_UNDO = """
import sys
from iai_memory import Memory
memory = Memory(sys.argv[1], on_commit=lambda: None)
memory.store
sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
sys.stdout.write(str(memory.undo(change=int(sys.argv[2])).total))
"""


@pytest.mark.slow
def test_two_processes_that_undo_the_same_change_do_it_once(memory: Memory) -> None:
    ids = [str(one.id) for one in memory.ingest([f"port {n}" for n in range(30)]).results]
    memory.forget(ids)
    number = str(memory.undo(dry_run=True).change)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", _UNDO, str(memory.paths.root), number],
            env={**os.environ, "IAI_MCP_MODEL": "installed"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    totals = sorted(int(one.communicate("go\n", timeout=100)[0]) for one in both)
    assert totals == [0, 30]
    assert len(texts(memory)) == 30


# Any sequence of changes

KINDS = ("ingest", "supersede", "forget", "restore", "pin", "unpin", "tag", "undo", "undo to")


@pytest.mark.slow
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(what=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 99)), min_size=4, max_size=7))
def test_undo_to_any_earlier_time_is_the_state_of_that_time(
    what: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    memory = Memory(tmp_path_factory.mktemp("undo") / "store", on_commit=lambda: None)
    ids = [stored(memory, "fact 0"), stored(memory, "fact 1")]
    moments = [now()]
    states = [_state(memory)]
    for number, (change, which) in enumerate(what):
        _CHANGES[change](memory, ids, which, number, moments)
        states.append(_state(memory))
        moments.append(now())
    for at in (len(states) // 2, 0, len(states) - 1):
        memory.undo(to=moments[at])
        assert _state(memory) == states[at]
        as_of = memory.timeline(as_of=moments[at], limit=500, turns=True).records
        shown = {one.id for one in as_of if one.superseded_by is None}
        assert shown == {id_ for id_, values in states[at].items() if values[0] and values[1]}
    before = _state(memory)
    if memory.undo(to=moments[0]).done:
        memory.undo()
    assert _state(memory) == before


def _state(memory: Memory) -> dict[str, tuple[object, ...]]:
    """What is to be seen of each memory; of a forgotten one only that it is."""
    records = memory.store.latest.newest(EVERYTHING, 10_000)
    return {
        one.id: (True, one.is_current(), one.pinned, one.tags, one.superseded_by)
        for one in records
        if one.is_live()
    }


def _of(memory: Memory, ids: list[str], which: int, fits: Callable[[Record], bool]) -> str | None:
    found = [one.id for one in memory.store.latest.get(ids) if fits(one)]
    return found[which % len(found)] if found else None


def _ingest(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    ids.append(stored(memory, f"fact {number + 2}", pinned=which % 2 == 0))


def _supersede(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    id_ = _of(memory, ids, which, lambda one: one.is_live() and one.is_current())
    if id_:
        ids.append(memory.supersede(id_, f"newer fact {number}").new_id)


def _forget(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    id_ = _of(memory, ids, which, Record.is_live)
    if id_:
        memory.forget([id_])


def _restore(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    id_ = _of(memory, ids, which, lambda one: not (one.is_live() and one.is_current()))
    if id_:
        memory.restore([id_])


def _pin(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    id_ = _of(memory, ids, which, Record.is_live)
    if id_:
        memory.pin(id_)


def _unpin(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    id_ = _of(memory, ids, which, Record.is_live)
    if id_:
        memory.pin(id_, pinned=False)


def _tag(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    id_ = _of(memory, ids, which, Record.is_live)
    if id_:
        memory.pin(id_, pinned=which % 3 == 0, add_tags=[f"t{number}"])


def _undo(memory: Memory, ids: list[str], which: int, number: int, _: list[datetime]) -> None:
    memory.undo()


def _undo_to(
    memory: Memory, ids: list[str], which: int, number: int, moments: list[datetime]
) -> None:
    memory.undo(to=moments[which % len(moments)])


_CHANGES: dict[str, Callable[[Memory, list[str], int, int, list[datetime]], None]] = {
    "ingest": _ingest,
    "supersede": _supersede,
    "forget": _forget,
    "restore": _restore,
    "pin": _pin,
    "unpin": _unpin,
    "tag": _tag,
    "undo": _undo,
    "undo to": _undo_to,
}
