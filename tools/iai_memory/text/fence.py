"""The two lines around everything that this package puts into a host's context.

No text with what stands between them is stored, so that recalled text is never remembered as if it
had been said again. `text/echo.py` knows it, in other forms, too.
"""

from __future__ import annotations

from typing import Final

FENCE_BEGIN: Final = "<iai-mcp-session-start>"
FENCE_END: Final = "</iai-mcp-session-start>"


def has_fence(text: str) -> bool:
    """Return whether one of the two lines is in the text."""
    return FENCE_BEGIN in text or FENCE_END in text
