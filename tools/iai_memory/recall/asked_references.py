"""Which candidates have the numbers and codes that a question names, and which have others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..store.candidate import Candidate
from ..text.references import Reference, names_another, plain, references

_READ: Final = 4_000
"""Characters of a text in which another number is looked for; the question's own, in all of it."""


def names_untold_reference(question: str, candidates: Sequence[Candidate]) -> bool:
    """Return whether the question names a number or code that no candidate has.

    What few memories have finds them by words, so what no candidate has, no memory has.
    """
    asked = references(question)
    texts = _plain_texts(candidates) if asked else []
    return any(not any(_holds(one, texts)) for one in asked)


def has_another(question: str, candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Return which candidates have another number or code in place of one of the question, (n,).

    One that some candidate has: where none does, all are alike in that.
    """
    found = np.zeros(len(candidates), np.bool_)
    asked = references(question)
    texts = _plain_texts(candidates) if asked else []
    for one in asked:
        held = _holds(one, texts)
        if one.kind and any(held):
            found |= [
                not has and names_another(one, candidate.record.text[:_READ], text)
                for has, text, candidate in zip(held, texts, candidates, strict=True)
            ]
    return found


def _plain_texts(candidates: Sequence[Candidate]) -> list[str]:
    return [plain(one.record.text) for one in candidates]


def _holds(asked: Reference, texts: Sequence[str]) -> list[bool]:
    """Return which texts have the number or code; one of few digits where it is told of what."""
    if any(asked.kind in text for text in texts):
        return [asked.is_in(text) for text in texts]
    return [asked.is_written_in(text) for text in texts]
