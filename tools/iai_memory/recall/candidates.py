"""The candidates of a query: found by words, found by meaning, or said next to one of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from functools import partial
from typing import Final, Self

from ..embedding.encoder import Encoder
from ..embedding.token_vectors import TokenVectors
from ..errors import StoreUnavailable
from ..store.candidate import Candidate
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import Record
from ..store.session_order import SessionOrder
from ..store.similarity import Similarity
from ..store.vector_rows import Vector
from ..text.speakers import in_first_person, is_conversation, subject
from .date_mentions import date_mentions
from .exchanges import exchange_turns, has_exchanges
from .features import features_of
from .legibility import UNREAD, legibility, legibility_of_each
from .neighbours import neighbouring_turns
from .query import Query

CANDIDATES: Final = 100
"""Results of each search; for a query of more than 50 hits, twice its hits."""

DATED: Final = 30
"""Results of each search over the days that the query names."""

NPROBES: Final = 150
"""Partitions that LanceDB searches where it has a vector index."""

_ANCHORS: Final = 30
"""The turns that belong to this many first results of each search are read too."""

COMPARED: Final = 25
"""So many first results of each search are compared by their tokens: to read those of the best hits
once these are known would take a fifth of a recall's time, and changed one first hit of 700."""

# A query is embedded while its words are searched, on the other core.
_EMBEDDING: Final = ThreadPoolExecutor(2, "embedding-a-query")


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """The candidates of a query, with the scores and cosines of the searches.

    Attributes:
        candidates: Found by a search, or said next to one of the best results in a conversation, or
            in the same exchange with an assistant.
        bm25: Scores of the search by words, by record id.
        similarities: Cosines with the query, by record id, as those of all-MiniLM-L6-v2 are, see
            `EmbedderIdentity.similarity`; empty without vectors.
        sessions: The turn order of each session that has several candidates, by its id.
        has_vectors: False without a model, and for a query that the model cannot read.
        is_conversation: Whether most candidates are lines of a conversation.
        has_exchanges: Whether most candidates are turns of an assistant's sessions; then it is no
            conversation.
        has_words: False where the words cannot be searched because their index is damaged.
        legible_question: How far the model reads the question, 0..1, see `legibility`.
        legible: The same of each candidate, by record id; empty without vectors.
        cutoff: The lowest of these that the search by meaning returned; 0.0 where it returned
            everything. No other record has a higher one.
        tokens: The token vectors of the query; None where it has no vector, or the model makes
            none.
        token_key: What those of the records are known by; empty without.
        compared: Reads the token vectors of the best of both searches, by record id; None as above.
    """

    candidates: list[Candidate]
    bm25: Mapping[str, float]
    similarities: Mapping[str, Similarity]
    sessions: Mapping[str, SessionOrder]
    has_vectors: bool
    is_conversation: bool
    cutoff: float
    has_exchanges: bool = False
    has_words: bool = True
    legible_question: float = 1.0
    legible: Mapping[str, float] = field(default_factory=dict[str, float])
    tokens: TokenVectors | None = None
    token_key: str = ""
    compared: Callable[[], dict[str, TokenVectors]] | None = None


def find_candidates(reader: TableReader, encoder: Encoder | None, query: Query) -> CandidateSet:
    """Search by words and by meaning under the query's filter, superseded records included.

    In a conversation the turns next to the best results are candidates too; with an assistant, the
    user's turns and the answers of their exchanges.

    Raises:
        StoreFault: The store could not be read.
    """
    where = replace(query.where, include_superseded=True)
    depth = max(CANDIDATES, 2 * query.limit)
    legible_question = legibility(query.text, encoder)
    reading = encoder if legible_question >= UNREAD else None
    embedding = _EMBEDDING.submit(_embed, reading, query.text)
    words = _Words.of(reader, query, where, depth)
    bm25 = words.found
    found = reader.candidates(bm25)
    vector = _query_vector(reading, query.text, found.values(), embedding)
    if words.fault is not None and vector is None:
        raise words.fault  # nothing was searched
    if _mostly_pending(found.values()):
        vector = None
    cosines = {} if vector is None else reader.nearest(vector, where, depth, nprobes=NPROBES)
    key = None if vector is None or encoder is None else encoder.token_key
    best = [*list(cosines)[:COMPARED], *list(bm25)[:COMPARED]]
    compared = None if key is None else reader.token_vectors_ahead({*best}, key)
    measured = partial(_similarities, reader, encoder, vector)
    similarities = reader.overlap(partial(measured, {*bm25, *cosines}))
    dated = _said_on_dates(reader, query, where, vector, by_words=words.fault is None)
    found |= reader.candidates([id_ for id_ in (*cosines, *dated) if id_ not in found])
    conversation = is_conversation(_speakers(found.values()))
    exchanges = not conversation and has_exchanges([one.record for one in found.values()])
    anchors = {*list(cosines)[:_ANCHORS], *list(bm25)[:_ANCHORS]}
    belonging = neighbouring_turns if conversation else exchange_turns
    nearby = _nearby(reader, found, anchors if conversation or exchanges else (), where, belonging)
    candidates = _as_of([*found.values(), *nearby.candidates.values()], where)
    read_by = None if vector is None else encoder
    return CandidateSet(
        candidates=candidates,
        bm25=bm25,
        similarities=similarities()
        | measured({*nearby.candidates, *dated.difference(cosines, bm25)}),
        sessions=nearby.sessions,
        has_vectors=vector is not None,
        is_conversation=conversation,
        has_exchanges=exchanges,
        cutoff=_cutoff(encoder, list(cosines.values()), depth),
        has_words=words.fault is None,
        legible_question=legible_question,
        legible=_legible([one.record for one in candidates], read_by),
        tokens=None if vector is None else embedding.result().tokens,
        token_key=key or "",
        compared=compared,
    )


