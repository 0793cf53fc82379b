"""Lines of a Claude Code transcript, as 2.1 writes them: `projects/<folder>/<session>.jsonl`.

A line says by itself all that a turn needs. One model message is written as several lines, one for
each content block, each with a uuid of its own: each one with text is a turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from ..turn import LineOutcome, Role, Skipped, Turn
from .decoding import (
    ROLES,
    Malformed,
    TextBlocks,
    object_field,
    text_field,
)

if TYPE_CHECKING:
    from ..file_hints import FileHints

_HOST_MODEL: Final = "<synthetic>"
_TOOL_BLOCKS: Final = frozenset(
    {"mcp_tool_result", "mcp_tool_use", "server_tool_use", "tool_result", "tool_use"}
)


def wrote(fields: Mapping[str, Any]) -> bool:
    """Return whether a decoded line stands in a Claude Code transcript."""
    return isinstance(fields.get("type"), str) and isinstance(fields.get("sessionId"), str)


class ClaudeParser:
    """A parser of the lines of one transcript; keeps no state between lines."""

    def __init__(self, state: Mapping[str, Any] | None, hints: FileHints) -> None:
        """Take the hints of the file; there is no state to go on from."""
        self._hints = hints

    def state(self) -> Mapping[str, Any] | None:
        """Return nothing: each line says all that its turn needs."""
        return None

    def parse(self, fields: dict[str, Any], line: bytes) -> LineOutcome:
        """Return the turn of an object, why it is skipped, or None for a kind that is never one.

        Raises:
            Malformed: It has not the shape that the host writes.
        """
        return _parse(fields, self._hints)


def _parse(fields: dict[str, Any], hints: FileHints) -> LineOutcome:
    kind = text_field(fields, "type")
    if kind == "attachment":
        return _queued_prompt(fields, hints)
    if kind == "api-request-blob":
        return Skipped("injected")
    role = ROLES.get(kind)
    if role is None:
        return None
    if fields.get("isSidechain") is True:
        return Skipped("sidechain")
    if fields.get("isCompactSummary") is True:
        return Skipped("compaction")
    message = object_field(fields, "message")
    if message.get("role") != kind:
        raise Malformed
    if (
        fields.get("isMeta") is True
        or fields.get("isApiErrorMessage") is True
        or message.get("model") == _HOST_MODEL
    ):
        return Skipped("host_marker")
    return _turn(fields, role, message.get("content"), hints)


def _queued_prompt(fields: dict[str, Any], hints: FileHints) -> LineOutcome:
    # A prompt that is typed while the model works has no user line: it arrives as an attachment.
    attachment = object_field(fields, "attachment")
    if attachment.get("type") != "queued_command" or attachment.get("commandMode") != "prompt":
        return Skipped("injected")
    origin = attachment.get("origin")
    if isinstance(origin, dict) and origin.get("kind", "human") != "human":
        return Skipped("injected")
    if fields.get("isSidechain") is True:
        return Skipped("sidechain")
    if fields.get("isMeta") is True or attachment.get("isMeta") is True:
        return Skipped("host_marker")
    return _turn(fields, "user", attachment.get("prompt"), hints)


def _turn(fields: dict[str, Any], role: Role, content: object, hints: FileHints) -> LineOutcome:
    text = _text_blocks(content).text_or_skipped()
    if isinstance(text, Skipped):
        return text
    cwd = fields.get("cwd")
    created_at, marks = hints.time_of(fields)
    return Turn(
        role=role,
        text=text,
        created_at=created_at,
        host="claude-code",
        session_id=text_field(fields, "sessionId") if fields.get("sessionId") else hints.session_id,
        turn_id=text_field(fields, "uuid") if fields.get("uuid") else None,
        cwd=text_field(fields, "cwd") if cwd else None,
        marks=marks,
    )


def _text_blocks(content: object) -> TextBlocks:
    if isinstance(content, str):
        return TextBlocks([content])
    if not isinstance(content, list):
        raise Malformed
    blocks: list[str] = []
    tool = False
    for block in content:
        if isinstance(block, str):
            blocks.append(block)
            continue
        if not isinstance(block, dict):
            raise Malformed
        kind = block.get("type")
        if kind == "text":
            text = block.get("text")
            if not isinstance(text, str):
                raise Malformed
            blocks.append(text)
        elif isinstance(kind, str) and kind in _TOOL_BLOCKS:
            tool = True
    return TextBlocks(blocks, if_none="tool" if tool else "empty")
