"""Features of a text for ranking, cached by text.

They are read in English, but for the end of a question and for what grants that somebody is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Final

from ..store.candidate import Candidate
from ..text.calendar import MONTH, WEEKDAY
from ..text.speakers import utterance

_CACHED_TEXTS: Final = 12_288  # as many as the snapshot keeps decoded; some 10 MB beside the texts
_CACHED_CHARACTERS: Final = 4_000  # a longer text would take the room of many

_TIME: Final = re.compile(
    rf"\b(?:yesterday|today|tomorrow|tonight|recently|last|next|ago|weeks?|weekend|months?|years?|"
    rf"(?!may\b){MONTH}|{WEEKDAY}|(?:19|20)\d\d)\b",
    re.I,
)
# A capital inside a sentence; looking behind it, `re` skips to the capitals.
_NAME: Final = re.compile(r"[A-Z](?<=[a-z,] [A-Z])[a-z]{2,}")
_TITLE: Final = re.compile(r"[\"\u201c\u00ab]")
_NUMBER: Final = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|once|twice|several|couple|few|"
    r"dozen)\b",
    re.I,
)
_OPENING: Final = 500  # characters in which a turn says what it agrees to
# The assistant gives in: what the user objected to or proposed is what holds from then on.
_AGREES: Final = re.compile(
    r"\b(?:you're (?:\w+ )?right|you are (?:\w+ )?right|good (?:point|catch|call)|great question"
    r"|du hast (?:\w+ )?recht|sie haben (?:\w+ )?recht|guter (?:punkt|einwand|hinweis)"
    r"|tienes? (?:\w+ ){0,2}raz\u00f3n|buen punto|buena observaci\u00f3n"
    r"|tu as (?:\w+ )?raison|vous avez (?:\w+ )?raison|bonne remarque|bien vu"
    r"|hai (?:\w+ )?ragione|(?:voc\u00ea tem|tens) (?:\w+ )?raz\u00e3o|je hebt (?:\w+ )?gelijk)\b"
    r"|[\u4f60\u60a8]\u8bf4\u5f97\u5bf9",
    re.I,
)
_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f")  # Latin, fullwidth, Arabic


class Features:
    """The features of one text; those that only some questions need are read at first use.

    Attributes:
        speaker: The name in front of the text; None where there is none.
        words: The text without the speaker's name.
        is_question: Whether the text ends with a question mark.
    """

    def __init__(self, text: str) -> None:
        """Read the speaker, and whether the text is a question."""
        said = utterance(text)
        self.speaker = said.speaker
        self.words = said.words
        self.is_question = text.rstrip().endswith(_QUESTION_MARKS)

    @cached_property
    def has_time(self) -> bool:
        """Whether the words name a time."""
        return _TIME.search(self.words) is not None

    @cached_property
    def has_name(self) -> bool:
        """Whether the words have a name inside a sentence, or a quoted title."""
        return _TITLE.search(self.words) is not None or _NAME.search(self.words) is not None

    @cached_property
    def has_number(self) -> bool:
        """Whether the words have a number, in digits or spelled out."""
        return _NUMBER.search(self.words) is not None

    @cached_property
    def agrees(self) -> bool:
        """Whether the words grant that somebody is right."""
        return _AGREES.search(self.words, 0, _OPENING) is not None


def features_of(candidates: Iterable[Candidate]) -> list[Features]:
    """Return the features of each candidate's text; those of short ones are kept until released."""
    return [
        _cached(text) if len(text := one.record.text) <= _CACHED_CHARACTERS else Features(text)
        for one in candidates
    ]


def release_features() -> None:
    """Free the memory of the features that were kept."""
    _cached.cache_clear()


_cached = lru_cache(maxsize=_CACHED_TEXTS)(Features)
