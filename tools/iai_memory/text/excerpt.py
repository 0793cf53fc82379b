"""The part of a long text that is shown: around what matched rather than the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .tokens import cut_to_tokens, estimate_tokens, fits

CUT_MARK: Final = " … [cut]"
_CUT_BEFORE: Final = "[cut] … "
_CHARACTERS: Final = 16  # of a token at most: white space


def excerpt(text: str, span: tuple[int, int] | None, budget: int) -> str:
    """Return the whole text if it fits, else the part around the span, marked where it is cut.

    A third of the room that the span leaves goes to the text before it.

    Args:
        text: The stored text.
        span: The part that must be shown, as indexes into the text; None is the beginning.
        budget: Estimated tokens; without room for the mark, the result is empty.
    """
    if fits(text, budget):
        return text
    if span is None or estimate_tokens(text[: span[1]] + CUT_MARK) <= budget:
        return cut_to_tokens(text, budget, CUT_MARK)
    room = budget - estimate_tokens(_CUT_BEFORE)
    before = (room - estimate_tokens(text[span[0] : span[1]] + CUT_MARK)) // 3
    begin = span[0] - len(_tail(text[: span[0]], before))
    shown = cut_to_tokens(text[begin:], room, CUT_MARK)
    return _CUT_BEFORE + shown if shown else ""


def beginnings(texts: Sequence[str], budget: int, mark: str = CUT_MARK) -> list[str]:
    """Return the beginning of each text, together within the budget, with a mark where it is cut.

    The shortest is given the room that it needs first; what it leaves is for the others.
    """
    shown = [""] * len(texts)
    by_length = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    for remaining, at in zip(range(len(texts), 0, -1), by_length, strict=True):
        room = budget // remaining
        shown[at] = cut_to_tokens(texts[at][: _CHARACTERS * (room + 1)], room, mark)
        budget -= estimate_tokens(shown[at])
    return shown


def ending(text: str, budget: int, mark: str = _CUT_BEFORE) -> str:
    """Return the whole text if it fits, else its last words with a mark before them.

    Without room for the mark, the result is empty.
    """
    if fits(text, budget):
        return text
    tail = _tail(text, budget - estimate_tokens(mark))
    return mark + tail if tail else ""


def _tail(text: str, budget: int) -> str:
    """Return the last whole words of a text within `budget` estimated tokens."""
    if budget <= 0:
        return ""
    near = text[-8 * budget :]
    backwards = cut_to_tokens(near[::-1], budget, "")[::-1]
    if len(backwards) == len(text):
        return text
    _, blank, whole_words = backwards.partition(" ")
    return whole_words if blank else ""
