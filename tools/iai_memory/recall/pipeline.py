"""From a question to the hits that fit the budget."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from ..base.clock import utc_now
from ..embedding.encoder import Encoder
from ..results import Hit, Recalled
from ..store.candidate import Candidate
from ..store.filter import Filter
from ..store.reader import TableReader
from ..store.record import Record
from ..store.session_order import Spoken
from ..store.similarity import Likeness
from ..store.table import Store
from ..store.vector_rows import Vector
from ..text.excerpt import excerpt
from ..text.speakers import in_first_person, is_conversation, subject
from ..text.tokens import estimate_tokens
from .calibration import judged
from .deduplication import outline, sameness
from .features import features_of
from .filter_arguments import in_hindsight
from .intent import cues_of
from .neighbours import neighbours
from .query import Query
from .scoring import MOST, Question, Ranked, Weighting, rank
from .supersession import ALL, HISTORY, PRESENT, PREVIOUS, Shown, settled

CANDIDATES = 100
NEIGHBOURED = 30
NPROBES = 150
MODEL_FIX = "iai-mcp model install"
_SMALLEST_CUT = 24

# A query is embedded while its words are searched, on the other core.
_BESIDE = ThreadPoolExecutor(2, "embedding-a-query")


def recall(
    store: Store, encoder: Encoder | None, query: Query, *, weighting: Weighting | None = None
) -> Recalled:
    """Finds what answers, by meaning and by words under the same filter, in at most the budget.

    Without a model only the words are searched; the answer then says `degraded` and how to fix it.
    Memories that say the same in the same words are one hit, whose reason counts the others. What
    was superseded is searched too, and stands in the list only where the question or the query asks
    for it; else what replaced it does.

    An answer that is less sure than the query asks for is empty. Without vectors nobody knows how
    sure it is, and it is given.

    Raises:
        StoreFault: The store could not be read.
    """
    started = time.perf_counter()
    query = replace(query, where=in_hindsight(query.where, store))
    weighting = weighting or Weighting()
    found = _search(store.latest, encoder, query)
    question = Question(query.text, query.own_project, query.where.as_of or utc_now())
    weights = weighting.of(talk=found.talk)
    shown, most = _shown(query), 3 * query.limit
    # Where one fact has several wordings among them, further ones may tell how well it matches.
    united = any(one.record.valid_to is not None for one in found.candidates)
    ranked = rank(
        found.candidates,
        found.lexical,
        found.likenesses,
        found.sessions,
        question,
        weights,
        talk=found.talk,
        floor=found.floor,
        most=MOST if united else most,
    )
    where = replace(query.where, include_superseded=shown.old)
    facts = settled(ranked, store.latest, where, shown, weights.maintained, most)
    once = _folded(facts)[: query.limit]
    answer = None
    if found.readable:
        answer, each = judged(query.text, once, found.candidates, talk=found.talk)
        once = [replace(one, confidence=sure) for one, sure in zip(once, each, strict=True)]
        once = once if answer >= query.min_confidence else []
    hits, tokens = _within_budget(once, query.budget_tokens)
    mode: Literal["hybrid", "lexical", "dense"] = "hybrid" if found.lexical else "dense"
    if not found.readable:
        mode = "lexical"
    return Recalled(
        hits=hits,
        confidence=answer,
        mode=mode,
        degraded=encoder is None,
        fix=MODEL_FIX if encoder is None else None,
        tokens=tokens,
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _shown(query: Query) -> Shown:
    cues = cues_of(query.text)
    if cues.before:
        return PREVIOUS
    if cues.maybe_before:
        return HISTORY
    return ALL if query.where.include_superseded else PRESENT


@dataclass(frozen=True, slots=True)
class _Found:
    """What the two searches gave.

    Attributes:
        candidates: What either found, and in a conversation what was said around the best of it.
        lexical: BM25 by id.
        likenesses: To the query, by id.
        sessions: Those of several candidates, by id.
        readable: False without a model, and for a query that it cannot read.
        talk: Whether the candidates are lines of a conversation.
        floor: The cosine at which the search by meaning broke off; 0.0 where it returned all.
    """

    candidates: list[Candidate]
    lexical: dict[str, float]
    likenesses: dict[str, Likeness]
    sessions: dict[str, Spoken]
    readable: bool
    talk: bool
    floor: float


def _search(reader: TableReader, encoder: Encoder | None, query: Query) -> _Found:
    where, depth = replace(query.where, include_superseded=True), max(CANDIDATES, 2 * query.limit)
    as_written = _BESIDE.submit(_vector_of, encoder, query.text)
    lexical = reader.matching(query.text, where, depth)
    found = reader.candidates(lexical)
    spoken = _as_spoken(query.text, found.values())
    vector = as_written.result() if spoken == query.text else _vector_of(encoder, spoken)
    dense = {} if vector is None else reader.nearest(vector, where, depth, nprobes=NPROBES)
    alike = reader.aside(partial(_likenesses, reader, vector, {*lexical, *dense}))
    found |= reader.candidates([id_ for id_ in dense if id_ not in found])
    talk = is_conversation(_speakers(found.values()))
    best = {*list(dense)[:NEIGHBOURED], *list(lexical)[:NEIGHBOURED]} if talk else set[str]()
    amid = [found[id_].record for id_ in best if id_ in found]
    sessions = reader.sessions(_told_of(found.values(), amid))
    beside = neighbours(amid, sessions).difference(found)
    found |= _passing(reader.candidates(beside), where)
    likenesses = alike() | _likenesses(reader, vector, beside)
    if where.as_of is not None:  # for which the searches may let too much by
        found = {
            id_: replace(one, record=where.seen(one.record))
            for id_, one in _passing(found, where).items()
        }
    candidates = list(found.values())
    floor = max(0.0, min(dense.values())) if len(dense) == depth else 0.0
    return _Found(candidates, lexical, likenesses, sessions, vector is not None, talk, floor)


def _likenesses(
    reader: TableReader, vector: Vector | None, ids: Collection[str]
) -> dict[str, Likeness]:
    return {} if vector is None or not ids else reader.likenesses(vector, ids)


def _told_of(candidates: Iterable[Candidate], amid: Iterable[Record]) -> set[str]:
    """Sessions whose order is asked for: of several candidates, and of those amid their turns."""
    often = Counter(one.record.session_id for one in candidates)
    several = {session_id for session_id, count in often.items() if count > 1}
    return {one for one in several.union(one.session_id for one in amid) if one is not None}


def _passing(found: Mapping[str, Candidate], where: Filter) -> dict[str, Candidate]:
    now = utc_now()
    return {id_: one for id_, one in found.items() if where.admits(one.record, now)}


def _vector_of(encoder: Encoder | None, text: str) -> Vector | None:
    """The text's; None without a model, and for emoji alone, which are all alike to it."""
    if encoder is None or not any(character.isalnum() for character in text):
        return None
    vector: Vector = encoder.encode([text])[0]
    return vector


