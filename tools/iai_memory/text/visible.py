"""Characters that do not print, escaped as in JSON, so that a text hides and moves nothing."""

from __future__ import annotations

import re
from typing import Final

_SUSPECT: Final = re.compile(r"[^ -~]")
# The ideographic and the no-break space, and the joiners that scripts and emoji need.
_KEPT: Final = frozenset("\u3000\xa0\u200c\u200d")


def escape_unprintable(text: str, *, keep: str = "") -> str:
    r"""Write every control and format character as `\uXXXX`; joiners and blanks stay.

    In JSON the escapes mean the same characters. `json.dumps` escapes only C0 controls, but C1 has
    a CSI too, format characters reverse or hide text, and U+2028 ends a line for many readers.

    Args:
        text: JSON, or a line for a terminal.
        keep: Characters that stay whatever they are.
    """

    def shown(match: re.Match[str]) -> str:
        char = match.group()
        return char if char.isprintable() or char in _KEPT or char in keep else _escape(char)

    return _SUSPECT.sub(shown, text)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
