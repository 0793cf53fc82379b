"""How many tokens a text costs a language model, estimated on the safe side without its tokenizer.

Byte-pair tokenizers keep a common short word whole and cut the rest into pieces of three to six
letters; digits come in groups of three; punctuation and other scripts cost about one each.
"""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(r"[A-Za-z]+|[0-9]+|[ ]+|\s+|[^\sA-Za-z0-9]")
# The same without single blanks, which cost nothing, and with digits in their groups.
_COSTING: Final = re.compile(r"[A-Za-z]+|[0-9]{1,3}|[ ]{2,}|[^\S ]\s*|[^\sA-Za-z0-9]")
_LONGEST_OF_ONE: Final = 7  # letters of a word that costs one
_LAST_OF_ONE: Final = "\uffff"
_MOST_OF_ONE: Final = 2  # what a character can cost


def estimate_tokens(text: str) -> int:
    """Tokens of the text; 0 for the empty one, never less for a longer text."""
    pieces = _COSTING.findall(text)
    # Most cost one each, and only the others are looked at.
    return len(pieces) + sum(
        _cost(piece) - 1 for piece in pieces if len(piece) > _LONGEST_OF_ONE or piece > _LAST_OF_ONE
    )


def fits(text: str, budget: int) -> bool:
    """Whether the text has at most so many estimated tokens; a short one is not taken apart."""
    return _MOST_OF_ONE * len(text) <= budget or estimate_tokens(text) <= budget


def cut_to_tokens(text: str, budget: int, mark: str) -> str:
    """The text, or its beginning and the mark, in at most `budget` estimated tokens.

    The cut never splits a piece, so no character is broken; a budget that has no room for the mark
    gives the empty text.
    """
    if estimate_tokens(text) <= budget:
        return text
    room = budget - estimate_tokens(mark)
    if room <= 0:
        return ""
    end = 0
    for piece in _PIECE.finditer(text):
        room -= _cost(piece.group())
        if room < 0:
            break
        end = piece.end()
    return text[:end].rstrip() + mark


def _cost(piece: str) -> int:
    first = piece[0]
    if first.isascii() and first.isalpha():
        return 1 if len(piece) <= _LONGEST_OF_ONE else -(-len(piece) // 5)
    if first.isascii() and first.isdigit():
        return -(-len(piece) // 3)
    if piece.isspace():
        # One blank belongs to the word behind it; longer runs and line ends are tokens.
        return 0 if piece == " " else 1 + len(piece) // 16
    return 1 if first.isascii() else len(first.encode("utf-16-le")) // 2
