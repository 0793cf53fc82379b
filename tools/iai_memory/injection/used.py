"""Whether what a model said later used a memory that it had been given, or contradicts it.

It used one if it has words of it that few memories have, and that nobody said in the session
before: a number, an identifier or a name of it, two other words, or half of what was new in it.
Words show this, and no more: who paraphrases with other words uses a memory unseen. It contradicts
one if the evidence of `analysis.claims` between two sentences reaches what is right nine times out
of ten among neighbours; that evidence is English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal, NamedTuple

from ..analysis.claims import Corpus, EvidenceWeights, evidence
from ..recall.slots import may_end
from ..text.analyzer import document_terms, identifiers, plain_words, readable_form
from ..text.filler_words import FILLER_WORDS

Outcome = Literal["used", "contradicted", "not_used", "unclear"]
FEW: Final = 12
"""More memories of other sessions than these, and a word is no rare one."""

_TURNS_OF_A_USE: Final = 2
"""Each session that was given a memory may say its words again, and captures them."""

_ENOUGH: Final = 2.0
_WEIGHT_OF_PAIR: Final = 0.5  # two of a word's characters, in a script without blanks
_SURE: Final = 2.2
_MAX_CHARACTERS: Final = 20_000
_MAX_WORDS: Final = 300
_SHOWN_WORDS: Final = 5
_MANY_CAPITALS: Final = 1 / 3
_SENTENCE_BEGINS: Final = re.compile(r"(?:^|[.!?:\n]\s*[\"'(*_-]*\s*)$")
_HIRAGANA: Final = re.compile("[ぁ-ゟ]")  # between words more often than in one


class Use(NamedTuple):
    """The outcome for one memory, and words of it that came first in a later answer."""

    outcome: Outcome
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of the session."""

    at: datetime
    is_answer: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Word:
    spelled: str
    term: str
    weight: float


class Talk:
    """A session's turns, with the words of each."""

    def __init__(self, turns: Sequence[Turn], has_more_than: Callable[[str, int], bool]) -> None:
        """Read the turns.

        Args:
            turns: In their order.
            has_more_than: Says of a term whether more than so many memories have it.
        """
        self._turns = turns
        self._terms = [frozenset(document_terms(one.text[:_MAX_CHARACTERS])) for one in turns]
        self._has_more_than = has_more_than
        self._is_rare = dict[tuple[str, int], bool]()
        self._corpus = Corpus(one.text[:_MAX_CHARACTERS] for one in turns)

    def use_of(self, text: str, given_at: datetime, elsewhere: int = 0) -> Use:
        """Return what became of a memory.

        Args:
            text: Its text.
            given_at: When it was given.
            elsewhere: How often other sessions were given it at their prompts.
        """
        later = [n for n, turn in enumerate(self._turns) if turn.at >= given_at]
        answers = [n for n in later if self._turns[n].is_answer]
        if not answers:
            return Use("unclear")
        known = set[str]().union(*self._terms[: later[0]])
        new, words = self._words(text), dict[str, _Word]()
        rare = partial(self._rare, most=FEW + _TURNS_OF_A_USE * elsewhere)
        left = 0.0
        for number in later:
            if not self._turns[number].is_answer:
                known |= self._terms[number]
                continue
            unsaid = [word for word in new if word.term not in known and rare(word.term)]
            left = left or sum(word.weight for word in unsaid)
            words |= {one.term: one for one in unsaid if one.term in self._terms[number]}
        if any(self._contradicts(text, number) for number in answers):
            return Use("contradicted", _spelled(words))
        weight = sum(word.weight for word in words.values())
        if weight and weight >= min(_ENOUGH, left / 2):
            return Use("used", _spelled(words))
        return Use("not_used" if left else "unclear")

    def _rare(self, term: str, most: int) -> bool:
        """Return whether at most so many memories of other sessions have the term."""
        if (term, most) not in self._is_rare:
            own = sum(term in terms for terms in self._terms)
            self._is_rare[term, most] = not self._has_more_than(term, most + own)
        return self._is_rare[term, most]

    def _words(self, text: str) -> list[_Word]:
        """Return the content words of a memory, each once."""
        readable = readable_form(text[:_MAX_CHARACTERS])
        plain = [
            word
            for word in plain_words(readable)
            if not word.is_stop and word.terms and word.spelled.casefold() not in FILLER_WORDS
        ]
        capital = [word for word in plain if word.spelled[0].isupper()]
        # Where many words have a capital, as in German, none is a name for it.
        names = set[str]()
        if len(capital) <= len(plain) * _MANY_CAPITALS or len(plain) < len(capital) + 3:
            names = {
                one.spelled
                for one in capital
                if not _SENTENCE_BEGINS.search(readable[max(0, one.start - 8) : one.start])
            }
        found = dict[str, _Word]()
        for chunk in identifiers(readable):
            if len(chunk) > 1 and (terms := document_terms(chunk)):
                whole = max(terms, key=len)
                found.setdefault(whole, _Word(chunk, whole, _ENOUGH))
        for word in plain:
            pair = len(word.spelled) == len(word.terms[0]) == 2 and not word.spelled.isascii()
            if pair and _HIRAGANA.search(word.spelled):
                continue
            weight = _ENOUGH if word.spelled in names else _WEIGHT_OF_PAIR if pair else 1.0
            found.setdefault(word.terms[0], _Word(word.spelled, word.terms[0], weight))
        return list(found.values())[:_MAX_WORDS]

    def _contradicts(self, text: str, number: int) -> bool:
        answer = self._turns[number].text[:_MAX_CHARACTERS]
        if len(self._terms[number].intersection(document_terms(text[:_MAX_CHARACTERS]))) < 2:
            return False
        weights = EvidenceWeights()
        told, said = self._corpus.claims(text), self._corpus.claims(answer)
        parts = evidence(told, said, 0, self._corpus, weights)
        return parts is not None and sum(parts.values()) >= _SURE and may_end(answer, text)


def _spelled(words: dict[str, _Word]) -> tuple[str, ...]:
    heaviest = sorted(words.values(), key=lambda word: -word.weight)
    return tuple(word.spelled for word in heaviest[:_SHOWN_WORDS])
