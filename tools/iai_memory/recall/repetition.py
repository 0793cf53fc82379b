"""Memories that only repeat a question: somebody asked it before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..store.candidate import Candidate
from ..text.analyzer import document_terms
from ..text.saying import normalised_text

_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f")

_TIMES_AS_LONG: Final = 4


def saying_more(candidates: Sequence[Candidate], question: str) -> list[Candidate]:
    """Return those that say more than the question does, in their order.

    Left out is a question without a word of its own, and anything in the same words. What states
    something is kept, however few its words are.
    """
    words, terms = normalised_text(question), set(document_terms(question))
    most = _TIMES_AS_LONG * len(question)

    def repeats(text: str) -> bool:
        if len(text) > most:  # a candidate may have 1 MB
            return False
        if text.rstrip().endswith(_QUESTION_MARKS):
            return terms.issuperset(document_terms(text))
        return normalised_text(text) == words

    return [one for one in candidates if not repeats(one.record.text)]
