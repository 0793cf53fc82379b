"""What is typed while the model works is stored once, whichever lines the host wrote for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.transcript_lines import (
    claude,
    new_parser,
    outcome_of,
    outcomes_of_claude,
    queue,
    queued_command,
    raw,
    said_in_claude,
    turns,
)

from iai_memory.capture.jsonl_tail import FileCursor
from iai_memory.capture.transcript import read_transcript
from iai_memory.capture.turn import Turn
from iai_memory.text.fence import FENCE_BEGIN

TEXT = "and keep the tests green"
WORKING = claude([{"type": "text", "text": "I'll look."}], "assistant", version="2.1.42")
NEWER = claude([{"type": "text", "text": "I'll look."}], "assistant", version="2.1.332")


def queued_of(*lines: object) -> list[str]:
    """What these lines of a working model say that the person typed."""
    return [text for role, text in said_in_claude(*lines) if role == "user"]


@pytest.mark.parametrize("content", [None, TEXT], ids=["2.0.76 to 2.1.96", "2.0.30"])
def test_a_prompt_that_the_model_took_from_the_queue_is_the_users(content: str | None) -> None:
    assert queued_of(WORKING, queue("enqueue", TEXT), queue("remove", content)) == [TEXT]


def test_a_prompt_in_blocks_is_read_from_the_queue() -> None:
    blocks = [{"type": "text", "text": TEXT}, {"type": "image"}, {"type": "text", "text": "now"}]
    put = {**queue("enqueue"), "content": blocks}
    both = f"{TEXT}\n\nnow"
    assert queued_of(WORKING, put, queue("remove")) == [both]
    assert queued_of(WORKING, {**put, "timestamp": 1790000000}, queue("remove")) == [both]
    assert queued_of(WORKING, put, queue("dequeue"), claude(blocks)) == [both]
    assert queued_of(WORKING, put, queued_command(blocks), queue("remove")) == [both]
    assert queued_of(WORKING, {**put, "content": [{"type": "image"}, 7]}, queue("remove")) == []


def test_it_was_said_when_it_was_typed_where_the_model_worked() -> None:
    put = queue("enqueue", TEXT, timestamp="2026-10-01T08:00:07.000Z")
    took = queue("remove", timestamp="2026-10-01T08:05:00.000Z")
    turn = outcomes_of_claude(WORKING, put, took)[2]
    assert isinstance(turn, Turn)
    assert (turn.created_at.minute, turn.created_at.second) == (0, 7)
    assert turn.cwd == "/home/sam/code"
    again = outcomes_of_claude(WORKING, WORKING, put, took)[3]
    assert isinstance(again, Turn)
    assert turn.turn_id is not None
    assert again.turn_id == turn.turn_id


def test_the_same_words_typed_twice_are_two_turns() -> None:
    puts = [queue("enqueue", "go on", timestamp=f"2026-10-01T08:00:0{n}.000Z") for n in (1, 2)]
    found = outcomes_of_claude(WORKING, *puts, queue("remove"), queue("remove"))
    assert len({turn.turn_id for turn in found if isinstance(turn, Turn)} - {"x"}) == 3


def test_prompts_are_taken_in_the_order_in_which_they_were_typed() -> None:
    lines = [queue("enqueue", text) for text in ("first", "second")]
    assert queued_of(WORKING, *lines, queue("remove")) == ["first"]
    assert queued_of(WORKING, *lines, queue("remove"), queue("remove")) == ["first", "second"]
    assert queued_of(WORKING, *lines, queue("dequeue"), queue("remove")) == ["second"]
    assert queued_of(WORKING, *lines, queue("remove", "second")) == ["second"]


def test_a_prompt_that_waited_has_a_line_of_its_own() -> None:
    lines = [WORKING, queue("enqueue", TEXT), queue("dequeue"), claude(TEXT, promptSource="queued")]
    assert queued_of(*lines) == [TEXT]


def test_a_prompt_that_was_taken_back_was_not_sent() -> None:
    lines = [WORKING, queue("enqueue", TEXT), queue("popAll", TEXT), queue("remove")]
    assert queued_of(*lines) == []
    assert queued_of(*lines, claude(f"{TEXT}, please")) == [f"{TEXT}, please"]


def test_a_prompt_that_nobody_took_is_not_stored() -> None:
    assert queued_of(WORKING, queue("enqueue", TEXT)) == []
    assert queued_of(WORKING, queue("remove"), queue("dequeue"), queue("popAll")) == []


@pytest.mark.parametrize("working", [WORKING, NEWER, claude("x", "assistant")])
@pytest.mark.parametrize("content", [None, TEXT])
def test_a_prompt_with_an_attachment_too_is_stored_once(
    working: dict[str, object], content: str | None
) -> None:
    queue_lines = [queue("enqueue", TEXT), queue("remove", content)]
    assert queued_of(working, *queue_lines, queued_command(TEXT)) == [TEXT]
    assert queued_of(working, queue_lines[0], queued_command(TEXT), queue_lines[1]) == [TEXT]


def test_an_attachment_that_names_no_kind_of_command_is_a_prompt() -> None:
    line = queued_command(TEXT)
    line["attachment"] = {"type": "queued_command", "prompt": TEXT}
    assert queued_of(WORKING, line) == [TEXT]
    note = "<task-notification>\n<status>completed</status></task-notification>"
    line["attachment"] = {"type": "queued_command", "prompt": note}
    assert queued_of(WORKING, line) == []


def test_a_newer_hosts_attachment_is_what_is_stored() -> None:
    lines = [NEWER, queue("enqueue", TEXT), queue("remove", TEXT)]
    assert queued_of(*lines) == []
    turn = outcomes_of_claude(*lines, queued_command(TEXT, uuid="u-9"))[3]
    assert isinstance(turn, Turn)
    assert turn.turn_id == "u-9"


@pytest.mark.parametrize("says", [{}, {"promptSource": "queued"}], ids=str)
def test_a_prompt_with_a_line_right_behind_it_too_is_stored_once(says: dict[str, str]) -> None:
    lines: list[object] = [WORKING, queue("enqueue", TEXT), queue("remove")]
    assert queued_of(*lines, claude(TEXT, "user", **says)) == [TEXT]


def test_the_same_prompt_typed_again_later_is_stored_again() -> None:
    took = [WORKING, queue("enqueue", TEXT), queue("remove"), WORKING]
    assert queued_of(*took, claude(TEXT)) == [TEXT, TEXT]
    assert queued_of(*took, queued_command(TEXT), queued_command(TEXT)) == [TEXT, TEXT]


def test_the_line_of_a_prompt_says_which_one_was_waiting() -> None:
    note = "<bash-notification>\n<status>completed</status></bash-notification>"
    before = [WORKING, queue("enqueue", note), queue("enqueue", TEXT), queue("dequeue")]
    assert queued_of(*before, claude(TEXT), WORKING, queue("remove")) == [TEXT]
    assert queued_of(*before, claude(note), WORKING, queue("remove")) == [TEXT]


def test_a_slash_command_waits_until_the_model_has_ended() -> None:
    lines = [queue("enqueue", "/fix the date"), queue("enqueue", TEXT), queue("remove")]
    assert queued_of(WORKING, *lines) == [TEXT]


def test_what_the_host_put_into_the_queue_is_no_turn() -> None:
    note = "<task-notification>\n<status>completed</status></task-notification>"
    lines = [WORKING, queue("enqueue", note), queue("enqueue", TEXT), queue("remove")]
    assert queued_of(*lines) == [TEXT]
    assert queued_of(WORKING, queue("enqueue", note), queue("remove", note)) == []


def test_our_page_in_the_queue_is_no_turn() -> None:
    assert queued_of(WORKING, queue("enqueue", FENCE_BEGIN), queue("remove")) == []


def test_pictures_in_the_queue_keep_their_place() -> None:
    lines = [WORKING, queue("enqueue"), queue("enqueue", TEXT)]
    assert queued_of(*lines, queue("dequeue"), queue("remove")) == [TEXT]


def test_the_state_between_two_readings_holds_no_word_of_a_prompt() -> None:
    parser = new_parser("claude-code")
    for line in (WORKING, queue("enqueue", TEXT), queue("enqueue", "x"), queue("remove")):
        outcome_of(parser, line)
    assert "tests green" not in json.dumps(parser.state())


def test_a_prompt_is_found_when_reading_goes_on_before_it_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(WORKING, queue("enqueue", TEXT)) + b"{broken\n")
    cursor = list(read_transcript(path, "claude-code"))[-1].cursor
    saved = json.loads(json.dumps(cursor.state))
    with path.open("ab") as stream:
        stream.write(raw(queue("remove")))
    place = FileCursor(cursor.inode, cursor.size, cursor.offset, cursor.mark, saved)
    assert [turn.text for turn in turns(read_transcript(path, "claude-code", place))] == [TEXT]


@pytest.mark.parametrize(
    "state",
    [
        {"queue": 7, "calls": [1], "taken": {}, "branches": "x", "leaf": 3},
        {"queue": [[1, 2, 3], "abc", None, ["d", "t"]], "calls": {"a": 1}, "taken": [None]},
    ],
)
def test_a_state_that_cannot_be_used_is_left_out(state: dict[str, object]) -> None:
    parser = new_parser("claude-code", state)
    outcomes = [outcome_of(parser, line) for line in (queue("enqueue", TEXT), queue("remove"))]
    assert isinstance(outcomes[1], Turn)
