"""The signals of ranking: each is one function that returns a value for every candidate.

Each is scaled to 0..1 over the candidates of its query. Those of the two searches are scaled from a
cutoff, 0 or the lowest score that the search returned, not from the lowest candidate, because there
may be only one or two candidates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from ..store.candidate import term_matrix
from ..store.record import REWOUND, Record
from ..store.similarity import Similarity
from ..store.trust import role_of_caller
from ..text.analyzer import query_terms
from ..text.languages import spoken
from ..text.speakers import subject
from .asked_references import has_another
from .candidates import CandidateSet
from .date_mentions import DateMention, date_mentions
from .exchanges import ExchangeRows
from .features import features_of
from .intent import intent_of
from .legibility import HALF_READ
from .neighbours import Floats, turn_order
from .query import Query
from .weights import Weights

# A session counts by its best hits, each next one less: one long session must not win by length.
_SESSION_SHARES: Final = (1.0, 0.7, 0.5, 0.35, 0.25)
_FULL_LENGTH: Final = 180  # characters of a text that says as much as one turn can

# In a conversation a day is told of for days after; at work it is the day that was meant.
_BESIDE_THE_DAY: Final = 0.25
_NO_SIMILARITY: Final = Similarity(0.0, 0.0, None)


class SignalInputs:
    """The inputs of one query's signals; all arrays are float64.

    Attributes:
        found: n candidates, at least one.
        query: The question, and the project that asks it.
        records: The candidates' records.
        features: The features of their texts.
        order: Which candidate follows which in its session.
        dates: The dates that the query names.
        intent: What the query asks for.
        similarities: The cosines of each candidate, zeros where there are none.
        whole_cosine: Cosine of the whole text, (n,).
        passage_cosine: Cosine of the best passage, (n,).
        has_term: 1 where the candidate has the term of the query, else 0, (n, k).
        rarity: The term's share of the idf of all terms, (k,); together 1.
        coverage: The share of the query's terms in the candidate, weighted by rarity, (n,).
        bm25: BM25 scaled to 0..1, (n,).
        reads: How far the model reads both the question and the candidate, 0..1, (n,); 1 without
            vectors, whose cosines are 0.
        is_question: 1 for a question, else 0, (n,).
    """

    def __init__(self, found: CandidateSet, query: Query) -> None:
        """Compute what several signals need."""
        self.found = found
        self.query = query
        self.records = [one.record for one in found.candidates]
        self.features = features_of(found.candidates)
        self.dates = date_mentions(query.text, query.asked_at)
        self.similarities = [found.similarities.get(one.id, _NO_SIMILARITY) for one in self.records]
        self.whole_cosine: Floats = np.array([one.whole for one in self.similarities])
        self.passage_cosine: Floats = np.array([one.best_passage for one in self.similarities])
        self.has_term, self.rarity = _terms_of(found, query, self.dates)
        self.coverage: Floats = self.has_term @ self.rarity
        self.bm25 = _scaled_bm25(self.records, found.bm25)
        self.reads = _reads(found, self.records, query.text)
        self.is_question = np.array([one.is_question for one in self.features], dtype=float)
        self.intent = intent_of(query.text)
        self.order = turn_order(self.records, found.sessions)

    @cached_property
    def exchanges(self) -> ExchangeRows:
        """The exchanges of the candidates."""
        return ExchangeRows.of(self.records, self.found.sessions)

    @cached_property
    def match(self) -> Floats:
        """The match of the text itself, by meaning and by words together, 0..2."""
        mean = (self.whole_cosine + self.passage_cosine) / 2
        return self.reads * _scaled(mean, self.found.cutoff) + (2 - self.reads) * self.bm25


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason to rank a candidate higher.

    Attributes:
        name: Its name in the reason of a hit.
        weight: Reads its weight from a table; with a weight of 0 it is not computed.
        compute: Returns its value for each candidate, float64, (n,).
    """

    name: str
    weight: Callable[[Weights], float]
    compute: Callable[[SignalInputs], Floats]


def _meaning(inputs: SignalInputs) -> Floats:
    return inputs.reads * _scaled(inputs.passage_cosine, inputs.found.cutoff)


def _whole_text(inputs: SignalInputs) -> Floats:
    cosine = inputs.whole_cosine
    if inputs.found.is_conversation:
        cosine = inputs.order.pooled_cosine(cosine)
    return inputs.reads * _scaled(cosine, 0.0)


