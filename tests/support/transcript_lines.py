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
