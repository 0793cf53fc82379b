"""Probabilities from scores: two logistic regressions (Cox, 1958), of the answer and of a hit.

Fitted on questions whose evidence is known and on questions that nothing in their store answers,
both kinds with the same weight, in stores of 1 to 3,000 memories: half of the kinds of facts of the
longitudinal set, and three of five LoCoMo conversations, each asked its own questions and those of
another one.

On the other halves, with a minimum confidence of .05, .89 and .91 of the questions about somebody
unknown get the empty answer, and .009 and .000 of those with an answer; in stores of at most 100
memories .61 and .021. With `defaults.MIN_CONFIDENCE`, .04, and fewer candidates among notes, .87
of the longitudinal questions about somebody unknown are recognised, and no question with an answer
is lost. A sentence embedding hardly shows that something was never said of a known person: .03 and
.09 of these questions are recognised. Answers with a confidence of up to .03, .30, .51, .71 and .95
were right in .07, .27, .51, .69 and .95 of the cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..store.candidate import Candidate
from ..text.analyzer import query_terms
from ..text.calendar import MONTH, WEEKDAY
from ..text.languages import detect
from .candidates import CandidateSet
from .query import Query
from .ranked import Ranked

_DATE: Final = re.compile(rf"(?:{MONTH}|{WEEKDAY})s?", re.I)
# A capital inside a sentence, or a word with an underscore or with letters and digits.
_NAME: Final = re.compile(
    r"(?<=[\s\"'(])[A-Z][\w\u2019-]*[a-z]\w*"
    r"|\b(?=\w*[A-Za-z])(?=\w*[\d_])\w{3,}"
)
_FIRST_HITS: Final = 10
_MAX_CANDIDATES: Final = 300


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence for an answer, or for a hit.

    Attributes:
        similarity: Cosine of the query with the hit, -1..1; for the answer the highest of its first
            ten hits.
        coverage: Share of the query's words in the hit, 0..1; for the answer the highest.
        unknown: 1.0 where the query names something and no candidate has any of it, else 0.0. One
            known name is enough: the other one may be the question.
        score_gap: The hit's score less the best one's, 0 or less; 0 for the answer.
        candidates: Number of candidates, 1 or more; of many, one is near by chance.
    """

    similarity: float
    coverage: float
    unknown: float
    score_gap: float
    candidates: int


@dataclass(frozen=True, slots=True)
class Logit:
    """The coefficients of a regression on `Evidence`, and on the decimal logarithm of its count."""

    bias: float
    similarity: float
    coverage: float
    unknown: float
    score_gap: float
    candidates: float

    def probability(self, evidence: Evidence) -> float:
        """Return the probability, 0..1, to three digits."""
        logit = (
            self.bias
            + self.similarity * evidence.similarity
            + self.coverage * evidence.coverage
            + self.unknown * evidence.unknown
            + self.score_gap * evidence.score_gap
            + self.candidates * math.log10(min(evidence.candidates, _MAX_CANDIDATES))
        )
        return round(1 / (1 + math.exp(-logit)), 3)


ANSWER: Final = Logit(-3.82, 11.02, 3.93, -2.72, 0.0, -1.41)
HIT_AMONG_NOTES: Final = Logit(-2.33, 8.45, 2.06, -6.32, 30.48, -1.21)
HIT_IN_CONVERSATION: Final = Logit(-2.61, 3.38, 2.53, -3.12, 5.11, -0.50)


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a query with their probabilities.

    Attributes:
        hits: Best first; none where the answer is less sure than the query wants.
        confidence: The probability that the hits answer, 0..1; None without vectors.
    """

    hits: Sequence[Ranked]
    confidence: float | None


def calibrate(query: Query, hits: Sequence[Ranked], found: CandidateSet) -> Answer:
    """Give the answer and each hit its probability; drop the hits of an answer that is too unsure.

    Args:
        query: The question and its minimum confidence.
        hits: Best first.
        found: Everything that either search found.
    """
    if not found.has_vectors:
        return Answer(hits, None)
    if not hits:
        return Answer([], 0.0)
    unknown = float(names_only_unknown(query.text, found.candidates))
    confidence = _confidence(hits[:_FIRST_HITS], unknown, len(found.candidates))
    if confidence < query.min_confidence:
        return Answer([], confidence)
    logit = HIT_IN_CONVERSATION if found.is_conversation else HIT_AMONG_NOTES
    best = hits[0].score
    calibrated = [
        replace(
            one,
            confidence=logit.probability(
                Evidence(
                    one.similarity,
                    one.coverage,
                    unknown,
                    min(0.0, one.score - best),
                    len(found.candidates),
                )
            ),
        )
        for one in hits
    ]
    return Answer(calibrated, confidence)


def _confidence(first: Sequence[Ranked], unknown: float, candidates: int) -> float:
    """Return the probability that these first hits answer."""
    return ANSWER.probability(
        Evidence(
            similarity=max(one.similarity for one in first),
            coverage=max(one.coverage for one in first),
            unknown=unknown,
            score_gap=0.0,
            candidates=candidates,
        )
    )


def names_only_unknown(question: str, candidates: Sequence[Candidate]) -> bool:
    """Return whether the question names something, and no candidate has a term of those names.

    Dates are no names, and neither are the nouns of German, which all have a capital.
    """
    if detect(question).latin == "german":
        return False
    names = [name for name in _NAME.findall(question) if not _DATE.fullmatch(name)]
    terms = {term for name in names for term in query_terms(name)}
    return bool(terms) and not any(one.has_term(term) for one in candidates for term in terms)