def _unread(inputs: SignalInputs) -> Floats:
    """Return the match of the words for as much of the meaning as the model cannot read.

    The share of the question that the text has; of the same share, the best by BM25 counts double.
    """
    unread: Floats = 1 - inputs.reads
    if not unread.any():
        return unread
    bm25 = np.array([inputs.found.bm25.get(one.id, 0.0) for one in inputs.records])
    return unread * inputs.coverage * (1 + _scaled(bm25, 0.0)) / 2


def _words(inputs: SignalInputs) -> Floats:
    return inputs.bm25 * inputs.coverage


def _context(inputs: SignalInputs) -> Floats:
    nearby: Floats = inputs.order.neighbour_max(inputs.has_term) @ inputs.rarity
    return nearby


def _speaker(inputs: SignalInputs) -> Floats:
    """Return 1 for the words of the person, or the role, that the query is about."""
    said_by: list[str | None]
    if inputs.found.is_conversation:
        said_by = [one.speaker for one in inputs.features]
        wanted = subject(inputs.query.text, {name for name in said_by if name})
    else:
        said_by = [role_of_caller(one.role, one.origin) for one in inputs.records]
        wanted = inputs.intent.role
    if wanted is None:
        return np.zeros(len(said_by))
    return np.array([one == wanted for one in said_by], dtype=float)


def _session(inputs: SignalInputs) -> Floats:
    """Return the match of the best of the same session; 0 for a record without session."""
    matches: dict[str, list[float]] = {}
    for record, value in zip(inputs.records, inputs.match.tolist(), strict=True):
        if record.session_id is not None:
            matches.setdefault(record.session_id, []).append(value)
    sums = {
        session_id: math.fsum(
            share * value
            for share, value in zip(_SESSION_SHARES, sorted(values, reverse=True), strict=False)
        )
        for session_id, values in matches.items()
    }
    highest = max(sums.values(), default=0.0) or 1.0
    return np.array([sums.get(one.session_id or "", 0.0) / highest for one in inputs.records])


def _reply(inputs: SignalInputs) -> Floats:
    return inputs.order.shifted(inputs.is_question * inputs.match / 2, inputs.order.before)


def _both_sides(inputs: SignalInputs) -> Floats:
    """Return the match of the user's words or of the answers, whichever is lower."""
    return inputs.exchanges.both_sides(inputs.match / 2)


def _exchange(inputs: SignalInputs) -> Floats:
    return inputs.reads * _scaled(inputs.exchanges.pooled_cosine(inputs.whole_cosine), 0.0)


def _agreed(inputs: SignalInputs) -> Floats:
    return inputs.exchanges.any(np.array([one.agrees for one in inputs.features], np.bool_))


def _unanswered(inputs: SignalInputs) -> Floats:
    return -inputs.is_question * inputs.exchanges.unanswered


def _date(inputs: SignalInputs) -> Floats:
    if not inputs.dates:
        return np.zeros(len(inputs.records))
    then = [one.created_at for one in inputs.records]
    on_a_day = [any(date.is_of(moment) for date in inputs.dates) for moment in then]
    near_one = [any(date.is_near(moment) for date in inputs.dates) for moment in then]
    beside = 1.0 if inputs.found.is_conversation else _BESIDE_THE_DAY
    return np.where(on_a_day, 1.0, np.where(near_one, beside, 0.0))


def _asked_for(inputs: SignalInputs) -> Floats:
    """Return 1 for a text with a time, a name or a number where the query asks for one."""
    intent, texts, found = inputs.intent, inputs.features, np.zeros(len(inputs.features), np.bool_)
    if intent.time:
        found |= [one.has_time for one in texts]
    if intent.name:
        found |= [one.has_name for one in texts]
    if intent.number:
        found |= [one.has_number for one in texts]
    return found.astype(float)


def _length(inputs: SignalInputs) -> Floats:
    lengths = np.array([len(record.text) for record in inputs.records])
    shares: Floats = np.minimum(1.0, lengths / _FULL_LENGTH)
    return shares


def _trust(inputs: SignalInputs) -> Floats:
    return np.array([record.trust for record in inputs.records])


def _own_project(inputs: SignalInputs) -> Floats:
    own, same = inputs.query.own_project, inputs.query.names.same
    if own is None:
        return np.zeros(len(inputs.records))
    return np.array([same(record.project, own) for record in inputs.records], dtype=float)


def _pinned(inputs: SignalInputs) -> Floats:
    pinned = [one.pinned and one.pinned_by is None for one in inputs.records]
    return np.array(pinned, dtype=float)


def _rewound(inputs: SignalInputs) -> Floats:
    return -np.array([REWOUND in record.tags for record in inputs.records], dtype=float)


