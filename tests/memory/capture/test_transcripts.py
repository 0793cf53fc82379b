"""Capture: transcripts of Claude Code and Codex become turns, verbatim and without noise."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.checkout import EXAMPLES

from iai_memory.base.checks import MAX_TEXT_BYTES, check_text
from iai_memory.capture.hosts.claude_code import ClaudeParser
from iai_memory.capture.hosts.codex import CodexParser
from iai_memory.capture.hosts.locations import find_transcripts, transcript_root
from iai_memory.capture.jsonl_tail import MAX_LINE_BYTES, FileCursor
from iai_memory.capture.transcript import detect_host, read_transcript
from iai_memory.capture.turn import Host, Outcome, Parsed, Skipped, Turn
from iai_memory.errors import TranscriptFault
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END

TRANSCRIPTS = EXAMPLES / "transcripts"
SESSION = "0b7c6a1e-5a53-4a6e-9f2c-1d6f0a9b3c11"
CODEX_SESSION = "019d0000-0000-7000-8000-000000000001"
CODEX_META: dict[str, Any] = {
    "timestamp": "2026-11-01T10:00:00.000Z",
    "type": "session_meta",
    "payload": {"session_id": CODEX_SESSION, "id": CODEX_SESSION, "cwd": "/home/sam/a"},
}


def claude(content: object, role: str = "user", **fields: Any) -> dict[str, Any]:
    """A Claude Code line; a field set to None is left out."""
    line: dict[str, Any] = {
        "type": role,
        "message": {"role": role, "content": content},
        "isSidechain": False,
        "uuid": "6f1d2c3b-0000-4000-8000-000000000001",
        "timestamp": "2026-10-01T08:00:00.250Z",
        "sessionId": SESSION,
        "cwd": "/home/sam/code",
        **fields,
    }
    return {name: value for name, value in line.items() if value is not None}


def codex(
    text: str, role: str = "user", kinds: Sequence[str] | None = None, **fields: Any
) -> dict[str, Any]:
    """A Codex message line."""
    payload: dict[str, Any] = {
        "type": "message",
        "id": "msg_1",
        "role": role,
        "content": [{"type": "output_text" if role == "assistant" else "input_text", "text": text}],
    }
    if kinds is not None:
        payload["internal_chat_message_metadata_passthrough"] = {"content_item_kinds": kinds}
    return {
        "timestamp": "2026-11-01T10:00:05.000Z",
        "type": "response_item",
        "payload": payload,
        **fields,
    }


def raw(*lines: object) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def parse_claude(line: object) -> Outcome:
    return ClaudeParser().parse(json.dumps(line).encode())


def parse_codex(*lines: object) -> Outcome:
    parser = CodexParser()
    outcome = None
    for line in (CODEX_META, *lines):
        outcome = parser.parse(json.dumps(line).encode())
    return outcome


def text_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Turn), outcome
    return outcome.text


def turns(items: Iterable[Parsed]) -> list[Turn]:
    return [item.outcome for item in items if isinstance(item.outcome, Turn)]


def reasons(items: Iterable[Parsed]) -> Counter[str]:
    return Counter(item.outcome.reason for item in items if isinstance(item.outcome, Skipped))


def example(part: str) -> Path:
    (found,) = TRANSCRIPTS.rglob(f"*{part}*.jsonl")
    return found


# --- the examples -------------------------------------------------------------------------------


def test_the_claude_examples_give_their_turns_and_count_every_skipped_line() -> None:
    first = list(read_transcript(example("3f0c9a52"), "claude-code"))
    last = list(read_transcript(example("c95f2b13"), "claude-code"))
    assert len(turns(first)) == 25
    assert reasons(first) == {
        "tool": 4,
        "injected": 3,
        "sidechain": 2,
        "host_marker": 2,
        "empty": 1,
        "interrupted": 1,
    }
    assert len(turns(last)) == 24
    assert reasons(last) == {"injected": 5, "tool": 4, "host_marker": 4, "compaction": 1}


def test_a_turn_carries_who_said_what_when_and_where() -> None:
    turn = turns(read_transcript(example("3f0c9a52"), "claude-code"))[0]
    assert turn.role == "user"
    assert turn.text.startswith("Hi! I'm Sam. I want to build a weather station")
    assert turn.created_at == datetime(2026, 9, 14, 17, 2, 17, 249_000, tzinfo=UTC)
    assert turn.host == "claude-code"
    assert turn.session_id == "3f0c9a52-7a1e-4c0b-9a53-5e1d2f8c6b01"
    assert turn.cwd == "/home/sam/code/weather-station"


def test_the_codex_example_gives_each_message_once() -> None:
    items = list(read_transcript(example("rollout"), "codex"))
    found = turns(items)
    assert [turn.role for turn in found] == ["user", "assistant"] * 4
    assert len({turn.text for turn in found}) == 8
    assert {turn.session_id for turn in found} == {"019d4f1c-5b2e-7c41-9a06-4d1be27f6a04"}
    assert reasons(items) == {"tool": 4, "host_marker": 2, "compaction": 2, "injected": 1}


@pytest.mark.parametrize(
    "path", sorted(TRANSCRIPTS.rglob("*.jsonl")), ids=lambda path: path.stem[:16]
)
def test_no_turn_of_the_examples_carries_our_fence_or_shares_an_id(path: Path) -> None:
    found = turns(read_transcript(path, detect_host(path)))
    assert not [turn for turn in found if FENCE_BEGIN in turn.text or FENCE_END in turn.text]
    assert len({turn.turn_id for turn in found}) == len(found)
    assert [turn.created_at for turn in found] == sorted(turn.created_at for turn in found)


# --- Claude Code: what is kept ------------------------------------------------------------------


def test_text_is_kept_verbatim_with_its_white_space_and_every_script() -> None:
    said = "  first\r\n\n\tsecond  \u00e9\u4e2d\U0001f41d \x00 end \n"
    assert text_of(parse_claude(claude(said))) == said


def test_text_blocks_of_one_line_are_joined_with_a_blank_line() -> None:
    blocks = [
        {"type": "text", "text": "look at this"},
        {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
        {"type": "text", "text": "and at that"},
    ]
    assert text_of(parse_claude(claude(blocks))) == "look at this\n\nand at that"


def test_text_beside_a_tool_call_is_kept_and_thinking_is_dropped() -> None:
    blocks = [
        {"type": "thinking", "thinking": "private", "signature": "x"},
        {"type": "text", "text": "I'll look."},
        {"type": "tool_use", "id": "t", "name": "Bash", "input": {}},
    ]
    assert text_of(parse_claude(claude(blocks, "assistant"))) == "I'll look."


def test_lines_of_one_streamed_message_are_turns_of_their_own() -> None:
    first = claude([{"type": "text", "text": "one"}], "assistant", uuid="a")
    second = claude([{"type": "text", "text": "two"}], "assistant", uuid="b")
    for line in (first, second):
        line["message"]["id"] = "msg_same"
    outcomes = [parse_claude(first), parse_claude(second)]
    assert [(o.turn_id, o.text) for o in outcomes if isinstance(o, Turn)] == [
        ("a", "one"),
        ("b", "two"),
    ]


def test_a_prompt_typed_while_the_model_works_is_the_users() -> None:
    line = claude("", type="attachment", message=None)
    line["attachment"] = {
        "type": "queued_command",
        "prompt": "and keep the tests green",
        "commandMode": "prompt",
        "origin": {"kind": "human"},
    }
    outcome = parse_claude(line)
    assert text_of(outcome) == "and keep the tests green"
    assert isinstance(outcome, Turn)
    assert outcome.role == "user"


@pytest.mark.parametrize(
    "change",
    [{"commandMode": "task-notification"}, {"origin": {"kind": "task-notification"}}],
)
def test_a_queued_command_that_no_human_typed_is_injected(change: dict[str, Any]) -> None:
    line = claude("", type="attachment", message=None)
    line["attachment"] = {
        "type": "queued_command",
        "prompt": "a job has ended",
        "commandMode": "prompt",
        **change,
    }
    assert parse_claude(line) == Skipped("injected")


def test_a_marker_inside_prose_belongs_to_the_prose() -> None:
    said = "Why does it print <command-name>/cost</command-name> and a <system-reminder>?"
    assert text_of(parse_claude(claude(said))) == said


def test_a_host_block_before_the_prompt_is_left_out_and_the_prompt_kept() -> None:
    blocks = [
        {"type": "text", "text": "<ide_opened_file>main.py</ide_opened_file>"},
        {"type": "text", "text": "rename this function"},
    ]
    assert text_of(parse_claude(claude(blocks))) == "rename this function"


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    line = json.dumps(claude("cut \ud83d here")).encode()
    assert text_of(ClaudeParser().parse(line)) == "cut \ufffd here"


def test_a_time_with_an_offset_is_converted_to_utc() -> None:
    outcome = parse_claude(claude("x", timestamp="2026-10-01T10:00:00+02:00"))
    assert isinstance(outcome, Turn)
    assert outcome.created_at == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert outcome.created_at.tzinfo is UTC


def test_a_line_without_a_working_directory_is_still_a_turn() -> None:
    outcome = parse_claude(claude("x", cwd=None))
    assert isinstance(outcome, Turn)
    assert outcome.cwd is None


# --- Claude Code: what is skipped, and why ------------------------------------------------------

CLAUDE_SKIPPED: list[tuple[str, str, dict[str, Any]]] = [
    ("a sub-agent's line", "sidechain", claude("do it", isSidechain=True)),
    (
        "a tool call",
        "tool",
        claude([{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}], "assistant"),
    ),
    (
        "a tool result",
        "tool",
        claude([{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]),
    ),
    ("a compaction summary by its flag", "compaction", claude("So far:", isCompactSummary=True)),
    (
        "a compaction summary by its first words",
        "compaction",
        claude("This session is being continued from a previous conversation that ran out."),
    ),
    ("a meta line", "host_marker", claude("Caveat: …", isMeta=True)),
    ("an API error", "host_marker", claude("API Error: 529", "assistant", isApiErrorMessage=True)),
    (
        "the host's synthetic answer",
        "host_marker",
        claude(
            "x",
            "assistant",
            message={"role": "assistant", "model": "<synthetic>", "content": "No response."},
        ),
    ),
    ("a slash command", "host_marker", claude("<command-name>/cost</command-name>")),
    (
        "a command's output",
        "host_marker",
        claude(" \n<local-command-stdout>x</local-command-stdout>"),
    ),
    ("a reminder", "host_marker", claude("<system-reminder>\nx\n</system-reminder>")),
    ("a task's end", "host_marker", claude("<task-notification>done</task-notification>")),
    (
        "a prompt hook",
        "host_marker",
        claude("<user-prompt-submit-hook>x</user-prompt-submit-hook>"),
    ),
    (
        "an interruption",
        "interrupted",
        claude([{"type": "text", "text": "[Request interrupted by user for tool use]"}]),
    ),
    (
        "a hook's attachment",
        "injected",
        {"type": "attachment", "attachment": {"type": "hook_success", "content": FENCE_BEGIN}},
    ),
    ("the request sent to the model", "injected", {"type": "api-request-blob", "message": {}}),
    ("our own payload", "own_payload", claude(f"what is this? {FENCE_BEGIN}\n- a fact")),
    ("the end of our payload", "own_payload", claude(f"- a fact\n{FENCE_END}", "assistant")),
    (
        "our own payload in one of several blocks",
        "own_payload",
        claude([{"type": "text", "text": "hi"}, {"type": "text", "text": FENCE_BEGIN}]),
    ),
    ("nothing but white space", "empty", claude(" \n\t")),
    ("no blocks", "empty", claude([])),
    ("an image alone", "empty", claude([{"type": "image", "source": {}}])),
    ("thinking alone", "empty", claude([{"type": "thinking", "thinking": "x"}], "assistant")),
    ("text over a megabyte", "too_long", claude("é" * (MAX_TEXT_BYTES // 2 + 1))),
]


@pytest.mark.parametrize(
    ("reason", "line"), [case[1:] for case in CLAUDE_SKIPPED], ids=[c[0] for c in CLAUDE_SKIPPED]
)
def test_a_claude_line_that_nobody_said_is_skipped_with_its_reason(
    reason: str, line: dict[str, Any]
) -> None:
    outcome = parse_claude(line)
    assert isinstance(outcome, Skipped), outcome
    assert outcome.reason == reason


@pytest.mark.parametrize(
    "line",
    [
        {"type": "queue-operation", "operation": "enqueue", "content": "hello"},
        {"type": "last-prompt", "lastPrompt": "hello"},
        {"type": "summary", "summary": "hello"},
        {"type": "file-history-snapshot", "snapshot": {}},
        {"type": "system", "subtype": "compact_boundary", "content": "Conversation compacted"},
    ],
    ids=lambda line: str(line["type"]),
)
def test_a_kind_of_line_that_is_never_a_turn_is_none(line: dict[str, Any]) -> None:
    assert parse_claude(line) is None
    assert ClaudeParser().parse(b"  \r") is None


def test_a_text_of_exactly_a_megabyte_is_kept() -> None:
    assert len(text_of(parse_claude(claude("x" * MAX_TEXT_BYTES)))) == MAX_TEXT_BYTES


def test_capture_keeps_no_text_that_the_store_would_refuse() -> None:
    longest = text_of(parse_claude(claude("x" * MAX_TEXT_BYTES)))
    assert check_text(longest) == longest


# --- Codex --------------------------------------------------------------------------------------


def test_the_working_directory_follows_the_turn_context() -> None:
    context = {"type": "turn_context", "payload": {"cwd": "/home/sam/b"}}
    before, after = parse_codex(codex("hi")), parse_codex(context, codex("hi"))
    assert isinstance(before, Turn)
    assert isinstance(after, Turn)
    assert (before.cwd, after.cwd) == ("/home/sam/a", "/home/sam/b")
    assert after.session_id == CODEX_SESSION
    assert after.turn_id == "msg_1"


def test_the_echo_for_the_screen_is_not_a_second_turn() -> None:
    echo = {"type": "event_msg", "payload": {"type": "agent_message", "message": "hi"}}
    assert parse_codex(echo) is None


def test_a_message_of_an_older_codex_without_an_id_gets_the_same_one_on_every_read() -> None:
    line = codex("hi")
    del line["payload"]["id"]
    first, again, other = parse_codex(line), parse_codex(line), parse_codex({**line, "x": 1})
    assert isinstance(first, Turn)
    assert isinstance(other, Turn)
    assert first == again
    assert first.turn_id != other.turn_id


def test_a_fork_keeps_its_own_session_when_it_repeats_its_parents() -> None:
    parent = {**CODEX_META, "payload": {"id": "parent", "cwd": "/elsewhere"}}
    outcome = parse_codex(parent, codex("hi"))
    assert isinstance(outcome, Turn)
    assert outcome.session_id == CODEX_SESSION


def test_a_sub_agents_rollout_is_a_sidechain() -> None:
    parser = CodexParser()
    payload = {**CODEX_META["payload"], "source": {"subagent": "review"}}
    parser.parse(json.dumps({"type": "session_meta", "payload": payload}).encode())
    assert parser.parse(json.dumps(codex("hi")).encode()) == Skipped("sidechain")


def test_a_message_is_kept_when_the_host_labels_it_as_the_users() -> None:
    assert text_of(parse_codex(codex("hi", kinds=["user.text"]))) == "hi"
    assert text_of(parse_codex(codex("yes", "assistant", kinds=["unknown"]))) == "yes"


CODEX_SKIPPED: list[tuple[str, str, dict[str, Any]]] = [
    ("a tool call", "tool", {"type": "response_item", "payload": {"type": "function_call"}}),
    (
        "a tool's output",
        "tool",
        {"type": "response_item", "payload": {"type": "custom_tool_call_output"}},
    ),
    ("a compaction", "compaction", {"type": "compacted", "payload": {"message": "So far"}}),
    (
        "the model's summary",
        "compaction",
        codex("SUMMARY", "assistant", metadata={"compaction_output": True}),
    ),
    ("the summary as a prompt", "compaction", codex("So far", kinds=["compaction.summary"])),
    ("a hook's text", "injected", codex("x", "developer", kinds=["hooks.additional_context"])),
    ("a hook's text as a prompt", "injected", codex("x", kinds=["hooks.additional_context"])),
    ("instructions", "host_marker", codex("be brief", "developer", kinds=["unknown"])),
    ("the system prompt", "host_marker", codex("be brief", "system")),
    ("anything not the user's", "host_marker", codex("x", kinds=["environments.context"])),
    ("the environment", "host_marker", codex("<environment_context>\n</environment_context>")),
    ("user instructions", "host_marker", codex("<user_instructions>x</user_instructions>")),
    ("AGENTS.md", "host_marker", codex("# AGENTS.md instructions for /home/sam/a\n\nbe brief")),
    ("an interruption", "interrupted", codex("<turn_aborted>\nstopped\n</turn_aborted>")),
    ("our own payload", "own_payload", codex(f"{FENCE_BEGIN}\nx\n{FENCE_END}", "developer")),
    ("nothing", "empty", codex("")),
    ("a message without a list", "unparsable", codex("x", payload={"type": "message"})),
]


@pytest.mark.parametrize(
    ("reason", "line"), [case[1:] for case in CODEX_SKIPPED], ids=[c[0] for c in CODEX_SKIPPED]
)
def test_a_codex_line_that_nobody_said_is_skipped_with_its_reason(
    reason: str, line: dict[str, Any]
) -> None:
    outcome = parse_codex(line)
    assert isinstance(outcome, Skipped), outcome
    assert outcome.reason == reason


def test_a_codex_message_before_any_session_is_unparsable() -> None:
    assert CodexParser().parse(json.dumps(codex("hi")).encode()) == Skipped("unparsable")


# --- malformed lines ----------------------------------------------------------------------------

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
    "no uuid": json.dumps(claude("x", uuid=None)).encode(),
    "a uuid that is a number": json.dumps(claude("x", uuid=7)).encode(),
    "no session": json.dumps(claude("x", sessionId=None)).encode(),
    "a cwd that is a number": json.dumps(claude("x", cwd=7)).encode(),
    "no time": json.dumps(claude("x", timestamp=None)).encode(),
    "a time that is none": json.dumps(claude("x", timestamp="yesterday")).encode(),
    "a time before the calendar": json.dumps(
        claude("x", timestamp="0001-01-01T00:00:00+14:00")
    ).encode(),
}


@pytest.mark.parametrize("line", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_line_is_counted_and_the_next_one_read(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(line + b"\n" + raw(claude("still here")))
    items = list(read_transcript(path, "claude-code"))
    assert reasons(items) == {"unparsable": 1}
    assert [turn.text for turn in turns(items)] == ["still here"]


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
    for parser in (ClaudeParser(), CodexParser()):
        parser.learn(line)
        outcome = parser.parse(line)
        if isinstance(outcome, Turn):
            outcome.text.encode()
            outcome.turn_id.encode()


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_a_parser_raise(line: bytes) -> None:
    for parser in (ClaudeParser(), CodexParser()):
        parser.learn(line)
        parser.parse(line)


# --- reading a growing file ---------------------------------------------------------------------


def test_a_line_still_being_written_is_taken_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    whole = raw(claude("one", uuid="1"), claude("two", uuid="2"))
    path.write_bytes(whole[:-5])
    items = list(read_transcript(path, "claude-code"))
    assert [turn.text for turn in turns(items)] == ["one"]
    with path.open("ab") as stream:
        stream.write(whole[-5:-1])
    assert not list(read_transcript(path, "claude-code", items[-1].cursor))
    with path.open("ab") as stream:
        stream.write(whole[-1:])
    rest = list(read_transcript(path, "claude-code", items[-1].cursor))
    assert [turn.text for turn in turns(rest)] == ["two"]
    assert rest[-1].end_offset == len(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_appends_split_anywhere_are_read_without_loss_or_repetition(
    data: st.DataObject, tmp_path: Path
) -> None:
    host: Host = data.draw(st.sampled_from(("claude-code", "codex")))
    source = example("rollout" if host == "codex" else "b81d7e40").read_bytes()
    cuts = data.draw(st.lists(st.integers(0, len(source)), max_size=8).map(sorted))
    path = tmp_path / "growing.jsonl"
    path.write_bytes(b"")
    expected_path = tmp_path / "whole.jsonl"
    expected_path.write_bytes(source)
    expected = [item.outcome for item in read_transcript(expected_path, host)]
    cursor: FileCursor | None = None
    seen: list[Outcome] = []
    for begin, end in zip([0, *cuts], [*cuts, len(source)], strict=True):
        with path.open("ab") as stream:
            stream.write(source[begin:end])
        for item in read_transcript(path, host, cursor):
            seen.append(item.outcome)
            cursor = item.cursor
    assert seen == expected


def test_a_cursor_survives_json() -> None:
    cursor = next(iter(read_transcript(example("rollout"), "codex"))).cursor
    assert FileCursor(**json.loads(json.dumps(asdict(cursor)))) == cursor


def read_all(path: Path) -> FileCursor:
    return list(read_transcript(path, "claude-code"))[-1].cursor


def test_a_truncated_file_is_read_again_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(*(claude(f"turn {n}") for n in range(5))))
    cursor = read_all(path)
    path.write_bytes(raw(claude("new start")))
    again = turns(read_transcript(path, "claude-code", cursor))
    assert [turn.text for turn in again] == ["new start"]


def test_a_file_truncated_and_grown_past_the_offset_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(claude("old")))
    cursor = read_all(path)
    path.write_bytes(raw(*(claude(f"new {n}") for n in range(5))))  # the same inode
    again = turns(read_transcript(path, "claude-code", cursor))
    assert [turn.text for turn in again] == [f"new {n}" for n in range(5)]


def test_a_replaced_file_is_read_again_from_the_start(tmp_path: Path) -> None:
    path, other = tmp_path / "t.jsonl", tmp_path / "other"
    path.write_bytes(raw(claude("old")))
    cursor = read_all(path)
    other.write_bytes(raw(claude("old"), claude("more")))
    other.replace(path)
    again = turns(read_transcript(path, "claude-code", cursor))
    assert [turn.text for turn in again] == ["old", "more"]


@pytest.mark.parametrize(
    "mark", ["", "-", "9999999-00", "x-00", "1024-00", "-1-00", "\u0663-00"], ids=repr
)
def test_a_damaged_mark_means_reading_from_the_start(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(claude("one"), claude("two")))
    stat = path.stat()
    cursor = FileCursor(stat.st_ino, stat.st_size, stat.st_size, mark)
    assert len(turns(read_transcript(path, "claude-code", cursor))) == 2


def test_the_codex_session_is_known_after_resuming_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "rollout-x.jsonl"
    context = {"type": "turn_context", "payload": {"cwd": "/home/sam/b"}}
    path.write_bytes(raw(CODEX_META, context, codex("one")))
    cursor = list(read_transcript(path, "codex"))[-1].cursor
    with path.open("ab") as stream:
        stream.write(raw(codex("two")))
    (turn,) = turns(read_transcript(path, "codex", cursor))
    assert (turn.text, turn.session_id, turn.cwd) == ("two", CODEX_SESSION, "/home/sam/b")


def test_a_line_over_the_limit_is_counted_and_the_next_one_read(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with path.open("wb") as stream:
        stream.truncate(MAX_LINE_BYTES + 1)  # sparse: NULs up to here
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n" + raw(claude("after")))
    items = list(read_transcript(path, "claude-code"))
    assert reasons(items) == {"line_too_long": 1}
    assert [turn.text for turn in turns(items)] == ["after"]
    assert not list(read_transcript(path, "claude-code", items[-1].cursor))
    assert len(turns(read_transcript(path, "claude-code", items[0].cursor))) == 1


def test_an_unfinished_line_over_the_limit_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with path.open("wb") as stream:
        stream.truncate(MAX_LINE_BYTES + 100)
    assert not list(read_transcript(path, "claude-code"))


def test_a_prompt_with_large_images_keeps_its_text(tmp_path: Path) -> None:
    image = base64.b64encode(bytes(range(256)) * 40_000).decode()
    source = {"type": "base64", "media_type": "image/png", "data": image}
    blocks = [{"type": "text", "text": "what is this? 🐝"}, {"type": "image", "source": source}]
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(claude(blocks)))
    (turn,) = turns(read_transcript(path, "claude-code"))
    assert turn.text == "what is this? 🐝"


def test_a_long_prompt_that_looks_like_an_image_stays_verbatim() -> None:
    said = "A" * 900_000
    assert text_of(parse_claude(claude(said))) == said


# VmHWM and not ru_maxrss: the latter is inherited from the process that starts the child.
_MEASURE = """
import re, sys
from pathlib import Path
from iai_memory.capture.transcript import read_transcript
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak_kib()
kept = sum(1 for item in read_transcript(sys.argv[1], sys.argv[2]))
print(kept, peak_kib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux's /proc")
def test_a_file_of_many_megabytes_is_streamed_in_less_than_64_mebibytes(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    image = "A" * (12 * 1024 * 1024)
    block = {"type": "image", "source": {"type": "base64", "data": image}}
    with path.open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)  # one sparse line of 200 MiB
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n")
        for number in range(3):
            stream.write(raw(claude([block, {"type": "text", "text": "é"}], uuid=f"i{number}")))
        for number in range(20_000):
            stream.write(raw(claude("x" * 1000, uuid=f"u{number}")))
    finished = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path), "claude-code"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    lines, grown_kib = map(int, finished.stdout.split())
    assert lines == 20_004
    assert grown_kib < 64 * 1024, grown_kib


