"""Other forms of a question's words, by which memories may have them.

A stem finds the forms of a word in the languages that have a stemmer, where the language is known:
"verkon salasanat" alone is of none. Of a word that no memory has, the memories' words are asked
that begin alike, or are compounds with it: Finnish salasanat for salasana, German Vertragsfrist for
Frist. English is left out: its stems find what there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from ..store.reader import TableReader
from ..text.analyzer import Word, plain_words, readable_form
from ..text.languages import STOP_WORDS, spoken
from ..text.stemming import without_accents

_ENGLISH: Final = "english"
_MOST_WORDS: Final = 100
_MOST_UNKNOWN: Final = 8
_MOST_FORMS: Final = 3
_LOOKED_AT: Final = 12
_HEAD_CHARACTERS: Final = 200
_SEVERAL: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]+")
_ENGLISH_WORDS: Final = STOP_WORDS[_ENGLISH]


def word_forms(text: str, reader: TableReader) -> Mapping[str, tuple[str, ...]]:
    """Return the terms of other forms of the words that no memory has, by each term of the word.

    Costs 0.1 ms where all words are known, and a millisecond a word that is not.

    Args:
        text: The question; of one that is in English nothing is looked for.
        reader: Of the table.

    Raises:
        StoreFault: The store could not be read.
    """
    language = spoken(text)
    if language == _ENGLISH:
        return {}
    words = list(islice(_content(readable_form(text)), _MOST_WORDS))
    known = reader.known_terms({term for word in words for term in word.terms})
    unknown = {_plain(word): word for word in words if known.isdisjoint(word.terms)}
    unknown = dict(islice(unknown.items(), _MOST_UNKNOWN))
    near = reader.forms_of(unknown) if unknown else {}
    found: dict[str, tuple[str, ...]] = {}
    for plain, word in unknown.items():
        forms = (form for form in near[plain][:_LOOKED_AT] if _is_foreign(form, language, reader))
        if chosen := tuple(islice(forms, _MOST_FORMS)):
            found |= dict.fromkeys(word.terms, chosen)
    return found


def _content(text: str) -> Iterator[Word]:
    """Yield the words of letters that are no function words."""
    # Of a script without blanks between words each pair of characters counts as a word.
    return (word for word in plain_words(text) if not word.is_stop and len(word.spelled) > 2)


def _plain(word: Word) -> str:
    return without_accents(word.spelled.casefold())


def _is_foreign(term: str, asked: str | None, reader: TableReader) -> bool:
    """Return whether a text with the term is in another language than English.

    Where neither text nor question tells it, several words do that have an accent, or no function
    word of English.
    """
    for text in reader.texts_with(term, 1):
        language = spoken(text) or asked
        if language is not None:
            return language != _ENGLISH
        words = _WORD.findall(text[:_HEAD_CHARACTERS].casefold())
        has_english = not _ENGLISH_WORDS.isdisjoint(words) and all(map(str.isascii, words))
        return len(words) >= _SEVERAL and not has_english
    return False
