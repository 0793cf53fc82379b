"""A question with its misspelt words spelled as the memories spell them.

"Where does Nikolas live?" is asked as "Where does Nicolas live?" where no memory says Nikolas, and
some say Nicolas. Everything after this reads the spelling of the memories: the searches, the
signals, who is asked about, and whether a name is unknown. No word that a memory has is replaced,
but for a few stored questions: a question of known words is asked as it stands.

Only plain words are judged, never numbers, versions, codes or parts of identifiers. A word that the
model has whole is spelled rightly ("hiking" where the memories say "biking"), but for names, which
people know by ear. In other languages than English, whose words the model has in pieces, only names
are judged: what differs there is mostly another form of a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Final

import regex

from ..embedding.encoder import Encoder
from ..store.reader import TableReader
from ..store.vocabulary import NearWord, Sought
from ..text.analyzer import Word, plain_words, readable_form
from ..text.calendar import MONTH, WEEKDAY
from ..text.languages import detect
from ..text.near_names import (
    MIN_LETTERS,
    edits,
    edits_allowed,
    first_sounds,
    is_near,
    romanised,
    sound_alike,
)
from ..text.stemming import is_stop_word, word_terms

_MOST_WORDS: Final = 200
"""Words of a question that are judged; a pasted text has more."""

_MOST: Final = 8
"""Of these, the words that are looked for."""

_STEMS: Final = 5
"""Near stems whose spelling in the memories is read, each in so many of them:"""
_TEXTS: Final = 3

_FEW: Final = 3
"""In so few stored questions a spelling may be the error itself: hosts store what is asked."""
_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f")

_LONG_NAME: Final = 5  # letters of a well-known name that may be an error for another one
_ALIKE: Final = 0.9
_BY_EDITS: Final = (0.7, 0.5, 0.4)
_LONG_NOUN: Final = 7  # letters; a shorter one has others beside it: Turm, Sturm
_WORD_LETTERS: Final = 5
_TWO_EDITS_OF_A_WORD: Final = 9
_SAME_BEGIN: Final = 2  # letters that no stemmer takes off
_LETTERS: Final = regex.compile(r"[\p{L}\p{M}]+")
_DATE: Final = re.compile(rf"(?:{MONTH}|{WEEKDAY})s?", re.I)


@dataclass(frozen=True, slots=True)
class Spelled:
    """A question in the spelling of the memories.

    Attributes:
        text: The question.
        changed: The words that it was asked with, each with that of the memories.
    """

    text: str
    changed: tuple[tuple[str, str], ...] = ()

    @property
    def certainty(self) -> float:
        """How far an answer holds for the words that were asked, 0..1; 1 where none was changed."""
        return min((_certainty(asked, known) for asked, known in self.changed), default=1.0)

    def note(self) -> str | None:
        """Return the sentence for the user; None where nothing was changed."""
        if not self.changed:
            return None
        pairs = ", ".join(f"{asked} was read as {known}" for asked, known in self.changed)
        return f"{pairs}, as memories spell it"


def respell(text: str, reader: TableReader, encoder: Encoder | None) -> Spelled:
    """Return the question in the spelling of the memories.

    Costs 0.1 ms where all words are known, and 0.5 ms a word that is not; without a snapshot a few
    ms, and a scan where a word is unknown.

    Raises:
        StoreFault: The store could not be read.
    """
    text = readable_form(text)
    judged = list(_judged(text))
    known = reader.known_terms({term for word, _ in judged for term in word.terms})
    untold = [one for one in judged if _is_untold(*one, known, reader)]
    unknown = list(islice(_doubtful(text, untold, encoder), _MOST)) if untold else []
    if not unknown:
        return Spelled(text)
    looked_for = {one.sought for one in unknown if one.kind is not _Kind.PAIR}
    near = reader.near_words(looked_for) if looked_for else {}
    changed = list[tuple[str, str]]()
    for one in reversed(unknown):
        meant = _as_known(one, near.get(one.sought, ()), reader, encoder)
        if meant is not None and meant != one.word.spelled:
            start, end = one.word.start, one.word.start + len(one.word.spelled)
            text = f"{text[:start]}{meant}{text[end:]}"
            changed.append((one.word.spelled, meant))
    return Spelled(text, tuple(dict.fromkeys(reversed(changed))))


def _is_untold(word: Word, kind: _Kind, known: Set[str], reader: TableReader) -> bool:
    """Return whether no memory has the word, or of a name at most a few stored questions."""
    terms = [term for term in word.terms if term in known]
    if not terms or kind not in (_Kind.NAME, _Kind.NOUN):
        return not terms
    texts = [reader.texts_of_few(term, _FEW) for term in terms]
    return all(of is not None and all(map(_is_question, of)) for of in texts)


def _is_question(text: str) -> bool:
    return text.rstrip().endswith(_QUESTION_MARKS)


class _Kind(Enum):
    """How a word is written, which says how far it may be from the one that is meant."""

    NAME = "a capital within a sentence"
    NOUN = "the same in German, whose nouns have one too"
    WORD = "any other word of English"
    PAIR = "two characters of a script without blanks: they are a name if ours spells them so"


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """A word of the question that may be misspelt.

    Attributes:
        word: As it was asked.
        spelled: The same romanised.
        kind: How it is written.
        is_well_known: Whether the model has it whole.
    """

    word: Word
    spelled: str
    kind: _Kind
    is_well_known: bool

    @property
    def sought(self) -> Sought:
        """What is looked for: a common word, or a well-known name, begins as it should."""
        return Sought(self.spelled, same_begin=self.kind is _Kind.WORD or self.is_well_known)


def _judged(text: str) -> Iterator[tuple[Word, _Kind]]:
    """Yield the words that are judged."""
    language = detect(text).latin
    for word in islice(plain_words(text), _MOST_WORDS):
        kind = None if word.is_stop else _kind_of(text, word, language)
        if kind is not None:
            yield word, kind


def _doubtful(
    text: str, words: Sequence[tuple[Word, _Kind]], encoder: Encoder | None
) -> Iterator[_Doubtful]:
    """Yield those of the words that may be misspelt; no word of English that the model has."""
    whole = set[tuple[int, int]]() if encoder is None else {*encoder.token_spans(text)}
    for word, kind in words:
        is_well_known = (word.start, word.start + len(word.spelled)) in whole
        if (kind is not _Kind.WORD or not is_well_known) and (plain := romanised(word.spelled)):
            yield _Doubtful(word, plain, kind, is_well_known)


def _kind_of(text: str, word: Word, language: str) -> _Kind | None:
    """Return how the word is written; None for one that is not judged."""
    spelled = word.spelled
    if spelled.upper() == spelled.lower():
        return _Kind.PAIR if len(spelled) == 2 else None
    if spelled.istitle() and not _begins_a_sentence(text, word.start):
        if len(spelled) < MIN_LETTERS - 1 or _DATE.fullmatch(spelled):
            return None
        return _Kind.NOUN if language == "german" else _Kind.NAME
    if spelled.isupper() and not text.isupper():
        return None  # a code, or an abbreviation
    is_word = language == "english" and spelled.isascii() and len(spelled) >= _WORD_LETTERS
    return _Kind.WORD if is_word else None


def _begins_a_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip()
    return not before or before[-1] in ".?!:\u2026\n\u00bf\u00a1"


def _as_known(
    one: _Doubtful, near: Sequence[NearWord], reader: TableReader, encoder: Encoder | None
) -> str | None:
    """Return the word of the memories that is most likely meant; None where there is none."""
    if one.kind is _Kind.PAIR:
        terms = word_terms(one.spelled, detect(""))
        return one.spelled.title() if reader.known_terms(set(terms)) else None
    near = [word for word in near if word.term not in one.word.terms]
    if one.sought.same_begin:
        most = edits_allowed(len(one.spelled)) + 1
        near = [word for word in near if word.distance <= most]
    spellings = Counter[str]()
    for word in near[:_STEMS]:
        spellings.update(_spellings_of(word, reader.texts_with(word.term, _TEXTS)))
    fitting = [
        (edits(one.spelled, plain), -count, known)
        for known, count in spellings.items()
        if _may_be_meant(one, known, plain := romanised(known), encoder)
    ]
    return min(fitting)[-1] if fitting else None


def _spellings_of(near: NearWord, texts: Sequence[str]) -> Iterator[str]:
    """Yield the words of some texts that are found by a term, but for function words."""
    begin = near.spelled[:_SAME_BEGIN]
    for text in texts:
        words = set(_LETTERS.findall(readable_form(text)))
        alike = [word for word in words if _plain(word).startswith(begin)]
        if alike:
            languages = detect(text)
            yield from (
                word
                for word in alike
                if near.term in word_terms(word, languages) and not is_stop_word(word, languages)
            )
        if near.term in text and near.term.upper() == near.term.lower():
            yield near.term


def _plain(word: str) -> str:
    return word.lower() if word.isascii() else romanised(word)


def _may_be_meant(one: _Doubtful, known: str, plain: str, encoder: Encoder | None) -> bool:
    """Return whether a word of the memories, romanised too, may be meant."""
    if one.spelled == plain:
        return True
    if not plain or not is_near(one.spelled, plain):
        return False
    distance = edits(one.spelled, plain)
    same_begin = _same_begin(one.spelled, plain)
    if one.kind is _Kind.WORD:
        most = 1 + (len(one.spelled) >= _TWO_EDITS_OF_A_WORD)
        return same_begin and distance <= most and not _is_other_form(one.spelled, plain)
    if known.islower() and known.upper() != known:
        return False  # a name has a capital in the memories too
    if one.kind is _Kind.NOUN:
        is_long = min(len(one.spelled), len(plain)) >= _LONG_NOUN
        return distance == 1 and (is_long or sound_alike(one.spelled, plain))
    if not one.is_well_known:
        return True
    if not same_begin or sound_alike(one.spelled, plain):
        return same_begin
    # Two well-known names are two people: Julian is not Julia.
    is_long = min(len(one.spelled), len(plain)) >= _LONG_NAME
    return distance == 1 and is_long and not _is_whole(known, encoder)


def _certainty(asked: str, known: str) -> float:
    """Return how likely one word is meant by another one, 0..1: chosen, not fitted."""
    one, other = romanised(asked), romanised(known)
    if one == other:
        return 1.0
    if sound_alike(one, other):
        return _ALIKE
    return _BY_EDITS[min(edits(one, other), len(_BY_EDITS)) - 1]


def _same_begin(one: str, other: str) -> bool:
    return first_sounds(one)[0] == first_sounds(other)[0]


def _is_whole(word: str, encoder: Encoder | None) -> bool:
    """Return whether the model has the word whole."""
    return encoder is not None and encoder.token_spans(word) == [(0, len(word))]


def _is_other_form(asked: str, known: str) -> bool:
    """Return whether two words may be forms of one: broaden and broader differ in their endings."""
    return asked[-1] != known[-1] and sorted(asked) != sorted(known)
