"""The objects in a line that is no JSON as it stands.

A host that is killed leaves half a line, and the next one writes its object right behind it. Bytes
that are not UTF-8, NULs of a file that a crash left unfilled, and byte order marks stand between
objects or inside them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from .hosts.decoding import Malformed, decode

REPLACED: Final = "bytes-replaced"
"""Mark of a turn whose line held bytes that are not UTF-8: each is U+FFFD now."""

_DECODER: Final = json.JSONDecoder(strict=False)  # takes control characters inside strings
_OBJECT: Final = re.compile(r'\{\s*"')
_BETWEEN: Final = re.compile(r"[\s\0\ufeff]*")
# An object without any of these is a part of one that was cut off.
_OF_A_LINE: Final = ("message", "payload", "sessionId", "timestamp", "uuid")
# Half a line fails once for each object that it leaves open; a line of openings never ends.
_MAX_FAILURES: Final = 100
_MAX_WORK: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was found in a damaged line.

    Attributes:
        objects: Each whole object with its own bytes, in order.
        marks: What happened to the line's bytes.
        is_all: Whether nothing else stands in the line.
    """

    objects: list[tuple[dict[str, Any], bytes]]
    marks: tuple[str, ...]
    is_all: bool


def objects_of(line: bytes | None) -> list[tuple[dict[str, Any], bytes]]:
    """Return each object of a line with its own bytes; never raise on any bytes."""
    try:
        return [(decode(line or b""), line or b"")]
    except Malformed:
        return salvage(line or b"").objects


def salvage(line: bytes) -> Salvage:
    """Find the objects of hosts in a line; never raise on any bytes."""
    marks: tuple[str, ...] = ()
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text, marks = line.decode(errors="replace"), (REPLACED,)
    found: list[tuple[dict[str, Any], bytes]] = []
    at, failures, work, is_all = _skipped(text, 0), 0, 0, True
    while at < len(text) and failures < _MAX_FAILURES and work < _MAX_WORK:
        start = at
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as exc:  # a 5,000-digit integer is a ValueError, too
            value = None
            failures += 1
            work += getattr(exc, "pos", len(text)) - start
        at = _skipped(text, at) if value is not None else at
        if isinstance(value, dict) and (is_all or at == len(text) or _is_of_a_line(value)):
            found.append((value, text[start:at].encode("utf-8", "replace")))
            continue
        is_all = False
        following = _OBJECT.search(text, at if value is not None else start + 1)
        at = len(text) if following is None else following.start()
    return Salvage(found, marks, is_all=is_all and bool(found) and at >= len(text))


def _skipped(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return at if match is None else match.end()


def _is_of_a_line(fields: dict[str, Any]) -> bool:
    return any(name in fields for name in _OF_A_LINE)
