"""Lines of a Codex rollout, as 0.169 writes them: `sessions/Y/M/D/rollout-<time>-<id>.jsonl`.

The `response_item` messages hold the turns; `event_msg` repeats them for the screen and is left
alone. The session's id is in the first line and the working directory in `turn_context` lines, so
a parser that starts in the middle needs the state of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from ..turn import LineOutcome, Reason, Skipped, Turn
from .decoding import (
    ROLES,
    Malformed,
    TextBlocks,
    line_id,
    object_field,
    text_field,
)

if TYPE_CHECKING:
    from ..file_hints import FileHints

_KINDS: Final = frozenset(
    {"compacted", "event_msg", "response_item", "session_meta", "turn_context"}
)
_TEXT_ITEMS: Final = ("input_text", "output_text", "text")


def wrote(fields: Mapping[str, Any]) -> bool:
    """Return whether a decoded line stands in a Codex rollout."""
    kind = fields.get("type")
    return isinstance(kind, str) and kind in _KINDS and isinstance(fields.get("payload"), dict)


class CodexParser:
    """A parser of the lines of one rollout; keeps the session's id and working directory."""

    def __init__(self, state: Mapping[str, Any] | None, hints: FileHints) -> None:
        """Go on from the `state` of an earlier parser; None starts with the first line."""
        known = state or {}
        self._hints = hints
        self._session_id: str | None = known.get("session_id")
        self._cwd: str | None = known.get("cwd")
        self._is_sub_agent = known.get("is_sub_agent") is True

    def state(self) -> Mapping[str, Any] | None:
        """Return the session's id, its working directory and whether it is a sub-agent's."""
        return {
            "session_id": self._session_id,
            "cwd": self._cwd,
            "is_sub_agent": self._is_sub_agent,
        }

    def parse(self, fields: dict[str, Any], line: bytes) -> LineOutcome:
        """Return the turn of an object, why it is skipped, or None for a kind that is never one.

        Raises:
            Malformed: It has not the shape that the host writes.
        """
        kind = text_field(fields, "type")
        if kind == "compacted":
            return Skipped("compaction")
        if kind not in ("session_meta", "turn_context", "response_item"):
            return None
        payload = object_field(fields, "payload")
        if kind == "session_meta":
            self._open(payload)
            return None
        if kind == "turn_context":
            self._cwd = text_field(payload, "cwd") if payload.get("cwd") else self._cwd
            return None
        item = text_field(payload, "type")
        if item == "message":
            return self._message(line, fields, payload)
        return Skipped("tool") if item.endswith(("_call", "_call_output")) else None

    def _open(self, payload: dict[str, Any]) -> None:
        if self._session_id is not None:
            return  # a fork repeats its parent's session_meta after its own
        self._session_id = text_field(payload, "session_id" if "session_id" in payload else "id")
        self._cwd = text_field(payload, "cwd") if payload.get("cwd") else None
        source = payload.get("source")
        self._is_sub_agent = isinstance(source, dict) and "subagent" in source

    def _message(self, line: bytes, fields: dict[str, Any], payload: dict[str, Any]) -> LineOutcome:
        if self._is_sub_agent:
            return Skipped("sidechain")
        metadata = fields.get("metadata")
        if isinstance(metadata, dict) and metadata.get("compaction_output") is True:
            return Skipped("compaction")
        role = ROLES.get(text_field(payload, "role"))
        text = _text_blocks(payload, from_user=role == "user").text_or_skipped()
        if isinstance(text, Skipped):
            return text
        if role is None:  # developer and system messages are the host's
            return Skipped("host_marker")
        created_at, marks = self._hints.time_of(fields)
        return Turn(
            role=role,
            text=text,
            created_at=created_at,
            host="codex",
            session_id=self._session_id or self._hints.session_id,
            turn_id=text_field(payload, "id") if payload.get("id") else line_id(line),
            cwd=self._cwd,
            marks=marks,
        )


def _text_blocks(payload: dict[str, Any], *, from_user: bool) -> TextBlocks:
    content = payload.get("content")
    if not isinstance(content, list):
        raise Malformed
    blocks: list[str] = []
    dropped: list[Reason] = []
    for item, kind in zip_longest(content, _item_kinds(payload, len(content))):
        if not isinstance(item, dict):
            raise Malformed
        if item.get("type") not in _TEXT_ITEMS:
            continue
        text = item.get("text")
        if not isinstance(text, str):
            raise Malformed
        reason = _reason_of_kind(kind, from_user=from_user)
        if reason is None:
            blocks.append(text)
        else:
            dropped.append(reason)
    return TextBlocks(blocks, dropped)


def _item_kinds(payload: dict[str, Any], length: int) -> list[object]:
    # The host's own label for each content item; older releases write none.
    notes = payload.get("internal_chat_message_metadata_passthrough")
    kinds = notes.get("content_item_kinds") if isinstance(notes, dict) else None
    return kinds if isinstance(kinds, list) and len(kinds) == length else []


def _reason_of_kind(kind: object, *, from_user: bool) -> Reason | None:
    if not isinstance(kind, str):
        return None
    if kind.startswith("hooks."):
        return "injected"
    if kind.startswith("compaction."):
        return "compaction"
    if from_user and not (kind == "unknown" or kind.startswith("user.")):
        return "host_marker"
    return None