@dataclass(frozen=True, slots=True)
class _Words:
    """What a search by words found, with its scores; or why there was none."""

    found: Mapping[str, float]
    fault: StoreUnavailable | None = None

    @classmethod
    def of(cls, reader: TableReader, query: Query, where: Filter, depth: int) -> Self:
        forms = {form for forms in query.forms.values() for form in forms}
        try:
            return cls(reader.matching(query.text, where, depth, forms=sorted(forms)))
        except StoreUnavailable as exc:
            return cls({}, exc)


def _said_on_dates(
    reader: TableReader, query: Query, where: Filter, vector: Vector | None, *, by_words: bool
) -> set[str]:
    """Return the ids of the best of the days that the query names; in a large store both searches
    may return other days only.

    A day without a year is the latest one here; of other years the searches must find it.
    """
    dates = date_mentions(query.text, query.asked_at)
    if not dates:
        return set()
    zone = query.asked_at.tzinfo
    first, last = min(one.days[0] for one in dates), max(one.days[1] for one in dates)
    since = datetime.combine(first, time.min, zone).astimezone(UTC)
    until = datetime.combine(last, time.max, zone).astimezone(UTC)
    then = where.within(since, until)
    found = set(reader.matching(query.text, then, DATED)) if by_words else set[str]()
    if vector is not None:
        found |= reader.nearest(vector, then, DATED, nprobes=NPROBES).keys()
    return found


def _query_vector(
    encoder: Encoder | None,
    text: str,
    matching: Collection[Candidate],
    embedding: Future[_Embedded],
) -> Vector | None:
    """Return the vector of the query; in a conversation, its subject is read as "I"."""
    speakers = _speakers(matching)
    if is_conversation(speakers):
        person = subject(text, {name for name in speakers if name is not None})
        spoken = text if person is None else in_first_person(text, person)
        if spoken != text:
            return _embed(encoder, spoken).vector
    return embedding.result().vector


def _mostly_pending(matching: Collection[Candidate]) -> bool:
    """Return whether most of what has the words waits for vectors.

    What is near among the few others would come before the memories that have the words.
    """
    return 2 * sum(one.record.embedder is None for one in matching) > len(matching)


@dataclass(frozen=True, slots=True)
class _Embedded:
    """The vector of a question and those of its tokens, as far as the model makes them."""

    vector: Vector | None = None
    tokens: TokenVectors | None = None


def _embed(encoder: Encoder | None, text: str) -> _Embedded:
    """Embed a question; to nothing without a model that reads it."""
    if encoder is None:
        return _Embedded()
    if encoder.token_key is None:
        return _Embedded(encoder.encode_question(text))
    return _Embedded(*encoder.encode_question_with_tokens(text))


@dataclass(frozen=True, slots=True)
class _Nearby:
    """Sessions and the candidates next to the anchors, both by id."""

    sessions: Mapping[str, SessionOrder]
    candidates: dict[str, Candidate]


def _nearby(
    reader: TableReader,
    found: Mapping[str, Candidate],
    anchors: Iterable[str],
    where: Filter,
    belonging: Callable[[Sequence[Record], Mapping[str, SessionOrder]], set[str]],
) -> _Nearby:
    """Return the turns belonging to the anchors that were not found and pass the filter."""
    anchor_records = [found[id_].record for id_ in anchors if id_ in found]
    sessions = reader.sessions(_sessions_of(found.values(), anchor_records))
    beside = belonging(anchor_records, sessions).difference(found)
    candidates = {
        id_: one for id_, one in reader.candidates(beside).items() if where.admits(one.record)
    }
    return _Nearby(sessions, candidates)


def _sessions_of(candidates: Iterable[Candidate], anchors: Iterable[Record]) -> set[str]:
    """Return the ids of sessions with several candidates, and of the anchors' sessions."""
    counts = Counter(one.record.session_id for one in candidates)
    several = {session_id for session_id, count in counts.items() if count > 1}
    return {one for one in several.union(one.session_id for one in anchors) if one is not None}


def _as_of(found: list[Candidate], where: Filter) -> list[Candidate]:
    """Return the candidates as of the filter's time, without those that it does not admit."""
    if where.as_of is None:
        return found
    admitted = [one for one in found if where.admits(one.record)]
    return [replace(one, record=where.at_time(one.record)) for one in admitted]


def _similarities(
    reader: TableReader, encoder: Encoder | None, vector: Vector | None, ids: Collection[str]
) -> dict[str, Similarity]:
    """Return the similarities with the query by id, each as cosines of all-MiniLM-L6-v2 are."""
    if encoder is None or vector is None or not ids:
        return {}
    found = reader.similarities(vector, ids)
    if not encoder.identity.maps_cosines:
        return found
    mapped = encoder.identity.similarity
    return {
        id_: Similarity(mapped(one.whole), mapped(one.best_passage), one.span)
        for id_, one in found.items()
    }


def _legible(records: Sequence[Record], encoder: Encoder | None) -> dict[str, float]:
    """Return how far the model reads each record, by id."""
    read = legibility_of_each((one.text for one in records), encoder)
    return dict(zip((one.id for one in records), read, strict=True))


def _cutoff(encoder: Encoder | None, cosines: Sequence[float], depth: int) -> float:
    if encoder is None or len(cosines) < depth:
        return 0.0
    return max(0.0, encoder.identity.similarity(min(cosines)))


def _speakers(candidates: Iterable[Candidate]) -> list[str | None]:
    return [one.speaker for one in features_of(candidates)]
