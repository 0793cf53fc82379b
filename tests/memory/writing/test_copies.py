"""What is done to one memory is done to all that say the same words in its project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.page_text import shown

from iai_memory import Memory
from iai_memory.errors import InvalidInput
from iai_memory.store.reader import TableReader

TEXT = "The gate code of the boathouse is 4471."
TURN = {"session_id": "s", "host": "claude-code"}


def three(memory: Memory, project: str | None = None) -> list[str]:
    """The user's turn, the assistant's echo and a note, each spelled a little differently."""
    told: list[dict[str, Any]] = [
        {"text": TEXT, "role": "user", "turn_id": "1", **TURN},
        {"text": "the gate code of the boathouse is 4471", "role": "assistant", "turn_id": "2"},
        {"text": f"  {TEXT}\n", "tags": ["code"]},
    ]
    report = memory.ingest([{**one, "project": project} for one in told])
    return [str(one.id) for one in report.results]


def texts(memory: Memory, query: str = "gate code boathouse") -> list[str]:
    return [hit.text for hit in memory.recall(query).hits]


@pytest.mark.parametrize("named", [0, 1, 2])
@pytest.mark.parametrize("project", [None, "it's a 'gull'"])
def test_forgetting_any_copy_hides_all_and_restoring_any_brings_all_back(
    words_only: Memory, named: int, project: str | None
) -> None:
    ids = three(words_only, project)
    before = {one: words_only.record(one) for one in ids}
    done = words_only.forget([ids[named]])
    assert (set(done.forgotten), done.copies) == (set(ids), 2)
    assert done.forgotten[0] == ids[named]
    assert done.undo == f"iai-mcp restore {ids[named]}"
    assert texts(words_only) == []
    back = words_only.restore([ids[(named + 1) % 3]])
    assert (set(back.restored), back.copies) == (set(ids), 2)
    assert {one: words_only.record(one) for one in ids} == before


def test_the_same_words_of_another_project_and_other_words_stay(words_only: Memory) -> None:
    three(words_only, "gull")
    [other] = words_only.ingest({"text": TEXT, "project": "heron"}).results
    words_only.ingest({"text": TEXT.replace("4471", "4472"), "project": "gull"})
    words_only.forget([str(other.id)])
    assert len(words_only.recall("gate code", project="heron").hits) == 0
    words_only.forget(three(words_only, "gull")[:1])
    assert texts(words_only) == [TEXT.replace("4471", "4472")]


def test_a_hit_names_every_memory_that_it_stands_for(words_only: Memory) -> None:
    stored = words_only.ingest(
        [{"text": TEXT, "created_at": f"2026-05-0{day}"} for day in (1, 2, 3)]
    )
    [hit] = words_only.recall("gate code boathouse").hits
    assert hit.ids[0] == hit.id
    assert set(hit.ids) == {one.id for one in stored.results}
    words_only.ingest("The oars are in the shed.")
    assert "ids" not in words_only.recall("oars shed").hits[0].model_dump()


def test_supersede_replaces_every_copy_and_restore_reopens_every_copy(words_only: Memory) -> None:
    ids = three(words_only)
    done = words_only.supersede(ids[1], "The gate code of the boathouse is 9000.")
    assert done.copies == 2
    assert texts(words_only) == ["The gate code of the boathouse is 9000."]
    assert {words_only.record(one).superseded_by for one in ids} == {done.new_id}
    words_only.forget([done.new_id])
    assert set(words_only.restore([ids[2]]).restored) == set(ids)
    assert {words_only.record(one).superseded_by for one in ids} == {None}


def test_a_supersession_before_a_copy_was_said_ends_no_copy_before_it_began(
    words_only: Memory,
) -> None:
    told = [{"text": TEXT, "created_at": f"2026-0{month}-01"} for month in (1, 5)]
    ids = [str(one.id) for one in words_only.ingest(told).results]
    words_only.supersede(ids[0], "The gate code is 9000.", at="2026-03-01")
    for one in map(words_only.record, ids):
        assert one.valid_to is not None
        assert one.valid_to >= one.valid_from


def test_pins_and_tags_go_to_every_copy_and_the_page_shows_the_words_once(
    words_only: Memory,
) -> None:
    ids = three(words_only, "gull")
    done = words_only.pin(ids[0], add_tags=["boat"], remove_tags=["CODE"])
    assert (done.id, done.copies, done.tags) == (ids[0], 2, ["boat"])
    for one in map(words_only.record, ids):
        assert (one.pinned, one.tags) == (True, ["boat"])
    newer = [f"The mooring {number} was paid for the whole season." for number in range(60)]
    words_only.ingest([{"text": text, "project": "gull"} for text in newer])
    pinned = shown(words_only, "gull").split("## Pinned facts")[1].split("\n## ")[0]
    assert pinned.count("4471") == 1
    words_only.pin(ids[2], pinned=False)
    assert not any(words_only.record(one).pinned for one in ids)


def test_forgetting_a_replaced_wording_leaves_what_holds_today(words_only: Memory) -> None:
    first = str(words_only.ingest("The port is 5544.").results[0].id)
    second = words_only.supersede(first, "The port is 6000.").new_id
    third = words_only.supersede(second, "The port is 5544.").new_id
    assert words_only.forget([first]).forgotten == [first]
    assert texts(words_only, "port") == ["The port is 5544."]
    words_only.restore([first])
    assert set(words_only.forget([third]).forgotten) == {first, third}


@pytest.mark.parametrize("answer", ["yes", "Go on.", "great, commit", "好的", "👍", "да"])
def test_a_short_turn_is_a_copy_only_within_its_session(words_only: Memory, answer: str) -> None:
    told = [
        {"text": answer, "role": "user", "session_id": session, "turn_id": str(number)}
        for number, session in enumerate(("a", "a", "b"))
    ]
    ids = [str(one.id) for one in words_only.ingest(told).results]
    assert set(words_only.forget(ids[:1]).forgotten) == set(ids[:2])
    assert [one.session_id for one in words_only.timeline(turns=True).records] == ["b"]


@pytest.mark.parametrize(
    "text", ["Use tabs", "我们把数据库搬到了新加坡", "rm -rf build && make all"]
)
def test_a_note_however_short_and_a_turn_that_says_something_have_copies_everywhere(
    words_only: Memory, text: str
) -> None:
    told: list[dict[str, str]] = [{"text": text, "created_at": f"2026-05-0{day}"} for day in (1, 2)]
    if len(text) > 10:
        told += [{"text": text, "role": "user", "session_id": one, "turn_id": "1"} for one in "ab"]
    ids = [str(one.id) for one in words_only.ingest(told).results]
    assert set(words_only.forget(ids[1:2]).forgotten) == set(ids)


def test_a_beginning_of_an_id_that_one_memory_has_names_it(words_only: Memory) -> None:
    [first] = words_only.ingest("The oars are in the shed.").results
    whole = str(first.id)
    assert words_only.record(whole[:8]).id == whole
    assert words_only.record(whole.upper()).id == whole
    assert words_only.pin(whole[:13]).id == whole
    assert words_only.forget([whole[:20]]).forgotten == [whole]
    assert words_only.restore([whole[:9]]).restored == [whole]
    assert words_only.supersede(whole[:10], "The oars are sold.").old_id == whole


def test_a_beginning_of_several_ids_lists_them_with_date_and_first_words(
    words_only: Memory,
) -> None:
    told = [
        {"text": f"Fact {number} <b>about</b> \x1b[31mthe shed.", "created_at": "2026-05-01"}
        for number in range(7)
    ]
    ids = [str(one.id) for one in words_only.ingest(told).results]
    with pytest.raises(InvalidInput, match="7 memories have ids that begin with") as caught:
        words_only.forget([ids[0][:8]])
    sentence = str(caught.value)
    assert f"{ids[0]} (2026-05-01: Fact 0" in sentence
    assert "and 2 more" in sentence
    assert "\x1b" not in sentence
    assert len(words_only.timeline(turns=True).records) == 7


@pytest.mark.parametrize("wrong", ["zz", "%", "0' OR 'a'='a", "2026-05-01", "-", "ffffffff"])
def test_what_begins_no_id_names_nothing(words_only: Memory, wrong: str) -> None:
    words_only.ingest("The oars are in the shed.")
    done = words_only.forget([wrong])
    assert (done.forgotten, done.not_found) == ([], [wrong])


def test_a_query_that_is_an_id_or_its_beginning_finds_that_memory(words_only: Memory) -> None:
    told = {"text": "The oars are in the shed.", "project": "otter"}
    old = str(words_only.ingest(told).results[0].id)
    new = words_only.supersede(old, "The oars are sold.").new_id
    for query in (old, old.upper(), f"`{old}`", old[:30]):
        assert [hit.id for hit in words_only.recall(query).hits] == [old]
    assert {hit.id for hit in words_only.recall(old[:8]).hits} == {old, new}
    assert words_only.recall(old, project="heron").hits == []
    words_only.forget([old])
    assert words_only.recall(old).hits == []


@pytest.mark.parametrize("query", ["deadbeef", "20260501", "5544", "00000000-0000"])
def test_a_query_that_only_looks_like_an_id_is_searched_by_its_words(
    words_only: Memory, query: str
) -> None:
    words_only.ingest(f"The commit is {query} there.")
    assert len(words_only.recall(query).hits) == 1


def test_a_memory_may_be_derived_from_the_beginning_of_an_id(words_only: Memory) -> None:
    source = str(words_only.ingest("The oars are in the shed.").results[0].id)
    words_only.ingest({"text": "There is a shed.", "derived_from": [source[:12]]})
    [made] = [
        one
        for one in words_only.store.latest.get(words_only.store.latest.ids())
        if one.derived_from
    ]
    assert made.derived_from == (source,)


@pytest.mark.parametrize(
    ("tag", "asked"), [("Décision", "DÉCISION"), ("it's", "IT'S"), ("a b", "A b")]
)
def test_a_tag_is_found_and_removed_in_any_case(words_only: Memory, tag: str, asked: str) -> None:
    [one] = words_only.ingest({"text": "The oars are sold.", "tags": [tag, "x"]}).results
    words_only.ingest("The oars are red.")
    assert len(words_only.recall("oars", tags=[asked]).hits) == 1
    assert len(words_only.recall("oars", tags=[asked, "X"]).hits) == 1
    assert words_only.recall("oars", tags=[asked[:-1]]).hits == []
    assert len(words_only.recall("oars", tags=[asked], as_of="2100-01-01").hits) == 1
    assert words_only.pin(str(one.id), add_tags=[asked, "y"]).tags == [tag, "x", "y"]
    assert words_only.pin(str(one.id), remove_tags=[asked]).tags == ["x", "y"]


def test_many_are_forgotten_and_brought_back_in_one_read_of_all_texts(
    words_only: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of a call is that of the store, not of the store for each id in it."""
    words = [f"Berth {n} is let to boat {n * 7}." for n in range(150)]
    first = [str(one.id) for one in words_only.ingest(words).results]
    again = words_only.ingest([f"the {one[0].lower()}{one[1:-1]}" for one in words])
    scans: list[TableReader] = []
    scan = TableReader.ids_by_text

    def counted(reader: TableReader, wanted: Callable[[str], bool]) -> list[str]:
        scans.append(reader)
        return scan(reader, wanted)

    monkeypatch.setattr(TableReader, "ids_by_text", counted)
    done = words_only.forget(first)
    assert set(done.forgotten) == {*first, *(str(one.id) for one in again.results)}
    assert (done.copies, len(scans)) == (150, 1)
    back = words_only.restore([first[0][:-1], *first[1:]])
    assert (set(back.restored), back.copies, len(scans)) == (set(done.forgotten), 150, 2)
