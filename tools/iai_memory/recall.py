"""From a question to the hits that fit the budget."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from .clock import parse_time, utc_now
from .consolidation.duplicates import Folds
from .embedding import Encoder
from .errors import InvalidInput
from .ingest import check_tags, check_text
from .ranking import Question, Ranked, Weights, rank
from .results import Hit, Recalled
from .speech import in_first_person, is_conversation, named, utterance
from .store import Filter, Found, Store, Vector
from .tokens import cut_to_tokens, estimate_tokens

CANDIDATES = 150
MAX_LIMIT = 50
NPROBES = 50
MODEL_FIX = "iai-mcp model install"
_SMALLEST_CUT = 24
_CUT_MARK = " … [cut]"


@dataclass(frozen=True, slots=True)
class Query:
    """A checked recall.

    Attributes:
        text: The question.
        limit: Hits at most, 1 to 50.
        budget_tokens: Estimated tokens of all hits' texts together.
        where: Which records may answer.
        own_project: The project that asks.
    """

    text: str
    limit: int
    budget_tokens: int
    where: Filter
    own_project: str | None


def check_whole(value: Any, name: str, low: int, high: int) -> int:
    """The number, if it is whole and between `low` and `high`.

    Raises:
        InvalidInput: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(f"{name} is {value!r}: send a whole number from {low} to {high:,}")
    return value


def check_filter(
    *,
    project: str | None = None,
    own_project: str | None = None,
    session_id: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    as_of: str | datetime | None = None,
    tags: Sequence[str] | None = None,
    include_superseded: bool = False,
) -> Filter:
    """The filter that plain arguments describe; "." as project is the asking one.

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
    return Filter(
        project=project,
        session_id=session_id,
        since=start,
        until=end,
        as_of=None if as_of is None else parse_time(as_of, "as_of", end_of_day=True),
        tags=check_tags(tags, "tags") if tags else (),
        include_superseded=include_superseded,
    )


def recall(
    store: Store,
    encoder: Encoder | None,
    query: Query,
    *,
    weights: Weights | None = None,
    folds: Folds | None = None,
) -> Recalled:
    """Finds what answers, by meaning and by words under the same filter, in at most the budget.

    Without a model only the words are searched; the answer then says `degraded` and how to fix it.
    Memories that say the same in the same words are one hit, whose reason counts the others.

    Raises:
        StoreFault: The store could not be read.
    """
    started = time.perf_counter()
    reader, depth = store.latest, max(CANDIDATES, 2 * query.limit)
    lexical = _admitted(reader.lexical(query.text, query.where, depth), query.where)
    vector = None if encoder is None else _query_vector(encoder, query.text, lexical)
    dense: list[Found] = []
    if vector is not None:
        dense = _admitted(reader.dense(vector, query.where, depth, nprobes=NPROBES), query.where)
    question = Question(query.text, vector, query.own_project, query.where.as_of or utc_now())
    ranked = rank(dense, lexical, question, weights or Weights())
    once = _folded(ranked, folds or Folds(0))
    hits, tokens = _within_budget(once[: query.limit], query.budget_tokens)
    mode: Literal["hybrid", "lexical", "dense"] = "hybrid" if lexical else "dense"
    return Recalled(
        hits=hits,
        mode="lexical" if encoder is None else mode,
        degraded=encoder is None,
        fix=MODEL_FIX if encoder is None else None,
        tokens=tokens,
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _query_vector(encoder: Encoder, text: str, lexical: Sequence[Found]) -> Vector:
    """The query's vector; in a conversation, a named speaker in it read as "I"."""
    texts = [found.record.text for found in lexical]
    person = None
    if is_conversation(texts):
        speakers = {utterance(one).speaker for one in texts}
        person = named(text, {name for name in speakers if name is not None})
    vector: Vector = encoder.encode([text if person is None else in_first_person(text, person)])[0]
    return vector


def _admitted(found: Sequence[Found], where: Filter) -> list[Found]:
    if where.as_of is None:
        return list(found)
    return [
        replace(one, record=one.record.as_of(where.as_of))
        for one in found
        if where.admits(one.record)
    ]


def _folded(ranked: Sequence[Ranked], folds: Folds) -> list[Ranked]:
    """The best of each group of repetitions, with a count of the rest."""
    groups = {id_: newest for newest, older in folds.folds.items() for id_ in (newest, *older)}
    best: dict[str, Ranked] = {}
    for one in ranked:
        group = groups.get(one.record.id, one.record.id)
        first = best.setdefault(group, one)
        if first is not one:
            best[group] = replace(first, alike=first.alike + 1)
    return list(best.values())


def _within_budget(ranked: Sequence[Ranked], budget: int) -> tuple[list[Hit], int]:
    """The best hits; a long one is cut at three times its fair share of what is left."""
    hits: list[Hit] = []
    left = budget
    for remaining, one in zip(range(len(ranked), 0, -1), ranked, strict=True):
        room = min(left, max(3 * left // remaining, _SMALLEST_CUT))
        text = cut_to_tokens(one.record.text, room, _CUT_MARK)
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
        project=record.project,
        session_id=record.session_id,
        created_at=record.created_at,
        valid_to=record.valid_to,
        superseded_by=record.superseded_by,
        tags=list(record.tags),
        pinned=record.pinned,
        reason=one.reason,
    )
