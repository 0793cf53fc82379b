"""Words that may be forms of one: by its ending, by a prefix, or as a part of a compound.

Stemmers know the endings of two dozen languages, each only where the language of a text was
detected. What is told here is cruder and of any language whose words are spelled in letters: two
words begin alike and their endings are short. Hebrew and Arabic write "the", "and", "in" as letters
before the word; German, Finnish or Hungarian write several words as one.
"""

from __future__ import annotations

from itertools import product, takewhile
from typing import Final

MIN_BEGIN: Final = 3
"""So many letters forms have in common at least."""

_MIN_PART: Final = 5  # letters of a word that may be part of a compound
_MIN_REST: Final = 3  # letters of the rest, which is a word too
# By letters in common: how many each of two words may have after them.
_ENDINGS: Final = {3: 1, 4: 3}
_LONGEST_ENDING: Final = 4
_LEAST_SHARE: Final = 0.55
_HEBREW: Final = ("\u0590", "\u05ff", frozenset("והבכלמש"))
_ARABIC: Final = ("\u0600", "\u06ff", frozenset("والبفك"))
_PREFIXED: Final = (_HEBREW, _ARABIC)
_LONGEST_PREFIX: Final = 3  # and in the house, of Arabic: three letters
_MIN_ROOT: Final = 3
_FINAL_LETTERS: Final = str.maketrans("ךםןףץ", "כמנפצ")
_ENDING_OF_ROOT: Final = 2


def without_prefixes(word: str) -> list[str]:
    """Return the word, and what is left of it without letters that may be a prefix; case-folded."""
    letters = next((set_ for first, last, set_ in _PREFIXED if first <= word[:1] <= last), None)
    found = [word]
    while letters and word[0] in letters and len(found) <= _LONGEST_PREFIX:
        word = word[1:]
        if len(word) < _MIN_ROOT:
            break
        found.append(word)
    return found


def likeness(asked: str, known: str) -> float:
    """Return how alike two case-folded words or stems are, in letters; 0 where they are no forms
    of one word.

    An ending costs half a letter each, so that the shortest one is nearest.
    """
    if asked == known:
        return float(len(asked))
    asked, known = asked.translate(_FINAL_LETTERS), known.translate(_FINAL_LETTERS)
    pairs = list(product(without_prefixes(asked), without_prefixes(known)))
    longest = _ENDING_OF_ROOT if len(pairs) > 1 else _LONGEST_ENDING
    return max(_alike(one, other, longest) for one, other in pairs)


def _alike(one: str, other: str, longest_ending: int) -> float:
    common = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    if common < MIN_BEGIN:
        return 0.0
    endings = len(one) - common, len(other) - common
    longest = min(longest_ending, _ENDINGS.get(common, _LONGEST_ENDING))
    if max(endings) > longest or common < _LEAST_SHARE * max(len(one), len(other)):
        return 0.0
    return common - sum(endings) / 2


def is_part(one: str, other: str) -> bool:
    """Return whether the shorter of two words is the begin or the end of the other one."""
    short, long = sorted((one, other), key=len)
    if len(short) < _MIN_PART or len(long) - len(short) < _MIN_REST:
        return False
    return long.startswith(short) or long.endswith(short)
