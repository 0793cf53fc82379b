"""Evidence for and against a contradiction between two sentences about one subject.

No model is used. The weights are those of a logistic regression on the tuning half of the
longitudinal world (`tests/benchmarks/contradictions.py`), rounded; those of relations and denials
were set by hand. A word weighs by how few texts have it. Word endings and tenses are English.
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
from ..text.statements import statement_of

MAX_SENTENCES: Final = 12
MAX_CHARACTERS: Final = 2_000

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD: Final = re.compile(r"[^\W_]+(?:[._:/'@-][^\W_]+)*")
_ENDINGS: Final = ("ings", "ing", "ies", "ed", "es", "s")
_SINCE_VERSION: Final = re.compile(r"\bsince v\d", re.I)
_NUMBER: Final = re.compile(r"\d[\d.,:]*")


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """The weight of each piece of evidence, in log-odds.

    Attributes:
        nearness: Times log(1 + rank), where rank counts the texts that are nearer to one of the
            two than the other one is.
        subject: Once, if the first name in one is in the other, or both begin with the same word.
        predicate: For each of up to two more words that both have.
        change: Once, if the later one has a word for a change.
        event: For each sentence that names a day: it reports something that happened once.
        present: For each sentence in the present tense: it describes a state.
        number: Once, if both have numbers and they differ.
        template: Times the share of the words' information that both have. A large share is a
            common way of speaking, unless the sentences differ in a single place.
        one_place: Once, if they differ in a single place, it is not a number, and the later one has
            no word that ends another.
        relation: Once, if both tell where somebody lives, or works.
        denial: Once, if one of them is negated and has all words of the other. What else is
            against it, as days, counts for nothing then.
        threshold: The minimum sum of a candidate. On the tuning half three of four pairs that reach
            it are right; 2.2 makes it nine of ten, and finds half as many.
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
    denial: float = 2.4
    relation: float = 2.0
    threshold: float = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence.

    Attributes:
        text: The sentence.
        words: All of its words, in order.
        stems: Stems of its content words, those that are no stop words, in order.
        names: The stems among them that are names.
    """

    text: str
    words: tuple[str, ...]
    stems: tuple[str, ...]
    names: tuple[str, ...]


class Corpus:
    """Statistics of texts: in how many each stem occurs, and which stems are names in any."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Count the texts, each once per stem."""
        # Document frequencies: in how many texts each stem occurs.
        self._df: Counter[str] = Counter()
        self._names: set[str] = set()
        self._total = 0
        for text in texts:
            self._total += 1
            sentences = [_WORD.findall(sentence) for sentence in _sentences(text)]
            self._df.update({_stem(word) for words in sentences for word in words})
            self._names |= {
                _stem(word) for words in sentences for word in words[1:] if word[0].isupper()
            }

    def claims(self, text: str) -> list[Claim]:
        """Return the sentences of a text that have a content word."""
        return [claim for one in _sentences(text) if (claim := self._claim(one)).stems]

    def information(self, stems: Iterable[str]) -> float:
        """Return the information of the stems together, in nats: rare stems have more."""
        return sum(math.log1p(self._total / max(1, self._df[stem])) for stem in stems)

    def _claim(self, sentence: str) -> Claim:
        words = tuple(_WORD.findall(sentence))
        content = [(at, word) for at, word in enumerate(words) if word.lower() not in FILLER_WORDS]
        return Claim(
            sentence,
            words,
            tuple(_stem(word) for _, word in content),
            tuple(_stem(word) for at, word in content if self._is_name(word, first=at == 0)),
        )

    def _is_name(self, word: str, *, first: bool) -> bool:
        if word[0].isupper():
            return not first or _stem(word) in self._names
        return not word[0].isdigit() and any(not char.isalpha() for char in word)


