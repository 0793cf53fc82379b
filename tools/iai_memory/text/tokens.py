"""The tokens that a text costs a language model: a high estimate, made without its tokenizer.

Byte-pair tokenizers keep a common short word whole and cut others into pieces of three to six
letters. Digits come in groups of three. Punctuation and characters of other scripts cost about one
each.
"""

from __future__ import annotations

import re
from typing import Final

_PIECE: Final = re.compile(r"[A-Za-z]+|[0-9]+|[ ]+|\s+|[^\sA-Za-z0-9]")
# The same without single blanks, which cost nothing, and with digits in groups.
_COSTING: Final = re.compile(r"[A-Za-z]+|[0-9]{1,3}|[ ]{2,}|[^\S ]\s*|[^\sA-Za-z0-9]")
_WHOLE_WORD_LETTERS: Final = 7  # a word of up to this many letters costs one token
_LAST_ONE_UNIT: Final = "\uffff"  # a character after it has two UTF-16 units, and costs two
_MAX_PER_CHARACTER: Final = 2


def estimate_tokens(text: str) -> int:
    """Return the estimated tokens; 0 for the empty text, and never fewer for a longer one."""
    pieces = _COSTING.findall(text)
    # Most pieces cost one token; only the others are computed.
    return len(pieces) + sum(
        _cost(piece) - 1
        for piece in pieces
        if len(piece) > _WHOLE_WORD_LETTERS or piece > _LAST_ONE_UNIT
    )


def fits(text: str, budget: int) -> bool:
    """Return whether the text has at most `budget` estimated tokens; cheap where it is sure."""
    if _MAX_PER_CHARACTER * len(text) <= budget:
        return True
    # What stands between blanks costs a token at least.
    return len(text.split()) <= budget and estimate_tokens(text) <= budget


def cut_to_tokens(text: str, budget: int, mark: str) -> str:
    """Return the text, or its beginning and the mark, in at most `budget` estimated tokens.

    The cut never splits a piece, so no character is broken. Without room for the mark, the result
    is empty.
    """
    if fits(text, budget):
        return text
    room = budget - estimate_tokens(mark)
    if room <= 0:
        return ""
    end = 0
    for found in _PIECE.finditer(text):
        piece = found.group()
        if piece == " ":  # costs nothing, and is not where a cut ends
            continue
        room -= _cost(piece)
        if room < 0:
            break
        end = found.end()
    return text[:end].rstrip() + mark


def _cost(piece: str) -> int:
    first = piece[0]
    if first.isascii() and first.isalpha():
        return 1 if len(piece) <= _WHOLE_WORD_LETTERS else -(-len(piece) // 5)
    if first.isascii() and first.isdigit():
        return -(-len(piece) // 3)
    if piece.isspace():
        # One blank belongs to the word after it; longer runs and line ends are tokens.
        return 0 if piece == " " else 1 + len(piece) // 16
    return 1 if first.isascii() else len(first.encode("utf-16-le")) // 2
