"""Every reason why a memory can be out of sight, with the sentence that a user is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class OutOfSight(StrEnum):
    """A reason why a memory that answers is not in the answer."""

    UNREAD_EVENT = "unread_event"
    UNREAD_TRANSCRIPT = "unread_transcript"
    EVENT_GIVEN_UP = "event_given_up"
    NOT_DRAINED = "not_drained"
    SPOOL_BARRED = "spool_barred"
    TURN_LOST = "turn_lost"
    SESSION_LOST = "session_lost"
    CAPTURE_OFF = "capture_off"
    FOLDER_IGNORED = "folder_ignored"
    PENDING_VECTOR = "pending_vector"
    NO_MODEL = "no_model"
    DAMAGED_MODEL = "damaged_model"
    DAMAGED_WORDS = "damaged_words"
    UNREADABLE_QUESTION = "unreadable_question"
    RESPELLED = "respelled"
    OTHER_LANGUAGE = "other_language"
    OTHER_MODEL = "other_model"
    ALIASES_UNREADABLE = "aliases_unreadable"
    UNKNOWN_PROJECT = "unknown_project"
    UNKNOWN_TAG = "unknown_tag"
    UNKNOWN_SESSION = "unknown_session"
    UNKNOWN_ORIGIN = "unknown_origin"
    OTHER_PROJECT = "other_project"
    OTHER_SESSION = "other_session"
    OTHER_TIME = "other_time"
    NOTHING_THEN = "nothing_then"
    LATER_THAN_AS_OF = "later_than_as_of"
    OTHER_TAG = "other_tag"
    OTHER_ORIGIN = "other_origin"
    FORGOTTEN = "forgotten"
    SUPERSEDED = "superseded"
    REWOUND = "rewound"
    BELOW_CONFIDENCE = "below_confidence"
    UNLIKELY = "unlikely"
    BEHIND_LIMIT = "behind_limit"
    BEHIND_BUDGET = "behind_budget"
    NOTHING_STORED = "nothing_stored"


MAKES_INCOMPLETE: Final = frozenset(
    {
        OutOfSight.UNREAD_EVENT,
        OutOfSight.UNREAD_TRANSCRIPT,
        OutOfSight.EVENT_GIVEN_UP,
        OutOfSight.NOT_DRAINED,
        OutOfSight.SPOOL_BARRED,
        OutOfSight.PENDING_VECTOR,
        OutOfSight.NO_MODEL,
        OutOfSight.DAMAGED_MODEL,
        OutOfSight.DAMAGED_WORDS,
        OutOfSight.ALIASES_UNREADABLE,
        OutOfSight.UNKNOWN_PROJECT,
        OutOfSight.UNKNOWN_TAG,
        OutOfSight.UNKNOWN_SESSION,
        OutOfSight.UNKNOWN_ORIGIN,
    }
)
"""The reasons that nobody chose; behind the others stands a filter, a limit or a user's wish."""

TOLD_WITH_HITS: Final = MAKES_INCOMPLETE | {
    OutOfSight.NOTHING_THEN,
    OutOfSight.UNREADABLE_QUESTION,
    OutOfSight.RESPELLED,
    OutOfSight.OTHER_LANGUAGE,
}
"""The reasons that are told beside hits; the others where there is none."""


def told(reason: OutOfSight, count: int | None) -> str:
    """Return the sentence: what is out of sight, and where something mends it, the command."""
    return _SENTENCES[reason](count or 0)


def _many(one: str, several: str) -> Callable[[int], str]:
    """Return a sentence with its count in front of it: "1 event waits", "2 events wait"."""
    return lambda count: f"1 {one}" if count == 1 else f"{count:,} {several}"


def _always(sentence: str) -> Callable[[int], str]:
    return lambda _: sentence


def _outside(what: str) -> Callable[[int], str]:
    return _many(f"memory is of {what}: ask without it", f"memories are of {what}: ask without it")


