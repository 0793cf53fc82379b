"""Defaults and limits of a recall's arguments."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 8
MAX_LIMIT: Final = 50

BUDGET_TOKENS: Final = 450
"""Of the hits' texts, those of the other turns of an exchange included."""

MIN_CONFIDENCE: Final = 0.04
"""Confidence below which an answer has no hits; `recall.calibration` says what that recognises."""
