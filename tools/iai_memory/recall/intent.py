"""The intent of a question, by its words: a time, a name, a number, the past, a speaker.

English, but for the past, which German, Spanish and French questions ask for, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TIME: Final = re.compile(r"\s*(?:when|how long|what (?:date|day|month|year|time))\b", re.I)
_NAME: Final = re.compile(
    r"\s*(?:who|where|which|"
    r"what (?:is the (?:name|title)|book|movie|game|song|city|country|place))\b",
    re.I,
)
_NUMBER: Final = re.compile(r"\bhow (?:many|much|often|old)\b|\bwhat (?:age|number)\b", re.I)
# "Before" may only order things, as in "what must run before the release?"; together with the past
# tense it asks for an earlier state.
_ORDER: Final = re.compile(
    r"\b(?:before|until|prior to|up to (?:the|then|that|now)|at the time|last time)\b", re.I
)
# "The old port" is an earlier state only together with the past tense.
_THE_OLD: Final = re.compile(r"\bthe old\b", re.I)
_PAST_TENSE: Final = re.compile(r"\b(?:was|were|did|had)\b", re.I)
# "The key is used to sign" states a purpose.
_USED_TO: Final = re.compile(r"(?:(?!\b(?:is|are|was|were|be|been)\b).)*\bused? to\b", re.I)
_CHANGE: Final = re.compile(r"\b(?:history|over time|changed?|evolved?)\b", re.I)
_EARLIER_STATE: Final = re.compile(
    r"\b(?:previous(?:ly)?|former(?:ly)?|earlier|originally|initially|in the past|no longer|"
    r"at first|to begin with|in the beginning|back then|any ?more|until (?:recently|now|lately)|"
    r"before (?:this|that|then|now|it changed|"
    r"the (?:latest|last|present|current|recent|new|old|change|switch|swap|update|move))|"
    r"before(?=\W*$))\b",
    re.I,
)
_EARLIER_STATE_ELSEWHERE: Final = re.compile(
    r"\b(?:fr\u00fcher\w*|damals|vorher|zuvor|ehemals|einst|anfangs|zun\u00e4chst|urspr\u00fcnglich"
    r"|am anfang|zu beginn|antes(?=\W*$)|anteriormente|antiguamente|originalmente|inicialmente"
    r"|previamente|al principio|al comienzo|en el pasado|auparavant|autrefois|jadis|initialement"
    r"|pr\u00e9c\u00e9demment|avant(?=\W*$)|au d\u00e9but|\u00e0 l['\u2019](?:origine|\u00e9poque))"
    r"\b",
    re.I,
)
# Of the verbs only those of states, and no form that is a word of English.
_PAST_TENSE_ELSEWHERE: Final = re.compile(
    r"\b(?:hatten?|waren|wohnten?|lebten?|arbeiteten?|hie\u00df(?:en)?|benutzten?|nutzten?|fuhr(?:en)?"
    r"|(?:wo|wer|was|wie|welche[rs]?) (?:\w+ ){0,2}war"
    r"|ha(?:t|be|ben|st)\b.{1,60}\bge\w+(?:t|en)(?=\W*$)"
    r"|viv\u00eda[ns]?|trabajaba[ns]?|ten\u00eda[ns]?|estaba[ns]?|usaba[ns]?|conduc\u00eda[ns]?"
    r"|(?:qu\u00e9|qui\u00e9n|cu\u00e1l|d\u00f3nde|c\u00f3mo) era"
    r"|(?:habit|viv|travaill|utilis|conduis|av|\u00e9t)ai(?:t|ent|s))\b",
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
class QueryIntent:
    """The kinds of answer that a question asks for; several may be set, or none.

    Attributes:
        time: A date, a day, a duration.
        name: A person, a place, a title.
        number: A number.
        past: An earlier state.
        maybe_past: An earlier state, or only something that happened in the past.
        role: Whose words are wanted: user, assistant or None.
    """

    time: bool
    name: bool
    number: bool
    past: bool
    maybe_past: bool
    role: str | None


def intent_of(question: str) -> QueryIntent:
    """Return what the question asks for, by its words."""
    assistant = _ASSISTANT_SAID.search(question) is not None
    user = _USER_SAID.search(question) is not None
    ordered = _ORDER.search(question) is not None
    past_tense = _PAST_TENSE.search(question) is not None
    return QueryIntent(
        time=_TIME.match(question) is not None,
        name=_NAME.match(question) is not None,
        number=_NUMBER.search(question) is not None,
        past=(past_tense and (ordered or _THE_OLD.search(question) is not None))
        or _EARLIER_STATE.search(question) is not None
        or _EARLIER_STATE_ELSEWHERE.search(question) is not None
        or _USED_TO.match(question) is not None,
        maybe_past=ordered
        or past_tense
        or _CHANGE.search(question) is not None
        or _PAST_TENSE_ELSEWHERE.search(question) is not None,
        role=None if user == assistant else ("user" if user else "assistant"),
    )
