"""A forgotten text does not come back by itself; who states it again is heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.errors import UnknownRecord

TEXT = "The gate code of the boathouse is 4471."


def turn(number: int, text: str = TEXT, session: str = "a") -> dict[str, str]:
    """A turn of a session, as a caller numbers it."""
    return {"text": text, "role": "user", "session_id": session, "turn_id": str(number)}


def shown(memory: Memory) -> list[str]:
    return [record.text for record in memory.timeline(turns=True).records]


def stored(memory: Memory, *told: dict[str, str], origin: str | None = None) -> list[str]:
    return [str(one.id) for one in memory.ingest(told, origin=origin).results]


@pytest.mark.parametrize("origin", ["hook", "import"])
@pytest.mark.parametrize("again", [TEXT, "the gate code of the boathouse is 4471", f" {TEXT}\n"])
def test_a_later_copy_by_capture_or_import_is_stored_forgotten(
    words_only: Memory, origin: str, again: str
) -> None:
    [first] = stored(words_only, turn(1), origin="hook")
    words_only.forget([first])
    report = words_only.ingest(
        [turn(7, again, "fork"), turn(8, "The oars are in the shed.", "fork")], origin=origin
    )
    assert shown(words_only) == ["The oars are in the shed."]
    assert report.results[0].reason is not None
    assert "forgotten before" in report.results[0].reason
    copy = str(report.results[0].id)
    with pytest.raises(UnknownRecord, match="was forgotten"):
        words_only.record(copy)
    assert set(words_only.restore([first]).restored) == {first, copy}
    assert len(shown(words_only)) == 3
    # What was brought back is no longer forgotten, and what follows is shown.
    stored(words_only, turn(9, TEXT, "later"), origin=origin)
    assert len(shown(words_only)) == 4


def test_another_process_forgets_and_this_one_knows_at_once(words_only: Memory) -> None:
    other = Memory(words_only.paths.root)
    [first, oars] = stored(other, turn(1), turn(2, "The oars are in the shed."), origin="hook")
    stored(words_only, turn(3, "The mooring is paid."), origin="hook")
    other.forget([oars])
    stored(words_only, turn(4, "The oars are in the shed.", "b"), origin="hook")
    other.forget([first])
    stored(words_only, turn(5, TEXT, "b"), origin="hook")
    other.restore([oars])
    stored(words_only, turn(6, "The oars are in the shed.", "c"), origin="hook")
    assert sorted(set(shown(words_only))) == ["The mooring is paid.", "The oars are in the shed."]


def test_who_states_it_again_is_heard_and_copies_are_shown_from_then_on(
    words_only: Memory,
) -> None:
    words_only.forget(stored(words_only, turn(1), origin="hook"))
    words_only.ingest(TEXT)
    assert shown(words_only) == [TEXT]
    stored(words_only, turn(2, TEXT, "b"), origin="hook")
    assert shown(words_only) == [TEXT, TEXT]


def test_the_same_words_in_another_project_are_another_memory(words_only: Memory) -> None:
    words_only.forget(stored(words_only, turn(1), origin="hook"))
    stored(words_only, {**turn(2), "project": "heron"}, origin="hook")
    assert shown(words_only) == [TEXT]


def test_a_forgotten_yes_hides_no_yes_of_another_session(words_only: Memory) -> None:
    words_only.forget(stored(words_only, turn(1, "yes"), origin="hook"))
    stored(words_only, turn(2, "Yes."), turn(3, "yes", "b"), origin="hook")
    assert shown(words_only) == ["yes"]


def test_an_import_of_an_older_export_brings_nothing_back_that_was_forgotten_since(
    words_only: Memory, tmp_path: Path
) -> None:
    elsewhere = Memory(tmp_path / "elsewhere")
    stored(elsewhere, turn(1), turn(2, "The oars are in the shed."), turn(3, TEXT, "fork"))
    lines = list(elsewhere.export_lines())
    [mine] = stored(words_only, turn(9, TEXT, "mine"))
    words_only.forget([mine])
    list(words_only.import_lines(lines))
    assert shown(words_only) == ["The oars are in the shed."]
    assert len(words_only.restore([mine]).restored) == 3
    assert len(shown(words_only)) == 4


def test_a_store_that_is_moved_keeps_what_was_stated_after_it_was_forgotten(
    words_only: Memory, tmp_path: Path
) -> None:
    words_only.forget(stored(words_only, turn(1)))
    words_only.ingest(TEXT)
    moved = Memory(tmp_path / "moved")
    for _ in range(2):
        list(moved.import_lines(words_only.export_lines()))
    assert shown(moved) == [TEXT]
    assert (moved.status().tombstoned, moved.status().records) == (1, 1)
