"""Slots: hits that tell the same thing of the same subject at different times.

Nobody supersedes what was only said, so an outdated wording often matches best. Among the best hits
the newest trusted wording takes the place of the best one; earlier ones come after it and carry its
id. Nothing is hidden. What was superseded stays with `supersession`, and a fact that is kept up to
date there is no earlier wording. A question for the past is left as it is.

Whether two texts are of one slot is a sum of evidence (`Slots`). Their cosine alone does not tell:
that of two texts with the same name is high whatever they say. So the second cosine is taken from
what the other hits that name the subject have in common.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..embedding.identity import text_cosine
from ..projects.names import ProjectNames
from ..store.candidate import Candidate
from ..store.reader import TableReader
from ..store.record import REWOUND, TIME_ESTIMATED, Record
from ..store.trust import role_of_caller
from ..store.vector_rows import Vector
from ..text.analyzer import query_terms
from ..text.filler_words import FILLER_WORDS
from ..text.languages import detect
from ..text.same_frame import (
    are_of_others,
    are_parallel,
    has_both,
    have_other_relatives,
    may_both_hold,
    tells_another_relation,
)
from ..text.statements import MAX_CHARACTERS, RELATIONS, statement_of
from .candidates import CandidateSet
from .intent import intent_of
from .legibility import UNREAD
from .query import Query
from .ranked import Ranked, sort_key

LOOKED_AT: Final = 20
"""The best hits, among which slots are looked for."""

_NEAR: Final = 0.3  # the share of the best score, below which a hit answers another question
_AFTER: Final = 0.001  # how far behind its newer wording an earlier one comes at least
_LIVE: Final = timedelta(days=1)  # what was said this long before it was stored was told later
_OTHERS: Final = 2.0  # texts that stand for the hits at large, beside those of the subject
_MIN_TERM: Final = 3
_NEGATED_SHARE: Final = 0.5
_WELL_READ: Final = 0.5
_SHARED_UNREAD: Final = 2

# A capital inside the question, or a word with an underscore or with letters and digits.
_NAME: Final = re.compile(r"(?<=[\s\"'(])[A-Z][\w\u2019-]*\w|\b(?=\w*[A-Za-z])(?=\w*[\d_])\w{3,}")
_FIRST_PERSON: Final = "\x00I"  # stands among the terms for whoever asks

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SlotWeights:
    """Log-odds that two texts of one subject are of one slot, where as many pairs are as are not.

    Attributes:
        bias: Of every pair.
        cosine: Times the cosine of their vectors.
        within: Times their cosine within the subject.
        shared: Times the share of the content words, beside the subject's name, of the text that
            has fewer, that the other one has too.
        change: Where the later one has a word for a change.
        day: Where one of them names a day: it tells what happened once, or on such days.
        present: For each in the present: it tells what is.
        gap: Times how much lower the later one scores.
        few: Times the share of `_OTHERS` in what the cosine within the subject is taken from: with
            few other texts of the subject it is hardly within it.
        denial: Where one of them is negated, and one has all words of the other.
        relation: Where both tell where somebody lives, or works.
    """

    bias: float = -5.0
    cosine: float = 5.0
    within: float = 4.5
    shared: float = 3.0
    change: float = 0.6
    day: float = -2.6
    present: float = 0.6
    gap: float = -1.0
    few: float = -0.8
    denial: float = 4.0
    relation: float = 2.0


WEIGHTS: Final = SlotWeights()


def order_slots(
    ranked: Sequence[Ranked],
    found: CandidateSet,
    reader: TableReader,
    query: Query,
    weights: SlotWeights = WEIGHTS,
) -> list[Ranked]:
    """Put the newest trusted wording of each slot in the place of its best one, and mark the rest.

    Args:
        ranked: One hit a fact, best first.
        found: The candidates, whose terms are known.
        reader: Of the table, for vectors.
        query: It names the subject.
        weights: Other evidence than the product's, to measure it.

    Raises:
        StoreFault: The table could not be read.
    """
    intent = intent_of(query.text)
    if not found.has_vectors or found.is_conversation or intent.past or intent.maybe_past:
        return list(ranked)
    known = {one.record.id: one for one in found.candidates}
    near = _NEAR * ranked[0].score if ranked else 0.0
    wordings = [
        known[one.record.id]
        for one in ranked[:LOOKED_AT]
        if one.score >= near
        and one.record.id in known
        and one.record.valid_from <= query.asked_at
        and _may_state(one, by_user=found.has_exchanges)
    ]
    about = _held_subject(query.text, wordings)
    asked = _terms_held(set(query_terms(query.text)), wordings)
    wordings = [one for one in wordings if about.get(one.record.id)]
    if len({one.record.valid_from for one in wordings}) < 2:
        return list(ranked)
    newer = _newer_wordings(wordings, about, asked, ranked, reader, query.names, weights)
    return _reordered(ranked, newer) if newer else list(ranked)


def _may_state(one: Ranked, *, by_user: bool) -> bool:
    """Return whether a hit may be a wording; `by_user`: only if it is the user's, or a note.

    An assistant tells its steps in a session, one like another.
    """
    record = one.record
    return (
        len(record.text) <= MAX_CHARACTERS
        and record.superseded_by is None
        and record.embedder is not None
        and one.reads >= UNREAD
        and REWOUND not in record.tags
        and statement_of(record.text).states_something
        and not (by_user and record.role not in ("user", "note"))
    )


def _held_subject(question: str, candidates: Sequence[Candidate]) -> dict[str, frozenset[str]]:
    """Return by id which terms of the question's subject each text has.

    The subject is what the question names; without a name, who asks; without either, all that the
    question is about.
    """
    names = set[str]()
    if detect(question).latin != "german":  # its nouns have capitals
        names = {term for name in _NAME.findall(question) for term in query_terms(name)}
    held = _terms_held(names, candidates) if names else {}
    if any(held.values()):
        return held
    if statement_of(question).is_of_speaker:
        return {
            one.record.id: frozenset((_FIRST_PERSON,))
            for one in candidates
            if role_of_caller(one.record.role, one.record.origin) in ("user", "note")
            and statement_of(one.record.text).is_of_speaker
        }
    return _terms_held(set(query_terms(question)), candidates)


def _terms_held(terms: set[str], candidates: Sequence[Candidate]) -> dict[str, frozenset[str]]:
    return {
        one.record.id: frozenset(term for term in terms if one.has_term(term)) for one in candidates
    }


def _newer_wordings(
    wordings: Sequence[Candidate],
    about: Mapping[str, frozenset[str]],
    asked: Mapping[str, frozenset[str]],
    ranked: Sequence[Ranked],
    reader: TableReader,
    names: ProjectNames,
    weights: SlotWeights,
) -> dict[str, str]:
    """Return by id of each earlier wording the id of the one that stands for it."""
    embedder = wordings[0].record.embedder or ""
    looked_at = [one.record for one in ranked[:LOOKED_AT]]
    vectors = reader.whole_vectors([one.id for one in looked_at if one.embedder == embedder])
    scores = {one.record.id: one.score for one in ranked}
    maintained = {one.record.id for one in ranked if "maintained" in one.parts}
    reads = {one.record.id: one.reads for one in ranked}
    wordings = [one for one in wordings if one.record.id in vectors]
    if len(wordings) < 2:
        return {}
    own = np.stack([vectors.pop(one.record.id) for one in wordings]).astype(np.float64)
    nothing: Vector = np.zeros(own.shape[1], np.float32)
    at_large = np.stack([nothing, *vectors.values()]).astype(np.float64).mean(axis=0)
    cosines, within = _alike(own, at_large)
    unlike, same = text_cosine(embedder, 0.0), text_cosine(embedder, 1.0)
    similar = (cosines - unlike) / (same - unlike)
    likely = weights.bias + weights.cosine * similar + weights.within * within
    likely += weights.few * _OTHERS / (len(wordings) - 2 + _OTHERS)
    likely += _evidence(wordings, about, weights)
    newer: dict[str, list[Candidate]] = {}
    # A change is evidence only in the later one, so of a pair it is added here.
    most = likely + weights.change
    for one, other in zip(*np.nonzero(np.triu(most >= 0, 1)), strict=True):
        pair = in_order(wordings[one].record, wordings[other].record)
        if pair is None:
            continue
        first, later = wordings[one], wordings[other]
        if pair[0] is not first.record:
            first, later = later, first
        if first.record.id in maintained:
            continue  # somebody says which wording of it holds
        gap = max(0.0, scores[first.record.id] - scores[later.record.id])
        changes = weights.change * statement_of(later.record.text).is_change
        if likely[one, other] + changes + weights.gap * gap < 0:
            continue
        answers = asked[first.record.id] <= asked[later.record.id]
        if not (answers or statement_of(later.record.text).ends_another):
            continue
        is_read = min(reads[first.record.id], reads[later.record.id]) >= _WELL_READ
        if not (is_read or _have_words_in_common(first, later)):
            continue  # to a model that hardly reads a language all of its texts are alike
        if _replaces(later, first, about, names):
            newer.setdefault(first.record.id, []).append(later)
    return {id_: _standing(ones, newer) for id_, ones in newer.items()}


def _have_words_in_common(first: Candidate, later: Candidate) -> bool:
    """Return whether two texts share words, or words for the same relation."""
    relations = (
        statement_of(first.record.text).relations & statement_of(later.record.text).relations
    )
    return bool(relations) or len(_words(first) & _words(later)) >= _SHARED_UNREAD


def _alike(own: Floats, at_large: Floats) -> tuple[Floats, Floats]:
    """Return the cosines of n texts of one subject, and those within the subject, (n, n) each.

    The latter are of what is left of two vectors without the mean of all others, to which the mean
    of all hits counts as `_OTHERS` more: of few texts the mean would be what they say.

    Args:
        own: Their vectors, (n, dim), unit length.
        at_large: The mean of all hits, (dim,).
    """
    cosines = own @ own.T
    total = own.sum(axis=0) + _OTHERS * at_large
    count = len(own) - 2 + _OTHERS
    ours, theirs = 1 + 1 / count, 1 / count
    along = own @ total
    square = theirs**2 * float(total @ total)
    dots = (
        (ours**2 + theirs**2) * cosines
        + 2 * ours * theirs
        - theirs * (ours + theirs) * (along[:, None] + along[None, :])
        + square
    )
    lengths = (
        ours**2
        + theirs**2
        + 2 * ours * theirs * cosines
        - 2 * ours * theirs * along[:, None]
        - 2 * theirs**2 * along[None, :]
        + square
    )
    lengths = np.sqrt(np.maximum(lengths, 1e-12))
    return cosines, dots / (lengths * lengths.T)


def in_order(one: Record, other: Record) -> tuple[Record, Record] | None:
    """Return two memories, the earlier one first; None where nobody knows which it is."""
    first, later = sorted((one, other), key=lambda it: (it.valid_from, it.id))
    if first.id > later.id and not _was_told_later(first):
        # It came after what claims a later time, and was said as it came: that clock ran ahead.
        first, later = later, first
    return None if TIME_ESTIMATED in later.tags else (first, later)


def _was_told_later(record: Record) -> bool:
    return record.ingested_at - record.created_at > _LIVE


def _replaces(
    later: Candidate, first: Candidate, about: Mapping[str, frozenset[str]], names: ProjectNames
) -> bool:
    """Return whether the later text may stand for the earlier one, whatever they share.

    It is trusted as much, is of the same project, and names as much of the subject.
    """
    new, old = later.record, first.record
    if (
        new.trust < old.trust
        or not names.same(new.project, old.project)
        or not about[old.id] <= about[new.id]
        or not may_end(new.text, old.text)
    ):
        return False
    return not statement_of(new.text).is_negated or _denies(later, first, about)


def may_end(later: str, first: str) -> bool:
    """Return whether a text may say that something else holds than an earlier one said.

    It states what is, not what was once, may be or is said by others, and not one more of several.
    """
    said, before = statement_of(later), statement_of(first)
    if (
        not (said.states_something and before.states_something)
        or said.is_past
        or said.is_one_more
        or (said.is_hearsay and not before.is_hearsay)
        or (said.is_plan and not before.is_plan)
    ):
        return False
    words = before.words, said.words
    if (
        are_of_others(*words)
        or have_other_relatives(*words)
        or tells_another_relation(*words)
        or (has_both(*words) and said.only_says_now)
    ):
        return False
    several = said.is_one_of_several and before.is_one_of_several
    if said.ends_another or (said.is_change and not several):
        return True
    denies = said.is_negated and not before.is_negated
    return denies or not (several or are_parallel(*words) or may_both_hold(*words))


def _denies(later: Candidate, first: Candidate, about: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a negated text has most of the words of what it would replace."""
    words = _content(first, about)
    return not words or len(words & _content(later, about)) > _NEGATED_SHARE * len(words)