def _a_question(inputs: SignalInputs) -> Floats:
    return -inputs.is_question


def _another_number(inputs: SignalInputs) -> Floats:
    return -has_another(inputs.query.text, inputs.found.candidates).astype(float)


SIGNALS: Final = (
    Signal("meaning", lambda weights: weights.meaning, _meaning),
    Signal("whole text", lambda weights: weights.whole, _whole_text),
    Signal("unread", lambda weights: weights.meaning + weights.whole + weights.exchange, _unread),
    Signal("words", lambda weights: weights.words, _words),
    Signal("context", lambda weights: weights.context, _context),
    Signal("speaker", lambda weights: weights.speaker, _speaker),
    Signal("session", lambda weights: weights.session, _session),
    Signal("reply", lambda weights: weights.reply, _reply),
    Signal("both sides", lambda weights: weights.both_sides, _both_sides),
    Signal("exchange", lambda weights: weights.exchange, _exchange),
    Signal("agreed", lambda weights: weights.agreed, _agreed),
    Signal("unanswered", lambda weights: weights.unanswered, _unanswered),
    Signal("date", lambda weights: weights.date, _date),
    Signal("asked for", lambda weights: weights.asked_for, _asked_for),
    Signal("length", lambda weights: weights.length, _length),
    Signal("trust", lambda weights: weights.trust, _trust),
    Signal("own project", lambda weights: weights.own_project, _own_project),
    Signal("pinned", lambda weights: weights.pinned, _pinned),
    Signal("a question", lambda weights: weights.question, _a_question),
    Signal("another number", lambda weights: weights.another_number, _another_number),
    Signal("rewound", lambda weights: weights.rewound, _rewound),
)
"""In the order in which a reason lists them. `Weights` says what each one means."""


def _terms_of(
    found: CandidateSet, query: Query, dates: Sequence[DateMention]
) -> tuple[Floats, Floats]:
    """Return the query terms that each candidate has, (n, k), and the rarity of each, (k,).

    Rarity is the idf among the candidates: every text with a rare word is among them. A word that
    no candidate has keeps its full share, so that no text covers the whole question. People do not
    say the date of the day, so a text of that day has the terms of the date.
    A text with another form of a word has the word.
    """
    wanted, candidates = query_terms(query.text), found.candidates
    has_term = term_matrix(candidates, wanted).astype(float)
    for number, term in enumerate(wanted):
        if forms := query.forms.get(term):
            has_term[:, number] = term_matrix(candidates, forms).any(axis=1)
    for date in dates:
        is_then = date.is_near if found.is_conversation else date.is_of
        on_that_day = [is_then(one.record.created_at) for one in candidates]
        of_the_date = set(query_terms(date.text))
        has_term[np.ix_(on_that_day, [term in of_the_date for term in wanted])] = 1.0
    idf = np.log(1 + len(candidates) / (has_term.sum(axis=0) + 0.5))
    return has_term, idf / max(float(idf.sum()), 1e-9)


def _reads(found: CandidateSet, records: Sequence[Record], question: str) -> Floats:
    """Return the legibility of the question or of the candidate, whichever is lower, (n,).

    0 for a text in another language than the question's, neither of which the model reads.
    """
    if not found.has_vectors:
        return np.ones(len(records))
    legible = np.array([found.legible.get(one.id, 1.0) for one in records])
    reads: Floats = np.minimum(legible, found.legible_question)
    asked = spoken(question) if found.legible_question < HALF_READ else None
    if asked is not None:
        languages = [
            spoken(one.text) if one_reads < HALF_READ else None
            for one, one_reads in zip(records, legible.tolist(), strict=True)
        ]
        reads[[language not in (None, asked) for language in languages]] = 0.0
    return reads


def _scaled_bm25(records: Sequence[Record], bm25: Mapping[str, float]) -> Floats:
    """Return BM25 scaled from the lowest result of the search; a single result is 1."""
    cutoff = min(bm25.values()) if len(bm25) > 1 else 0.0
    return _scaled(np.array([bm25.get(record.id, 0.0) for record in records]), cutoff)


def _scaled(values: Floats, cutoff: float) -> Floats:
    """Return the values scaled to 0..1: 0 at the cutoff and below, 1 at the highest."""
    highest = float(values.max())
    if highest <= cutoff:
        return np.zeros_like(values)
    # Clipped before it is divided: by a subnormal the quotient of a lower value overflows.
    return (np.clip(values, cutoff, highest) - cutoff) / (highest - cutoff)
