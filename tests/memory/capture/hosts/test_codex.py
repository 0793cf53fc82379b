"""Lines of a Codex rollout: which become turns, and why the others do not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.transcript_lines import (
    CODEX_META,
    CODEX_SESSION,
    SESSION,
    codex,
    new_parser,
    outcome_of,
    parse_codex,
    text_of,
)

from iai_memory.capture.turn import Skipped, Turn
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END


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
    payload = {**CODEX_META["payload"], "source": {"subagent": "review"}}
    parser = new_parser("codex")
    outcome_of(parser, {"type": "session_meta", "payload": payload})
    assert outcome_of(parser, codex("hi")) == Skipped("sidechain")


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


def test_a_codex_message_before_any_session_is_of_the_session_in_the_files_name() -> None:
    outcome = outcome_of(new_parser("codex"), codex("hi"))
    assert isinstance(outcome, Turn)
    assert outcome.session_id == SESSION
