"""The stems of one word, without accents, and whether it is a stop word."""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from functools import cache
from typing import Final

import regex
import Stemmer

from .languages import DEFAULTS, STOP_WORDS, Languages, language_of

MAX_TERM: Final = 64
_DIGEST_CHARACTERS: Final = 16
_WORD: Final = regex.compile(r"[\p{L}\p{M}]+")
_CONTRACTED: Final = regex.compile(r"[\p{L}\p{M}]+(?:['\u2019][\p{L}\p{M}]+)+")
_APOSTROPHE: Final = regex.compile(r"['\u2019]")
# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic, enclosing marks. In
# Cyrillic a breve or two dots make another letter, so they stay.
_ACCENT: Final = regex.compile(
    r"(?<![иі])[\u0300-\u036F]|[\u0591-\u05C7\u064B-\u065F\u0670\u20D0-\u20FF\uFE00-\uFE0F]"
)
_UNDECOMPOSED: Final = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe",
}  # fmt: skip
_BARE: Final = str.maketrans(_UNDECOMPOSED)
_HAS_UNDECOMPOSED: Final = regex.compile(f"[{''.join(_UNDECOMPOSED)}]")
_FOREIGN_DIGIT: Final = regex.compile(r"[\p{Nd}--[0-9]]", regex.V1)
# Applied after stemming, because the stemmer needs the original letters.
_ARABIC_LETTERS: Final = str.maketrans("أإآىیةک", "اااييهك")
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_lock = threading.Lock()


def is_word(chunk: str) -> bool:
    """Return whether the chunk consists of letters and is not CamelCase."""
    cased = chunk in (chunk.lower(), chunk.upper(), chunk.title())
    return cased and _WORD.fullmatch(chunk) is not None


def is_contracted(chunk: str) -> bool:
    """Return whether the chunk is words joined by apostrophes."""
    return _CONTRACTED.fullmatch(chunk) is not None


def is_stop_word(chunk: str, languages: Languages) -> bool:
    """Return whether the chunk is a function word of the text's language."""
    word = chunk.casefold().replace("\u2019", "'")
    language = language_of(word, languages)
    return language is not None and word in STOP_WORDS.get(language, ())


def contracted_terms(chunk: str, languages: Languages) -> tuple[str, ...]:
    """Return the terms of `Caroline's` or `l'homme`, without the parts of one or two letters."""
    parts = _APOSTROPHE.split(chunk)
    words = [part for part in parts if len(part) > 2] or parts
    return tuple(dict.fromkeys(term for word in words for term in word_terms(word, languages)))


def longest_part(chunk: str) -> str:
    """Return the word itself of one that is contracted: Caroline's, l'homme."""
    parts: list[str] = _APOSTROPHE.split(chunk)
    return max(parts, key=len)


def word_terms(word: str, languages: Languages) -> tuple[str, ...]:
    """Return the stem of the word in its language, and in the default language of its script.

    The second lets texts match whose languages were detected differently. A word of a script
    without stemmer, or with digits, is its own term.
    """
    lowered = word.casefold()
    surface = without_accents(lowered)
    common, language = language_of(lowered, DEFAULTS), language_of(lowered, languages)
    if common is None or language is None or not _is_stemmable(surface):
        return (bounded_term(surface),) if surface else ()
    stems = [_stem(surface, common)]
    if language != common:
        stems.append(without_accents(_stem(lowered, language)))
    if language == "german":
        stems.append(_stem(without_accents(lowered.translate(_UMLAUTS)), common))
    return tuple(dict.fromkeys(bounded_term(term.translate(_ARABIC_LETTERS)) for term in stems))


def _is_stemmable(surface: str) -> bool:
    return len(surface) <= MAX_TERM and _WORD.fullmatch(surface) is not None


def without_accents(word: str) -> str:
    """Return a case-folded word without accents; marks that make another letter or vowel stay."""
    if word.isascii():
        return word
    bare = _ACCENT.sub("", unicodedata.normalize("NFD", word))
    plain = unicodedata.normalize("NFC", bare)
    # A search costs a whole text less than a translation letter by letter.
    spelled = plain.translate(_BARE) if _HAS_UNDECOMPOSED.search(plain) else plain
    return str(_FOREIGN_DIGIT.sub(_ascii_digit, spelled))


def _ascii_digit(found: regex.Match[str]) -> str:
    # Python may know fewer digits than `regex`, whose Unicode is newer.
    digit = str(found[0])
    return str(unicodedata.decimal(digit, digit))


def bounded_term(term: str) -> str:
    """Return the term, with its tail hashed if it is too long: different terms stay different."""
    if len(term) <= MAX_TERM:
        return term
    digest = hashlib.blake2b(term.encode("utf-8"), digest_size=_DIGEST_CHARACTERS // 2)
    return f"{term[: MAX_TERM - _DIGEST_CHARACTERS - 1]}~{digest.hexdigest()}"


def _stem(word: str, language: str) -> str:
    # A stemmer keeps its word between its steps, so only one thread may use it at a time.
    with _lock:
        stemmed: str = _stemmer(language).stemWord(word)
    return stemmed or word


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    # Without a cache of its own: the analyzer caches whole chunks already.
    return Stemmer.Stemmer(language, 0)
