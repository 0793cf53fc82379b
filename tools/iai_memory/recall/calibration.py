"""How sure it is that an answer answers, and that a hit does: logistic regressions (Cox, 1958).

Fitted on questions whose evidence is known and on questions that nothing in their store answers,
both sorts weighing the same, in stores of 1 to 3,000 memories: half of the kinds of facts of the
longitudinal set, and three of five LoCoMo conversations, asked about themselves and about another
one. On the other halves, with a least confidence of .05, the empty answer goes to .89 and .91 of
the questions about somebody unknown, and to .009 and .000 of those with an answer; in stores of at
most 100 memories to .61 and .021. At `limits.LEAST_CONFIDENCE`, .04, and with fewer candidates
among notes, .87 of the longitudinal questions about somebody unknown are recognised, and of those
with an answer none is lost. That a thing was never said of somebody who is known shows little in a
sentence embedding: .03 and .09 of these questions are recognised. Answers said to be sure to .03,
.30, .51, .71 and .95 were right in .07, .27, .51, .69 and .95 of the cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..store.candidate import Candidate
from ..text.analyzer import query_terms
from ..text.calendar import MONTH, WEEKDAY
from ..text.languages import detect
from .scoring import Ranked

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
        unknown: 1.0 where the question names something and no candidate holds any of it, else 0.0.
            One known name is enough: the other one may be what is asked.
        behind: How far its score lies under the best one's, 0 or less; 0 for the whole answer.
        among: How many candidates there were, at least 1; of many, one is near by chance.
    """

    likeness: float
    coverage: float
    unknown: float
    behind: float
    among: int


@dataclass(frozen=True, slots=True)
class Logit:
    """The coefficients of a regression on `Evidence`; of `among` the decimal logarithm counts."""

    bias: float
    likeness: float
    coverage: float
    unknown: float
    behind: float
    among: float

    def probability(self, of: Evidence) -> float:
        """0..1, to three digits."""
        logit = (
            self.bias
            + self.likeness * of.likeness
            + self.coverage * of.coverage
            + self.unknown * of.unknown
            + self.behind * of.behind
            + self.among * math.log10(min(of.among, _MANY))
        )
        return round(1 / (1 + math.exp(-logit)), 3)


ANSWER: Final = Logit(-3.82, 11.02, 3.93, -2.72, 0.0, -1.41)
HIT_AMONG_NOTES: Final = Logit(-2.33, 8.45, 2.06, -6.32, 30.48, -1.21)
HIT_IN_CONVERSATION: Final = Logit(-2.61, 3.38, 2.53, -3.12, 5.11, -0.50)
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
    unknown, among = float(names_only_unknown(question, candidates)), len(candidates)
    first, best = facts[:_FIRST], facts[0].score
    whole = Evidence(
        likeness=max(one.likeness for one in first),
        coverage=max(one.coverage for one in first),
        unknown=unknown,
        behind=0.0,
        among=among,
    )
    each = [
        Evidence(one.likeness, one.coverage, unknown, min(0.0, one.score - best), among)
        for one in facts
    ]
    hit = HIT_IN_CONVERSATION if talk else HIT_AMONG_NOTES
    return ANSWER.probability(whole), [hit.probability(one) for one in each]


def names_only_unknown(question: str, candidates: Sequence[Candidate]) -> bool:
    """Whether the question names something, and no candidate holds a term of what it names.

    Dates are no names, and neither are the nouns of German, which all have a capital.
    """
    if detect(question).latin == "german":
        return False
    named = [name for name in _NAMED.findall(question) if not _DATES.fullmatch(name)]
    wanted = {term for name in named for term in query_terms(name)}
    return bool(wanted) and not any(one.holds(term) for one in candidates for term in wanted)
