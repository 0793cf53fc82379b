"""Shared by the hosts' parsers: a line decoded, its fields checked, its text blocks joined."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from ...base.checks import MAX_TEXT_BYTES
from ...text.same_words import CUT
from ..turn import Reason, Role, Skipped
from .markers import skip_reason, skip_reason_if_said

ROLES: Final[Mapping[str, Role]] = {"assistant": "assistant", "user": "user"}

_HEAD_BYTES: Final = MAX_TEXT_BYTES * 2 // 3
_TAIL_BYTES: Final = MAX_TEXT_BYTES - _HEAD_BYTES - len(CUT.encode())
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

# Of eight digits is a date of ISO 8601.
_EPOCH: Final = re.compile(r"\s*(\d{9,19}(?:\.\d{1,9})?)\s*", re.ASCII)
_LAST_SECOND: Final = 1e11  # what is above counts milliseconds, or still finer
_YEARS: Final = range(2000, 2100)
_FIRST_YEAR: Final = 1990  # before it are clocks that were not set


class Malformed(Exception):
    """A line does not have the host's shape; never leaves this package."""


def decode(line: bytes) -> dict[str, Any]:
    """Decode one line.

    Raises:
        Malformed: It is not a JSON object in UTF-8.
    """
    try:
        value = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as exc:  # a 5,000-digit integer is a ValueError, too
        raise Malformed from exc
    if not isinstance(value, dict):
        raise Malformed
    return value


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """Return a field that must be text and not empty.

    Raises:
        Malformed: It is missing, empty or something else.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed
    return storable(value)


def object_field(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a field that must be an object.

    Raises:
        Malformed: It is missing or something else.
    """
    value = fields.get(name)
    if not isinstance(value, dict):
        raise Malformed
    return value


def moment(fields: Mapping[str, Any], name: str = "timestamp") -> datetime:
    """Return a time as an aware UTC one: ISO 8601, or a count since 1970 as number or text.

    One without a zone is taken as UTC. A count may be of seconds, milli-, micro- or nanoseconds.

    Raises:
        Malformed: It is missing, before 1990, or no time that a calendar holds.
    """
    try:
        since_1970 = _epoch(fields.get(name))
        if since_1970 is not None:
            return since_1970
        when = datetime.fromisoformat(text_field(fields, name))
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise Malformed from exc
    if when.year < _FIRST_YEAR:
        raise Malformed
    return when


def _epoch(value: object) -> datetime | None:
    """Return the time of a count since 1970; None for what is none, or far from any transcript."""
    if isinstance(value, str):
        found = _EPOCH.fullmatch(value)
        value = float(found[1]) if found else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    seconds = float(value)
    if not 0 < seconds < _LAST_SECOND**2:  # no NaN passes either
        return None
    while seconds >= _LAST_SECOND:
        seconds /= 1000
    when = datetime.fromtimestamp(seconds, UTC)
    return when if when.year in _YEARS else None


def storable(text: str) -> str:
    """Return the text with each lone surrogate as U+FFFD.

    The hosts cut text at UTF-16 units, so half an emoji does occur, and no UTF-8 can hold it.
    """
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def line_id(line: bytes) -> str:
    """Return an id for a line that has none: the same on every read."""
    return f"line-{sha256(line.strip()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class TextBlocks:
    """The text blocks of one line, before the host's own words are taken out.

    Attributes:
        blocks: Each text block, in order.
        dropped: Why other text blocks of the line were left out already.
        if_none: The reason for a line without any text block.
        said: Texts before the blocks of which it is known that somebody said them.
    """

    blocks: Sequence[str]
    dropped: Sequence[Reason] = ()
    if_none: Reason = "empty"
    said: Sequence[str] = ()

    def text_or_skipped(self) -> str | Skipped:
        """Return the joined text of the blocks that somebody said, or why there is none.

        If our own page is in one block, the whole line is skipped: the blocks around it are the
        host's frame.
        """
        kept: list[str] = []
        reasons = list(self.dropped)
        judged: list[tuple[str, Reason | None]] = []
        judged.extend((text, skip_reason_if_said(text)) for text in self.said)
        judged.extend((text, skip_reason(text)) for text in self.blocks)
        for block, reason in judged:
            if reason == "own_payload":
                return Skipped(reason)
            if reason is None:
                kept.append(block)
            elif reason != "empty":
                reasons.append(reason)
        if not kept:
            return Skipped(reasons[0] if reasons else self.if_none)
        return _shortened(storable("\n\n".join(kept)))


def _shortened(text: str) -> str:
    """Return the text, or its head and tail with a mark between them if it is over 1 MB."""
    if len(text) <= MAX_TEXT_BYTES // 4:
        return text
    if len(text.encode()) <= MAX_TEXT_BYTES:
        return text
    # A line that was shortened while it was read has the mark already.
    head = text.partition(CUT)[0].encode()[:_HEAD_BYTES]
    tail = text.rpartition(CUT)[2].encode()[-_TAIL_BYTES:]
    return f"{head.decode(errors='ignore')}{CUT}{tail.decode(errors='ignore')}"
