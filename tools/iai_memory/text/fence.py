"""The lines around everything that this package puts into a host's context: page, and recall.

No text with what stands between them is stored, so that recalled text is never remembered as if it
had been said again. `text/echo.py` knows it, in other forms, too.
"""

from __future__ import annotations

from typing import Final

FENCE_BEGIN: Final = "<iai-mcp-session-start>"
FENCE_END: Final = "</iai-mcp-session-start>"
RECALL_BEGIN: Final = "<iai-mcp-recall>"
RECALL_END: Final = "</iai-mcp-recall>"

FENCES: Final = (FENCE_BEGIN, FENCE_END, RECALL_BEGIN, RECALL_END)


def has_fence(text: str) -> bool:
    """Return whether one of the lines is in the text."""
    return any(line in text for line in FENCES)
