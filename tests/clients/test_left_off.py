"""A session begins with where the one before left off, its files included."""

from __future__ import annotations

import pytest

from .hosts import ClaudeCode
from .model_stub import Call, Say
from .place import Place

pytestmark = [pytest.mark.clients, pytest.mark.timeout(400)]


def test_the_next_session_is_told_what_the_last_one_changed_finished_and_left_open(
    place: Place,
) -> None:
    host = ClaudeCode(options=("--permission-mode", "acceptEdits"))
    assert place.iai_mcp("connect", host.name).code == 0
    file = place.project / "calc.py"
    with host.stub() as model:
        model.turns = [
            Call("Write", {"file_path": str(file), "content": "def add(a, b):\n    return a-b\n"}),
            Call("Edit", {"file_path": str(file), "old_string": "a-b", "new_string": "a+b"}),
            Say("I've added calc.py. The tests are not yet written."),
        ]
        assert host.start(place, model, "Please write a calculator that adds.").code == 0
        assert file.read_text() == "def add(a, b):\n    return a+b\n"
        place.drain()
        place.refresh()
        before = len(model.asked)
        model.turns = [Say("Good morning.")]
        assert host.start(place, model, "Good morning.").code == 0
        told = model.seen(before)

    assert "the user asked last: Please write a calculator that adds." in told
    assert "The tests are not yet written." in told
    assert "files it changed: calc.py" in told


def test_a_file_that_was_changed_by_hand_after_the_session_is_said_to_be(place: Place) -> None:
    host = ClaudeCode(options=("--permission-mode", "acceptEdits"))
    assert place.iai_mcp("connect", host.name).code == 0
    file = place.project / "calc.py"
    with host.stub() as model:
        model.turns = [
            Call("Write", {"file_path": str(file), "content": "x = 1\n"}),
            Say("I've added calc.py."),
        ]
        assert host.start(place, model, "Please write a calculator that adds.").code == 0
    place.drain()
    place.refresh()
    assert place.ask("handoff", "--project", ".")["sessions"][0]["files"][0]["since"] == "same"
    file.write_text("x = 2\n")
    assert "calc.py (changed since)" in place.iai_mcp("handoff", "--project", ".").out
    with host.stub() as model:
        model.turns = [Say("Good morning.")]
        assert host.start(place, model, "Good morning.").code == 0
        assert "calc.py (changed since)" in model.seen(0)
