"""Late interaction: each word of the question meets the word of a text that is nearest to it.

The vectors of whole texts and passages say what a text is about; what it says of that is lost in
their mean. So the best hits are compared once more, by the vectors of their tokens: of each content
word of the question the cosine with the nearest token (MaxSim: Khattab and Zaharia, "ColBERT",
2020), weighted by how rare the word is among these hits. The name that all of them have says
nothing about which one answers.

Token vectors are derived: where they are missing, or not to be read, the order stays as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..embedding.token_vectors import TokenVectors, max_similarities, words_of_tokens
from ..errors import StoreFault
from ..store.reader import TableReader
from ..store.record import Record
from ..text.languages import detect
from ..text.stemming import is_stop_word
from .candidates import CandidateSet
from .exchanges import exchange_of
from .neighbours import Floats
from .query import Query
from .ranked import Ranked, sort_key

_log = logging.getLogger(__name__)

NAME: Final = "late interaction"

BEST: Final = 30
"""Hits that are compared; with 50 the first hit of the longitudinal set is right as often. Of
notes and conversations those have vectors that are among the `COMPARED` best of a search."""

BEST_EXCHANGES: Final = 20
"""Hits that are compared in sessions, each with two or three turns; with 30 or 50 as many questions
have the right one first, or among the first five."""

# Among hits that are nearer together than this, none is the best by much.
_LEAST_RANGE: Final = 0.1
# Of fewer hits with token vectors nobody knows whether the others would be nearer.
_LEAST_SHARE: Final = 0.5


def interact(
    ranked: Sequence[Ranked], found: CandidateSet, reader: TableReader, query: Query, weight: float
) -> list[Ranked]:
    """Add the part "late interaction", 0..weight, to the best hits, and sort anew.

    Args:
        ranked: Best first.
        found: Has the token vectors of the question, None leaves the order as it is; and those of
            the best of both searches.
        reader: Of the table; it reads those of the other turns of sessions.
        query: The question.
        weight: Of this kind of candidates.
    """
    best = ranked[: BEST_EXCHANGES if found.has_exchanges else BEST]
    if found.tokens is None or not weight or len(best) < 2:
        return list(ranked)
    asked = found.tokens.chosen(_content(query.text, found.tokens))
    shown = {one.record.id: _shown(one.record, found) for one in best}
    texts = _read(found, reader, list({id_ for ids in shown.values() for id_ in ids}))
    own = {hit: [texts[id_] for id_ in ids if id_ in texts] for hit, ids in shown.items()}
    own = {hit: vectors for hit, vectors in own.items() if vectors}
    if not found.has_exchanges:
        text_of = {one.record.id: one.record.text for one in best}
        own = {hit: vectors for hit, vectors in own.items() if _is_whole(text_of[hit], vectors)}
    if not len(asked) or len(own) < _LEAST_SHARE * len(best):
        return list(ranked)
    cosines = _nearest(asked, list(own.values()))
    of_hits = _scaled(cosines @ _rarity(query.text, asked, best, texts))
    # One without vectors is neither nearer nor farther than the others.
    values = dict(zip(own, of_hits.tolist(), strict=True))
    usual = float(np.mean(of_hits))
    nearness = dict(zip(own, cosines.mean(axis=1).tolist(), strict=True))
    compared = [
        one.with_part(
            NAME,
            weight * _reads(found, one) * values.get(one.record.id, usual),
            nearness=nearness.get(one.record.id),
        )
        for one in best
    ]
    return sorted([*compared, *ranked[len(best) :]], key=sort_key)


def _shown(record: Record, found: CandidateSet) -> list[str]:
    """Return the ids of what is compared: the record, in sessions what is shown with it too.

    Question and answer are about the same; each has words that the other lacks.
    """
    exchange = exchange_of(record, found.sessions) if found.has_exchanges else None
    return list(dict.fromkeys([record.id, *(exchange.ids if exchange else ())]))


def _is_whole(text: str, vectors: Sequence[TokenVectors]) -> bool:
    """Return whether token vectors cover the whole text.

    Of a long text they cover the beginning, which is no ground to put it before or behind others:
    its passages compare the rest. In sessions, where most answers are long and begin with what they
    are about, it helped.
    """
    end = max((int(one.spans[-1][1]) for one in vectors if len(one)), default=0)
    return not any(map(str.isalnum, text[end:]))


def _reads(found: CandidateSet, one: Ranked) -> float:
    """Return how far the model reads question and text, 0..1."""
    return found.legible_question * found.legible.get(one.record.id, 1.0)


def _read(found: CandidateSet, reader: TableReader, ids: Sequence[str]) -> dict[str, TokenVectors]:
    """Return the token vectors of these records, those of sessions' turns from the table."""
    try:
        read = found.compared() if found.compared is not None else {}
        missing = [id_ for id_ in ids if id_ not in read]
        if found.has_exchanges and missing:
            read = read | reader.token_vectors(missing, found.token_key)
    except StoreFault as exc:  # a damaged column; doctor tells of it
        _log.warning("recall goes on without token vectors: %s", exc)
        return {}
    return {id_: read[id_] for id_ in ids if id_ in read}


def _content(text: str, tokens: TokenVectors) -> NDArray[np.bool_]:
    """Return which tokens are part of no function word; all, where there are no others."""
    languages = detect(text)
    words = words_of_tokens(text, tokens.spans.tolist())
    content = np.array([not is_stop_word(word or "", languages) for word in words], np.bool_)
    return content if content.any() else np.ones(len(tokens), np.bool_)


def _nearest(asked: TokenVectors, texts: Sequence[Sequence[TokenVectors]]) -> Floats:
    """Return the cosine of each of k tokens with the nearest of each of n hits' texts, (n, k)."""
    cosines = max_similarities(asked, [one for of_hit in texts for one in of_hit])
    begins = np.cumsum([0, *map(len, texts[:-1])])
    nearest: Floats = np.maximum.reduceat(cosines.astype(np.float64), begins, axis=0)
    return nearest


def _rarity(
    question: str, asked: TokenVectors, best: Sequence[Ranked], texts: Mapping[str, TokenVectors]
) -> Floats:
    """Return the weight of each token of the question by how few hits have it, (k,); together 1."""
    wanted = _pieces(question, asked)
    records = [one.record for one in best if one.record.id in texts]
    held = [set(_pieces(one.text, texts[one.id])) for one in records]
    counts = np.array([sum(piece in pieces for pieces in held) for piece in wanted])
    rarity: Floats = np.log(1 + len(held) / (counts + 0.5))
    weights: Floats = rarity / rarity.sum()
    return weights


def _pieces(text: str, tokens: TokenVectors) -> list[str]:
    return [text[start:end].casefold() for start, end in tokens.spans.tolist()]


def _scaled(values: Floats) -> Floats:
    lowest, highest = float(values.min()), float(values.max())
    return (values - lowest) / max(highest - lowest, _LEAST_RANGE)
