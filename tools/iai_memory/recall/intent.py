"""What a question asks for, read off its words: a time, a name, a number, what was before.

English only. A question in another language has no cues, and the other arms rank it alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_ASKS_WHEN: Final = re.compile(r"\s*(?:when|how long|what (?:date|day|month|year|time))\b", re.I)
_ASKS_NAME: Final = re.compile(
    r"\s*(?:who|where|which|"
    r"what (?:is the (?:name|title)|book|movie|game|song|city|country|place))\b",
    re.I,
)
_ASKS_COUNT: Final = re.compile(r"\bhow (?:many|much|often|old)\b|\bwhat (?:age|number)\b", re.I)
# "Before" may only order things, "what must run before the release?", but not in the past tense.
_ORDERS: Final = re.compile(
    r"\b(?:before|until|prior to|up to (?:the|then|that|now)|at the time|last time)\b", re.I
)
# "The old port" names what is no longer so, but only where the question looks back.
_OLD: Final = re.compile(r"\bthe old\b", re.I)
_PAST: Final = re.compile(r"\b(?:was|were|did|had)\b", re.I)
# "The key is used to sign" tells what for.
_USED_TO: Final = re.compile(r"(?:(?!\b(?:is|are|was|were|be|been)\b).)*\bused? to\b", re.I)
_HISTORY: Final = re.compile(r"\b(?:history|over time|changed?|evolved?)\b", re.I)
_ASKS_BEFORE: Final = re.compile(
    r"\b(?:previous(?:ly)?|former(?:ly)?|earlier|originally|initially|in the past|no longer|"
    r"at first|back then|any ?more|until (?:recently|now|lately)|"
    r"before (?:this|that|then|now|it changed|"
    r"the (?:latest|last|present|current|recent|new|old|change|switch|swap|update|move))|"
    r"before(?=\W*$))\b",
    re.I,
)
_USER_SAID: Final = re.compile(
    r"\b(?:did|have|had|was|were) I\b|\bI (?:said|told|asked|wanted|mentioned|decided)\b", re.I
)
_ASSISTANT_SAID: Final = re.compile(
    r"\b(?:did|have|had|were) you\b|\byou (?:said|told|suggested?|recommend(?:ed)?|wrote|proposed?|"
    r"explained)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Cues:
    """What a question asks for.

    Attributes:
        time: A date, a day, a duration.
        name: A person, a place, a title.
        count: A number.
        before: What is no longer so.
        maybe_before: Perhaps that, perhaps only the past or the order of things.
        role: Who is asked about as a speaker: user, assistant or None.
    """

    time: bool
    name: bool
    count: bool
    before: bool
    maybe_before: bool
    role: str | None


def cues_of(question: str) -> Cues:
    """Reads the cues of a question; several may be there, or none."""
    assistant = _ASSISTANT_SAID.search(question) is not None
    user = _USER_SAID.search(question) is not None
    orders, past = _ORDERS.search(question) is not None, _PAST.search(question) is not None
    return Cues(
        time=_ASKS_WHEN.match(question) is not None,
        name=_ASKS_NAME.match(question) is not None,
        count=_ASKS_COUNT.search(question) is not None,
        before=(past and (orders or _OLD.search(question) is not None))
        or _ASKS_BEFORE.search(question) is not None
        or _USED_TO.match(question) is not None,
        maybe_before=orders or past or _HISTORY.search(question) is not None,
        role=None if user == assistant else ("user" if user else "assistant"),
    )
