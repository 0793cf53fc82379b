"""One word: its letters folded, its stems, and whether it is a stop word."""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from functools import cache
from typing import Final

import regex
import Stemmer

from .languages import COMMON, STOP_WORDS, Languages, language_of

MAX_TERM: Final = 64
_DIGEST_CHARACTERS: Final = 16
_WORD: Final = regex.compile(r"[\p{L}\p{M}]+")
_CONTRACTED: Final = regex.compile(r"[\p{L}\p{M}]+(?:['\u2019][\p{L}\p{M}]+)+")
_APOSTROPHE: Final = regex.compile(r"['\u2019]")
# Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic, enclosing marks; but
# Cyrillic letters that are written with a breve or two dots are others than those without.
_ACCENT: Final = regex.compile(
    r"(?<![иі])[\u0300-\u036F]|[\u0591-\u05C7\u064B-\u065F\u0670\u20D0-\u20FF\uFE00-\uFE0F]"
)
_ONE_LETTER_FOR_ANOTHER: Final = str.maketrans("øłđðı", "olddi")
# Only after stemming: the stemmer knows its letters better.
_ARABIC_LETTERS: Final = str.maketrans("أإآىیةک", "اااييهك")
_TWO_LETTERS_FOR_ONE: Final = str.maketrans({"þ": "th", "æ": "ae", "œ": "oe"})
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_lock = threading.Lock()


def is_word(chunk: str) -> bool:
    """Whether it is nothing but letters, and no two words written in one by CamelCase."""
    cased = chunk in (chunk.lower(), chunk.upper(), chunk.title())
    return cased and _WORD.fullmatch(chunk) is not None


def is_contracted(chunk: str) -> bool:
    """Whether it is words tied by apostrophes."""
    return _CONTRACTED.fullmatch(chunk) is not None


def is_stop_word(chunk: str, languages: Languages) -> bool:
    """Whether the text's language has it among its function words."""
    word = chunk.casefold().replace("\u2019", "'")
    language = language_of(word, languages)
    return language is not None and word in STOP_WORDS.get(language, ())


def contracted_terms(chunk: str, languages: Languages) -> tuple[str, ...]:
    """`Caroline's`, `l'homme`: the words without the letter or two that are tied to them."""
    parts = _APOSTROPHE.split(chunk)
    words = [part for part in parts if len(part) > 2] or parts
    return tuple(dict.fromkeys(term for word in words for term in word_terms(word, languages)))


def word_terms(word: str, languages: Languages) -> tuple[str, ...]:
    """The word's stem in its language, and its stem in the one that its script has in common.

    The second keeps texts together whose languages were detected differently. A word of another
    script, or with digits, is a term as it is.
    """
    lowered = word.casefold()
    surface = folded(lowered)
    common, language = language_of(lowered, COMMON), language_of(lowered, languages)
    if common is None or language is None or not _is_stemmable(surface):
        return (bounded(surface),) if surface else ()
    stems = [_stem(surface, common)]
    if language != common:
        stems.append(folded(_stem(lowered, language)))
    if language == "german":
        stems.append(_stem(folded(lowered.translate(_UMLAUTS)), common))
    return tuple(dict.fromkeys(bounded(term.translate(_ARABIC_LETTERS)) for term in stems))


def _is_stemmable(surface: str) -> bool:
    return len(surface) <= MAX_TERM and _WORD.fullmatch(surface) is not None


def folded(word: str) -> str:
    """A case-folded word without accents; marks that make another letter or vowel stay."""
    if word.isascii():
        return word
    bare = _ACCENT.sub("", unicodedata.normalize("NFD", word))
    plain = unicodedata.normalize("NFC", bare).translate(_ONE_LETTER_FOR_ANOTHER)
    spelled = plain.translate(_TWO_LETTERS_FOR_ONE)
    return "".join(str(unicodedata.decimal(character, character)) for character in spelled)


def bounded(term: str) -> str:
    """The term, its tail hashed where it is too long: equal ones stay equal, others differ."""
    if len(term) <= MAX_TERM:
        return term
    digest = hashlib.blake2b(term.encode("utf-8"), digest_size=_DIGEST_CHARACTERS // 2)
    return f"{term[: MAX_TERM - _DIGEST_CHARACTERS - 1]}~{digest.hexdigest()}"


def _stem(word: str, language: str) -> str:
    # A stemmer keeps its word between the steps, so threads must not share one at once.
    with _lock:
        stemmed: str = _stemmer(language).stemWord(word)
    return stemmed or word


@cache
def _stemmer(language: str) -> Stemmer.Stemmer:
    # No cache of its own: every word that is looked up twice was cached above it.
    return Stemmer.Stemmer(language, 0)
