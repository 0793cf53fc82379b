"""What a recall returns where nobody asks for more or less."""

from __future__ import annotations

from typing import Final

LIMIT: Final = 8
MAX_LIMIT: Final = 50

BUDGET_TOKENS: Final = 800
"""Of the texts. With what stands around them, eight hits are an answer of at most 6,000 characters,
which is about 1,500 tokens."""

MIN_CONFIDENCE: Final = 0.04
"""An answer that is less sure than this is none; `confidence` says what that recognises."""
