"""Words that may be one name, spelled in two ways: typing errors, spelling by ear, other scripts.

Words are compared as `romanised` gives them: letters a to z alone.
"""

from __future__ import annotations

from typing import Final

from .stemming import without_accents

MIN_LETTERS: Final = 4
"""Shorter names have dozens of others within one edit: Dan, Jan, Ian, Dani."""

_TWO_EDITS: Final = 7
"""From so many letters on a name may differ by two edits."""

_THREE_EDITS: Final = 11
"""And from so many on by three, with most trigrams still in common."""

# Letters that are one sound: Katarina is Catarina, Filip is Philip, Jegor is Yegor.
_SOUNDS: Final = str.maketrans("cqpzyj", "kkfsii")


def romanised(word: str) -> str:
    """Return a word in the letters a to z; empty where it has others than letters.

    Accents go (Zoë, zoe), scripts are transliterated (Наталья, natalya; 北京, beijing).
    """
    plain = without_accents(word.casefold())
    if not plain.isascii():
        from anyascii import anyascii

        plain = anyascii(plain).casefold().replace("'", "").replace("dzh", "j")
    return plain if plain.isascii() and plain.isalpha() else ""


def edits_allowed(letters: int) -> int:
    """Return by how many edits two spellings of a name of so many letters may differ."""
    if letters < MIN_LETTERS:
        return 0
    return 1 + (letters >= _TWO_EDITS) + (letters >= _THREE_EDITS)


def edits(one: str, other: str) -> int:
    """Return the Damerau-Levenshtein distance: swapped neighbours are one edit."""
    from jellyfish import damerau_levenshtein_distance

    return damerau_levenshtein_distance(one, other)


def is_near(asked: str, known: str) -> bool:
    """Return whether two romanised words are within the edits allowed for the shorter one.

    By more than one edit only with the same first sound, which hardly anybody mistypes. A name of
    three letters may lack one.
    """
    allowed = edits_allowed(min(len(asked), len(known)))
    if len(asked) == MIN_LETTERS - 1 and len(known) == MIN_LETTERS:
        allowed = 1
    if not allowed or abs(len(asked) - len(known)) > allowed:
        return False
    begins = first_sounds(asked)[0] == first_sounds(known)[0]
    return edits(asked, known) <= (allowed if begins else 1)


def first_sounds(word: str) -> str:
    """Return the first two letters of a word of at least two, one for all of the same sound."""
    return word[:2].translate(_SOUNDS)


def sound_alike(one: str, other: str) -> bool:
    """Return whether two romanised words are pronounced alike in English: Jon and John.

    Metaphone (Philips, 1990) hears no vowels, but the last one tells Paula from Paul.
    """
    from jellyfish import metaphone

    one, other = one.replace("y", "i"), other.replace("y", "i")
    return _last_sound(one) == _last_sound(other) and metaphone(one) == metaphone(other)


def _last_sound(word: str) -> str:
    """Return the last letter that is heard, one for all letters of the same sound."""
    return (word.rstrip("eh") or word)[-1:].translate(_SOUNDS)