def _evidence(
    wordings: Sequence[Candidate], about: Mapping[str, frozenset[str]], weights: SlotWeights
) -> Floats:
    """Return the evidence in the words of each pair of n texts but for changes, (n, n)."""
    contents = [_words(one) for one in wordings]
    both, counts = _in_common(contents)
    denied = both >= np.maximum(1.0, np.minimum(counts[:, None], counts[None, :]))
    both, counts = _in_common(
        [words - about[one.record.id] for words, one in zip(contents, wordings, strict=True)]
    )
    shared = both / np.maximum(1.0, np.minimum(counts[:, None], counts[None, :]))
    said = [statement_of(one.record.text) for one in wordings]
    present = np.array([float(one.tells_what_is) for one in said])
    day = np.array([float(one.tells_a_day) for one in said])
    either_day: Floats = np.maximum(day[:, None], day[None, :])
    both_present: Floats = present[:, None] + present[None, :]
    negated = np.array([one.is_negated for one in said])
    relations = np.array([[name in one.relations for name in RELATIONS] for one in said], float)
    evidence: Floats = (
        weights.denial * (denied & (negated[:, None] != negated[None, :]))
        + weights.relation * (relations @ relations.T > 0)
        + weights.shared * shared
        + weights.present * both_present
        + weights.day * either_day
    )
    return evidence


