"""Lines of a Codex rollout: `sessions/Y/M/D/rollout-<time>-<id>.jsonl`, of 2025 up to 0.171.

The `response_item` messages hold the turns; `event_msg` repeats them for the screen and is left
alone. Until the middle of 2025 items stood bare, without `type` and `payload` around them and
without a time. The session's id is in the first line and the working directory in `turn_context`
lines, so a parser that starts in the middle needs the state of the one before.

**Forks**, as `codex app-server` writes them. From 0.158 on a fork names its parent
and holds its own items only. Before (0.98, 0.130, 0.145), it repeated the `session_meta` of each of
its ancestors after its own, then all their items, with the time of the fork; users' messages had no
id, the assistant's only from 0.145 on. So what a repeated turn without an id is known by is the
oldest ancestor, role, text, and how often that was said before in the file: a fork has the same
lines in the same order up to its own ones, which come after a pause and are of its own thread.

**Rollbacks** (up to 0.145): `thread_rolled_back` takes the newest `num_turns` prompts back, with
all that followed them; the lines stay.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from ...store.idempotency import is_unique
from ...text.same_words import CUT
from ..turn import LineOutcome, Reason, Skipped, Turn
from .codex_edits import follow_edits
from .decoding import (
    ROLES,
    Malformed,
    TextBlocks,
    line_id,
    moment,
    object_field,
    text_field,
)
from .file_edits import FileEdits
from .last_line import Place, place_in

if TYPE_CHECKING:
    from ..file_hints import FileHints

_KINDS: Final = frozenset(
    {
        "compacted",
        "event_msg",
        "response_item",
        "session_meta",
        "token_usage_record",
        "turn_context",
        "world_state",
    }
)
_TEXT_ITEMS: Final = ("input_text", "output_text", "text")
_NOT_ITEMS: Final = _KINDS - {"response_item"}
_BROKEN_OFF: Final = ("turn_aborted", "error")
_MAX_COUNTED: Final = 4_096
_MAX_PAUSE: Final = timedelta(milliseconds=50)
_FOLDER: Final = re.compile(
    r"\s*<environment_context>\s*"
    r"(?:Current working directory: (?P<line>[^\n<]{1,1000})|<cwd>(?P<tag>[^<]{1,1000})</cwd>)"
)


def wrote(fields: Mapping[str, Any]) -> bool:
    """Return whether a decoded line stands in a Codex rollout."""
    kind = fields.get("type")
    if isinstance(kind, str) and kind in _KINDS:
        return isinstance(fields.get("payload"), dict)
    return _opens_bare(fields) or _is_state(fields) or _is_bare_message(fields)


def _opens_bare(fields: Mapping[str, Any]) -> bool:
    return "type" not in fields and all(
        isinstance(fields.get(name), str) for name in ("id", "timestamp")
    )


def _is_state(fields: Mapping[str, Any]) -> bool:
    return fields.get("record_type") == "state"


def _is_bare_message(fields: Mapping[str, Any]) -> bool:
    return (
        fields.get("type") == "message"
        and isinstance(fields.get("role"), str)
        and isinstance(fields.get("content"), list)
    )


class CodexParser:
    """A parser of the lines of one rollout.

    Keeps the session's id and working directory, the oldest thread that the file tells of, how
    often each text without an id was said, and the files that were changed since the last turn.
    """

    def __init__(self, state: Mapping[str, Any] | None, hints: FileHints) -> None:
        """Go on from the `state` of an earlier parser; None starts with the first line."""
        known = state or {}
        self._hints = hints
        self._session_id: str | None = known.get("session_id")
        self._thread: str | None = known.get("thread")
        self._cwd: str | None = known.get("cwd")
        self._is_sub_agent = known.get("is_sub_agent") is True
        self._said: dict[str, int] = dict(known.get("said") or {})
        self._ancestors: list[str] = list(known.get("ancestors") or [])
        self._copied_at: str | None = known.get("copied_at")
        self._rollbacks: int = known.get("branches") or 0
        self._edits = FileEdits(known.get("edits"))
        self._place = place_in(known.get("place"))
        self._state: Mapping[str, Any] | None = None

    def state(self) -> Mapping[str, Any] | None:
        """Return what the parser keeps; of a text a checksum."""
        if self._state is None:
            self._state = {
                "session_id": self._session_id,
                "thread": self._thread,
                "cwd": self._cwd,
                "is_sub_agent": self._is_sub_agent,
                "said": dict(self._said),
                "ancestors": list(self._ancestors),
                "copied_at": self._copied_at,
                "branches": self._rollbacks,
                "edits": self._edits.state(),
                "place": self._place.value,
            }
        return self._state

    @property
    def is_copying(self) -> bool:
        """Whether the last line was one that a fork repeats."""
        return self._copied_at is not None

    def parse(self, fields: dict[str, Any], line: bytes) -> LineOutcome:
        """Return the turn of an object, why it is skipped, or None for a kind that is never one.

        Raises:
            Malformed: It has not the shape that the host writes.
        """
        if _is_state(fields):
            return None
        if _opens_bare(fields):
            self._hints.time_of(fields)
            self._open(fields)
            return None
        kind = text_field(fields, "type")
        if kind == "compacted":
            return Skipped("compaction")
        if kind == "session_meta":
            self._open(object_field(fields, "payload"))
            return None
        if kind == "turn_context":
            cwd = object_field(fields, "payload").get("cwd")
            self._work_in(cwd if isinstance(cwd, str) else None)
            return None
        self._follow_copies(fields)
        if rolled_back_turns(fields):
            self._rollbacks, self._state = self._rollbacks + 1, None
        if kind in _NOT_ITEMS:
            if kind == "event_msg" and object_field(fields, "payload").get("type") in _BROKEN_OFF:
                self._be_at(Place.STOPPED)
            return None
        item = object_field(fields, "payload") if kind == "response_item" else fields
        return self._with_changes(item, self._item(line, fields, item))

    def _with_changes(self, item: Mapping[str, Any], outcome: LineOutcome) -> LineOutcome:
        """Follow the edits, and give a turn those that were made since the one before."""
        had = self._edits.has_any
        follow_edits(self._edits, item, self._cwd, self._hints)
        if had or self._edits.has_any:
            self._state = None
        if isinstance(outcome, Skipped) and outcome.reason == "tool":
            self._be_at(Place.AT_WORK)
        if not isinstance(outcome, Turn):
            return outcome
        if outcome.role == "assistant":
            self._edits.settle()
        self._be_at(Place.ANSWERED if outcome.role == "assistant" else Place.ASKED)
        return replace(outcome, changes=self._edits.take())

    def _be_at(self, place: Place) -> None:
        if self._place != place:
            self._place, self._state = place, None

    def _open(self, meta: dict[str, Any]) -> None:
        """Take the session's id from the first of these lines, the oldest thread from the last."""
        self._state = None
        own, self._thread = self._session_id, _oldest_thread(meta)
        if own is not None:
            # A fork repeats its ancestors' session_meta after its own.
            self._note_ancestor(text_field(meta, "id" if meta.get("id") else "session_id"))
            self._note_ancestor(self._thread)
            return
        self._session_id = text_field(meta, "session_id" if meta.get("session_id") else "id")
        cwd = meta.get("cwd")
        self._work_in(cwd if isinstance(cwd, str) else None)
        source = meta.get("source")
        self._is_sub_agent = (isinstance(source, dict) and "subagent" in source) or meta.get(
            "thread_source"
        ) == "subagent"
        self._note_ancestor(self._thread)

    def _note_ancestor(self, thread: str) -> None:
        if thread not in (self._session_id, *self._ancestors):
            self._ancestors.append(thread)
            self._copied_at = ""

    def _follow_copies(self, fields: Mapping[str, Any]) -> None:
        """Find the end of what a fork repeats, which it writes without a pause."""
        if self._copied_at is None:
            return
        try:
            at = moment(fields)
        except Malformed:
            return
        last = datetime.fromisoformat(self._copied_at) if self._copied_at else at
        self._copied_at = at.isoformat() if abs(at - last) <= _MAX_PAUSE else None
        self._state = None

    def _work_in(self, cwd: str | None) -> None:
        if cwd:
            self._cwd, self._state = cwd, None

    def _item(self, line: bytes, fields: dict[str, Any], item: dict[str, Any]) -> LineOutcome:
        kind = text_field(item, "type")
        if kind == "message":
            return self._message(line, fields, item)
        return Skipped("tool") if kind.endswith(("_call", "_call_output")) else None

    def _message(self, line: bytes, fields: dict[str, Any], item: dict[str, Any]) -> LineOutcome:
        if self._is_sub_agent:
            return Skipped("sidechain")
        metadata = fields.get("metadata")
        if isinstance(metadata, dict) and metadata.get("compaction_output") is True:
            return Skipped("compaction")
        role = ROLES.get(text_field(item, "role"))
        blocks = _text_blocks(item, from_user=role == "user")
        text = blocks.text_or_skipped()
        if isinstance(text, Skipped):
            self._learn_folder(blocks)
            return text
        if role is None:  # developer and system messages are the host's
            return Skipped("host_marker")
        created_at, marks = self._hints.time_of(fields)
        session_id = self._session_id or self._hints.session_id
        thread, ancestors = self._thread or session_id, tuple(self._ancestors)
        if self._copied_at is None and ancestors:
            thread, ancestors = session_id, (thread,)
        else:
            ancestors = tuple(one for one in ancestors if one != thread)
        given = item.get("id")
        if isinstance(given, str) and given:
            turn_id, former_id = text_field(item, "id"), None
            within = None if is_unique(given) else thread
        else:
            turn_id, former_id = self._count(role, text), line_id(line)
            within = thread
        return Turn(
            role=role,
            text=text,
            created_at=created_at,
            host="codex",
            session_id=session_id,
            turn_id=turn_id,
            cwd=self._cwd,
            thread=within,
            marks=marks,
            ancestors=ancestors if within else (),
            former_id=former_id,
        )

    def _count(self, role: str, text: str) -> str:
        """Return a number for the turn: how often the same was said before."""
        checksum = f"{zlib.crc32(f'{role} {text}'.encode()):08x}"
        before = self._said.get(checksum, 0)
        if before or len(self._said) < _MAX_COUNTED:
            self._said[checksum] = before + 1
            self._state = None
        return f"said-{before}"

    def _learn_folder(self, blocks: TextBlocks) -> None:
        # Only bare items need it: later ones have a turn_context, which is more exact.
        if self._cwd is None:
            for block in blocks.blocks:
                found = _FOLDER.match(block)
                if found is not None:
                    self._work_in((found["line"] or found["tag"]).strip())


