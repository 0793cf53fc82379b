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

`python -m tests.benchmarks.confidence_fit` fits the answer and these hits anew, and judges them on
the other halves. After the word-by-word comparison and the order of slots had changed the scores,
what is above still said what comes true: the expected calibration error of hits was .006 among
notes and .016 in conversations; fitted anew it was .018 and .013. A new regression of the answer
recognised more questions of another conversation, .99 for .92, and emptied more that something
answers, .006 for .002. So the coefficients stayed.

An assistant's sessions have regressions of their own, fitted by `tests.benchmarks.sessions_fit` on
231 questions about two people's sessions, 28 that nothing answers and, with a tenth of the weight,
207 about the other one's. Of fifteen features of a hit, those stayed that helped when fitted on
either person and judged on the other: the score, and the rank. Beside these, margin to the next
hit, coverage by both sides, cosine, and agreement of words and meaning helped in neither direction
or in one.

Where the words of an English question were compared with a hit's, `HIT_BY_TOKENS` counts how near
these are, the rank, and the lead of the score over the mean of the next five. Fitted on either
person and judged on the other, .85 of the 27 hits that are said to be surer than .8 are right, and
the expected calibration error is .008; with score and rank alone .63 of 19, and .016. The written
sessions (`tests.benchmarks.written_sessions`) are in its fit too. Beside these three, the share of
rare words, identifiers, the least near word, length, role, and agreement of both searches helped
with one person only, or hardly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..base.defaults import MIN_CONFIDENCE
from ..text.languages import detect, spoken
from .asked_references import names_untold_reference
from .candidates import CandidateSet
from .legibility import HALF_READ
from .query import Query
from .ranked import Ranked
from .unknown_names import names_only_unknown

_FIRST_HITS: Final = 10
_BEHIND: Final = 5
_MAX_CANDIDATES: Final = 300
# What meaning adds to the score of any text of sessions, read by the model: cosines are not near 0.
_UNREAD_SCORE: Final = 0.5
# What the comparison of words adds to the score of most hits of sessions, as far as it was made.
_UNCOMPARED_SCORE: Final = 0.25
# How far an answer holds for a question that names a number or code which no memory has: chosen.
_UNTOLD: Final = 0.2
_PAST_LATIN: Final = "\u0250"

MIN_IN_SESSIONS: Final = 0.045
"""The minimum of an answer from an assistant's sessions where the query names none: 18 of 28
questions that nothing answers are empty, and 2 of 207 English ones that something does. Those in
other languages keep the lower minimum, because the model hardly reads them."""

USUAL_CUTOFF: Final = 0.3
"""How near to a question in another language than English the hundredth memory may be. The model
sees of other languages mostly that two texts are of one: in sessions of the question's language
all are near, .4 to .5, and only what is nearer counts. In sessions of another one it is below .2.
Measured on sessions of our own in German, Spanish and French only."""

MIN_HIT_IN_SESSIONS: Final = 0.02
"""The minimum of a hit after the first; with the share below it leaves 6 of ten hits."""