def _as_spoken(text: str, matching: Collection[Candidate]) -> str:
    """The query; in a conversation, with the speaker it is about read as "I"."""
    speakers = _speakers(matching)
    if not is_conversation(speakers):
        return text
    person = subject(text, {name for name in speakers if name is not None})
    return text if person is None else in_first_person(text, person)


def _speakers(candidates: Iterable[Candidate]) -> list[str | None]:
    return [one.speaker for one in features_of(candidates)]


def _folded(ranked: Sequence[Ranked]) -> list[Ranked]:
    """The best of each group that no list tells apart, with a count of the rest.

    What holds and what was replaced stay apart, even where a fact came back in the same words.
    """
    best: dict[tuple[bytes | str, bool], Ranked] = {}
    outlines = [outline(one.record) for one in ranked]
    often = Counter(outlines)
    for one, drawn in zip(ranked, outlines, strict=True):
        says = sameness(one.record) if often[drawn] > 1 else one.record.id
        key = (says, one.record.superseded_by is None)
        first = best.setdefault(key, one)
        if first is not one:
            best[key] = replace(first, alike=first.alike + 1)
    return list(best.values())


def _within_budget(ranked: Sequence[Ranked], budget: int) -> tuple[list[Hit], int]:
    """The best hits; a long one is cut at three times its fair share of what is left."""
    hits: list[Hit] = []
    left = budget
    for remaining, one in zip(range(len(ranked), 0, -1), ranked, strict=True):
        room = min(left, max(3 * left // remaining, _SMALLEST_CUT))
        text = excerpt(one.record.text, one.span, room)
        if not text:
            continue
        left -= estimate_tokens(text)
        hits.append(_hit(one, text))
    return hits, budget - left


def _hit(one: Ranked, text: str) -> Hit:
    record = one.record
    return Hit(
        id=record.id,
        text=text,
        score=one.score,
        role=record.role,
        origin=record.origin,
        host=record.host,
        project=record.project,
        session_id=record.session_id,
        created_at=record.created_at,
        valid_to=record.valid_to,
        superseded_by=record.superseded_by,
        tags=list(record.tags),
        pinned=record.pinned,
        confidence=one.confidence,
        reason=one.reason,
    )
