"""Legibility: how far the embedding model can read a text, 0..1.

The cosines of a text that a model cannot read are noise, and scaled from lowest to highest they
would outweigh the words that match. An English model has most English words as one piece of its
vocabulary. It spells other languages in Latin script in pieces of two or three letters, so that its
cosines still say a third as much; of other scripts it knows single letters, or nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..embedding.encoder import Encoder, Piece
from ..text.languages import STOP_WORDS

UNREAD: Final = 0.1
"""Below this the model is not used for a question: its cosines are worth less than nothing."""

HALF_READ: Final = 0.5
"""From here on the model tells how near a text is; below, words count more."""

_HEAD_CHARACTERS: Final = 160
_OTHER_SCRIPT_CHARACTERS: Final = 60
_CACHED_TEXTS: Final = 20_000  # about 2 MB
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
# Names in code, paths and addresses are of no language.
_IN_CODE: Final = re.compile(r"[A-Za-z0-9][_/\\.:=][A-Za-z0-9_]|[a-z][A-Z]|[A-Za-z][0-9]")
_ENGLISH: Final = STOP_WORDS["english"]
_OTHER: Final = frozenset(
    word for words in STOP_WORDS.values() for word in words - _ENGLISH if len(word) > 1
)
# A text of few pieces is taken for English until it has more: two usual pieces are added.
_USUAL_PIECE: Final = 4.4
_PRIOR_PIECES: Final = 2

_SURE: Final = 0.27
"""Share of English function words, less others', that no text of another language was seen with."""


@dataclass(frozen=True, slots=True)
class _EnglishLogit:
    """A logistic regression: is a text in Latin script English?

    Fitted on 3,000 questions and paragraphs in English, German, Spanish, and English chat and
    coding turns. Of 840 each in German and Spanish 2 and 1 in 100 are above -1; of 2,000 in English
    one in 300 is below 0.5, exclamations without any word of either kind.
    """

    piece: float = 2.51
    english: float = 7.42
    other: float = -7.78
    accented: float = -2.92
    bias: float = -9.31


_LOGIT: Final = _EnglishLogit()
_NOT_ENGLISH: Final = -2.5
_IS_ENGLISH: Final = 0.5

_MOST_FOREIGN: Final = 0.45
"""Legibility of German and Spanish. Retrieval of their paragraphs is the same from .25 to .5, nDCG
.947 to .953 and .959 to .961; without the model .921 and .955, with its cosines at full weight .903
and .901. Sessions of our own, whose questions use other words, want it higher rather than lower."""

_LEAST_FOREIGN: Final = 0.05
_SHORT_WORDS: Final = 3
_LEAST_SHORT: Final = 0.75
_PER_LETTER: Final = 0.5  # in Vietnamese pieces have 1.9 letters, in Polish 2.1, in German 2.7
_SPELLED: Final = 1.8

_known: dict[tuple[int, str], float] = {}


def legibility(text: str, encoder: Encoder | None) -> float:
    """Return how far the encoder's model can read a text, by its first 160 characters; 0..1.

    1 is English to an English model, and to a multilingual one whatever its vocabulary has. 0 is a
    script of which it has no words, emoji, and any text without a model. Code alone is 1. Takes at
    most a tenth of a millisecond, and a microsecond for a text seen before.
    """
    return legibility_of_each([text], encoder)[0]


def legibility_of_each(texts: Iterable[str], encoder: Encoder | None) -> list[float]:
    """Return the same of each of several texts."""
    if encoder is None:
        return [0.0 for _ in texts]
    model, found = encoder.identity.key, list[float]()
    for text in texts:
        head = text[:_HEAD_CHARACTERS]
        key = (hash(head), model)
        value = _known.get(key)
        if value is None:
            if len(_known) >= _CACHED_TEXTS:
                _known.clear()
            value = _known[key] = _measured(head, encoder)
        found.append(value)
    return found


def release_legibility() -> None:
    """Free the memory of the texts that were measured."""
    _known.clear()


def _measured(head: str, encoder: Encoder) -> float:
    head = head if head.isascii() else unicodedata.normalize("NFC", head)
    if not any(character.isalnum() for character in head):
        return 0.0
    said = head.split()
    if _IN_CODE.search(head):
        said = [word for word in said if not _IN_CODE.search(word)]
    spoken = " ".join(said)
    if len(encoder.identity.reads) > 1:
        return _share_read(encoder.pieces(spoken), by_letter=True)
    words = _WORD.findall(spoken.casefold().replace("\u2019", "'"))
    if not words:
        return 1.0
    english = sum(map(_ENGLISH.__contains__, words)) / len(words)
    other = sum(map(_OTHER.__contains__, words)) / len(words)
    if head.isascii() and english - other > _SURE:
        return 1.0
    # A few words prove nothing: "kubectl", "AWS SES" and "Zoë Kravitz" are spelled in letters too.
    # One word of another language's, as "ses" is French, proves nothing either; an accent that is
    # not in a name does.
    accents = any(word.islower() and not word.isascii() for word in _WORD.findall(spoken))
    is_short = len(words) <= _SHORT_WORDS and not accents and (head.isascii() or not other)
    least = _LEAST_SHORT if is_short and other * len(words) <= 1 else 0.0
    # Of a script that it has letters of, each letter is a piece: fewer of them say as much.
    is_latin = spoken.isascii() or 2 * sum(map(str.isascii, spoken)) > len(spoken)
    pieces = encoder.pieces(spoken if is_latin else spoken[:_OTHER_SCRIPT_CHARACTERS])
    accented = sum(not word.isascii() for word in words) / len(words)
    letters, count = sum(one.letters for one in pieces), sum(one.letters > 0 for one in pieces)
    usual = (letters + _PRIOR_PIECES * _USUAL_PIECE) / (count + _PRIOR_PIECES)
    logit = (
        _LOGIT.piece * usual
        + _LOGIT.english * english
        + _LOGIT.other * other
        + _LOGIT.accented * accented
        + _LOGIT.bias
    )
    is_english = min(1.0, max(0.0, (logit - _NOT_ENGLISH) / (_IS_ENGLISH - _NOT_ENGLISH)))
    spelled = _PER_LETTER * (letters / max(1, count) - _SPELLED)
    foreign = min(_MOST_FOREIGN, max(_LEAST_FOREIGN, spelled))
    read = _share_read(pieces, by_letter=False)
    return round(read * max(least, foreign + (1 - foreign) * is_english), 3)


def _share_read(pieces: list[Piece], *, by_letter: bool) -> float:
    """Return the share of letters in pieces that the vocabulary has as more than a letter.

    Args:
        pieces: Of the text.
        by_letter: Whether single letters of other scripts say something to the model.
    """
    letters = sum(one.letters for one in pieces)
    read = sum(
        one.letters
        for one in pieces
        if one.is_known and (by_letter or one.letters > 1 or one.text.isascii())
    )
    return read / letters if letters else 1.0