SHARE_OF_SURE_FIRST: Final = 0.08
"""The share of the first hit's confidence that each next one needs where the first is certain; less
as the first is less sure. Of 223 questions none loses its right answer among the first five to both
minimums, and 5 the one among the first ten; with .12 it were 1 and 7."""


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
        score: The hit's score; among an assistant's sessions it says more than its distance to the
            best one.
        rank: How many hits are before it, 0 or more; 0 for the answer.
        nearness: Of an answer from an assistant's sessions whose token vectors are known, the first
            hit's mean cosine of the question's words with its own, 0..1; else 0. Of a hit its own.
        lead: The hit's score less the mean of the next five; 0 where none is behind it.
    """

    similarity: float
    coverage: float
    unknown: float
    score_gap: float
    candidates: int
    score: float = 0.0
    rank: int = 0
    nearness: float = 0.0
    lead: float = 0.0


@dataclass(frozen=True, slots=True)
class Logit:
    """The coefficients of a regression on `Evidence`.

    The count of candidates is taken as its decimal logarithm, the rank as ln(1 + rank).
    """

    bias: float
    similarity: float
    coverage: float
    unknown: float
    score_gap: float
    candidates: float
    score: float = 0.0
    rank: float = 0.0
    nearness: float = 0.0
    lead: float = 0.0

    def probability(self, evidence: Evidence) -> float:
        """Return the probability, 0..1, to three digits."""
        logit = (
            self.bias
            + self.similarity * evidence.similarity
            + self.coverage * evidence.coverage
            + self.unknown * evidence.unknown
            + self.score_gap * evidence.score_gap
            + self.score * evidence.score
            + self.rank * math.log1p(evidence.rank)
            + self.nearness * evidence.nearness
            + self.lead * evidence.lead
            + self.candidates * math.log10(min(evidence.candidates, _MAX_CANDIDATES))
        )
        return round(1 / (1 + math.exp(-logit)), 3)


ANSWER: Final = Logit(-3.82, 11.02, 3.93, -2.72, 0.0, -1.41)
HIT_AMONG_NOTES: Final = Logit(-2.33, 8.45, 2.06, -6.32, 30.48, -1.21)
ANSWER_IN_SESSIONS: Final = Logit(-4.77, 7.87, 2.55, -2.15, 0.0, 0.0)
ANSWER_BY_TOKENS: Final = Logit(-7.86, 5.13, 0.71, -1.62, 0.0, 0.0, nearness=7.93)
HIT_IN_SESSIONS: Final = Logit(-5.8, 0.0, 0.0, -2.1, 0.0, 0.0, score=3.89, rank=-0.79)
HIT_BY_TOKENS: Final = Logit(-3.88, 0.0, 0.0, -0.48, 0.0, 0.0, rank=-0.97, nearness=3.32, lead=3.6)
HIT_IN_CONVERSATION: Final = Logit(-2.61, 3.38, 2.53, -3.12, 5.11, -0.50)


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a query with their probabilities.

    Attributes:
        hits: Best first; none where the answer is less sure than the query wants.
        confidence: The probability that the hits answer, 0..1; None without vectors.
        behind: How many hits a larger limit would add that may answer, see `_least`; without
            vectors all that it would add.
        unlikely: How many hits within the limit were dropped since they may not.
        below: How many hits there would be, had the query named no minimum.
    """

    hits: Sequence[Ranked]
    confidence: float | None
    behind: int = 0
    unlikely: int = 0
    below: int = 0


def calibrate(
    query: Query, hits: Sequence[Ranked], found: CandidateSet, certainty: float = 1.0
) -> Answer:
    """Give the answer and each hit its probability; drop the hits of an answer that is too unsure.

    Args:
        query: The question, its limit and its minimum confidence.
        hits: Best first, those behind the limit too.
        found: Everything that either search found.
        certainty: How far an answer holds for the question, 0..1: less than 1 where a word of it
            was read as another one. It lowers what is told, and makes no answer empty unasked.

    Where a hit waits for its vector, nothing is known of how near it is: as without vectors, all
    hits stay, and none has a probability.
    """
    within = hits[: query.limit]
    if not found.has_vectors or any(one.record.embedder is None for one in within):
        return Answer(within, None, behind=len(hits) - len(within))
    if not hits:
        return Answer([], 0.0)
    # A name is written otherwise in another language, which a model of many reads all the same.
    foreign = hits[0].reads >= HALF_READ and _differ_in_language(query.text, hits[0].record.text)
    unknown = float(not foreign and names_only_unknown(query.text, found.candidates))
    count = len(found.candidates)
    # In sessions the first hit decides: of ten exchanges one is near by chance.
    confidence = (
        _confidence_in_sessions(query, hits[0], unknown, found)
        if found.has_exchanges
        else _confidence(ANSWER, within[:_FIRST_HITS], unknown, count)
    )
    is_shown = confidence >= measured_minimum(query.text, found)
    # The hits' probabilities are fitted on answers that are shown unasked.
    most = 1.0 if is_shown else confidence
    best, english = hits[0].score, _is_english(query.text)
    scores = [one.score for one in hits]

    def probability(rank: int, one: Ranked) -> float:
        gap = min(0.0, one.score - best)
        score = one.score + _UNREAD_SCORE * (1 - one.reads)
        score += _UNCOMPARED_SCORE * (1 - one.reads if one.nearness is not None else 1)
        near, lead = one.nearness or 0.0, _lead(scores, rank)
        evidence = Evidence(
            one.similarity, one.coverage, unknown, gap, count, score, rank, near, lead
        )
        return min(most, _hit_logit(found, one, english=english).probability(evidence))

    calibrated = [replace(one, confidence=probability(rank, one)) for rank, one in enumerate(hits)]
    if unknown and not found.is_conversation and not found.has_exchanges:
        # In conversations hits say less than they know: of those lowered, .96 were right.
        confidence = min(confidence, _any_of(calibrated[: query.limit]))
    if names_untold_reference(query.text, found.candidates):
        certainty = min(certainty, _UNTOLD)
    return _told(query, found, calibrated, confidence, certainty, is_shown=is_shown)


