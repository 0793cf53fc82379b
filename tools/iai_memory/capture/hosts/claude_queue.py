"""Prompts that were typed while the model worked, as Claude Code wrote them up to 2.1.96.

Those releases wrote no line for a prompt that the model took from the queue in the middle of its
work: only that it was put in (`enqueue`, with its text) and taken out (`remove`, since 2.0.76
without it). One that waited until the model had ended (`dequeue`) has a user line of its own, one
that the person took back (`popAll`) was not sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from ..damaged_line import objects_of
from .claude_words import texts_of
from .decoding import storable
from .markers import skip_reason

_MAX_WAITING: Final = 64
_MAX_TIME_CHARS: Final = 64
_ATTACHES_SINCE: Final = (2, 1, 97)
_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")


class Waiting(NamedTuple):
    """A prompt in the queue. Its text is kept in memory only: a parser's state is written to disk.

    Attributes:
        digest: Of its text; empty if the line has none.
        at: The line's timestamp; empty without one.
        kind: `typed`; `command` if it is a slash command, which waits for the model's end; `host`
            if the host put it there itself; `told` if another line has told that the model got it.
    """

    digest: str
    at: str
    kind: str = "typed"


class Taken(NamedTuple):
    """A prompt that the model took in the middle of its work.

    Attributes:
        text: Verbatim.
        at: When it was typed: a timestamp, empty if that is not known.
        turn_id: The same on every read.
    """

    text: str
    at: str
    turn_id: str


class PromptQueue:
    """The queue of one session, followed line by line."""

    def __init__(self, waiting: object, earlier_lines: Callable[[], Iterable[bytes]]) -> None:
        """Go on from the `waiting` of an earlier queue.

        Args:
            waiting: As it was saved.
            earlier_lines: Returns the lines of the file before those that follow; called when the
                text of a prompt is needed that stands there.
        """
        self._waiting: tuple[Waiting, ...] = tuple(_loaded(waiting))
        self._texts: dict[str, str] = {}
        self._dequeued: Waiting | None = None
        self._earlier_lines = earlier_lines

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What is in the queue, the oldest first."""
        return self._waiting

    def follow(self, fields: Mapping[str, Any]) -> Taken | None:
        """Take one `queue-operation`; return the prompt that the model has taken by it."""
        operation, text = fields.get("operation"), _prompt(fields)
        if operation == "enqueue":
            self._put(text, _time(fields))
        elif operation == "dequeue":
            self._dequeued = self._take(digest_of(text) if text else None)
        elif operation == "popAll":
            self._take(digest_of(text) if text else self._first_typed())
        elif operation == "remove":
            return self._taken(text, _time(fields))
        return None

    def tell(self, digest: str) -> None:
        """Learn from an attachment that the model got a prompt."""
        for place, one in enumerate(self._waiting):
            if one.digest == digest and one.kind == "typed":
                self._replace(place, one._replace(kind="told"))
                return

    def begin(self, digest: str) -> None:
        """Learn from a user line which prompt was dequeued: the oldest, or the most urgent one."""
        taken, self._dequeued = self._dequeued, None
        if taken is None or taken.digest == digest:
            return
        for place, one in enumerate(self._waiting):
            if one.digest == digest:
                self._replace(place, taken)
                return

    def _replace(self, place: int, other: Waiting) -> None:
        self._waiting = (*self._waiting[:place], other, *self._waiting[place + 1 :])

    def _put(self, text: str, at: str) -> None:
        one = Waiting(digest_of(text) if text else "", at, _kind_of(text))
        self._waiting = (*self._waiting, one)[-_MAX_WAITING:]
        waiting = {one.digest for one in self._waiting}
        self._texts = {key: kept for key, kept in self._texts.items() if key in waiting}
        self._texts[one.digest] = text

    def _taken(self, text: str, at: str) -> Taken | None:
        one = self._take(digest_of(text) if text else self._first_typed())
        if one is not None:
            text, at = text or self._text(one.digest), one.at
        if not text or (one is not None and one.kind == "told"):
            return None
        return Taken(text, at, "queued-" + digest_of(f"{at} {text}"))

    def _take(self, digest: str | None) -> Waiting | None:
        """Take out the oldest with this digest, or the oldest of all."""
        for place, one in enumerate(self._waiting):
            if digest in (None, one.digest):
                self._waiting = self._waiting[:place] + self._waiting[place + 1 :]
                return one
        return None

    def _first_typed(self) -> str | None:
        typed = ("typed", "told")
        return next((one.digest for one in self._waiting if one.kind in typed), None)

    def _text(self, digest: str) -> str:
        if digest not in self._texts:
            self._texts |= dict(_enqueued(self._earlier_lines()))
        return self._texts.get(digest, "")


def digest_of(text: str) -> str:
    """Return a digest of a text, by which it is known again without being kept."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def attaches_prompts(version: object) -> bool:
    """Return whether this release writes an attachment for each prompt that the model took."""
    found = _VERSION.match(version) if isinstance(version, str) else None
    return found is not None and tuple(map(int, found.groups())) >= _ATTACHES_SINCE


def _kind_of(text: str) -> str:
    if skip_reason(text) is not None:
        return "host"
    return "command" if text.startswith("/") else "typed"


def _enqueued(lines: Iterable[bytes]) -> Iterable[tuple[str, str]]:
    for line in lines:
        if b'"queue-operation"' not in line:
            continue
        for fields, _ in objects_of(line):
            text = _prompt(fields)
            if fields.get("operation") == "enqueue" and text:
                yield digest_of(text), text


def _prompt(fields: Mapping[str, Any]) -> str:
    return "\n\n".join(texts_of(fields.get("content")))


def _time(fields: Mapping[str, Any]) -> str:
    at = fields.get("timestamp")
    if isinstance(at, int | float):
        at = str(at)  # a count since 1970
    return storable(at) if isinstance(at, str) and len(at) <= _MAX_TIME_CHARS else ""


def _loaded(waiting: object) -> Iterable[Waiting]:
    for one in waiting if isinstance(waiting, list | tuple) else ():
        match one:
            case [str(digest), str(at), str(kind)]:
                yield Waiting(digest, at, kind)
            case _:
                continue
