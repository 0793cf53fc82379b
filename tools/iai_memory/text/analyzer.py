"""Terms of a text: it is cut into chunks by script, and each chunk into its terms.

A word gives its stem. An identifier, path, version or address gives itself and its parts. Scripts
that write no blanks between words give single characters and pairs. An emoji is a term.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import regex

from .identifiers import identifier_terms
from .languages import Languages, detect
from .stemming import (
    bounded_term,
    contracted_terms,
    is_contracted,
    is_stop_word,
    is_word,
    longest_part,
    word_terms,
)

MAX_QUERY_TERMS: Final = 256
_CACHED_CHARACTERS: Final = 64
_CACHED_CHUNKS: Final = 20_000

_PAIRED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー々〆"
_CLUSTERED: Final = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_SPELLED: Final = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_PAIRED}{_CLUSTERED}]]"
_CHUNK: Final = regex.compile(
    rf"""
    (?P<emoji> \p{{RI}}\p{{RI}}
      | [\p{{ExtPict}}--[©®]] [\uFE0F\p{{EMod}}\U000E0020-\U000E007F]*
        (?: \u200D \p{{ExtPict}} [\uFE0F\p{{EMod}}]* )* )
    | (?P<paired> [{_PAIRED}]+ )
    | (?P<clustered> [{_CLUSTERED}]+ )
    | (?P<spelled> {_SPELLED}+
        (?: (?: [-./\\:@'\u2019&=%+~\#?]+ | (?<=\p{{N}}),(?=\p{{N}}{{3}}) ) {_SPELLED}+ )*
        (?: \+\+ | \# )? )
    """,
    regex.V1 | regex.VERBOSE,
)
# A syllable of Thai, Lao, Khmer or Burmese: a letter and the signs before, under and after it.
_CLUSTER: Final = regex.compile(
    r"[เ-ไເ-ໄ]?\p{L}(?:[\u17D2\u1039]\p{L}|[\p{M}ะาๅະາ])*|\p{N}+", regex.V1
)
# Soft hyphens, joiners between letters, direction marks: the same text has them in one place and
# lacks them in another.
_INVISIBLE: Final = regex.compile(
    r"[\u00AD\u0640\u200C\u200E\u200F\u202A-\u202E\u2060\u2066-\u2069\uFEFF]"
    r"|(?<=[\p{L}\p{M}])\u200D"
)
_EMOJI_DETAIL: Final = regex.compile(r"[\uFE0F\p{EMod}]|\u200D[♀♂]")
_EMOJI_TAGS: Final = regex.compile(r"[\U000E0020-\U000E007F]+")


def document_terms(text: str) -> list[str]:
    """Return the terms of a stored text, in its order and as often as it has them.

    No term is empty, has white space or is longer than `MAX_TERM` characters. Stop words are terms
    too, since a question may consist of them, but each is listed once: BM25 counts the length of a
    text, and stop words should not make it longer.
    """
    found: list[str] = []
    stops: set[tuple[str, ...]] = set()
    for is_stop, terms in _analysed(text, query=False):
        if is_stop and terms in stops:
            continue
        if is_stop:
            stops.add(terms)
        found += terms
    return found


def query_terms(text: str) -> list[str]:
    """Return the terms that a question searches for, each once, at most `MAX_QUERY_TERMS`.

    Stop words of its language are left out, unless it consists of them. The terms of a one-word
    question are among those of the same word in a stored text.
    """
    found = list(_analysed(text, query=True))
    content = [terms for is_stop, terms in found if not is_stop and terms]
    chosen = content or [terms for _, terms in found]
    return list(dict.fromkeys(term for terms in chosen for term in terms))[:MAX_QUERY_TERMS]


class Word(NamedTuple):
    """A plain word of a text: letters alone, no part of an identifier.

    Attributes:
        spelled: As the text has it, without `'s`.
        start: Where it begins.
        terms: By which texts with the word are found.
        is_stop: Whether it is a function word.
    """

    spelled: str
    start: int
    terms: tuple[str, ...]
    is_stop: bool


def readable_form(text: str) -> str:
    """Return the text as it is cut into words: without invisible signs, in Unicode's form NFKC."""
    return text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def plain_words(text: str) -> Iterator[Word]:
    """Yield the plain words of a text in its readable form.

    A run of a script without blanks between words gives each pair of its characters.
    """
    languages = detect(text)
    for match in _CHUNK.finditer(text):
        chunk, start = match[0], match.start()
        if match.lastgroup == "paired":
            for at, pair in enumerate(map("".join, pairwise(chunk)), start):
                yield Word(pair, at, (pair,), is_stop=False)
        elif match.lastgroup == "spelled" and (is_word(chunk) or is_contracted(chunk)):
            is_stop, terms = _known(chunk, languages)
            part = longest_part(chunk)
            yield Word(part, start + chunk.index(part), terms, is_stop)


def identifiers(text: str) -> Iterator[str]:
    """Yield each identifier, path or address of a text."""
    for match in _CHUNK.finditer(readable_form(text)):
        chunk = match[0]
        if match.lastgroup == "spelled" and not is_word(chunk) and not is_contracted(chunk):
            yield chunk


def _analysed(text: str, *, query: bool) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Yield for each chunk of the text whether it is a stop word, and its terms."""
    text = readable_form(text)
    languages = detect(text)
    for match in _CHUNK.finditer(text):
        kind, chunk = match.lastgroup, match[0]
        if kind == "spelled":
            known = _known if len(chunk) <= _CACHED_CHARACTERS else _spelled
            yield known(chunk, languages)
        elif kind == "emoji":
            yield False, _emoji(chunk)
        else:
            units = chunk if kind == "paired" else _CLUSTER.findall(chunk)
            yield False, _grams(units, query=query)


def _emoji(chunk: str) -> tuple[str, ...]:
    """Return the emoji without skin tone and sex, and the emoji that it is joined from."""
    whole = _EMOJI_DETAIL.sub("", chunk)
    parts = _EMOJI_TAGS.sub("", whole).split("\u200d")
    terms = dict.fromkeys([whole.replace("\u200d", ""), *parts])
    return tuple(bounded_term(term) for term in terms)


def _grams(units: Sequence[str], *, query: bool) -> tuple[str, ...]:
    """Return pairs of neighbours and single units; of a question, units only without pairs."""
    pairs = [first + second for first, second in pairwise(units)]
    return tuple(bounded_term(term) for term in (pairs if query and pairs else [*units, *pairs]))


def _spelled(chunk: str, languages: Languages) -> tuple[bool, tuple[str, ...]]:
    """Return whether a chunk of letters and digits is a stop word, and its terms."""
    if is_word(chunk):
        return is_stop_word(chunk, languages), word_terms(chunk, languages)
    if is_contracted(chunk):
        return is_stop_word(chunk, languages), contracted_terms(chunk, languages)
    return False, identifier_terms(chunk, languages)


_known = lru_cache(maxsize=_CACHED_CHUNKS)(_spelled)
