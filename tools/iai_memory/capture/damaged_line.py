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

# A number of 5,000 digits is a ValueError of `int`, and no id or time of a host.
_DECODER: Final = json.JSONDecoder(
    strict=False,  # takes control characters inside strings
    parse_int=lambda digits: int(digits) if len(digits) < 1000 else 0,
)
_OBJECT: Final = re.compile(r'\{\s*"')
_BETWEEN: Final = re.compile(r"[\s\0\ufeff]*")
# The key of a glued object closed the string, the object's brace in it, that was cut off.
_OPENED_BEFORE: Final = re.compile(r'\{\s{0,60}"\Z')
_BROKEN_ESCAPE: Final = re.compile(r'\\(?:u[0-9a-fA-F]{0,3})?(?=\{\s*")')
_INSIDE_ANOTHER: Final = re.compile(r"[:\[,][\s\0\ufeff]{0,60}\Z")
# An object without any of these is a part of one that was cut off.
_OF_A_LINE: Final = ("message", "payload", "sessionId", "timestamp", "uuid")


@dataclass(frozen=True, slots=True)
class Salvage:
    """What was found in a damaged line.

    Attributes:
        objects: Each whole object with its own bytes, in order.
        marks: What happened to the line's bytes.
        is_all: Whether nothing else stands in the line.
        ends_whole: Whether an object ends where the line does.
    """

    objects: list[tuple[dict[str, Any], bytes]]
    marks: tuple[str, ...]
    is_all: bool
    ends_whole: bool


def objects_of(line: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Return each object of a line with its own bytes; never raise on any bytes."""
    try:
        return [(decode(line), line)]
    except Malformed:
        return salvage(line).objects


def salvage(line: bytes) -> Salvage:
    """Find the objects of hosts in a line; never raise on any bytes.

    An object is taken where no other is open, or where the one before it was cut off: at the place
    where JSON allows no object. What stands in an unfinished object (a sub-agent's message, what a
    tool printed) is nobody's line. Each byte is decoded once, but for some at each break.
    """
    marks: tuple[str, ...] = ()
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text, marks = line.decode(errors="replace"), (REPLACED,)
    found: list[tuple[dict[str, Any], bytes]] = []
    at, is_all, ends_whole = _skipped(text, 0), True, False
    while at < len(text):
        start, ends_whole = at, False
        try:
            value, at = _DECODER.raw_decode(text, at)
        except RecursionError:
            is_all, at = False, _next_start(text, start + 1)
            continue
        except json.JSONDecodeError as exc:
            is_all, at = False, _start_behind_break(text, start, exc.pos)
            continue
        at = _skipped(text, at)
        if isinstance(value, dict) and (is_all or _is_a_line(value, text, at)):
            found.append((value, text[start:at].encode("utf-8", "replace")))
            ends_whole = True
            continue
        is_all, at = False, _next_start(text, at)
    return Salvage(found, marks, is_all=is_all and bool(found), ends_whole=ends_whole)


def _start_behind_break(text: str, start: int, at: int) -> int:
    """Return where the object begins that was glued to one that ends being JSON at a place."""
    opened = _OPENED_BEFORE.search(text, max(start + 1, at - 64), at)
    if opened is not None:
        return opened.start()
    escape = _BROKEN_ESCAPE.match(text, max(start, text.rfind("\\", at - 6, at + 6)))
    if escape is not None:
        return escape.end()
    following = _skipped(text, at)
    if following > start and _OBJECT.match(text, following):
        return following
    return _next_start(text, max(at, start + 1))


def _next_start(text: str, at: int) -> int:
    """Return the next place where an object begins that is no value or element of another."""
    for match in _OBJECT.finditer(text, at):
        if not _INSIDE_ANOTHER.search(text, max(0, match.start() - 64), match.start()):
            return match.start()
    return len(text)


def _skipped(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return at if match is None else match.end()


def _is_a_line(fields: dict[str, Any], text: str, end: int) -> bool:
    """Return whether an object behind a break is a whole line; behind a part is a comma or so."""
    is_last = end == len(text) or text[end] == "{"
    return is_last and any(name in fields for name in _OF_A_LINE)
