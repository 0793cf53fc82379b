"""What two sentences say of one subject, weighed for whether both can be true.

No model is asked. The weights are those of a logistic regression on the tuning half of the
longitudinal world (`tests/benchmarks/contradictions.py`), rounded. What a word tells depends on how
many texts have it; the endings, the tenses and the words for a change are English.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from ..text.filler_words import FILLER_WORDS
from ..text.speakers import utterance

MOST_SENTENCES: Final = 12
MOST_CHARACTERS: Final = 2_000

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD: Final = re.compile(r"[^\W_]+(?:[._:/'@-][^\W_]+)*")
_ENDINGS: Final = ("ings", "ing", "ies", "ed", "es", "s")
_NUMBER: Final = re.compile(r"\d[\d.,:]*")
_FIRST_PERSON: Final = re.compile(r"\b(?:I|my|me|mine|I'm)\b")
_CHANGE: Final = re.compile(
    r"\b(?:instead|no longer|any ?more|now|these days|from (?:here|now) on|as of|starting|since|"
    r"new|renamed|moved?|switch\w*|chang\w*|replac\w*|correct\w*|upgrad\w*|turn\w* out|wrong|"
    r"not)\b",
    re.I,
)
_EVENT: Final = re.compile(
    r"\b(?:yesterday|this morning|last (?:night|week)|ago|twice|over lunch|at the weekend|"
    r"on (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.I,
)
# A verb in the present: "is", or an ending of the third person behind what can be a subject.
_PRESENT: Final = re.compile(
    r"\b(?:is|are|am|has|have|'s|'m|'re)\b"
    r"|(?:\b[A-Z]\w+|\band|\bit|\bhe|\bshe|\bthat|\bwho) (?!was\b|does\b)[a-z]+(?<![sui])s\b"
    r"|\bI [a-z]+(?<!ed)\b"
)


@dataclass(frozen=True, slots=True)
class Weights:
    """What each piece of evidence counts; a sum of `least` and more is a candidate.

    Attributes:
        nearness: For each step of log(1 + rank) that other texts are nearer to one of the two.
        subject: The first name in one is in the other, or both begin with the same word.
        predicate: For each of up to two more words that both have.
        change: The later one has a word for a change.
        event: For each that tells a day: it tells of something that happened once.
        present: For each that tells what is.
        number: Both have numbers, and other ones.
        template: The share of the words' information that both have: much of it in common is a
            way of speaking, unless no more than one place differs.
        one_place: Only one place differs, and it is no number.
        least: On the tuning half three of four pairs with that much are right; 2.2 makes it nine of
            ten, and half as many are found.
    """

    nearness: float = -1.9
    subject: float = 2.4
    predicate: float = 1.0
    change: float = 1.05
    event: float = -1.7
    present: float = 0.75
    number: float = 0.9
    template: float = -11.0
    one_place: float = -5.9
    least: float = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence: its words, the stems of those that tell something, and the names among them."""

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    names: tuple[str, ...]


class Corpus:
    """How many texts have which stem, and which stems are names somewhere."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Counts them once."""
        self._holding: Counter[str] = Counter()
        self._names: set[str] = set()
        self._total = 0
        for text in texts:
            self._total += 1
            sentences = [_WORD.findall(sentence) for sentence in _sentences(text)]
            self._holding.update({_stem(word) for words in sentences for word in words})
            self._names |= {_stem(w) for words in sentences for w in words[1:] if w[0].isupper()}

    def claims(self, text: str) -> list[Claim]:
        """The sentences of a text that say anything."""
        return [claim for one in _sentences(text) if (claim := self._claim(one)).stems]

    def information(self, stems: Iterable[str]) -> float:
        """What the stems tell together, in nats: the fewer texts have one, the more."""
        return sum(math.log1p(self._total / max(1, self._holding[stem])) for stem in stems)

    def _claim(self, sentence: str) -> Claim:
        words = tuple(_WORD.findall(sentence))
        telling = [(at, word) for at, word in enumerate(words) if word.lower() not in FILLER_WORDS]
        return Claim(
            sentence,
            words,
            tuple(_stem(word) for _, word in telling),
            tuple(_stem(word) for at, word in telling if self._is_name(word, first=at == 0)),
        )

    def _is_name(self, word: str, *, first: bool) -> bool:
        if word[0].isupper():
            return not first or _stem(word) in self._names
        return not word[0].isdigit() and any(not char.isalpha() for char in word)


