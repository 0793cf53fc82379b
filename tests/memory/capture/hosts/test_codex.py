"""Lines of a Codex rollout: which become turns, and why the others do not."""

from __future__ import annotations

import json
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

from iai_memory.capture.hosts.codex import wrote
from iai_memory.capture.selection import identity_of
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


def test_a_message_without_an_id_is_known_by_what_was_said_and_how_often() -> None:
    line = codex("hi")
    del line["payload"]["id"]
    later = {**line, "timestamp": "2026-11-02T10:00:00Z"}
    first, again, copied = parse_codex(line), parse_codex(line), parse_codex(later)
    second = parse_codex(line, later)
    assert isinstance(first, Turn)
    assert isinstance(copied, Turn)
    assert isinstance(second, Turn)
    assert first == again
    assert identity_of(first).key("hi") == identity_of(copied).key("hi")
    assert identity_of(first).key("hi") != identity_of(second).key("hi")
    assert first.former_id != copied.former_id


def test_a_parser_that_goes_on_in_the_middle_counts_on() -> None:
    line = codex("hi")
    del line["payload"]["id"]
    before = new_parser("codex")
    for one in (CODEX_META, line):
        outcome_of(before, one)
    kept = json.loads(json.dumps(before.state()))
    assert outcome_of(new_parser("codex", kept), line) == outcome_of(before, line)
    assert "hi" not in json.dumps(kept)


def test_an_id_of_codex_says_enough_by_itself_only_if_it_is_long_and_random() -> None:
    random, counted = codex("hi"), codex("hi")
    random["payload"]["id"] = "msg_01a22a77-2629-7f70-a271-f4a6e73771ab"
    counted["payload"]["id"] = f"msg_{7:032}"
    turns = [parse_codex(line) for line in (random, counted)]
    assert [one.thread for one in turns if isinstance(one, Turn)] == [None, CODEX_SESSION]


BARE_META = {
    "id": CODEX_SESSION,
    "timestamp": "2025-06-01T10:00:00.123Z",
    "instructions": None,
    "git": {"branch": "main"},
}


def bare(text: str, role: str = "user", **fields: Any) -> dict[str, Any]:
    """A message of a rollout of 2025, without anything around it."""
    return {**codex(text, role)["payload"], "id": None, **fields}


def test_a_rollout_of_2025_without_envelopes_gives_its_turns() -> None:
    parser = new_parser("codex")
    folder = (
        "<environment_context>\nCurrent working directory: /home/sam/b\nApproval policy: never\n"
    )
    lines: list[dict[str, Any]] = [
        BARE_META,
        {"record_type": "state"},
        bare(folder + "</environment_context>"),
        bare("which port?"),
        {"type": "reasoning", "summary": [], "encrypted_content": None},
        {"type": "function_call", "name": "shell", "arguments": "{}", "call_id": "c"},
        {"type": "function_call_output", "call_id": "c", "output": "5544"},
        bare("5544", "assistant"),
        {"record_type": "state"},
    ]
    outcomes = [outcome_of(parser, line) for line in lines]
    first, second = [one for one in outcomes if isinstance(one, Turn)]
    assert (first.text, first.role, second.text) == ("which port?", "user", "5544")
    assert (first.session_id, first.cwd) == (CODEX_SESSION, "/home/sam/b")
    assert (first.created_at.year, first.marks) == (2025, ("time-estimated",))
    assert [one.reason for one in outcomes if isinstance(one, Skipped)] == [
        "host_marker",
        "tool",
        "tool",
    ]


@pytest.mark.parametrize("line", [BARE_META, {"record_type": "state"}, bare("hi")])
def test_a_bare_line_is_recognised_as_codex(line: dict[str, Any]) -> None:
    assert wrote(line)


@pytest.mark.parametrize("kind", ["world_state", "token_usage_record", "event_msg"])
def test_what_newer_releases_write_beside_the_turns_is_none(kind: str) -> None:
    item = {"type": "UserMessage", "content": [{"type": "text", "text": "hi"}]}
    line = {"type": kind, "payload": {"type": "item_completed", "item": item}}
    assert wrote(line)
    assert parse_codex(line) is None


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
