"""Defaults and limits of a recall's arguments."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 8
MAX_LIMIT: Final = 50

BUDGET_TOKENS: Final = 800
"""Of the hits' texts. With their other fields, eight hits are at most 6,000 characters, which is
about 1,500 tokens."""

MIN_CONFIDENCE: Final = 0.04
"""Confidence below which an answer has no hits; `recall.calibration` says what that recognises."""
