"""Recall, stage by stage: each returns one value and is called once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Final, Literal

from ..base.out_of_sight import OutOfSight
from ..embedding.encoder import Encoder
from ..embedding.identity import MODEL_NAME, install_command
from ..errors import StoreUnavailable
from ..results import Coverage, Hidden, Period, Recalled
from ..store.reader import TableReader
from ..store.table import Store
from .budget import fit_budget
from .by_id import named_by_id
from .calibration import Answer, calibrate
from .candidates import CandidateSet, find_candidates
from .date_mentions import named_period
from .deduplication import merge_duplicates
from .exchange_hits import merge_repeats, with_exchanges
from .filter_arguments import in_hindsight
from .joined_names import join_names
from .late_interaction import interact
from .legibility import UNREAD
from .other_language import in_another_language
from .project_scope import in_project
from .query import Query
from .ranked import Ranked
from .respelling import Spelled, respell
from .scoring import score
from .slots import order_slots
from .supersession import resolve_supersession
from .time_listing import Listing, list_time
from .time_question import time_question
from .weights import WeightTables
from .word_forms import word_forms

_SPELLED_CHARACTERS: Final = 2_000


def recall(
    store: Store, encoder: Encoder | None, query: Query, *, tables: WeightTables | None = None
) -> Recalled:
    """Find what answers the query, by meaning and by words under the same filter.

    A question whose whole content is a time is answered by the turns of that time, session by
    session in their order. A query that is an id, or the beginning of one, is answered by the
    memory that it names.

    Without a model only words are searched; the answer is then `degraded` and says how to fix it.
    Memories that say the same in the same words are one hit, whose reason counts the others.
    Superseded memories are searched too; where the query does not want them, the memory that
    replaced each is the hit.

    An answer that is less sure than the query wants has no hits. Without vectors its confidence is
    unknown, and the hits are returned.

    Args:
        store: The store to search.
        encoder: None is no model.
        query: The checked arguments.
        tables: Other weights than the product's, to measure them.

    Raises:
        StoreFault: The store could not be read.
    """
    started = time.perf_counter()
    where = in_project(in_hindsight(query.where, store), store)
    query = replace(query, where=where, names=store.project_names)
    unranked = _without_ranking(store, query, started)
    if unranked is not None:
        return unranked
    asked, spelled = query.text, _spelled(store.latest, encoder, query)
    query = replace(query, text=spelled.text, forms=_forms(store.latest, spelled.text))
    found = find_candidates(store.latest, encoder, query)
    if query.without_repeats:
        from .repetition import saying_more

        found = replace(found, candidates=saying_more(found.candidates, asked))
    weights = (tables or WeightTables()).table_for(
        is_conversation=found.is_conversation, has_exchanges=found.has_exchanges
    )
    ranked = interact(
        score(found, query, weights), found, store.latest, query, weights.late_interaction
    )
    ranked = merge_repeats(ranked, found, query.names)
    facts = resolve_supersession(ranked, store.latest, query, weights.maintained)
    ordered = order_slots(facts, found, store.latest, query)
    answer = calibrate(query, merge_duplicates(ordered, query.names), found, spelled.certainty)
    shown = with_exchanges(answer.hits, found.candidates, store.latest, query.where)
    fitted = fit_budget(shown, query.budget_tokens)
    left_out = {
        **_behind(answer, len(fitted.hits)),
        **_unsearched(store, encoder, query, found),
        OutOfSight.RESPELLED: len(spelled.changed),
    }
    return Recalled(
        hits=fitted.hits,
        confidence=answer.confidence,
        mode=_mode(found),
        degraded=encoder is None,
        fix=install_command(MODEL_NAME) if encoder is None else None,
        tokens=fitted.tokens,
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
        coverage=_left_out(left_out, spelled.note()),
    )


def _spelled(reader: TableReader, encoder: Encoder | None, query: Query) -> Spelled:
    """Return the question as the memories spell it; as it is where their words cannot be read.

    Of a text that was pasted only the beginning is looked at.
    """
    head, rest = _head_and_rest(query.text)
    try:
        spelled = respell(head, reader, encoder)
        return replace(spelled, text=join_names(spelled.text, reader) + rest)
    except StoreUnavailable:  # the search by words fails too, and the answer tells of it
        return Spelled(query.text)


def _forms(reader: TableReader, text: str) -> Mapping[str, tuple[str, ...]]:
    """Return other forms of the question's words; none where the memories' words cannot be read."""
    try:
        return word_forms(_head_and_rest(text)[0], reader)
    except StoreUnavailable:  # as above
        return {}


def _head_and_rest(text: str) -> tuple[str, str]:
    """Return the text in two, parted between words."""
    if len(text) <= _SPELLED_CHARACTERS:
        return text, ""
    end = max(text.rfind(blank, 0, _SPELLED_CHARACTERS) for blank in " \n")
    end = end if end > 0 else _SPELLED_CHARACTERS
    return text[:end], text[end:]


def _without_ranking(store: Store, query: Query, started: float) -> Recalled | None:
    """Return the answer to a query that is an id, or a time alone; None for any other query.

    A time alone of which there is nothing, as "Thursday", may be meant as a word.
    """
    named = named_by_id(store.latest, query)
    if named:
        return _named(named, query, started)
    asked = time_question(query.text, query.asked_at)
    if asked is None:
        return None
    listing = list_time(store.latest, query, asked)
    if asked.is_bare and not listing.hits:
        return None
    return _listed(listing, query, started)


def _behind(answer: Answer, shown: int) -> dict[OutOfSight, int]:
    """Return what was found and is not shown."""
    return {
        OutOfSight.BEHIND_LIMIT: answer.behind,
        OutOfSight.BEHIND_BUDGET: len(answer.hits) - shown,
        OutOfSight.BELOW_CONFIDENCE: answer.below,
        OutOfSight.UNLIKELY: answer.unlikely,
    }


def _unsearched(
    store: Store, encoder: Encoder | None, query: Query, found: CandidateSet
) -> dict[OutOfSight, int]:
    """Return what the search could not reach, each 0 or 1."""
    is_unreadable = encoder is not None and found.legible_question < UNREAD
    return {
        OutOfSight.NOTHING_THEN: int(_nothing_then(store, query)),
        OutOfSight.DAMAGED_WORDS: int(not found.has_words),
        OutOfSight.UNREADABLE_QUESTION: int(is_unreadable),
        OutOfSight.OTHER_LANGUAGE: int(in_another_language(query, found, store.latest, encoder)),
    }


def _nothing_then(store: Store, query: Query) -> bool:
    """Return whether the question names a time, beside its topic, of which there is no memory."""
    period = named_period(query.text, query.asked_at)
    if period is None:
        return False
    then = replace(query.where, include_superseded=True).within(*period)
    return not store.latest.count(then)


def _left_out(counts: Mapping[OutOfSight, int], note: str | None = None) -> Coverage:
    """Return what recall itself knows of the coverage; the note is of other spellings."""
    return Coverage(
        hidden=[Hidden(reason=reason, count=count) for reason, count in counts.items() if count],
        note=note,
    )


def _named(named: list[Ranked], query: Query, started: float) -> Recalled:
    """Return the memories that the query names by their ids as the answer; it is certain."""
    fitted = fit_budget(named, query.budget_tokens)
    return Recalled(
        hits=fitted.hits,
        confidence=1.0,
        mode="id",
        degraded=False,
        fix=None,
        tokens=fitted.tokens,
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _listed(listing: Listing, query: Query, started: float) -> Recalled:
    """Return what was said at a time as the answer; nothing is ranked, so it has no confidence."""
    asked = listing.asked
    fitted = fit_budget(listing.hits, query.budget_tokens, evenly=True)
    return Recalled(
        hits=fitted.hits,
        confidence=None,
        mode="time",
        degraded=False,
        fix=None,
        tokens=fitted.tokens,
        latency_ms=round((time.perf_counter() - started) * 1000, 1),
        period=None
        if asked.last_session
        else Period(start=asked.start.astimezone(UTC), end=asked.end.astimezone(UTC)),
        coverage=_left_out(
            {
                OutOfSight.BEHIND_LIMIT: listing.more,
                OutOfSight.BEHIND_BUDGET: len(listing.hits) - len(fitted.hits),
            }
        ),
    )


def _mode(found: CandidateSet) -> Literal["hybrid", "lexical", "dense"]:
    """Return which searches found something; without vectors always `lexical`."""
    if not found.has_vectors:
        return "lexical"
    return "hybrid" if found.bm25 else "dense"
