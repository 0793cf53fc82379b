"""No line makes a parser raise: it is counted, and the next one is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.transcript_lines import (
    CODEX_META,
    SESSION,
    claude,
    codex,
    new_parser,
    parse_claude,
    queue,
    queued_command,
    raw,
    reasons,
    tool_call,
    tool_result,
    turns,
)

from iai_memory.capture.hosts.registry import HOSTS
from iai_memory.capture.rewinds import branches_of
from iai_memory.capture.transcript import line_outcomes, read_transcript
from iai_memory.capture.turn import Turn

MALFORMED: dict[str, bytes] = {
    "cut in the middle": b'{"type": "user", "mess',
    "not UTF-8": b'{"type": "user", "cwd": "\xff\xfe"}',
    "a NUL": b'\x00\x00{"type": "user"}',
    "a byte order mark": b'\xef\xbb\xbf{"type": "user"}',
    "an array": b"[1, 2]",
    "a string": b'"user"',
    "a number": b"17",
    "null": b"null",
    "no type": b"{}",
    "a type that is a list": b'{"type": ["user"]}',
    "an integer of 5,000 digits": b'{"type": "user", "n": ' + b"9" * 5000 + b"}",
    "deep nesting": b'{"type": "user", "n": ' + b"[" * 100_000,
    "a message that is text": json.dumps(claude("x", message="hi")).encode(),
    "content that is a number": json.dumps(claude(3)).encode(),
    "a block that is null": json.dumps(claude([None])).encode(),
    "a text that is a list": json.dumps(claude([{"type": "text", "text": ["x"]}])).encode(),
    "another role than the line": json.dumps(
        claude("x", message={"role": "assistant", "content": "x"})
    ).encode(),
}
KEPT: dict[str, dict[str, Any]] = {
    "a uuid that is a number": claude("kept", uuid=7),
    "a session that is a list": claude("kept", sessionId=["x"]),
    "a cwd that is an object": claude("kept", cwd={"path": "/x"}),
    "a block that is null": claude([{"type": "text", "text": "kept"}, None]),
    "a block that is a number": claude([7, "kept"]),
    "a text that is null": claude(
        [{"type": "text", "text": "kept"}, {"type": "text", "text": None}], "assistant"
    ),
    "a block of a queued prompt": queued_command([{"type": "text", "text": "kept"}, None]),
}
NO_TIMES = {"none": None, "words": "yesterday", "before the calendar": "0001-01-01T00:00:00+14:00"}


@pytest.mark.parametrize("line", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_line_is_counted_and_the_next_one_read(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(line + b"\n" + raw(claude("still here")))
    items = list(read_transcript(path, "claude-code"))
    assert reasons(items) == {"unparsable": 1}
    assert [turn.text for turn in turns(items)] == ["still here"]


@pytest.mark.parametrize("line", KEPT.values(), ids=KEPT.keys())
def test_a_field_that_cannot_be_used_costs_the_field_only(line: dict[str, Any]) -> None:
    turn = parse_claude(line)
    assert isinstance(turn, Turn)
    assert (turn.text, turn.marks) == ("kept", ("damaged",))
    assert turn.session_id == SESSION
    assert (turn.turn_id is None) == (line.get("uuid") == 7)
    assert (turn.cwd is None) == isinstance(line["cwd"], dict)


def test_a_line_that_lacks_a_field_is_not_damaged() -> None:
    bare = claude("x", uuid=None, sessionId=None, cwd=None)
    for line in (bare, {**bare, "uuid": None, "cwd": ""}, claude([{"type": "image"}, "x"])):
        turn = parse_claude(line)
        assert isinstance(turn, Turn)
        assert turn.marks == ()


def test_a_role_that_nobody_knows_is_that_of_the_line() -> None:
    turn = parse_claude(claude("x", message={"role": "human", "content": "x"}))
    assert isinstance(turn, Turn)
    assert turn.role == "user"


COUNTS = [1_790_000_000, 1_790_000_000_250, "1790000000", "1790000000.25", 1_790_000_000_250_000]


@pytest.mark.parametrize("count", COUNTS)
def test_a_time_may_be_a_count_since_1970(count: object) -> None:
    turn = parse_claude(claude("x", timestamp=count))
    assert isinstance(turn, Turn)
    assert turn.created_at.replace(microsecond=0).isoformat() == "2026-09-21T14:13:20+00:00"
    assert turn.marks == ()


@pytest.mark.parametrize("count", [True, 0, -5, 7, 10**400, 4_200_000_000, "20261001080000", []])
def test_a_count_that_is_no_time_of_a_talk_is_none(count: object) -> None:
    turn = parse_claude(claude("x", timestamp=count))
    assert isinstance(turn, Turn)
    assert turn.marks == ("time-estimated",)


def test_a_date_of_eight_digits_is_a_date() -> None:
    turn = parse_claude(claude("x", timestamp="20261001"))
    assert isinstance(turn, Turn)
    assert turn.created_at.isoformat() == "2026-10-01T00:00:00+00:00"


@pytest.mark.parametrize("time", NO_TIMES.values(), ids=NO_TIMES.keys())
def test_a_line_without_a_time_gets_its_neighbours_and_says_so(
    time: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "t.jsonl"
    at = ["2026-10-01T08:00:00Z", "2026-10-01T09:00:00Z"]
    first, last = (claude(text, timestamp=text) for text in at)
    path.write_bytes(raw(claude("a", timestamp=time), first, claude("b", timestamp=time), last))

    found = turns(read_transcript(path, "claude-code"))

    assert [(turn.created_at.hour, turn.marks) for turn in found] == [
        (8, ("time-estimated",)),
        (8, ()),
        (8, ("time-estimated",)),
        (9, ()),
    ]


def test_a_line_without_a_session_is_of_the_session_in_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / f"rollout-2026-11-02T10-00-00-{SESSION}.jsonl"
    path.write_bytes(raw(claude("a"), claude("b", sessionId=None)))
    found = turns(read_transcript(path, "claude-code"))
    assert [turn.session_id for turn in found] == [SESSION, SESSION]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]))
    | st.sampled_from(["user", "assistant", "message", "text", "tool_use", "response_item"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("type", "message", "role", "content", "text", "uuid", "timestamp", "payload"),
                    *("sessionId", "cwd", "attachment", "prompt", "commandMode", "origin", "kind"),
                    *("metadata", "internal_chat_message_metadata_passthrough", "source", "id"),
                    *("content_item_kinds", "session_id", "isSidechain", "isMeta", "model"),
                    *("operation", "toolUseResult", "questions", "question", "answers", "header"),
                    *("annotations", "notes", "response", "userFeedback", "toolDenialKind"),
                    *("input", "plan", "is_error", "tool_use_id", "name", "parentUuid"),
                    *("promptSource", "turnOrigin", "rowSource", "summarizeMetadata", "version"),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


def replaced(value: object, place: int, other: object) -> object:
    """The value with the place-th of its parts, counted depth first, replaced."""
    left = place

    def walk(part: object) -> object:
        nonlocal left
        left -= 1
        if left == -1:
            return other
        if isinstance(part, dict):
            return {name: walk(inner) for name, inner in part.items()}
        return [walk(inner) for inner in part] if isinstance(part, list) else part

    return walk(value)


@given(
    base=st.sampled_from(
        [claude("x"), claude([{"type": "text", "text": "x"}], "assistant"), codex("x"), CODEX_META]
    ),
    place=st.integers(0, 14),
    other=JSON,
)
def test_no_json_in_any_place_of_a_line_makes_a_parser_raise(
    base: dict[str, Any], place: int, other: object
) -> None:
    line = json.dumps(replaced(base, place, other)).encode()
    for host in HOSTS:
        parser = new_parser(host)
        for outcome in line_outcomes(parser, line):
            if isinstance(outcome, Turn):
                outcome.text.encode()
                (outcome.turn_id or "").encode()
        json.dumps(parser.state(), ensure_ascii=False).encode()


ASKED = {"questions": [{"question": "Which?", "header": "W"}], "answers": {"Which?": ["a", "b"]}}
CLAUDE_TALK: list[dict[str, Any]] = [
    tool_call("AskUserQuestion", {"questions": ASKED["questions"]}),
    tool_result("x", toolUseResult={**ASKED, "annotations": {"Which?": {"notes": "c"}}}),
    tool_call("ExitPlanMode", {"plan": "# Plan"}, "toolu_2"),
    tool_result("no", "toolu_2", is_error=True, userFeedback="no"),
    queue("enqueue", "go on"),
    queue("remove"),
    queued_command("go on"),
    claude("<command-name>/fix</command-name><command-args>it</command-args>"),
    claude("so far", isCompactSummary=True, summarizeMetadata={"userContext": "keep it"}),
    {"type": "system", "subtype": "local_command", "content": "<command-args>x</command-args>"},
]


@given(st.integers(0, len(CLAUDE_TALK) - 1), st.integers(0, 30), JSON)
def test_no_json_in_any_place_of_a_talk_makes_a_parser_raise(
    tmp_path_factory: pytest.TempPathFactory, which: int, place: int, other: object
) -> None:
    parser = new_parser("claude-code", {"calls": other, "queue": other, "taken": other})
    talk: list[object] = [*CLAUDE_TALK]
    talk[which] = replaced(talk[which], place, other)
    lines = [json.dumps(line).encode() for line in (*talk, *talk)]
    for outcome in [outcome for line in lines for outcome in line_outcomes(parser, line)]:
        if isinstance(outcome, Turn):
            outcome.text.encode()
    json.dumps(parser.state(), ensure_ascii=False).encode()
    path = tmp_path_factory.mktemp("talk") / "t.jsonl"
    path.write_bytes(b"\n".join(lines))
    branches_of(path)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_a_parser_raise(line: bytes) -> None:
    for host in HOSTS:
        assert line_outcomes(new_parser(host), line)
