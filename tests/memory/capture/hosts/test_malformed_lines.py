"""No line makes a parser raise: it is counted, and the next one is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.transcript_lines import CODEX_META, claude, codex, raw, reasons, turns

from iai_memory.capture.hosts.claude_code import ClaudeParser
from iai_memory.capture.hosts.codex import CodexParser
from iai_memory.capture.transcript import read_transcript
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
