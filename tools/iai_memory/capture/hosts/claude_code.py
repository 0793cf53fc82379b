"""Lines of a Claude Code transcript, as 2.1 writes them: `projects/<folder>/<session>.jsonl`.

One model message is written as several lines, one for each content block, each with a uuid of its
own: each one with text is a turn. Most lines say by themselves all that their turn needs; what a
result of a tool means depends on the call, a prompt in the queue on what became of it, and whether
the person went back to an earlier place (`rewinds`) on the line before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from ..turn import LineOutcome, Role, Skipped, Turn
from .claude_edits import follow_edits
from .claude_queue import PromptQueue, Taken, attaches_prompts, digest_of
from .claude_words import (
    ASKS,
    PLANS,
    approved_plan,
    command_in,
    is_answer,
    is_command_frame,
    memory_note,
    result_text,
    texts_of,
    words_of_answers,
    words_of_refusal,
)
from .decoding import ROLES, Malformed, TextBlocks, object_field, storable, text_field
from .file_edits import FileEdits
from .last_line import Place, place_in
from .markers import is_host_element, is_local_command_caveat

if TYPE_CHECKING:
    from ..file_hints import FileHints

_HOST_MODEL: Final = "<synthetic>"
_TOOL_BLOCKS: Final = frozenset(
    {"mcp_tool_result", "mcp_tool_use", "server_tool_use", "tool_result", "tool_use"}
)
_REFUSED_BY_USER: Final = "user-rejected"
_REFUSED: Final = "User rejected tool use"

DAMAGED: Final = "damaged"
"""Mark of a turn whose line held a field or a block that cannot be used; it is left out."""

# Who began the turn, where a newer host says so (2.1.332); "human", "sdk" and "unknown" are left.
_HOST_TURNS: Final = frozenset(
    {"auto_continuation", "host_synthetic", "peer", "scheduled", "system", "task_notification"}
)
_HOST_ROWS: Final = frozenset({"harness", "hook"})
_HOST_FLAGS: Final = frozenset(
    {
        *("handedOff", "isMeta", "isSynthetic", "isVisibleInTranscriptOnly"),
        *("queueTranscriptOnly", "textNotTyped"),
    }
)

# What is known of a call whose result is still to come.
_ASKED, _PLANNED, _PLAN_SHOWN, _OTHER = "asked", "planned", "plan shown", "other"
_MAX_CALLS: Final = 64
_MAX_TAKEN: Final = 64
_MAX_STATE_CHARS: Final = 4_096
_MAX_NAME_CHARS: Final = 100


def wrote(fields: Mapping[str, Any]) -> bool:
    """Return whether a decoded line stands in a Claude Code transcript."""
    kind, message = fields.get("type"), fields.get("message")
    if not isinstance(kind, str):
        return False
    # A sanitised transcript may have lost its ids.
    is_turn = kind in ROLES and isinstance(message, dict) and message.get("role") == kind
    return is_turn or isinstance(fields.get("sessionId"), str)


class ClaudeParser:
    """A parser of the lines of one transcript, in order."""

    def __init__(self, state: Mapping[str, Any] | None, hints: FileHints) -> None:
        """Go on from the state of an earlier parser; a part of it that cannot be used is left out.

        Args:
            state: What `state` returned.
            hints: Of the file.
        """
        known: Mapping[str, Any] = state or {}
        self._hints = hints
        self._leaf = _text(known.get("leaf"))
        self._branches = _count(known.get("branches"))
        self._moved = known.get("moved") is True
        self._cwd = _text(known.get("cwd"))
        self._version = _text(known.get("version"))
        self._command = _text(known.get("command"))
        self._calls = _texts_by_text(known.get("calls"))
        self._taken = _texts(known.get("taken"))
        self._taken_now = _texts(known.get("taken_now"))
        self._queue = PromptQueue(known.get("queue"), hints.earlier_lines)
        self._edits = FileEdits(known.get("edits"))
        self._place = place_in(known.get("place"))
        self._state: Mapping[str, Any] | None = state

    def state(self) -> Mapping[str, Any] | None:
        """Return what later lines need: no text of the conversation.

        Its `branches` counts the prompts that did not go on from the line before; see `rewinds`.
        """
        return self._state

    def parse(self, fields: dict[str, Any], line: bytes) -> LineOutcome:
        """Return the turn of an object, why it is skipped, or None for a kind that is never one.

        Raises:
            Malformed: It has not the shape that the host writes.
        """
        kind = text_field(fields, "type")
        outcome: LineOutcome = None
        try:
            outcome = self._with_changes(fields, self._parse(fields, kind))
        finally:
            self._follow(fields, kind, is_turn=isinstance(outcome, Turn))
        if isinstance(outcome, Turn) and _is_damaged(fields):
            return replace(outcome, marks=(*outcome.marks, DAMAGED))
        return outcome

    def _with_changes(self, fields: dict[str, Any], outcome: LineOutcome) -> LineOutcome:
        """Follow the edits, and give a turn those that were made since the one before."""
        if isinstance(outcome, Turn):
            if outcome.role == "assistant":
                self._edits.settle()
            outcome = replace(outcome, changes=self._edits.take())
        follow_edits(self._edits, fields, self._hints)
        if fields.get("isSidechain") is not True:
            self._place = _place_behind(fields, outcome) or self._place
        return outcome

    def _parse(self, fields: dict[str, Any], kind: str) -> LineOutcome:
        if kind == "attachment":
            return self._attachment(fields)
        if kind == "api-request-blob":
            return Skipped("injected")
        if kind == "queue-operation":
            return self._queue_operation(fields)
        if kind == "system":
            return self._local_command(fields)
        role = ROLES.get(kind)
        if role is None:
            return None
        if fields.get("isSidechain") is True:
            return Skipped("sidechain")
        if fields.get("isCompactSummary") is True:
            return self._compaction(fields)
        message = object_field(fields, "message")
        if ROLES.get(_text(message.get("role")), role) != role:
            raise Malformed
        content = _blocks(message.get("content"))
        if role == "assistant":
            return self._answer(fields, message, content)
        return self._user_line(fields, content)

    def _answer(
        self, fields: dict[str, Any], message: dict[str, Any], content: Sequence[dict[str, Any]]
    ) -> LineOutcome:
        self._command = ""
        if self._taken_now:
            self._taken, self._taken_now = (*self._taken, *self._taken_now)[-_MAX_TAKEN:], ()
        plans: list[str] = []
        for block in content:
            call, name = _text(block.get("id")), _text(block.get("name"))
            if block.get("type") != "tool_use":
                continue
            plan = _plan_of(block) if name in PLANS else ""
            plans += [plan] if plan else []
            if call:
                self._remember_call(call, name, shown=bool(plan))
        flags = (fields.get("isMeta"), fields.get("isApiErrorMessage"))
        if any(flag is True for flag in flags) or message.get("model") == _HOST_MODEL:
            return Skipped("host_marker")
        words = _spoken(content, blocks=[*texts_of(content), *plans])
        return self._turn(fields, "assistant", words)

    def _user_line(self, fields: dict[str, Any], content: Sequence[dict[str, Any]]) -> LineOutcome:
        results = [block for block in content if block.get("type") == "tool_result"]
        texts = texts_of(content)
        role, said = self._words_of_results(fields, results)
        if _typed_by_host(fields):
            return Skipped("host_marker")
        if results:
            return self._turn(fields, role, _spoken(content, said=said, blocks=texts))
        return self._prompt(fields, content, texts)

    def _prompt(
        self, fields: dict[str, Any], content: Sequence[dict[str, Any]], texts: Sequence[str]
    ) -> LineOutcome:
        digest = _digest_of_prompt(texts)
        self._queue.begin(digest)
        # The same words typed again, later, are another turn.
        says_so = fields.get("promptSource") == "queued"
        if (says_so or digest in self._taken_now) and self._was_taken(digest):
            return Skipped("injected")
        frames = [text for text in texts if command_in(text)]
        if isinstance(fields.get("promptSource"), str):
            if not is_command_frame("\n".join(frames)):
                return self._turn(fields, "user", _typed(content, texts))
            typed = [text for text in texts if text not in frames and not is_host_element(text)]
            said = [self._slash_command(frames), *typed]
            return self._turn(fields, "user", _spoken(content, said=said, blocks=frames))
        said = [note for note in map(memory_note, texts) if note]
        command = self._slash_command(frames)
        said += [command] if command else []
        others = [text for text in texts if not memory_note(text)]
        return self._turn(fields, "user", _spoken(content, said=said, blocks=others))

    def _slash_command(self, frames: Sequence[str]) -> str:
        """Return the command that a person gave with arguments; empty without any.

        Its parts stand in one text or in several, and in the oldest releases in lines of their own.
        """
        command, earlier = command_in("\n".join(frames)), self._command
        self._command = ""
        if command is None:
            return ""
        name = command.name or earlier
        if not command.args:
            self._command = _text(name) if len(name) <= _MAX_NAME_CHARS else ""
            return ""
        return f"{name} {command.args}".strip()

    def _words_of_results(
        self, fields: Mapping[str, Any], results: Sequence[dict[str, Any]]
    ) -> tuple[Role, list[str]]:
        role: Role = "user"
        said: list[str] = []
        for block in results:
            call = _text(block.get("tool_use_id"))
            kind = self._calls.get(call)
            if kind is not None:
                self._calls = {one: what for one, what in self._calls.items() if one != call}
            text, structure = result_text(block.get("content")), fields.get("toolUseResult")
            if block.get("is_error") is True or (len(results) == 1 and _is_refused(fields)):
                said.append(_refusal(fields, text))
            elif kind == _ASKED or (kind is None and is_answer(structure, text)):
                said.append(words_of_answers(structure, text))
            elif kind in (_PLANNED, _PLAN_SHOWN):
                plan = approved_plan(structure, text)
                if plan is not None and (plan.edited or kind == _PLANNED):
                    role = "user" if plan.edited else "assistant"
                    said.append(plan.text)
        return role, [words for words in said if words]

    def _attachment(self, fields: dict[str, Any]) -> LineOutcome:
        # A prompt that the model took in the middle of its work has no user line (since 2.1.97).
        attachment = object_field(fields, "attachment")
        mode = attachment.get("commandMode", "prompt")
        if attachment.get("type") != "queued_command" or mode != "prompt":
            return Skipped("injected")
        origin = attachment.get("origin")
        if isinstance(origin, dict) and origin.get("kind", "human") != "human":
            return Skipped("injected")
        if fields.get("isSidechain") is True:
            return Skipped("sidechain")
        if _typed_by_host(fields) or _typed_by_host(attachment):
            return Skipped("host_marker")
        content = _blocks(attachment.get("prompt"))
        texts = texts_of(content)
        digest = _digest_of_prompt(texts)
        self._queue.tell(digest)
        if self._was_taken(digest):
            return Skipped("injected")
        if isinstance(origin, dict):
            return self._turn(fields, "user", _typed(content, texts))
        return self._turn(fields, "user", _spoken(content, blocks=texts))

    def _queue_operation(self, fields: dict[str, Any]) -> LineOutcome:
        taken = self._queue.follow(fields)
        if taken is None or attaches_prompts(self._version):
            return None
        outcome = self._taken_prompt(fields, taken)
        if isinstance(outcome, Turn):
            self._taken_now = (*self._taken_now, digest_of(taken.text))[-_MAX_TAKEN:]
        return outcome

    def _taken_prompt(self, fields: Mapping[str, Any], taken: Taken) -> LineOutcome:
        line = {
            "uuid": taken.turn_id,
            "timestamp": taken.at or fields.get("timestamp"),
            "sessionId": fields.get("sessionId"),
            "cwd": self._cwd,
        }
        return self._turn(line, "user", TextBlocks([taken.text]))

    def _was_taken(self, digest: str) -> bool:
        """Return whether a prompt was stored when the model took it; it is known only once."""
        if digest in self._taken_now:
            self._taken_now = _without(self._taken_now, digest)
            return True
        if digest in self._taken:
            self._taken = _without(self._taken, digest)
            return True
        return False

    def _local_command(self, fields: dict[str, Any]) -> LineOutcome:
        content = fields.get("content")
        if fields.get("subtype") != "local_command" or not isinstance(content, str):
            return None
        command = command_in(content)
        if command is None or not command.args or fields.get("isSidechain") is True:
            return None
        words = f"{command.name} {command.args}".strip()
        return self._turn(fields, "user", TextBlocks([], said=[words]))

    def _compaction(self, fields: dict[str, Any]) -> LineOutcome:
        # Asked to summarise a part only, the host takes a sentence of the person's on what to keep.
        about = fields.get("summarizeMetadata")
        words = about.get("userContext") if isinstance(about, dict) else None
        if not isinstance(words, str) or not words.strip():
            return Skipped("compaction")
        return self._turn(fields, "user", TextBlocks([], said=[words]))

    def _turn(self, fields: Mapping[str, Any], role: Role, words: TextBlocks) -> LineOutcome:
        text = words.text_or_skipped()
        if isinstance(text, Skipped):
            return text
        created_at, marks = self._hints.time_of(fields)
        return Turn(
            role=role,
            text=text,
            created_at=created_at,
            host="claude-code",
            session_id=_optional(fields, "sessionId") or self._hints.session_id,
            turn_id=_optional(fields, "uuid"),
            cwd=_optional(fields, "cwd"),
            marks=marks,
        )

    def _remember_call(self, call: str, name: str, *, shown: bool) -> None:
        what = _ASKED if name in ASKS else _OTHER
        if name in PLANS:
            what = _PLAN_SHOWN if shown else _PLANNED
        self._calls = dict([*self._calls.items(), (call, what)][-_MAX_CALLS:])

    def _follow(self, fields: Mapping[str, Any], kind: str, *, is_turn: bool) -> None:
        """Take what later lines need of this one."""
        uuid, parent = _text(fields.get("uuid")), _text(fields.get("parentUuid"))
        if kind == "last-prompt" and fields.get("explicit") is True:
            self._branches += 1  # the host's own word on which line is the newest
        if uuid and fields.get("isSidechain") is not True:
            if kind == "system" or (kind == "user" and not has_result(fields)):
                # The host's lines on a command of its own may stand in another order; what counts
                # is whether a prompt follows.
                self._moved = self._moved or bool(self._leaf and parent and parent != self._leaf)
            if kind == "user" and self._moved and is_turn:
                self._branches += 1
                self._moved = False
            self._leaf = uuid
            if fields.get("cwd") != self._cwd:
                self._cwd = _text(fields.get("cwd")) or self._cwd
            if fields.get("version") != self._version:
                self._version = _text(fields.get("version")) or self._version
        self._state = {
            "leaf": self._leaf,
            "branches": self._branches,
            "moved": self._moved,
            "cwd": self._cwd,
            "version": self._version,
            "command": self._command,
            "calls": self._calls,
            "taken": self._taken,
            "taken_now": self._taken_now,
            "queue": self._queue.waiting,
            "edits": self._edits.state(),
            "place": self._place.value,
        }


def _place_behind(fields: Mapping[str, Any], outcome: LineOutcome) -> Place:
    """Return where the session is behind a line; `NOWHERE` for one that does not say."""
    if isinstance(outcome, Skipped) and outcome.reason == "interrupted":
        return Place.STOPPED
    message = fields.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else []
    kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
    if any(isinstance(kind, str) and kind in _TOOL_BLOCKS for kind in kinds):
        return Place.AT_WORK
    if isinstance(outcome, Turn):
        return Place.ANSWERED if outcome.role == "assistant" else Place.ASKED
    return Place.NOWHERE


def _typed_by_host(fields: Mapping[str, Any]) -> bool:
    """Return whether a line says that no person typed its text."""
    origin = fields.get("origin")
    return (
        not _HOST_FLAGS.isdisjoint(name for name, value in fields.items() if value is True)
        or fields.get("promptSource") == "system"
        or _text(fields.get("turnOrigin")) in _HOST_TURNS
        or _text(fields.get("rowSource")) in _HOST_ROWS
        or (isinstance(origin, dict) and origin.get("kind", "human") != "human")
    )


def _blocks(content: object) -> list[dict[str, Any]]:
    """Return the blocks of a message; a text by itself is one, and what is no block is left out.

    Raises:
        Malformed: It is neither text nor a list, or a list of other things.
    """
    parts = [content] if isinstance(content, str) else content
    if not isinstance(parts, list):
        raise Malformed
    texts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    blocks = [part for part in texts if _is_block(part)]
    if parts and not blocks:
        raise Malformed
    return blocks


def _is_block(part: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(part, dict) and (
        part.get("type") != "text" or isinstance(part.get("text"), str)
    )


def _is_damaged(fields: Mapping[str, Any]) -> bool:
    """Return whether a line that is a turn holds a field or a block that cannot be used."""
    names = ("cwd", "sessionId", "uuid")
    if any(not isinstance(fields.get(name), str | None) for name in names):
        return True
    message, attachment = fields.get("message"), fields.get("attachment")
    content = message.get("content") if isinstance(message, dict) else None
    prompt = attachment.get("prompt") if isinstance(attachment, dict) else None
    parts = [part for value in (content, prompt) if isinstance(value, list) for part in value]
    return not all(isinstance(part, str) or _is_block(part) for part in parts)


def _spoken(
    content: Sequence[dict[str, Any]], blocks: Sequence[str], said: Sequence[str] = ()
) -> TextBlocks:
    kinds = [block.get("type") for block in content]
    is_tool = any(isinstance(kind, str) and kind in _TOOL_BLOCKS for kind in kinds)
    return TextBlocks(blocks, if_none="tool" if is_tool else "empty", said=said)


def _typed(content: Sequence[dict[str, Any]], texts: Sequence[str]) -> TextBlocks:
    """Return the texts of a line that a person sent; an editor's notes beside them are left out."""
    if len(content) > 1:
        texts = [text for text in texts if not is_host_element(text)]
    return _spoken(content, blocks=(), said=texts)


