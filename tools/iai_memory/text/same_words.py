"""The comparison of two texts of one turn, of which one may be redacted, scrubbed or cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

CUT: Final = "\n\n[… the middle of this text was too long to keep …]\n\n"
"""Stands in a text for its middle."""

_REDACTED: Final = re.compile(r"\[redacted:[^\]\n]{1,100}\]")
# How hosts, and tools that make a transcript smaller, end a text that they cut.
_CUT_AT_END: Final = re.compile(
    r"(?:…|\.{3}|[\[<(](?:…|\.{3})?\s*(?:truncated|cut|omitted)[^\n\])>]{0,100}[\])>])\s*$",
    re.IGNORECASE,
)
_MAX_END: Final = 150


def has_all_words(stored: str, told: str, redacted: str) -> bool:
    """Return whether a stored text has every word of another one.

    What a mark of the redactor stands for may be anything: the text may have been stored by another
    version of it, or scrubbed.

    Args:
        stored: The text as it is stored.
        told: The other text as it came.
        redacted: The other text without its secrets.
    """
    if stored in (told, redacted):
        return True
    if _fits(_REDACTED.split(stored), told) or _fits(_REDACTED.split(redacted), stored):
        return True
    return any(_is_cut_from(short, stored) for short in (told, redacted))


def is_cut_of(short: str, told: str, redacted: str) -> bool:
    """Return whether a text is the beginning, or the head and the tail, of another one."""
    return any(_is_cut_from(short, whole) for whole in (told, redacted))


def _is_cut_from(short: str, whole: str) -> bool:
    head, mark, tail = short.partition(CUT)
    if mark:
        return _fits([head.rstrip(), tail.lstrip()], whole)
    before, end = short[:-_MAX_END], short[-_MAX_END:]
    beginning = (before + _CUT_AT_END.sub("", end)).rstrip()
    return bool(beginning) and whole.startswith(beginning)


def _fits(parts: Sequence[str], text: str) -> bool:
    """Return whether the text begins with the first part, ends with the last, and has all between.

    Parts without any word fit nothing but themselves.
    """
    if len(parts) == 1:
        return parts[0] == text
    first, *middle, last = parts
    if not any(part.strip() for part in parts) or not text.startswith(first):
        return False
    at = len(first)
    for part in middle:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return len(text) - len(last) >= at and text.endswith(last)
