"""Comments and trailing commas in JSON, which editors and agents take in their settings.

Each function gives a text of the same length, so that a place in it is a place in the original.
"""

from __future__ import annotations

import json
import re
from typing import Final

BLANKS: Final = " \t\r\n"

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*+|/\*.*?\*/", re.DOTALL)
_STRING_OR_LAST_COMMA = re.compile(rf"{_STRING}|,(?=[{BLANKS}]*+[}}\]])", re.DOTALL)
_COMMENT_BEHIND = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/(?=[ \t]*(?:\r?\n|\Z)))")


def without_comments(text: str) -> str:
    """Return the text with blanks in the place of comments; lines stay lines."""
    if "//" not in text and "/*" not in text:
        return text
    return _STRING_OR_COMMENT.sub(_blank_unless_string, text)


def bare_json(uncommented: str) -> str:
    """Return a text without comments with a blank in the place of each trailing comma."""
    try:
        json.loads(uncommented)
    except (ValueError, RecursionError):
        return _STRING_OR_LAST_COMMA.sub(_blank_unless_string, uncommented)
    return uncommented


def end_of_line_comment(text: str, at: int) -> int:
    """Return the end of a comment that stands behind a place on its line, else the place."""
    comment = _COMMENT_BEHIND.match(text, at)
    return at if comment is None else comment.end()


def _blank_unless_string(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith('"'):
        return token
    return re.sub(r"[^\r\n]", " ", token)