def is_prompt(fields: Mapping[str, Any]) -> bool:
    """Return whether a line is a message of the person's, whatever is in it."""
    item = fields.get("payload", fields)
    return isinstance(item, dict) and (item.get("type"), item.get("role")) == ("message", "user")


def rolled_back_turns(fields: Mapping[str, Any]) -> int:
    """Return how many prompts a line takes back."""
    payload = fields.get("payload")
    if fields.get("type") != "event_msg" or not isinstance(payload, dict):
        return 0
    count = payload.get("num_turns")
    is_rollback = payload.get("type") == "thread_rolled_back" and isinstance(count, int)
    return max(0, count) if is_rollback and isinstance(count, int) else 0


def _oldest_thread(meta: Mapping[str, Any]) -> str:
    """Return the parent that a fork copied its items from, else the session's own thread."""
    parent = meta.get("forked_from_id")
    copied = "history_base" not in meta and "forked_from_ordinal_exclusive" not in meta
    if copied and isinstance(parent, str) and parent:
        return text_field(meta, "forked_from_id")
    return text_field(meta, "id" if meta.get("id") else "session_id")


def _text_blocks(payload: dict[str, Any], *, from_user: bool) -> TextBlocks:
    content = payload.get("content")
    if not isinstance(content, list):
        raise Malformed
    blocks: list[str] = []
    dropped: list[Reason] = []
    for item, kind in zip_longest(content, _item_kinds(payload, len(content))):
        if item == CUT:  # stands for the items of a line that were too many to keep
            blocks.append(CUT)
            continue
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
