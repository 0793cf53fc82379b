"""Lines of a Claude Code transcript: which become turns, and why the others do not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.transcript_lines import claude, new_parser, parse_claude, text_of

from iai_memory.base.checks import MAX_TEXT_BYTES, check_text
from iai_memory.capture.transcript import line_outcomes
from iai_memory.capture.turn import Skipped, Turn
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END


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
    assert text_of(parse_claude(claude("cut \ud83d here"))) == "cut \ufffd here"


def test_a_time_with_an_offset_is_converted_to_utc() -> None:
    outcome = parse_claude(claude("x", timestamp="2026-10-01T10:00:00+02:00"))
    assert isinstance(outcome, Turn)
    assert outcome.created_at == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert outcome.created_at.tzinfo is UTC


def test_a_line_without_a_working_directory_is_still_a_turn() -> None:
    outcome = parse_claude(claude("x", cwd=None))
    assert isinstance(outcome, Turn)
    assert outcome.cwd is None


# --- what is skipped, and why -------------------------------------------------------------------


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
    ("our own payload", "own_payload", claude(f"what? {FENCE_BEGIN}\n- a fact\n{FENCE_END}")),
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
    assert line_outcomes(new_parser("claude-code"), b"  \r") == [None]


def test_a_text_of_exactly_a_megabyte_is_kept() -> None:
    assert len(text_of(parse_claude(claude("x" * MAX_TEXT_BYTES)))) == MAX_TEXT_BYTES


def test_capture_keeps_no_text_that_the_store_would_refuse() -> None:
    longest = text_of(parse_claude(claude("x" * MAX_TEXT_BYTES)))
    assert check_text(longest) == longest
