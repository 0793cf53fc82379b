"""Turns that a person took back: a Claude Code transcript is a tree, and one path of it holds.

`/rewind`, or Esc twice, lets the next prompt go on from an earlier line. Nothing is removed from
the file: the lines in between stay, on a branch that the newest line does not descend from. A
compaction goes on from an earlier line too (`logicalParentUuid`), and calls that ran in parallel
leave branches of results behind; nothing of those was taken back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from ..privacy.redaction import redact
from .file_hints import FileHints
from .hosts.claude_code import ClaudeParser, has_result, is_caveat
from .hosts.codex import CodexParser, is_prompt, rolled_back_turns
from .hosts.decoding import Malformed
from .hosts.registry import Parser
from .jsonl_tail import FileCursor
from .selection import identity_of
from .transcript import read_objects
from .turn import LineOutcome, Skipped, Turn

TagRewound: TypeAlias = Callable[[Collection[str], Collection[str]], int]
"""Tags the turns that were taken back, and takes the tag from others; by their keys."""

# What a line does for the branch that begins with it: a prompt makes it one that was taken back,
# an answer or a result makes it none, anything else leaves it to the line below. What follows a
# caveat was typed to the host alone: it is left out when a session is resumed.
_PROMPT, _ANSWER, _CAVEAT, _NEITHER = "prompt", "answer", "caveat", "neither"
_PATH: Final = "path"
_NO_PROMPT: Final = frozenset(
    {"compaction", "host_marker", "injected", "interrupted", "unparsable"}
)


@dataclass(frozen=True, slots=True)
class Branches:
    """The turns of one transcript, by the host's ids.

    Attributes:
        rewound: Those that were taken back.
        held: All others.
        keys: The idempotency keys of each, those of earlier versions too.
    """

    rewound: frozenset[str]
    held: frozenset[str]
    keys: Mapping[str, Collection[str]] = field(default_factory=dict[str, Any], compare=False)

    def rewound_keys(self) -> list[str]:
        """Return the keys of the turns that were taken back."""
        return [key for one in self.rewound for key in self.keys[one]]

    def held_keys(self) -> list[str]:
        """Return the keys of all others."""
        return [key for one in self.held for key in self.keys[one]]


def keys_of(turn: Turn, *, with_other_words: bool = False) -> list[str]:
    """Return the idempotency keys under which the store may have a turn.

    Args:
        turn: Of a transcript.
        with_other_words: Also as one whose id a stored turn with other words has.
    """
    identities = [one for one in identity_of(turn).all_known() if one.unless_session is None]
    if with_other_words:
        identities += [one.with_other_words(turn.role) for one in identities if not one.with_text]
    by_text = any(one.with_text for one in identities)
    text = redact(turn.text).text if by_text else turn.text
    return [one.key(text) for one in identities]


def must_look(host: str | None, looked_at: int | None, count: int, known_turns: int) -> bool:
    """Return whether the turns of a transcript may have other tags than `branches_of` says.

    Args:
        host: Who wrote it.
        looked_at: Its `branch_count` when that was last asked; None for never.
        count: Its `branch_count` now.
        known_turns: How many of its turns were stored from another file: a fork may go on from
            what was taken back there.
    """
    if host != "claude-code":
        known_turns = 0  # a fork of Codex repeats what was taken back together with the event
    return bool(count or known_turns) if looked_at is None else count != looked_at


def branch_count(cursor: FileCursor | None) -> int:
    """Return how many prompts up to a place did not go on from the line before them.

    What `branches_of` returns for a file can only have changed if this has.
    """
    count = cursor.state.get("branches") if cursor and cursor.state else None
    return count if isinstance(count, int) else 0


def branches_of(path: str | os.PathLike[str], host: str | None = "claude-code") -> Branches:
    """Return which turns of a transcript were taken back, as its newest line says.

    Reads the whole file; holds the ids of its lines, of Codex the keys of its turns.

    Raises:
        TranscriptFault: The file cannot be read.
    """
    hints = FileHints(path, datetime.now(UTC), lambda: None)
    tree: _Tree | _Rollout
    parser: Parser
    if host == "codex":
        parser = rollout = CodexParser(None, hints)
        tree = _Rollout(rollout)
    else:
        parser, tree = ClaudeParser(None, hints), _Tree()
    for fields, line in read_objects(path):
        try:
            outcome = parser.parse(fields, line)
        except Malformed:
            outcome = Skipped("unparsable")
        tree.add(fields, outcome)
    return tree.branches()


@dataclass(slots=True)
class _Rollout:
    """A thread of Codex, of which an event takes the newest prompts back."""

    parser: CodexParser
    turns: list[tuple[bool, list[str]]] = field(default_factory=list[tuple[bool, list[str]]])
    rewound: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def add(self, fields: Mapping[str, Any], outcome: LineOutcome) -> None:
        if isinstance(outcome, Turn):
            # What a fork repeats may hold in its parent, which says itself what was taken back.
            keys = [] if self.parser.is_copying else keys_of(outcome)
            self.turns.append((outcome.role == "user", keys))
        elif outcome == Skipped("empty") and is_prompt(fields):
            self.turns.append((True, []))
        count = rolled_back_turns(fields)
        prompts = [at for at, (from_user, _) in enumerate(self.turns) if from_user] if count else []
        if prompts:
            place = prompts[-min(count, len(prompts))]
            self.rewound |= {keys[0]: keys for _, keys in self.turns[place:] if keys}
            del self.turns[place:]

    def branches(self) -> Branches:
        held = {keys[0]: keys for _, keys in self.turns if keys}
        taken_back = {key: keys for key, keys in self.rewound.items() if key not in held}
        return Branches(frozenset(taken_back), frozenset(held), taken_back | held)


@dataclass(slots=True)
class _Tree:
    parents: dict[str, str] = field(default_factory=dict[str, str])
    logical: set[str] = field(default_factory=set[str])
    kinds: dict[str, str] = field(default_factory=dict[str, str])
    turns: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    said: dict[str, None] = field(default_factory=dict[str, None])
    leaf: str = ""
    chosen: str = ""
    beginning: str = ""
    left_for: str = ""
    queued: dict[str, str] = field(default_factory=dict[str, str])
    queued_keys: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    just_queued: list[str] = field(default_factory=list[str])

    def add(self, fields: Mapping[str, Any], outcome: LineOutcome) -> None:
        kind = fields.get("type")
        if kind == "last-prompt" and fields.get("explicit") is True:
            self.chosen = _text(fields.get("leafUuid"))
            if not self.chosen.strip("0-"):
                self._begin_again()
        uuid = _text(fields.get("uuid"))
        if not uuid and isinstance(outcome, Turn) and outcome.turn_id:
            # Taken from the queue: no line of the tree, but the model read it before it went on.
            self.queued[outcome.turn_id] = self.leaf
            self.queued_keys[outcome.turn_id] = keys_of(outcome)
            self.just_queued.append(outcome.turn_id)
        if not uuid or fields.get("isSidechain") is True:
            return
        parent, logical = _text(fields.get("parentUuid")), _text(fields.get("logicalParentUuid"))
        if parent or logical:
            self.parents[uuid] = parent or logical
        if logical and not parent:
            self.logical.add(uuid)
        self.kinds[uuid] = _kind(fields, outcome)
        if isinstance(outcome, Turn):
            wordings = self.turns.setdefault(uuid, [])
            wordings += keys_of(outcome, with_other_words=bool(wordings))
        if kind == "assistant":
            self.beginning = ""
        elif self.kinds[uuid] == _PROMPT and not parent and not logical:
            self.beginning, self.left_for = uuid, self.leaf
        is_read = outcome != Skipped("unparsable")
        if is_read and (kind in ("assistant", "user") or self.kinds[uuid] == _PROMPT):
            self.leaf, self.chosen = uuid, ""
            self.said.pop(uuid, None)
            self.said[uuid] = None
            if self.kinds[uuid] == _ANSWER:
                self.queued |= dict.fromkeys(self.just_queued, uuid)
            self.just_queued.clear()

    def _begin_again(self) -> None:
        """Join the newest beginning to the one before: the person went back to the first prompt.

        The host says so by taking its word on the newest line back before the model answers. A
        beginning alone says nothing.
        """
        if not self.beginning or self.left_for not in self.kinds:
            return
        root = self._lines_up(self.left_for, ())[0][-1]
        if root not in self.parents and root != self.beginning:
            both = f"before {root}"
            self.kinds[both] = _NEITHER
            self.parents[root] = self.parents[self.beginning] = both
        self.beginning = ""

    def branches(self) -> Branches:
        """Return which turns were taken back, each tree of the file by its own newest line."""
        children: dict[str, str] = {}
        for leaf in self._leaves():
            children |= self._path(leaf)
        known = dict.fromkeys(children, _PATH)
        for uuid in self.kinds:
            self._judge(uuid, children, known)
        stands_at = dict(zip(self.turns, self.turns, strict=True)) | self.queued
        rewound = frozenset(one for one, at in stands_at.items() if known.get(at) == _PROMPT)
        held = frozenset(stands_at) - rewound
        return Branches(rewound, held, self.turns | self.queued_keys)

    def _leaves(self) -> list[str]:
        """Return the newest line of each tree."""
        leaves: dict[str, str] = {}
        roots: dict[str, str] = {}
        for uuid in (*self.said, *([self.chosen] if self.chosen in self.kinds else [])):
            lines, above = self._lines_up(uuid, roots)
            root = roots[above] if above in roots else lines[-1]
            roots.update(dict.fromkeys(lines, root))
            leaves[root] = uuid
        return list(leaves.values())

    def _path(self, leaf: str) -> dict[str, str]:
        """Return the lines from a newest one up, each with the line below it."""
        lines, _ = self._lines_up(leaf, ())
        return dict(zip(lines, ["", *lines], strict=False))

    def _judge(self, uuid: str, children: Mapping[str, str], known: dict[str, str]) -> None:
        """Enter the kind of branch that a line stands on into `known`, with all lines above it."""
        lines, above = self._lines_up(uuid, known)
        branch = known.get(above, _ANSWER)
        if branch == _PATH:
            below = children[above]
            goes_on = below not in self.logical if below else above == self.chosen
            branch = _NEITHER if goes_on else _ANSWER
        for line in reversed(lines):
            branch = self._opened_by(line) if branch == _NEITHER else branch
            known[line] = branch

    def _lines_up(self, at: str, stop: Container[str]) -> tuple[list[str], str]:
        """Return a line and those above it up to a stop, the end or a ring, and what is there."""
        lines: dict[str, None] = {}
        while at in self.kinds and at not in stop and at not in lines:
            lines[at] = None
            at = self.parents.get(at, "")
        return list(lines), at

    def _opened_by(self, line: str) -> str:
        above = self.kinds.get(self.parents.get(line, ""))
        kind = self.kinds[line]
        return kind if kind == _ANSWER or (kind == _PROMPT and above != _CAVEAT) else _NEITHER


def _kind(fields: Mapping[str, Any], outcome: LineOutcome) -> str:
    kind = fields.get("type")
    if kind == "assistant" or fields.get("isCompactSummary") is True:
        return _ANSWER
    if kind != "user":
        return _PROMPT if kind == "attachment" and isinstance(outcome, Turn) else _NEITHER
    if has_result(fields):
        return _ANSWER
    if is_caveat(fields):
        return _CAVEAT
    nobodys = isinstance(outcome, Skipped) and outcome.reason in _NO_PROMPT
    return _NEITHER if nobodys else _PROMPT


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