# --- finding and telling them apart -------------------------------------------------------------


def test_the_host_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "rollout-1.jsonl"
    path.write_bytes(b"not json\n" + raw({"type": "mode"}, claude("x")))
    assert detect_host(path) == "claude-code"
    path.write_bytes(raw(CODEX_META))
    assert detect_host(path) == "codex"


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[]\n", b"\xff\n", b'{"type": "x"}\n'])
def test_a_file_of_neither_host_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(content)
    with pytest.raises(TranscriptFault) as caught:
        detect_host(path)
    assert str(caught.value) == (
        f"{path} is neither a Claude Code transcript nor a Codex rollout: "
        "see `iai-mcp import --help` for the folders where those are kept"
    )


def test_a_missing_file_is_a_transcript_fault_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "gone.jsonl"
    with pytest.raises(TranscriptFault, match="cannot be read \\(No such file or directory\\)"):
        next(read_transcript(path, "claude-code"))


def test_transcripts_are_found_in_the_hosts_folders_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "c"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "x"))
    files = {
        "c/projects/-a/new.jsonl": 300,
        "c/projects/-b/old.jsonl": 100,
        "c/projects/-b/notes.txt": 50,
        "x/sessions/2026/11/07/rollout-2.jsonl": 200,
        "x/sessions/2026/11/06/rollout-1.jsonl": 100,
        "x/sessions/2026/11/06/other.jsonl": 50,
    }
    for name, mtime in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
        os.utime(path, (mtime, mtime))
    assert [path.name for path in find_transcripts("claude-code")] == ["old.jsonl", "new.jsonl"]
    assert [path.name for path in find_transcripts("codex")] == [
        "rollout-1.jsonl",
        "rollout-2.jsonl",
    ]
    assert not find_transcripts("codex", tmp_path / "nowhere")


def test_the_default_folders_are_below_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.setenv("CODEX_HOME", "")
    assert transcript_root("claude-code") == tmp_path / ".claude" / "projects"
    assert transcript_root("codex") == tmp_path / ".codex" / "sessions"
