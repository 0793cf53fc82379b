"""Memory text neutralised for a page that a model reads as context."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# CSI, OSC (ended by BEL or ST) and two-character escapes, ECMA-48 section 5.
_ANSI: Final = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
# A comparison keeps its sign: no tag name begins with white space, a digit or `=`.
_TAG: Final = re.compile(r"<(?![\s0-9=])")
_HEADING: Final = re.compile(r"#{1,6}(?=\s|$)")
_CODE_FENCE: Final = re.compile(r"`{3,}|~{3,}")
_ANGLE: Final = "\u2039"  # single left-pointing angle quotation mark
_HASH: Final = "\uff03"  # fullwidth number sign
_ZERO_WIDTH_JOINER: Final = "\u200d"


def neutralise(text: str) -> str:
    """Return the text as one line that opens no tag, heading or code fence, and hides nothing.

    Escape sequences, control and format characters (bidirectional overrides, tag characters) are
    removed, and any white space becomes one blank. A `<` before anything that could be a name, the
    `#` of a heading and the backticks of a fence become characters that look alike.
    """
    line = " ".join(_printed(_ANSI.sub("", text)).split())
    line = _TAG.sub(_ANGLE, line)
    line = _CODE_FENCE.sub("'''", line)
    return _HEADING.sub(lambda match: _HASH * len(match.group()), line)


def _printed(text: str) -> str:
    if text.isascii():
        return text.translate(_ASCII)  # a twentieth of the time of character by character
    return "".join(
        " " if char in "\n\r\t\v\f\x85\u2028\u2029" else char for char in text if _is_kept(char)
    )


def _is_kept(char: str) -> bool:
    if char in "\n\r\t\v\f\x85\u2028\u2029" or char == _ZERO_WIDTH_JOINER:
        return True
    if "\U000e0100" <= char <= "\U000e01ef":
        # Supplementary variation selectors: invisible, and 240 of them can encode any bytes.
        return False
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co")


# What stays or becomes a blank is not looked up.
_ASCII: Final = {code: None for code in range(128) if not _is_kept(chr(code))} | {
    ord(char): " " for char in "\n\r\t\v\f"
}
