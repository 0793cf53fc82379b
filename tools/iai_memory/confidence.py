"""How sure it is that an answer answers, and that a hit does: logistic regressions (Cox, 1958).

Fitted on questions whose evidence is known and on questions that nothing in their store answers,
both sorts weighing the same: half of the kinds of facts of the longitudinal set, and three of five
LoCoMo conversations, asked about themselves and about another one. On the other halves, with
`limits.LEAST_CONFIDENCE`, the empty answer goes to .97 and .93 of the questions about somebody
unknown, and to .02 and .01 of those with an answer. That a thing was never said of somebody who is
known shows little in a sentence embedding: .03 and .26 of these questions are recognised.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .ranking import Ranked
from .store import Candidate
from .terms import detect, query_terms

_DATES: Final = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day)s?",
    re.I,
)
# A capital inside a sentence, or a word with an underscore or with letters and digits.
_NAMED: Final = re.compile(
    r"(?<=[\s\"'(])[A-Z][\w\u2019-]*[a-z]\w*"
    r"|\b(?=\w*[A-Za-z])(?=\w*[\d_])\w{3,}"
)


@dataclass(frozen=True, slots=True)
class _Logit:
    """Coefficients of one regression; see `Evidence` for what they belong to."""

    bias: float
    likeness: float
    coverage: float
    missing: float
    score: float

    def probability(self, of: Evidence) -> float:
        logit = (
            self.bias
            + self.likeness * of.likeness
            + self.coverage * of.coverage
            + self.missing * of.missing
            + self.score * of.score
        )
        return round(1 / (1 + math.exp(-logit)), 3)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer.

    Attributes:
        likeness: Cosine of the question with what answers, -1..1; for the whole answer the largest
            of its first ten hits.
        coverage: Share of the question's words in it, 0..1; for the whole answer the largest.
        missing: Share of what the question names that no candidate holds, 0..1.
        score: The best hit's score; for a hit how far its own lies under that, 0 or less.
    """

    likeness: float
    coverage: float
    missing: float
    score: float


@dataclass(frozen=True, slots=True)
class Confidence:
    """Both regressions for one sort of candidates."""

    answer: _Logit
    hit: _Logit


CONVERSATION: Final = Confidence(
    answer=_Logit(-11.77, 10.27, 2.24, -0.57, 3.63), hit=_Logit(-3.70, 3.39, 2.14, -1.62, 4.38)
)
NOTES: Final = Confidence(
    answer=_Logit(-9.76, 10.35, 2.53, -3.34, 5.72), hit=_Logit(-5.99, 9.02, 1.72, -1.82, 20.52)
)
_FIRST: Final = 10


def judged(
    question: str, facts: Sequence[Ranked], candidates: Sequence[Candidate], *, talk: bool
) -> tuple[float, list[float]]:
    """The probability that the answer answers, and that each hit does; 0.0 for no hits.

    Args:
        question: What was asked.
        facts: The hits, best first.
        candidates: Everything that either search found.
        talk: Whether the candidates are lines of a conversation.
    """
    if not facts:
        return 0.0, []
    model = CONVERSATION if talk else NOTES
    missing, first, best = missing_share(question, candidates), facts[:_FIRST], facts[0].score
    whole = Evidence(
        likeness=max(one.likeness for one in first),
        coverage=max(one.coverage for one in first),
        missing=missing,
        score=best,
    )
    each = [
        Evidence(one.likeness, one.coverage, missing, min(0.0, one.score - best)) for one in facts
    ]
    return model.answer.probability(whole), [model.hit.probability(one) for one in each]


def missing_share(question: str, candidates: Sequence[Candidate]) -> float:
    """The share of the named things' terms that no candidate holds; 0.0 where nothing is named.

    Dates are no names, and neither are the nouns of German, which all have a capital.
    """
    if detect(question).latin == "german":
        return 0.0
    named = [name for name in _NAMED.findall(question) if not _DATES.fullmatch(name)]
    wanted = {term for name in named for term in query_terms(name)}
    if not wanted:
        return 0.0
    held = {term for one in candidates for term in wanted.intersection(one.terms.split(" "))}
    return len(wanted - held) / len(wanted)
