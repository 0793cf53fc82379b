"""The part of a long text that is shown: around what matched, not the beginning."""

from __future__ import annotations

from typing import Final

from .tokens import cut_to_tokens, estimate_tokens, fits

CUT_MARK: Final = " … [cut]"
_LEFT_OUT: Final = "[cut] … "


def excerpt(text: str, span: tuple[int, int] | None, budget: int) -> str:
    """The whole text if it fits, else what fits around the span, with a mark where it was cut.

    Of the room that the span leaves, a third goes to what stands before it.

    Args:
        text: What was stored.
        span: What must be in it, as indexes into the text; None is the beginning.
        budget: Estimated tokens; one that has no room for the mark gives the empty text.
    """
    if fits(text, budget):
        return text
    if span is None or estimate_tokens(text[: span[1]] + CUT_MARK) <= budget:
        return cut_to_tokens(text, budget, CUT_MARK)
    room = budget - estimate_tokens(_LEFT_OUT)
    before = (room - estimate_tokens(text[span[0] : span[1]] + CUT_MARK)) // 3
    begin = span[0] - len(_end_of(text[: span[0]], before))
    shown = cut_to_tokens(text[begin:], room, CUT_MARK)
    return _LEFT_OUT + shown if shown else ""


def _end_of(text: str, budget: int) -> str:
    """The last whole words of a text in at most `budget` estimated tokens."""
    if budget <= 0:
        return ""
    near = text[-8 * budget :]
    backwards = cut_to_tokens(near[::-1], budget, "")[::-1]
    if len(backwards) == len(text):
        return text
    _, blank, whole_words = backwards.partition(" ")
    return whole_words if blank else ""