def _in_common(contents: Sequence[set[str]]) -> tuple[Floats, Floats]:
    """Return how many words each two of n texts have in common, (n, n), and each has, (n,)."""
    column = {word: at for at, word in enumerate(set[str]().union(*contents))}
    has_word = np.zeros((len(contents), len(column)))
    for row, words in enumerate(contents):
        has_word[row, [column[word] for word in words]] = 1.0
    return has_word @ has_word.T, has_word.sum(axis=1)


def _content(one: Candidate, about: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the content words of a text, without the subject's."""
    return _words(one).difference(about[one.record.id])


def _words(one: Candidate) -> set[str]:
    terms = set(one.terms.split()).difference(FILLER_WORDS)
    return {term for term in terms if len(term) >= _MIN_TERM}


def _standing(later: Sequence[Candidate], newer: Mapping[str, Sequence[Candidate]]) -> str:
    """Return the id of what stands for a wording: the newest that nothing stands for itself."""
    standing = [one for one in later if one.record.id not in newer] or later
    return max(standing, key=lambda one: (one.record.valid_from, one.record.id)).record.id


def _reordered(ranked: Sequence[Ranked], newer: Mapping[str, str]) -> list[Ranked]:
    """Return the hits, each that stands for others with the score of the best of them."""
    scores = {one.record.id: one.score for one in ranked}
    best = dict(scores)
    for id_, standing in newer.items():
        best[standing] = max(best[standing], scores[id_])
    placed: list[Ranked] = []
    for one in ranked:
        id_ = one.record.id
        stands = newer.get(id_)
        if stands is not None:
            behind = min(0.0, best[stands] - _AFTER - one.score)
            one = replace(one.with_part("said earlier", behind), earlier_than=stands)
        elif best[id_] > one.score:
            one = one.with_part("newest of its slot", best[id_] - one.score)
        placed.append(one)
    return sorted(placed, key=sort_key)
