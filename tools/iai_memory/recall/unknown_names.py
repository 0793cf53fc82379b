"""Whether a question names somebody or something that no memory has.

A name is known by its capital within a sentence. Two languages differ:

- German nouns have one too. A name there is what follows a verb in the singular without an article
  ("Wo arbeitet Jürgen?"), which a noun hardly does, or what comes behind "von" at the end.
- Turkish questions begin with what they are about ("Hasan ne yetiştiriyor?"), so the first word
  counts too, unless it is a function word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import regex

from ..store.candidate import Candidate
from ..text.analyzer import query_terms
from ..text.calendar import MONTH, WEEKDAY
from ..text.languages import Languages, detect
from ..text.stemming import is_stop_word

_DATE: Final = re.compile(rf"(?:{MONTH}|{WEEKDAY})s?", re.I)
# A capital inside a sentence, or a word with an underscore or with letters and digits.
_NAME: Final = regex.compile(
    r"(?<=[\s\"'(])\p{Lu}[\w\u2019-]*\p{Ll}\w*"
    r"|\b(?=\w*[A-Za-z])(?=\w*[\d_])\w{3,}"
)
_FIRST_WORD: Final = regex.compile(r"\s*(\p{Lu}\p{Ll}\w*)(?!\w)")

_STRONG: Final = (
    "war|kann|will|mag|soll|muss|darf|wei\u00df|ging|kam|sah|las|a\u00df|trank|schrieb|fuhr|rief"
    "|lief|sprach|nahm|gab|fand|blieb|hie\u00df|zog"
)
_NO_VERB: Final = (
    "mit|seit|statt|nicht|jetzt|oft|laut|samt|erst|fast|dort|selbst|zuletzt|zuerst|insgesamt"
    "|vielleicht|bereit|gut|weit|kostet|gibt|bedeutet"
)
_GERMAN_NAME: Final = regex.compile(
    rf"\b(?i:(?!(?:{_NO_VERB})\b)(?:\p{{L}}+t|{_STRONG}))\s+(\p{{Lu}}\p{{Ll}}[\w-]*)"
    r"|\b\p{Lu}\w+\s+von\s+(\p{Lu}\p{Ll}[\w-]*)\s*[?.]?$"
)
# Somebody else is asked for, so what follows the verb is an object: Wer trinkt Kaffee?
_ASKS_FOR_SUBJECT: Final = regex.compile(r"\s*(?:wer|welche[rs]?|was\s+f\u00fcr)\b", regex.I)
# A few words prove no language, so "Wer trinkt Kaffee?" is detected as English.
_ASKS_IN_GERMAN: Final = regex.compile(
    r"\s*(?:wer|wem|wen|wessen|wo|woher|wohin|wann|wie|wieso|warum|welche[nmrs]?"
    r"|was\s+(?:ist|hat|mag|kann|will|gibt|macht|kostet|i(?:ss|\u00df)t|trinkt|braucht|hei\u00dft|sagt))\b",
    regex.I,
)
_NOUN_ENDINGS: Final = ("ung", "heit", "keit", "schaft", "tion", "t\u00e4t", "tum", "nis")


def names_only_unknown(question: str, candidates: Sequence[Candidate]) -> bool:
    """Return whether the question names something, and no candidate has a term of those names.

    Dates are no names.
    """
    languages = detect(question)
    latin = languages.latin
    if latin == "german" or (latin == "english" and _ASKS_IN_GERMAN.match(question)):
        names = list(_german_names(question))
        # A noun all the same may be part of another one: Milch of Milchpreis.
        if any(_is_part(name, one.record.text) for name in names for one in candidates):
            return False
    else:
        names = [name for name in _names(question, languages) if not _DATE.fullmatch(name)]
    terms = {term for name in names for term in query_terms(name)}
    return bool(terms) and not any(one.has_term(term) for one in candidates for term in terms)


def _names(question: str, languages: Languages) -> Iterator[str]:
    yield from _NAME.findall(question)
    if languages.latin == "turkish":
        first = _FIRST_WORD.match(question)
        if first and not is_stop_word(first[1], languages):
            yield first[1]


def _german_names(question: str) -> Iterator[str]:
    if not _ASKS_FOR_SUBJECT.match(question):
        found = (after or of for after, of in _GERMAN_NAME.findall(question))
        yield from (name for name in found if not name.endswith(_NOUN_ENDINGS))


def _is_part(name: str, text: str) -> bool:
    return name.removesuffix("s").casefold() in text.casefold()