def evidence(
    older: Sequence[Claim],
    newer: Sequence[Claim],
    rank: int,
    corpus: Corpus,
    weights: EvidenceWeights,
) -> dict[str, float] | None:
    """Return the weighted evidence by name: positive for a contradiction, negative against it.

    None where two texts share no subject, or share a subject and nothing that makes them
    comparable: a further word, a word for a change, or a different number.

    Args:
        older: Claims of the text that was said first.
        newer: Claims of the other text.
        rank: How many texts are nearer to one of the two than they are to each other.
        corpus: Statistics of all texts.
        weights: The weight of each piece.
    """
    pair = _closest_claims(older, newer, corpus)
    if pair is None:
        return None
    one, other = pair
    shared, either = {*one.stems} & {*other.stems}, {*one.stems} | {*other.stems}
    said = [statement_of(claim.text) for claim in pair]
    subject = _same_subject(one, other)
    if _is_denial(one, other):
        return {
            "nearness": weights.nearness * math.log1p(rank),
            "same subject": weights.subject * subject,
            "denies the other": weights.denial,
        }
    if shared == either or not (subject or all(told.is_of_speaker for told in said)):
        return None
    predicate = len(shared - {*one.names, *other.names, one.stems[0]})
    other_number = _numbers_differ(one, other)
    # "Now" alone, of the same person, may be said of anything.
    change = said[1].is_change and not (said[1].only_says_now and not predicate)
    if not (predicate or change or other_number):
        return None
    place = _only_difference(one, other)
    ends = said[1].ends_another or _SINCE_VERSION.search(other.text) is not None
    relation = not said[0].relations.isdisjoint(said[1].relations)
    share = corpus.information(shared) / corpus.information(either)
    return {
        "nearness": weights.nearness * math.log1p(rank),
        "same subject": weights.subject * subject,
        "same words": weights.predicate * min(2, predicate),
        "word of change": weights.change * change,
        "tells a day": weights.event * sum(told.tells_a_day for told in said),
        "tells what is": weights.present * sum(told.tells_what_is for told in said),
        "other number": weights.number * other_number,
        "way of speaking": 0.0 if place else weights.template * share,
        "one place differs": weights.one_place * (place == "word" and not ends),
        "same relation": weights.relation * relation,
    }


def _sentences(text: str) -> list[str]:
    words = utterance(text).words[:MAX_CHARACTERS]
    return [part.strip(" .!?") for part in _SENTENCE.split(words) if part.strip(" .!?")][
        :MAX_SENTENCES
    ]


def _closest_claims(
    older: Sequence[Claim], newer: Sequence[Claim], corpus: Corpus
) -> tuple[Claim, Claim] | None:
    """Return the two claims that share the most information; None where none share a stem."""
    pairs = [
        (one, other) for one in older for other in newer if not {*one.stems}.isdisjoint(other.stems)
    ]
    shared = [corpus.information({*one.stems} & {*other.stems}) for one, other in pairs]
    return pairs[shared.index(max(shared))] if pairs else None


def _same_subject(one: Claim, other: Claim) -> bool:
    return (
        one.stems[0] == other.stems[0]
        or (bool(one.names) and one.names[0] in other.names)
        or (bool(other.names) and other.names[0] in one.names)
    )


def _only_difference(one: Claim, other: Claim) -> str:
    """Return "number" or "word" if they differ in one place only; "" if in several."""
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


def _is_denial(one: Claim, other: Claim) -> bool:
    """Return whether one of two claims is negated, and has all content words of the other."""
    negated = [statement_of(claim.text).is_negated for claim in (one, other)]
    denied, denying = (other, one) if negated[0] else (one, other)
    return negated[0] != negated[1] and {*denied.stems} <= {*denying.stems}


def _numbers_differ(one: Claim, other: Claim) -> bool:
    """Return whether both have numbers, and different ones."""
    numbers = [set(_NUMBER.findall(claim.text)) for claim in (one, other)]
    return all(numbers) and numbers[0] != numbers[1]


def _stem(word: str) -> str:
    lower = word.lower().removesuffix("'s")
    for ending in _ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) >= 3:
            return lower.removesuffix(ending)
    return lower
