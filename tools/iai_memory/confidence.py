"""How sure it is that an answer answers, and that a hit does: logistic regressions (Cox, 1958).

Fitted on questions whose evidence is known and on questions that nothing in their store answers,
both sorts weighing the same, in stores of 1 to 3,000 memories: half of the kinds of facts of the
longitudinal set, and three of five LoCoMo conversations, asked about themselves and about another
one. On the other halves, with `limits.LEAST_CONFIDENCE`, the empty answer goes to .88 and .93 of
the questions about somebody unknown, and to .00 and .02 of those with an answer. That a thing was
never said of somebody who is known shows little in a sentence embedding: none and .25 of these
questions are recognised. Answers said to be sure to .05, .30, .51, .71 and .94 were right in .09,
.33, .49, .70 and .94 of the cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .dates import MONTH, WEEKDAY
from .ranking import Ranked
from .store import Candidate
from .terms import detect, query_terms

_DATES: Final = re.compile(rf"(?:{MONTH}|{WEEKDAY})s?", re.I)
# A capital inside a sentence, or a word with an underscore or with letters and digits.
_NAMED: Final = re.compile(
    r"(?<=[\s\"'(])[A-Z][\w\u2019-]*[a-z]\w*"
    r"|\b(?=\w*[A-Za-z])(?=\w*[\d_])\w{3,}"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer, or for a hit.

    Attributes:
        likeness: Cosine of the question with what answers, -1..1; for the whole answer the largest
            of its first ten hits.
        coverage: Share of the question's words in it, 0..1; for the whole answer the largest.
        missing: Share of what the question names that no candidate holds, 0..1.
        behind: How far its score lies under the best one's, 0 or less; 0 for the whole answer.
        among: How many candidates there were, at least 1; of many, one is near by chance.
    """

    likeness: float
    coverage: float
    missing: float
    behind: float
    among: int


@dataclass(frozen=True, slots=True)
class Logit:
    """The coefficients of a regression on `Evidence`; of `among` the decimal logarithm counts."""

    bias: float
    likeness: float
    coverage: float
    missing: float
    behind: float
    among: float

    def probability(self, of: Evidence) -> float:
        """0..1, to three digits."""
        logit = (
            self.bias
            + self.likeness * of.likeness
            + self.coverage * of.coverage
            + self.missing * of.missing
            + self.behind * of.behind
            + self.among * math.log10(min(of.among, _MANY))
        )
        return round(1 / (1 + math.exp(-logit)), 3)


ANSWER: Final = Logit(-3.69, 10.36, 3.56, -1.61, 0.0, -1.17)
HIT_AMONG_NOTES: Final = Logit(-2.72, 8.51, 1.96, -2.29, 16.31, -1.27)
HIT_IN_CONVERSATION: Final = Logit(-2.80, 3.71, 2.45, -1.39, 4.57, -0.47)
_FIRST: Final = 10
_MANY: Final = 300


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
    missing, among = missing_share(question, candidates), len(candidates)
    first, best = facts[:_FIRST], facts[0].score
    whole = Evidence(
        likeness=max(one.likeness for one in first),
        coverage=max(one.coverage for one in first),
        missing=missing,
        behind=0.0,
        among=among,
    )
    each = [
        Evidence(one.likeness, one.coverage, missing, min(0.0, one.score - best), among)
        for one in facts
    ]
    hit = HIT_IN_CONVERSATION if talk else HIT_AMONG_NOTES
    return ANSWER.probability(whole), [hit.probability(one) for one in each]


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