def _told(
    query: Query,
    found: CandidateSet,
    hits: Sequence[Ranked],
    confidence: float,
    certainty: float,
    *,
    is_shown: bool,
) -> Answer:
    """Return what is told of calibrated hits: those that the query's minimum lets through.

    Args:
        query: Its limit, and its minimum confidence if it names one.
        found: Everything that either search found.
        hits: Best first, those behind the limit too; at least one.
        confidence: Of the answer, before it is lowered.
        certainty: What each probability is lowered by, 0..1.
        is_shown: Whether the answer is sure enough to be shown unasked.
    """
    told = [replace(one, confidence=round((one.confidence or 0.0) * certainty, 3)) for one in hits]
    answer = round(confidence * certainty, 3)
    within, least = hits[: query.limit], _least(hits[0])
    likely = [at for at, one in enumerate(within) if at == 0 or _is_likely(one, least)]
    if not found.has_exchanges:
        likely = [*range(len(within))]
    unasked = query.min_confidence is None
    if not (is_shown if unasked else answer >= (query.min_confidence or 0.0)):
        unread = [told[at] for at in likely if unasked and _is_unread(hits[at])]
        return Answer(unread, answer, below=len(likely) if is_shown else 0)
    kept = [told[at] for at in likely] if unasked else told[: len(within)]
    return Answer(
        kept,
        answer,
        behind=sum((one.confidence or 0.0) >= least for one in hits[len(within) :]),
        unlikely=len(within) - len(kept),
    )


def _any_of(hits: Sequence[Ranked]) -> float:
    """Return the probability that any hit answers, as if they did by chance of each other."""
    return 1.0 - math.prod(1.0 - (one.confidence or 0.0) for one in hits)


def _hit_logit(found: CandidateSet, hit: Ranked, *, english: bool) -> Logit:
    """Return the regression of a hit; that by tokens where the model tells how near their words
    are."""
    if found.is_conversation:
        return HIT_IN_CONVERSATION
    if not found.has_exchanges:
        return HIT_AMONG_NOTES
    return HIT_BY_TOKENS if english and hit.nearness is not None else HIT_IN_SESSIONS


def _lead(scores: Sequence[float], rank: int) -> float:
    """Return how far a hit is before the next five, on average."""
    behind = scores[rank + 1 : rank + 1 + _BEHIND]
    return scores[rank] - sum(behind) / len(behind) if behind else 0.0


def measured_minimum(question: str, found: CandidateSet) -> float:
    """Return the confidence below which an answer is empty, unless the caller names another one."""
    return MIN_IN_SESSIONS if found.has_exchanges and _is_english(question) else MIN_CONFIDENCE


def _is_english(text: str) -> bool:
    latin = all(letter < _PAST_LATIN for letter in text if letter.isalpha())
    return latin and detect(text).latin == "english"


def _is_unread(hit: Ranked) -> bool:
    """Return whether the hit has words of the question, and the model cannot tell how near it is.

    Without a model it would be shown, so the model's low confidence does not take it away.
    """
    return hit.reads < HALF_READ and hit.coverage > 0


def _is_likely(hit: Ranked, least: float) -> bool:
    """Return whether a hit after the first is not much less likely to answer than that."""
    return (hit.confidence or 0.0) >= least or _is_unread(hit)


def _least(first: Ranked) -> float:
    """Return the probability from which on a hit after the first may answer."""
    sure = first.confidence or 0.0
    return max(MIN_HIT_IN_SESSIONS, SHARE_OF_SURE_FIRST * sure * sure)


def _nearness_of_all(query: Query, found: CandidateSet) -> float:
    """Return how much nearer than usual every memory is, because of the language alone."""
    return 0.0 if _is_english(query.text) else max(0.0, found.cutoff - USUAL_CUTOFF)


def _confidence(
    answer: Logit,
    first: Sequence[Ranked],
    unknown: float,
    candidates: int,
    nearness_of_all: float = 0.0,
) -> float:
    """Return the probability that these first hits answer."""
    return answer.probability(
        Evidence(
            similarity=max(one.similarity for one in first) - nearness_of_all,
            coverage=max(one.coverage for one in first),
            unknown=unknown,
            score_gap=0.0,
            candidates=candidates,
        )
    )


def _confidence_in_sessions(
    query: Query, first: Ranked, unknown: float, found: CandidateSet
) -> float:
    """Return the probability that the first hit answers, by its token vectors where it has them.

    Those of another language than the model's are near to each other, whatever they mean.
    """
    count = len(found.candidates)
    if first.nearness is None or not _is_english(query.text):
        nearness_of_all = _nearness_of_all(query, found)
        return _confidence(ANSWER_IN_SESSIONS, [first], unknown, count, nearness_of_all)
    evidence = Evidence(
        first.similarity, first.coverage, unknown, 0.0, count, nearness=first.nearness
    )
    return ANSWER_BY_TOKENS.probability(evidence)


def _differ_in_language(question: str, text: str) -> bool:
    languages = {spoken(question), spoken(text)}
    return None not in languages and len(languages) == 2
