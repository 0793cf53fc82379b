"""The outcome of a transcript line: a turn to remember, or a counted reason to skip it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from .jsonl_tail import FileCursor

if TYPE_CHECKING:
    from ..store.changed_files import FileChange

Host: TypeAlias = Literal["claude-code", "codex"]
Role: TypeAlias = Literal["user", "assistant"]
Reason: TypeAlias = Literal[
    "compaction",  # the host's summary of turns that are captured verbatim already
    "empty",  # no text at all: images, or nothing but thinking
    "host_marker",  # the host's own words: meta lines, slash commands, environment, instructions
    "injected",  # added to the model's context by hooks or the host
    "interrupted",  # the host's note that the user stopped the model
    "line_too_long",  # too long to be decoded, even without its images and the middle of its texts
    "own_payload",  # carries our own fence
    "sidechain",  # a sub-agent talking to the agent
    "too_long",  # the middle of a text over MAX_TEXT_BYTES; its head and tail are a turn
    "tool",  # calls and results only
    "unparsable",  # not JSON, or not the shape that the host writes
]


@dataclass(frozen=True, slots=True)
class Turn:
    """The words of one side in one transcript line.

    Attributes:
        role: Who spoke.
        text: Verbatim; text blocks of one line are joined with a blank line. The one change ever
            made: a lone surrogate, which no UTF-8 can hold, becomes U+FFFD.
        created_at: When it was said: aware, UTC.
        host: Which host wrote the transcript.
        session_id: The host's id of the session.
        turn_id: The host's id of this line, the same on every read; None where it gave none.
        cwd: Working directory at that moment, None when the host does not say.
        thread: The session in which `turn_id` was given, where that may be another one: a fork
            repeats the turns of its parent. None where the id says enough by itself.
        marks: What a reader should know of the turn; they become tags of its memory.
        ancestors: Of a turn of a fork, threads in which it may have been stored: of a repeated one
            those between this thread and the oldest, of the fork's own one the oldest.
        former_id: The `turn_id` under which earlier versions stored it, if that was another one.
        changes: The files that the host's edit tools changed since the turn before.
    """

    role: Role
    text: str
    created_at: datetime
    host: Host
    session_id: str
    turn_id: str | None
    cwd: str | None
    thread: str | None = None
    marks: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    former_id: str | None = None
    changes: tuple[FileChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that is not remembered, and why."""

    reason: Reason


LineOutcome: TypeAlias = Turn | Skipped | None


@dataclass(frozen=True, slots=True)
class Parsed:
    """One complete line of a transcript.

    Attributes:
        outcome: The turn, the reason it was skipped, or None for a kind of line that is never one.
        cursor: Where reading goes on after this line; hand it back to continue.
    """

    outcome: LineOutcome
    cursor: FileCursor

    @property
    def end_offset(self) -> int:
        """Bytes from the start of the file to the end of this line."""
        return self.cursor.offset