def _digest_of_prompt(texts: Sequence[str]) -> str:
    return digest_of("\n\n".join(texts))


def _without(digests: tuple[str, ...], digest: str) -> tuple[str, ...]:
    place = digests.index(digest)
    return digests[:place] + digests[place + 1 :]


def _plan_of(block: Mapping[str, Any]) -> str:
    given = block.get("input")
    plan = given.get("plan") if isinstance(given, dict) else None
    return plan if isinstance(plan, str) and plan.strip() else ""


def _refusal(fields: Mapping[str, Any], text: str) -> str:
    if fields.get("toolDenialKind", _REFUSED_BY_USER) != _REFUSED_BY_USER:
        return ""
    words = words_of_refusal(text, fields.get("userFeedback"))
    copy = fields.get("toolUseResult")
    # Where the message was shortened, the words may stand in the copy of it.
    return words or (words_of_refusal(copy) if isinstance(copy, str) else "")


def _is_refused(fields: Mapping[str, Any]) -> bool:
    """Return whether the line of a result says that the person refused the call."""
    copy = fields.get("toolUseResult")
    return fields.get("toolDenialKind") == _REFUSED_BY_USER or (
        isinstance(copy, str) and copy.removeprefix("Error: ").startswith(_REFUSED)
    )


def has_result(fields: Mapping[str, Any]) -> bool:
    """Return whether a line holds the result of a tool."""
    message = fields.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    blocks = content if isinstance(content, list) else []
    return any(isinstance(block, dict) and block.get("type") == "tool_result" for block in blocks)


def is_caveat(fields: Mapping[str, Any]) -> bool:
    """Return whether a line is the host's remark on what follows: a command that ran in it."""
    message = fields.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return is_local_command_caveat(result_text(content))


def _text(value: object) -> str:
    """Return a text that a file of states can hold; empty for anything else."""
    if not isinstance(value, str) or len(value) > _MAX_STATE_CHARS:
        return ""
    return value if value.isascii() else storable(value)


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return storable(value) if isinstance(value, str) and value else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list | tuple) else ()


def _texts_by_text(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {_text(key): _text(what) for key, what in pairs}
