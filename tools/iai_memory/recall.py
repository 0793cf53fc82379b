"""From a question to the hits that fit the budget."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from .clock import parse_time, utc_now
from .confidence import judged
from .consolidation.duplicates import said
from .cues import cues_of
from .discourse import neighbours
from .embedding import Encoder
from .errors import InvalidInput
from .excerpt import excerpt
from .facts import ALL, HISTORY, PRESENT, PREVIOUS, Shown, settled
from .ingest import check_tags, check_text
from .limits import LEAST_CONFIDENCE
from .ranking import Question, Ranked, Weighting, rank
from .records import ORIGINS
from .results import Hit, Recalled
from .speech import in_first_person, is_conversation, subject, utterance
from .store import Candidate, Filter, Store, TableReader, Vector
from .tokens import estimate_tokens

CANDIDATES = 150
NEIGHBOURED = 40
NPROBES = 50
MODEL_FIX = "iai-mcp model install"
_SMALLEST_CUT = 24


@dataclass(frozen=True, slots=True)
class Query:
    """A checked recall.

    Attributes:
        text: The question.
        limit: Hits at most, 1 to 50.
        budget_tokens: Estimated tokens of all hits' texts together.
        where: Which records may answer.
        own_project: The project that asks.
        least_confidence: 0..1; an answer that is less sure is empty.
    """

    text: str
    limit: int
    budget_tokens: int
    where: Filter
    own_project: str | None
    least_confidence: float = LEAST_CONFIDENCE


def check_whole(value: Any, name: str, low: int, high: int) -> int:
    """The number, if it is whole and between `low` and `high`.

    Raises:
        InvalidInput: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(f"{name} is {value!r}: send a whole number from {low} to {high:,}")
    return value


def check_share(value: Any, name: str) -> float:
    """The number, if it is from 0 to 1.

    Raises:
        InvalidInput: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"{name} is {value!r}: send a number from 0 to 1")
    return float(value)


def check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """The origins, each once.

    Raises:
        InvalidInput: Not a list of hook, tool, import and cli.
    """
    listed = isinstance(origins, list | tuple)
    if not listed or not all(origin in ORIGINS for origin in origins):
        raise InvalidInput(f"origins is not a list of {', '.join(ORIGINS)}: send some of them")
    return tuple(dict.fromkeys(origins))


def check_filter(
    *,
    project: str | None = None,
    own_project: str | None = None,
    session_id: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    as_of: str | datetime | None = None,
    tags: Sequence[str] | None = None,
    origins: Sequence[str] | None = None,
    include_superseded: bool = False,
    birth: datetime | None = None,
) -> Filter:
    """The filter that plain arguments describe; "." as project is the asking one.

    `birth` is the store's; an `as_of` before it is answered in hindsight.

    Raises:
        InvalidInput: One of them cannot be used.
    """
    if project == ".":
        if own_project is None:
            raise InvalidInput('project "." is not known here: send the project\'s name, or null')
        project = own_project
    for name, value in (("project", project), ("session_id", session_id)):
        if value is not None:
            check_text(value, name)
    start = None if since is None else parse_time(since, "since")
    end = None if until is None else parse_time(until, "until", end_of_day=True)
    if start is not None and end is not None and start > end:
        raise InvalidInput("since is after until: swap them")
    moment = None if as_of is None else parse_time(as_of, "as_of", end_of_day=True)
    return Filter(
        project=project,
        session_id=session_id,
        since=start,
        until=end,
        as_of=moment,
        hindsight=moment is not None and birth is not None and moment < birth,
        tags=check_tags(tags, "tags") if tags else (),
        origins=check_origins(origins or ()),
        include_superseded=include_superseded,
    )


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
    weighting = weighting or Weighting()
    found = _search(store.latest, encoder, query)
    question = Question(query.text, found.vector, query.own_project, query.where.as_of or utc_now())
    weights = weighting.of(talk=found.talk)
    ranked = rank(
        found.candidates, found.lexical, found.sessions, question, weights, talk=found.talk
    )
    shown = _shown(query)
    where = replace(query.where, include_superseded=shown.old)
    facts = settled(ranked, store.latest, where, shown, weights.maintained)
    once = _folded(facts[: 3 * query.limit])[: query.limit]
    answer = None
    if found.vector is not None:
        answer, each = judged(query.text, once, found.candidates, talk=found.talk)
        once = [replace(one, confidence=sure) for one, sure in zip(once, each, strict=True)]
        once = once if answer >= query.least_confidence else []
    hits, tokens = _within_budget(once, query.budget_tokens)
    mode: Literal["hybrid", "lexical", "dense"] = "hybrid" if found.lexical else "dense"
    return Recalled(
        hits=hits,
        confidence=answer,
        mode="lexical" if encoder is None else mode,
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
        candidates: What either found and what was said around the best of it.
        lexical: BM25 by id.
        sessions: The ids of each candidate's session in the order they were said.
        vector: Of the query; None without a model, and for a query that it cannot read.
        talk: Whether the candidates are lines of a conversation.
    """

    candidates: list[Candidate]
    lexical: dict[str, float]
    sessions: dict[str, list[str]]
    vector: Vector | None
    talk: bool


def _search(reader: TableReader, encoder: Encoder | None, query: Query) -> _Found:
    where, depth = replace(query.where, include_superseded=True), max(CANDIDATES, 2 * query.limit)
    lexical = reader.matching(query.text, where, depth)
    by_words = reader.candidates(lexical)
    # Of emoji alone the model reads nothing, and all of them look the same to it.
    readable = any(character.isalnum() for character in query.text)
    vector = None
    if encoder is not None and readable:
        vector = _query_vector(encoder, query.text, by_words.values())
    dense = {} if vector is None else reader.nearest(vector, where, depth, nprobes=NPROBES)
    found = {**by_words, **reader.candidates([id_ for id_ in dense if id_ not in by_words])}
    sessions = reader.sessions({c.record.session_id for c in found.values() if c.record.session_id})
    best = [*list(dense)[:NEIGHBOURED], *list(lexical)[:NEIGHBOURED]]
    beside = {id_ for id_ in neighbours(best, sessions) if id_ not in found}
    candidates = [*found.values(), *reader.candidates(beside).values()]
    # What the SQL lets by too much is dropped here, and so are neighbours out of the filter.
    admitted = [
        replace(one, record=where.seen(one.record))
        for one in candidates
        if where.admits(one.record)
    ]
    talk = is_conversation([one.record.text for one in admitted])
    return _Found(admitted, lexical, sessions, vector, talk)


def _query_vector(encoder: Encoder, text: str, matching: Collection[Candidate]) -> Vector:
    """The query's vector; in a conversation, the speaker it is about read as "I"."""
    texts = [candidate.record.text for candidate in matching]
    person = None
    if is_conversation(texts):
        speakers = {utterance(one).speaker for one in texts}
        person = subject(text, {name for name in speakers if name is not None})
    vector: Vector = encoder.encode([text if person is None else in_first_person(text, person)])[0]
    return vector


def _folded(ranked: Sequence[Ranked]) -> list[Ranked]:
    """The best of each group that says the same in the same words, with a count of the rest."""
    best: dict[tuple[str, ...], Ranked] = {}
    for one in ranked:
        words = said(one.record.text)
        first = best.setdefault(words, one)
        if first is not one:
            best[words] = replace(first, alike=first.alike + 1)
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