_SENTENCES: Final[Mapping[OutOfSight, Callable[[int], str]]] = MappingProxyType(
    {
        OutOfSight.UNREAD_EVENT: _many(
            "ring waits: run `iai-mcp drain`",
            "rings wait: run `iai-mcp drain`",
        ),
        OutOfSight.UNREAD_TRANSCRIPT: _many(
            "transcript grew and was not read: run `iai-mcp drain`",
            "transcripts grew and were not read: run `iai-mcp drain`",
        ),
        OutOfSight.EVENT_GIVEN_UP: _many(
            "transcript could not be read and was given up: see `iai-mcp unreadable`",
            "transcripts could not be read and were given up: see `iai-mcp unreadable`",
        ),
        OutOfSight.NOT_DRAINED: _always("what waits could not be read: run `iai-mcp doctor`"),
        OutOfSight.SPOOL_BARRED: _always("hooks cannot note new turns: run `iai-mcp doctor`"),
        OutOfSight.TURN_LOST: _many(
            "turn could not be kept: see `iai-mcp events`",
            "turns could not be kept: see `iai-mcp events`",
        ),
        OutOfSight.SESSION_LOST: _always(
            "what was said in a session could not be read: see `iai-mcp events`"
        ),
        OutOfSight.CAPTURE_OFF: _always(
            "capture is switched off here: unset IAI_MCP_DISABLE to keep new turns"
        ),
        OutOfSight.FOLDER_IGNORED: _always(
            "nothing that is said in this folder is kept: remove its .iai-mcp-ignore to change that"
        ),
        OutOfSight.PENDING_VECTOR: _many(
            "memory waits for its vector and was searched by words: run `iai-mcp sleep`",
            "memories wait for vectors and were searched by words: run `iai-mcp sleep`",
        ),
        OutOfSight.NO_MODEL: _always(
            "only words were searched, there is no model: run `iai-mcp model install`"
        ),
        OutOfSight.DAMAGED_MODEL: _always(
            "only words were searched, the model cannot be used: run `iai-mcp model status`"
        ),
        OutOfSight.DAMAGED_WORDS: _always(
            "only meaning was searched, the index of words is damaged: run `iai-mcp sleep`"
        ),
        OutOfSight.UNREADABLE_QUESTION: _always(
            "only words were searched, the model cannot read the question"
        ),
        OutOfSight.RESPELLED: _many(
            "word of the question is in no memory and was read as one that is spelled nearly so",
            "words of the question are in no memory and were read as ones spelled nearly so",
        ),
        OutOfSight.OTHER_LANGUAGE: _always(
            "most of what was searched is in another language than the question: ask in that one, "
            "or run `iai-mcp model install --multilingual`, then `iai-mcp model reembed`"
        ),
        OutOfSight.OTHER_MODEL: _always(
            "the store holds vectors of another model: run `iai-mcp model reembed`"
        ),
        OutOfSight.ALIASES_UNREADABLE: _always(
            "aliases of projects cannot be read: run `iai-mcp doctor`"
        ),
        OutOfSight.UNKNOWN_PROJECT: _always("no memory has this project"),
        OutOfSight.UNKNOWN_TAG: _always("no memory has this tag"),
        OutOfSight.UNKNOWN_SESSION: _always("no memory has this session"),
        OutOfSight.UNKNOWN_ORIGIN: _always("no memory has this origin"),
        OutOfSight.OTHER_PROJECT: _outside("another project"),
        OutOfSight.OTHER_SESSION: _outside("another session"),
        OutOfSight.OTHER_TIME: _outside("another time"),
        OutOfSight.NOTHING_THEN: _always(
            "nothing is of the time that the question names; a hit, if there is one, is of another"
        ),
        OutOfSight.LATER_THAN_AS_OF: _many(
            "memory is later than as_of: ask without it",
            "memories are later than as_of: ask without it",
        ),
        OutOfSight.OTHER_TAG: _many(
            "memory lacks a tag: ask without tags", "memories lack a tag: ask without tags"
        ),
        OutOfSight.OTHER_ORIGIN: _outside("another origin"),
        OutOfSight.FORGOTTEN: _many(
            "memory was forgotten: `iai-mcp restore ID` brings it back",
            "memories were forgotten: `iai-mcp restore ID` brings one back",
        ),
        OutOfSight.SUPERSEDED: _many(
            "memory was superseded: ask with include_superseded",
            "memories were superseded: ask with include_superseded",
        ),
        OutOfSight.REWOUND: _many("turn was taken back", "turns were taken back"),
        OutOfSight.BELOW_CONFIDENCE: _many(
            "hit is left out because the answer is less sure than min_confidence: ask without it",
            "hits are left out because the answer is less sure than min_confidence: ask without it",
        ),
        OutOfSight.UNLIKELY: _many(
            "hit is far less likely than the first: ask with min_confidence 0",
            "hits are far less likely than the first: ask with min_confidence 0",
        ),
        OutOfSight.BEHIND_LIMIT: _many(
            "more matches: ask with a larger limit", "more match: ask with a larger limit"
        ),
        OutOfSight.BEHIND_BUDGET: _many(
            "more matches and did not fit: ask with more budget_tokens",
            "more match and did not fit: ask with more budget_tokens",
        ),
        OutOfSight.NOTHING_STORED: _always(
            "nothing is stored yet: `iai-mcp import` reads earlier sessions"
        ),
    }
)