def evidence(
    older: Sequence[Claim], newer: Sequence[Claim], rank: int, corpus: Corpus, weights: Weights
) -> dict[str, float] | None:
    """What speaks for a contradiction between two texts and what against.

    None where they have no subject in common, or nothing but a subject: the same words of it, a
    word of change or another number make a claim comparable.

    Args:
        older: Claims of the text that was said first.
        newer: Of the other one.
        rank: How many texts are nearer to one of the two than they are to each other.
        corpus: Both come from it.
        weights: What each piece counts.
    """
    nearest = _most_in_common(older, newer, corpus)
    if nearest is None:
        return None
    one, other = nearest
    shared, all_of = {*one.stems} & {*other.stems}, {*one.stems} | {*other.stems}
    subject = _same_subject(one, other)
    if shared == all_of or not (subject or all(_has(_FIRST_PERSON, claim) for claim in nearest)):
        return None
    predicate = len(shared - {*one.names, *other.names, one.stems[0]})
    change, other_number = _has(_CHANGE, other), _other_number(one, other)
    if not (predicate or change or other_number):
        return None
    place = _one_place(one, other)
    share = corpus.information(shared) / corpus.information(all_of)
    return {
        "nearness": weights.nearness * math.log1p(rank),
        "same subject": weights.subject * subject,
        "same words": weights.predicate * min(2, predicate),
        "word of change": weights.change * change,
        "tells a day": weights.event * sum(_has(_EVENT, claim) for claim in nearest),
        "tells what is": weights.present * sum(_has(_PRESENT, claim) for claim in nearest),
        "other number": weights.number * other_number,
        "way of speaking": 0.0 if place else weights.template * share,
        "one place differs": weights.one_place * (place == "word"),
    }


def _sentences(text: str) -> list[str]:
    words = utterance(text).words[:MOST_CHARACTERS]
    return [part.strip(" .!?") for part in _SENTENCE.split(words) if part.strip(" .!?")][
        :MOST_SENTENCES
    ]


def _most_in_common(
    older: Sequence[Claim], newer: Sequence[Claim], corpus: Corpus
) -> tuple[Claim, Claim] | None:
    pairs = [(a, b) for a in older for b in newer if not {*a.stems}.isdisjoint(b.stems)]
    told = [corpus.information({*a.stems} & {*b.stems}) for a, b in pairs]
    return pairs[told.index(max(told))] if pairs else None


def _same_subject(one: Claim, other: Claim) -> bool:
    return (
        one.stems[0] == other.stems[0]
        or (bool(one.names) and one.names[0] in other.names)
        or (bool(other.names) and other.names[0] in one.names)
    )


def _one_place(one: Claim, other: Claim) -> str:
    """What stands in the only place where they differ: "number", "word"; else ""."""
    left, right = ([word.lower() for word in claim.words] for claim in (one, other))
    changes = [
        change
        for change in SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
        if change[0] != "equal"
    ]
    if len(changes) != 1 or changes[0][1] == 0:
        return ""
    _, start, end, other_start, other_end = changes[0]
    places = (left[start:end], right[other_start:other_end])
    return "number" if all(_NUMBER.search(" ".join(words)) for words in places) else "word"


def _other_number(one: Claim, other: Claim) -> bool:
    """Whether both have numbers, and not the same."""
    numbers = [set(_NUMBER.findall(claim.text)) for claim in (one, other)]
    return all(numbers) and numbers[0] != numbers[1]


def _has(pattern: re.Pattern[str], claim: Claim) -> bool:
    return pattern.search(claim.text) is not None


def _stem(word: str) -> str:
    lower = word.lower().removesuffix("'s")
    for ending in _ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) >= 3:
            return lower.removesuffix(ending)
    return lower
