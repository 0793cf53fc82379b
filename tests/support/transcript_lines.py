"""Lines of transcripts as Claude Code and Codex write them, and what the parsers make of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.checkout import EXAMPLES

from iai_memory.capture.file_hints import FileHints
from iai_memory.capture.hosts.registry import HOSTS, Parser
from iai_memory.capture.transcript import line_outcomes
from iai_memory.capture.turn import Host, LineOutcome, Parsed, Skipped, Turn

TRANSCRIPTS = EXAMPLES / "transcripts"
SESSION = "0b7c6a1e-5a53-4a6e-9f2c-1d6f0a9b3c11"
MODIFIED = datetime(2026, 11, 2, tzinfo=UTC)
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


def tool_call(name: str, given: object, call: str = "toolu_1", **fields: Any) -> dict[str, Any]:
    """A Claude Code line with one call of a tool."""
    block = {"type": "tool_use", "id": call, "name": name, "input": given}
    return claude([block], "assistant", uuid=f"call-{call}", **fields)


def tool_result(
    content: object, call: str = "toolu_1", *, is_error: bool = False, **fields: Any
) -> dict[str, Any]:
    """A Claude Code line with the result of one call."""
    block = {"type": "tool_result", "tool_use_id": call, "content": content, "is_error": is_error}
    return claude([block], **{"uuid": f"result-{call}", **fields})


def queue(operation: str, content: str | None = None, **fields: Any) -> dict[str, Any]:
    """A Claude Code line about the queue of prompts."""
    line: dict[str, Any] = {
        "type": "queue-operation",
        "operation": operation,
        "timestamp": "2026-10-01T08:00:01.000Z",
        "sessionId": SESSION,
        **fields,
    }
    return line if content is None else {**line, "content": content}


def queued_command(prompt: object, **fields: Any) -> dict[str, Any]:
    """A Claude Code line with a prompt that the model took in the middle of its work."""
    attachment = {
        "type": "queued_command",
        "prompt": prompt,
        "commandMode": "prompt",
        "origin": {"kind": "human"},
    }
    return claude("", type="attachment", message=None, attachment=attachment, **fields)


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
    """The bytes of a transcript with these lines."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def new_parser(host: Host, state: Mapping[str, Any] | None = None) -> Parser:
    """A parser of a transcript that is named after SESSION and was written at MODIFIED."""
    return HOSTS[host].parser(state, FileHints(f"{SESSION}.jsonl", MODIFIED, lambda: None))


def outcome_of(parser: Parser, line: object) -> LineOutcome:
    """The outcome of a line with one object."""
    (outcome,) = line_outcomes(parser, json.dumps(line).encode())
    return outcome


def parse_claude(line: object) -> LineOutcome:
    """The outcome of a single line of Claude Code."""
    return outcome_of(new_parser("claude-code"), line)


def parse_codex(*lines: object) -> LineOutcome:
    """The outcome of the last of these lines of Codex, which follow a session's first line."""
    parser = new_parser("codex")
    outcome = None
    for line in (CODEX_META, *lines):
        outcome = outcome_of(parser, line)
    return outcome


def outcomes_of_claude(*lines: object) -> list[LineOutcome]:
    """The outcome of each of these lines of one transcript of Claude Code."""
    parser = new_parser("claude-code")
    return [outcome_of(parser, line) for line in lines]


def said_in_claude(*lines: object) -> list[tuple[str, str]]:
    """Role and text of the turns that these lines of Claude Code give."""
    return [
        (outcome.role, outcome.text)
        for outcome in outcomes_of_claude(*lines)
        if isinstance(outcome, Turn)
    ]


def text_of(outcome: LineOutcome) -> str:
    """The text of an outcome that must be a turn."""
    assert isinstance(outcome, Turn), outcome
    return outcome.text


def turns(items: Iterable[Parsed]) -> list[Turn]:
    """The turns among the outcomes."""
    return [item.outcome for item in items if isinstance(item.outcome, Turn)]


def reasons(items: Iterable[Parsed]) -> Counter[str]:
    """How often each reason to skip a line was given."""
    return Counter(item.outcome.reason for item in items if isinstance(item.outcome, Skipped))


def example(part: str) -> Path:
    """The example transcript whose name has this part."""
    (found,) = TRANSCRIPTS.rglob(f"*{part}*.jsonl")
    return found
