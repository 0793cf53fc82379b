"""One score from two searches and what surrounds their hits, and the sum that made it.

Each arm is scaled to 0..1 over the candidates of this query, then weighted and added. Fusion by
rank throws the distances away that tell a clear winner from noise.

Who says it and in which session count only where most candidates are lines of a conversation
("Ann: …"). Among notes and turns of an assistant both did harm: of 118 plainly worded questions for
current facts .568 had the right one first with them and .771 without.

The weights were set on five LoCoMo conversations (760 questions, all-MiniLM-L6-v2). There the sum
of the dense and the lexical arm alone has an nDCG@10 of .482, and all arms together have .605.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from .dates import mentions
from .records import Record
from .speech import is_conversation, named, utterance
from .store import Found, Vector

# A session counts by its best hits, each next one less: one long session must not win by length.
_SESSION_SHARES: Final = (1.0, 0.7, 0.5, 0.35, 0.25)
_QUESTION_MARKS: Final = ("?", "\uff1f")  # the second is the fullwidth one
_ASKS_WHEN: Final = re.compile(r"\s*(?:when|how long|what (?:date|day|month|year|time))\b", re.I)
_TELLS_WHEN: Final = re.compile(
    r"\b(?:yesterday|today|tomorrow|tonight|last|next|ago|weeks?|weekend|months?|years?|"
    r"mon|tues|wednes|thurs|fri|satur|sun)(?:day)?\b|\b(?:19|20)\d\d\b|"
    r"\b(?:january|february|march|april|june|july|august|september|october|november|december)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each arm counts at most.

    Attributes:
        dense: Cosine similarity.
        lexical: BM25.
        speaker: The text is said by the one person whom the query names.
        session: BM25 of the best hits of the same session.
        date: Said on a date that the query names.
        time_words: A question for a time meets a text that tells one.
        question: Taken off a text that is a question itself.
        own_project: The asking project; decides near ties only.
        pinned: Decides near ties only.
    """

    dense: float = 0.60
    lexical: float = 0.30
    speaker: float = 0.40
    session: float = 0.25
    date: float = 0.60
    time_words: float = 0.10
    question: float = 0.15
    own_project: float = 0.03
    pinned: float = 0.02


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score and the parts that add up to it.

    `alike` counts the candidates that say the same in the same words and are not shown.
    """

    record: Record
    score: float
    parts: Mapping[str, float]
    alike: int = 0

    @property
    def reason(self) -> str:
        """The sum that made the score, as text."""
        parts = [
            f"{'-' if value < 0 else '+'} {name} {abs(value):.3f}"
            for name, value in self.parts.items()
            if value
        ]
        total = f"{' '.join(parts).removeprefix('+ ') or 'nothing'} = {self.score:.3f}"
        return total if not self.alike else f"{total}; {self.alike} more say the same"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as the ranking sees it.

    Attributes:
        text: The query as it was given.
        vector: Of the query, float32, (dim,); None where there is no model.
        own_project: The project that asks.
        asked_at: When; "last May" depends on it.
    """

    text: str
    vector: Vector | None
    own_project: str | None
    asked_at: datetime


def rank(
    dense: Sequence[Found],
    lexical: Sequence[Found],
    question: Question,
    weights: Weights,
) -> list[Ranked]:
    """All candidates, best first; equal scores go to the newer one.

    Args:
        dense: Candidates by cosine.
        lexical: Candidates by BM25.
        question: What is asked.
        weights: What each arm counts.
    """
    by_meaning = _meaning(dense, lexical, question.vector)
    by_words = _scaled({found.record.id: found.score for found in lexical})
    records = {found.record.id: found.record for found in (*dense, *lexical)}
    said = {id_: utterance(record.text) for id_, record in records.items()}
    talk = is_conversation([record.text for record in records.values()])
    speakers = {one.speaker for one in said.values() if one.speaker}
    person = named(question.text, speakers) if talk else None
    by_session = _sessions(records, by_words) if talk else {}
    dates = mentions(question.text, question.asked_at)
    asks_when = _ASKS_WHEN.match(question.text) is not None
    ranked = [
        _scored(
            record,
            {
                "meaning": weights.dense * by_meaning.get(id_, 0.0),
                "words": weights.lexical * by_words.get(id_, 0.0),
                "speaker": weights.speaker * (said[id_].speaker == person is not None),
                "session": weights.session * by_session.get(record.session_id, 0.0),
                "date": weights.date * any(one.covers(record.created_at) for one in dates),
                "time": weights.time_words * (asks_when and _tells_when(said[id_].words)),
                "own project": weights.own_project
                * (record.project == question.own_project is not None),
                "pinned": weights.pinned * record.pinned,
                "a question": -weights.question * record.text.rstrip().endswith(_QUESTION_MARKS),
            },
        )
        for id_, record in records.items()
    ]
    return sorted(ranked, key=lambda r: (-r.score, -r.record.created_at.timestamp(), r.record.id))


def _meaning(
    dense: Sequence[Found], lexical: Sequence[Found], query: Vector | None
) -> dict[str, float]:
    cosines = {found.record.id: found.score for found in dense}
    if query is not None:
        # A word match outside the nearest ones has a cosine too, it was only not asked for.
        for found in lexical:
            if found.record.id not in cosines and found.vector is not None:
                cosines[found.record.id] = float(np.dot(query, found.vector))
    return _scaled(cosines, floor=min((found.score for found in dense), default=0.0))


def _sessions(
    records: Mapping[str, Record], by_words: Mapping[str, float]
) -> dict[str | None, float]:
    """0..1 for each session by its best word matches; a record of no session has none."""
    scores: dict[str | None, list[float]] = {}
    for id_, score in by_words.items():
        if records[id_].session_id is not None:
            scores.setdefault(records[id_].session_id, []).append(score)
    sums = {
        session: sum(
            share * score
            for share, score in zip(_SESSION_SHARES, sorted(found, reverse=True), strict=False)
        )
        for session, found in scores.items()
    }
    best = max(sums.values(), default=0.0)
    return {session: total / best for session, total in sums.items()} if best > 0 else {}


def _tells_when(words: str) -> bool:
    return _TELLS_WHEN.search(words) is not None


def _scored(record: Record, parts: dict[str, float]) -> Ranked:
    # Rounded first and added then, so that the sum a reader sees is the sum that ranked.
    rounded = {name: round(value, 3) for name, value in parts.items()}
    return Ranked(record, round(sum(rounded.values()), 3), rounded)


def _scaled(scores: Mapping[str, float], floor: float | None = None) -> dict[str, float]:
    """Min-max to 0..1; everything at or under the floor is 0, and a single value is 1."""
    if not scores:
        return {}
    low = min(scores.values()) if floor is None else floor
    high = max(scores.values())
    if high <= low:
        return dict.fromkeys(scores, 1.0)
    return {id_: max(0.0, (score - low) / (high - low)) for id_, score in scores.items()}
