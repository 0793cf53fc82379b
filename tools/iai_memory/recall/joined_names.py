"""A question with the names of code that it says in words: "get user by ID" for getUserById.

The parts of such a name are found anyway; as the name, it counts for more than a text that has the
same words here and there. Case and separators make no difference: parseConfig, parse_config and
PARSE-CONFIG are one name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from ..store.reader import TableReader
from ..text.analyzer import identifiers
from ..text.languages import DEFAULTS
from ..text.stemming import is_stop_word, word_terms

_MOST_WORDS: Final = 4
_MIN_LETTERS: Final = 6
_JUDGED_WORDS: Final = 60
_TEXTS: Final = 3
# Words with one blank or hyphen between them; a comma ends what may be one name.
_RUN: Final = re.compile(r"(?<!\w)[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+)+(?!\w)")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
# Of a path or address; a file's name without its extension.
_PIECE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_MAY_BEGIN: Final = frozenset({"is", "has", "can", "should", "to", "on", "by", "not", "get", "do"})
"""Function words with which names begin: isEnabled, toString."""


class _Joined(NamedTuple):
    """Words of the question that may be one name.

    Attributes:
        term: Of the name.
        start: Where they begin in the question.
        end: Where they end.
    """

    term: str
    start: int
    end: int


def join_names(text: str, reader: TableReader) -> str:
    """Return the question with the names of code as memories write them.

    Costs 0.1 ms, without a snapshot a search by words.

    Raises:
        StoreFault: The store could not be read.
    """
    possible = list(_possible(text))
    known = reader.known_terms({one.term for one in possible}) if possible else set[str]()
    found = [one for one in possible if one.term in known]
    free = len(text)
    for one in sorted(found, key=lambda one: (-one.end, one.start)):
        if one.end <= free and (name := _name_of_code(one.term, reader)):
            text = f"{text[: one.start]}{name}{text[one.end :]}"
            free = one.start
    return text


def _possible(text: str) -> Iterator[_Joined]:
    """Yield each run of words that may begin a name, and ends with one that says something."""
    for run in _RUN.finditer(text):
        words = list(islice(_WORD.finditer(text, run.start(), run.end()), _JUDGED_WORDS))
        says = [not is_stop_word(word[0], DEFAULTS) for word in words]
        begins = [
            said or word[0].lower() in _MAY_BEGIN for said, word in zip(says, words, strict=True)
        ]
        for first in range(len(words)):
            for last in range(first + 1, min(first + _MOST_WORDS, len(words))):
                whole = "".join(word[0] for word in words[first : last + 1])
                if begins[first] and says[last] and len(whole) >= _MIN_LETTERS:
                    [term, *_] = word_terms(whole, DEFAULTS)
                    yield _Joined(term, words[first].start(), words[last].end())


def _name_of_code(term: str, reader: TableReader) -> str | None:
    """Return the name of code that has the term in a memory; None if it is a plain word there."""
    for text in reader.texts_with(term, _TEXTS):
        for chunk in identifiers(text):
            for piece in _PIECE.findall(chunk):
                if term in word_terms(piece.replace("-", "").replace("_", ""), DEFAULTS):
                    return str(piece)
    return None
