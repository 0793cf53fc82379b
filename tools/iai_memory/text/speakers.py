"""The speaker of a text that begins with a name: "Ann: we ship on Friday"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Self

from .languages import STOP_WORDS

_NAMED_SHARE: Final = 0.5

# One to three capitalised names before a colon and a blank, at the very start.
_SPEAKER: Final = re.compile(r"\s*((?:[^\W\d_a-zß-ÿ][\w.'\u2019-]{0,30}\s?){1,3}):[ \t]+(?=\S)")

_POSSESSIVE: Final = re.compile(r"['\u2019]s\b")


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text, split into speaker and words.

    Attributes:
        speaker: The name in front; None where there is none.
        words: The text without that name.
    """

    speaker: str | None
    words: str


def utterance(text: str) -> Utterance:
    """Split a name and a colon off the front of a text; any other text stays whole."""
    match = _SPEAKER.match(text)
    if match is None:
        return Utterance(None, text)
    return Utterance(match.group(1).strip(), text[match.end() :])


def is_conversation(speakers: Collection[str | None]) -> bool:
    """Return whether more than half of some texts name a speaker; `speakers` is one a text."""
    named = sum(speaker is not None for speaker in speakers)
    return named > len(speakers) * _NAMED_SHARE


def subject(query: str, speakers: Collection[str]) -> str | None:
    """Return the one speaker whom the query is about; None for nobody, or for several together.

    Of several names it is the first that is no mere owner: "what does Ann think of Bob's plan?" is
    about Ann. "What do Ann and Bob share?" is about both. Accents make no difference, and capitals
    none in a query without any; but a function word is no name then ("what will we do?").
    """
    read = _Reading.of(query)
    found = sorted(
        (match.start(), match.end(), name)
        for name in speakers
        for match in re.finditer(read.name(name), read.query)
    )
    names = list(dict.fromkeys(name for _, _, name in found))
    if len(names) < 2:
        return names[0] if names else None
    anybody = "|".join(map(read.name, names))
    if re.search(rf"(?:{anybody}),? (?:and|or|&) (?:{anybody})", read.query):
        return None
    others = [name for _, end, name in found if not _POSSESSIVE.match(query, end)]
    return others[0] if others else None


def in_first_person(query: str, speaker: str) -> str:
    """Return the query in the speaker's own words, with "I" and "my" in place of the name."""
    read = _Reading.of(query)
    pieces, done = list[str](), 0
    for match in re.finditer(rf"{read.name(speaker)}({_POSSESSIVE.pattern})?", read.query):
        pieces += [query[done : match.start()], "my" if match[1] else "I"]
        done = match.end()
    return "".join([*pieces, query[done:]])


@dataclass(frozen=True, slots=True)
class _Reading:
    """A query as names are looked for in it; its characters stand where they stood.

    Attributes:
        query: Without accents, and in small letters where it has no others.
        is_small: Whether it has no capitals.
    """

    query: str
    is_small: bool

    @classmethod
    def of(cls, query: str) -> Self:
        small = query == query.lower()
        return cls("".join(map(_bare, query)), small)

    def name(self, name: str) -> str:
        """Return the pattern of a name; for a function word in small letters one never found."""
        bare = "".join(map(_bare, name))
        if self.is_small:
            bare = bare.lower()
            if bare in STOP_WORDS["english"]:
                return "(?!)"
        return rf"(?<!\w){re.escape(bare)}(?!\w)"


def _bare(letter: str) -> str:
    """Return a letter without its accent."""
    return letter if letter.isascii() else unicodedata.normalize("NFD", letter)[0]
