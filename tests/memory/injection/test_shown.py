"""What a session has seen is not put before its model again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.host_turns import turns

from iai_memory import Memory, load_settings
from iai_memory.injection.events import EVENT
from iai_memory.injection.shown import given_to
from iai_memory.results import PromptRecall

FACT = "The staging database of the weather station listens on port 5544."
MOVED = "Weather station: I moved its staging database to port 5544,"
TREES = ["alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "maple", "oak", "willow"]
QUESTION = "Which port does the staging database of the weather station listen on?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def told(folder: Path, model_folder: Path) -> Memory:
    """A memory that several tests ask."""
    return knowing(folder, model_folder)


def knowing(folder: Path, model_folder: Path, fact: str = FACT) -> Memory:
    """A memory that knows the fact from an old session, and other things of the project."""
    settings = load_settings(store=folder / "store", model=model_folder)
    memory = Memory(settings=settings, cwd=folder)
    memory.ingest("The harbour crane was repainted yellow.")
    old = {"text": fact, "role": "assistant", "created_at": "2024-01-05", "session_id": "old"}
    memory.ingest([old], origin="import")
    return memory


def recalled(memory: Memory, folder: Path, session: str | None) -> PromptRecall:
    return memory.prompt_recall(QUESTION, session_id=session, cwd=str(folder), host="claude-code")


def test_a_memory_is_said_once_in_a_session_and_again_in_the_next(
    told: Memory, folder: Path
) -> None:
    first = recalled(told, folder, "a")
    assert FACT in first.text
    assert FACT in recalled(told, folder, "a").text  # it did not reach the model

    told.note_injected(first, session_id="a", by="prompt")

    assert recalled(told, folder, "a").reason == "shown_before"
    assert [list(one.ids) for one in given_to(told.ledger, "a")] == [first.memory_ids]
    assert given_to(told.ledger, "b") == []
    assert FACT in recalled(told, folder, "b").text


def test_damaged_events_and_answers_of_tools_hide_nothing_of_a_session(
    told: Memory, folder: Path
) -> None:
    first = recalled(told, folder, "c")
    told.note_injected(first, session_id="c", by="prompt")
    told.ledger.write(EVENT, session="c", by="prompt", ids=7, confidences="none")
    for _ in range(600):
        told.note_answered("recall", first.memory_ids)

    assert recalled(told, folder, "c").reason == "shown_before"


def test_a_session_is_not_told_what_it_said_itself(told: Memory, folder: Path) -> None:
    assert recalled(told, folder, "old").reason == "unsure"


def test_what_a_session_said_itself_takes_no_place_and_is_not_said_again(
    tmp_path: Path, model_folder: Path
) -> None:
    memory = knowing(tmp_path, model_folder, fact=(moved := f"{MOVED} behind the proxy."))
    own = {"role": "user", "created_at": "2024-02-05", "session_id": "busy"}
    said = [f"{FACT[:-5]} that {tree} chose." for tree in TREES]
    memory.ingest([{"text": text, **own} for text in said], origin="import")

    assert moved in recalled(memory, tmp_path, "busy").text

    memory.ingest([{"text": moved, **own}], origin="import")
    assert recalled(memory, tmp_path, "busy").reason == "said_here"


def test_what_was_only_asked_before_and_a_turn_without_vectors_take_no_memory_away(
    tmp_path: Path, model_folder: Path
) -> None:
    memory = knowing(tmp_path, model_folder)
    paste = f"{QUESTION}\n\n{'longer paste ' * 2_000}"
    asked = [turns(("user", QUESTION), ("assistant", "ok"), session=f"s{n}") for n in range(20)]
    memory.ingest([*(turn for one in asked for turn in one), *turns(("user", paste))])
    assert memory.store.latest.count_pending() == 1

    said = recalled(memory, tmp_path, "a")

    assert FACT in said.text
    assert QUESTION not in said.text


def test_what_the_page_shows_is_not_said_again(told: Memory, folder: Path) -> None:
    [hit] = told.recall(QUESTION, limit=1).hits
    assert FACT not in told.session_start(told.own_project, refresh=True).payload
    told.pin(hit.id)
    assert FACT in told.session_start(told.own_project, refresh=True).payload

    assert recalled(told, folder, "d").reason == "on_page"

    told.pin(hit.id, pinned=False)
    told.session_start(told.own_project, refresh=True)
    assert FACT in recalled(told, folder, "d").text


def test_a_session_that_got_a_page_has_seen_what_that_page_showed(
    told: Memory, folder: Path
) -> None:
    [hit] = told.recall(QUESTION, limit=1).hits
    told.pin(hit.id)
    told.note_page(told.session_start(told.own_project, refresh=True), session_id="e")
    told.pin(hit.id, pinned=False)
    told.note_page(told.session_start(told.own_project, refresh=True), session_id="f")
    assert FACT not in told.session_start(told.own_project).payload
    assert recalled(told, folder, "e").reason == "on_page"
    assert FACT in recalled(told, folder, "f").text

    told.pin(hit.id)
    told.session_start(told.own_project, refresh=True)
    assert FACT in recalled(told, folder, "f").text  # it got the page before
    told.pin(hit.id, pinned=False)
    told.session_start(told.own_project, refresh=True)


def test_what_a_page_cut_off_of_a_memory_is_said_and_the_sentence_that_it_shows_is_not(
    tmp_path: Path, model_folder: Path
) -> None:
    memory = knowing(tmp_path, model_folder)
    shown = "please never use print for logging anywhere in the pantry service, we use structlog."
    cut = "And the dates of the pantry service are always stored as ISO strings in UTC."
    between = "That was decided when the logs of the first month could not be searched by anybody."
    told = " ".join(["And", shown, *[between] * 4, cut])
    [turn] = turns(("user", told), session="rules")
    [record] = memory.ingest([{**turn, "project": memory.own_project}]).results
    page = memory.session_start(memory.own_project, refresh=True)
    assert "dates" not in page.payload
    memory.note_page(page, session_id="a")
    asks = {
        "How are the dates of the pantry service stored, ISO strings?": "answers",
        "May I use print for logging in the pantry service?": "on_page",
    }
    for asked, reason in asks.items():
        found = memory.prompt_recall(asked, session_id="a", cwd=str(tmp_path), host="claude-code")
        assert (found.reason, record.id in found.memory_ids) == (reason, reason == "answers")


@pytest.mark.parametrize("told_by", ["page", "prompt"])
def test_a_session_that_was_told_a_fact_is_told_its_correction_though_the_page_has_it_by_now(
    tmp_path: Path, model_folder: Path, told_by: str
) -> None:
    memory = knowing(tmp_path, model_folder)
    [hit] = memory.recall(QUESTION, limit=1).hits
    memory.pin(hit.id)
    if told_by == "page":
        memory.note_page(memory.session_start(memory.own_project, refresh=True), session_id="a")
    else:
        memory.note_injected(recalled(memory, tmp_path, "a"), session_id="a", by="prompt")
    corrected = memory.supersede(hit.id, FACT.replace("5544", "9000"))
    memory.pin(corrected.new_id)
    assert "9000" in memory.session_start(memory.own_project, refresh=True).payload

    assert recalled(memory, tmp_path, "a").memory_ids == [corrected.new_id]
    assert recalled(memory, tmp_path, "b").reason == "on_page"
