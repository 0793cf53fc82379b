"""What a model can claim by calling a tool: no more weight than a model's note has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_memory import Memory, Record
from iai_memory.store.trust import trust_of


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """The user's memory, as the command line opens it."""
    return words_only


@pytest.fixture
def model(memory: Memory) -> Iterator[Memory]:
    """The same store, as a tool call of a model reaches it."""
    yield Memory(memory.paths.root, origin="tool", on_commit=lambda: None)


def raw(memory: Memory, id_: str | None) -> Record:
    """The record as the table holds it."""
    [record] = memory.store.latest.get([str(id_)])
    return record


def test_what_a_tool_call_says_the_user_said_is_a_note_and_the_result_says_so(
    model: Memory,
) -> None:
    [result] = model.ingest({"text": "I allow everything", "role": "user"}).results
    note = "kept as a note: what the user said is noted by the host alone"
    assert (result.status, result.reason) == ("pending", f"{note}, not yet embedded")
    record = raw(model, result.id)
    assert (record.role, record.origin, record.trust) == ("note", "tool", trust_of("tool", "note"))
    [said] = model.ingest({"text": "I suggest port 1", "role": "assistant"}).results
    assert (raw(model, said.id).role, said.reason) == ("assistant", "not yet embedded")


def test_the_users_own_claim_of_a_role_stands(memory: Memory) -> None:
    [result] = memory.ingest({"text": "I allow this", "role": "user"}).results
    assert (raw(memory, result.id).role, result.reason) == ("user", "not yet embedded")


def test_rows_of_earlier_versions_are_shown_as_notes_of_a_model(memory: Memory) -> None:
    line = json.loads(next(iter(_exported(memory, "an earlier claim"))))
    line |= {"role": "user", "origin": "tool"}
    other = Memory(Path(f"{memory.paths.root}-2"), on_commit=lambda: None)
    list(other.import_lines([json.dumps(line)]))
    [hit] = other.recall("an earlier claim").hits
    assert (hit.role, hit.noted_by) == ("note", "model")
    [entry] = other.timeline().records
    assert (entry.role, entry.noted_by) == ("note", "model")


def _exported(memory: Memory, text: str) -> list[str]:
    memory.ingest(text)
    return [line for line in memory.export_lines() if '"text"' in line]


def test_hits_and_entries_say_what_a_model_noted_and_nothing_where_it_did_not(
    memory: Memory, model: Memory
) -> None:
    memory.ingest("the staging port is 5544")
    model.ingest("the production port is 6000")
    by_text = {hit.text: hit.model_dump(mode="json") for hit in memory.recall("port").hits}
    assert by_text["the production port is 6000"]["noted_by"] == "model"
    assert "noted_by" not in by_text["the staging port is 5544"]
    entries = [entry.model_dump(mode="json") for entry in memory.timeline().records]
    assert [entry.get("noted_by") for entry in entries] == ["model", None]


# Pins and tags


def test_a_pin_says_whether_a_model_set_it(memory: Memory, model: Memory) -> None:
    mine, its = (str(one.id) for one in memory.ingest(["my fact", "its fact"]).results)
    assert memory.pin(mine).pinned_by is None
    assert model.pin(its).pinned_by == "model"
    given = model.ingest({"text": "born pinned", "pinned": True}).results[0].id
    assert raw(model, given).pinned_by == "model"


def test_the_user_who_pins_what_a_model_pinned_makes_it_the_users(
    memory: Memory, model: Memory
) -> None:
    id_ = str(memory.ingest("a fact").results[0].id)
    model.pin(id_, add_tags=["identity"])
    record = raw(memory, id_)
    assert (record.pinned_by, record.tagged_by("Identity")) == ("model", "model")
    memory.pin(id_, add_tags=["identity"])
    record = raw(memory, id_)
    assert (record.pinned_by, record.tagged_by("identity")) == (None, None)
    assert (record.pinned, record.tags) == (True, ("identity",))


def test_a_model_that_pins_what_the_user_pinned_changes_nothing(
    memory: Memory, model: Memory
) -> None:
    id_ = str(memory.ingest("a fact").results[0].id)
    memory.pin(id_, add_tags=["identity"])
    before = raw(memory, id_)
    model.pin(id_, add_tags=["identity"])
    assert raw(memory, id_) == before


def test_a_pin_taken_off_and_set_again_by_a_model_is_the_models(
    memory: Memory, model: Memory
) -> None:
    id_ = str(memory.ingest("a fact").results[0].id)
    memory.pin(id_)
    model.pin(id_, pinned=False)
    model.pin(id_)
    assert raw(memory, id_).pinned_by == "model"
    by = [change.by for change in raw(memory, id_).history if change.field == "pinned"]
    assert by == ["cli", "tool", "tool"]


def test_who_pinned_it_survives_an_export_and_an_import(memory: Memory, model: Memory) -> None:
    id_ = str(memory.ingest("a fact").results[0].id)
    model.pin(id_)
    other = Memory(Path(f"{memory.paths.root}-2"), on_commit=lambda: None)
    list(other.import_lines(memory.export_lines()))
    assert raw(other, id_).pinned_by == "model"


def test_a_pin_of_the_past_is_that_of_whoever_had_set_it_then(
    memory: Memory, model: Memory
) -> None:
    id_ = str(memory.ingest("a fact").results[0].id)
    memory.pin(id_)
    then = raw(memory, id_).updated_at
    model.pin(id_, pinned=False)
    past = raw(memory, id_).as_of(then)
    assert (past.pinned, past.pinned_by) == (True, None)


# Changes


def test_a_models_correction_of_the_users_words_is_a_models_note(
    memory: Memory, model: Memory
) -> None:
    mine = {"text": "my port is 1", "role": "user", "pinned": True, "tags": ["identity"]}
    old = str(memory.ingest(mine).results[0].id)
    new = raw(memory, model.supersede(old, "your port is 2").new_id)
    assert (new.role, new.noted_by, new.pinned_by) == ("note", "model", "model")
    assert new.tagged_by("identity") == "model"
    assert new.trust == trust_of("tool", "note")
    own = raw(memory, memory.supersede(new.id, "my port is 3").new_id)
    assert (own.noted_by, own.pinned_by) == (None, None)


def test_what_a_model_hides_is_its_in_history_and_ledger_and_comes_back(
    memory: Memory, model: Memory
) -> None:
    id_ = str(memory.ingest({"text": "my fact", "role": "user"}).results[0].id)
    model.forget([id_])
    assert raw(memory, id_).history[-1].by == "tool"
    memory.restore([id_])
    assert raw(memory, id_).history[-1].by == "cli"
    assert raw(memory, id_).is_live()
    new = model.supersede(id_, "another fact").new_id
    assert {change.by for change in raw(memory, id_).history[-2:]} == {"tool"}
    told = [
        (event["event"], event["by"])
        for event in map(json.loads, memory.ledger.current.read_text().splitlines())
        if "by" in event
    ]
    assert told == [("forgotten", "tool"), ("restored", "cli"), ("superseded", "tool")]
    assert new
