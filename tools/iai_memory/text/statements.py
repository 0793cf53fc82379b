"""Cues in the words of a statement: a change, a plan, the past, a negation, one more of a kind.

English, German, Spanish and French. A text in another language has no cue, and counts as a plain
statement.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from typing import Final

from .echo import attributed, is_quotation
from .speakers import utterance

MAX_CHARACTERS: Final = 240
"""A longer text says several things, and its vector is of none of them."""

_CACHED: Final = 4_096
_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f")
_CODE: Final = re.compile(r"`{3}|~{3}|^\s*(?:def|class|import|from|const|let|var|fn|func)\s", re.M)
_FIRST_PERSON: Final = re.compile(
    r"\b(?:I|I'm|I've|[Mm]y|me|mine|[Ww]e|[Oo]ur|us"
    r"|[Ii]ch|[Mm]ein(?:e[mnrs]?)?|mir|mich|[Ww]ir|[Uu]nser(?:e[mnrs]?)?"
    r"|yo|[Mm]i|[Mm]is|nosotros|[Nn]uestr[oa]s?"
    r"|[Jj]e|[Jj]'|[Mm]on|[Mm]a|[Mm]es|[Nn]ous|[Nn]otre|[Nn]os)\b"
)
_CHANGE: Final = re.compile(
    r"\b(?:instead|no longer|any ?more|now|these days|from (?:here|now) on|as of|starting|since|"
    r"new|renamed|moved?|switch\w*|chang\w*|replac\w*|correct\w*|upgrad\w*|turn\w* out|wrong|"
    r"not|became|left|quit|gave up|went over|migrat\w*|swapped|traded|sold"
    r"|jetzt|nun|statt(?:dessen)?|nicht mehr|seit|ab sofort|neu(?:e[mnrs]?)?|gewechselt|"
    r"umgezogen|gezogen|umgestellt|ge\u00e4ndert"
    r"|ahora|ya no|desde|nuev[oa]|cambi\w+|mud\w+"
    r"|maintenant|d\u00e9sormais|ne \w+ plus|depuis|nouve(?:au|lle)|chang\w+|"
    r"d\u00e9m\u00e9nag\w+)\b",
    re.I,
)
# What says that another thing holds from then on, in whatever words.
_ENDS: Final = re.compile(
    r"\b(?:instead|no longer|any ?more|now|these days|from (?:here|now) on|as of|renamed|moved|"
    r"relocated|switched|changed|replaced|corrected|upgraded|turn\w* out|quit|gave up|went over|"
    r"migrated|swapped|traded|sold|took over|hired|promoted"
    r"|jetzt|stattdessen|nicht mehr|ab sofort|gewechselt|umgezogen|gezogen|umgestellt|ge\u00e4ndert"
    r"|ahora|ya no|cambi\w+|mud\w+"
    r"|maintenant|d\u00e9sormais|ne \w+ plus|chang\u00e9\w*|d\u00e9m\u00e9nag\w+)\b",
    re.I,
)
_HEARSAY: Final = re.compile(
    r"\b(?:said|says|claims?|claimed|thinks|thought|heard|told (?:me|us|him|her|them|[A-Z]\w+))"
    r",? (?:that|it)\b|\b(?:according to|apparently|rumou?rs?|angeblich|laut|seg\u00fan|selon)\b"
    r"|\b(?:sagt|sagte|meint|meinte|behauptet|behauptete),? dass\b"
    r"|\b(?:dice|dijo|dit|a dit|m'a dit) qu",
    re.I,
)
_PLAN: Final = re.compile(
    r"\b(?:plan(?:s|ned|ning)? (?:to|on|for)|(?:am|is|are|'m|'re|were) (?:going|about|hoping) to"
    r"|will|won't|'ll|might|may|maybe|perhaps|should|could|would|let's|wants? to|if|"
    r"consider(?:s|ed|ing)?|think(?:s|ing)? (?:of|about)|tomorrow|next (?:week|month|year|sprint)|"
    r"propos\w+|suggest\w+|decid\w+ whether"
    r"|plan(?:e|t|en)|wird|werden?|werde|wollen|will|vielleicht|k\u00f6nnte\w*|sollte\w*|"
    r"w\u00fcrde\w*|falls|wenn|morgen|\u00fcberleg\w+"
    r"|voy a|va a|vamos a|van a|quiz\u00e1s?|tal vez|podr\u00eda\w*|deber\u00eda\w*|si|ma\u00f1ana"
    r"|peut-\u00eatre|vais|va|allons|pourrait|devrait|demain)\b",
    re.I,
)
_PAST: Final = re.compile(
    r"\b(?:used to|formerly|previously|back then|in those days|at the time|originally|once upon|"
    r"(?:years?|months?|decades?) ago|as a child|before that|until (?:then|recently|last)|"
    r"in (?:19|20)\d\d"
    r"|fr\u00fcher|damals|ehemals|vorher|einst|zuvor"
    r"|antes|sol\u00eda|antiguamente|en aquel entonces"
    r"|autrefois|jadis|avant|\u00e0 l'\u00e9poque)\b",
    re.I,
)
_NEGATION: Final = re.compile(
    r"\b(?:not|never|no longer|nobody|cannot|\w+n't|nicht|nie|niemals|kein\w*|ya no|nunca|no"
    r"|ne|n'|jamais|pas)\b",
    re.I,
)
_ONE_MORE: Final = re.compile(
    r"\b(?:also|too|as well|another|additional\w*|second|third|other|both|besides|in addition|"
    r"plus|and one|one more|extra|auch|au\u00dferdem|zus\u00e4tzlich|zweite\w*|weitere\w*"
    r"|noch ein\w*|beide\w*|tambi\u00e9n|adem\u00e1s|otr[oa]s?|segund[oa]|amb[oa]s"
    r"|aussi|autre|\u00e9galement|deuxi\u00e8me|second[e]?)\b",
    re.I,
)
# Of these one can have several: a second one said later does not end the first.
_SEVERAL: Final = re.compile(
    r"\b(?:(?:has|have|had|owns?|own|got|bought|keeps?|there(?:'s| is| are)) (?:an?|one|two|some)\b"
    r"|(?:likes?|loves?|enjoys?|hates?|speaks?|knows?|drinks?|eats?|plays?|needs?|supports?|visited"
    r"|met|saw|watched|read|tried|fixed|added|created|wrote|found|reviewed|merged|closed|released"
    r"|allergic to)\b"
    r"|hat eine?n?\b|habe eine?n?\b|mag\b|liebt\b|spricht\b|trinkt\b|isst\b|spielt\b|braucht\b"
    r"|tiene una?\b|tengo una?\b|habla\b|bebe\b|come\b|le gusta\b"
    r"|a une?\b|ai une?\b|aime\b|parle\b|boit\b|mange\b|joue\b)",
    re.I,
)
_DAY: Final = re.compile(
    r"\b(?:yesterday|this morning|last (?:night|week)|ago|twice|over lunch|at the weekend|"
    r"on (?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
    re.I,
)
_PRESENT: Final = re.compile(
    r"\b(?:is|are|am|has|have|'s|'m|'re)\b"
    r"|(?:\b[A-Z]\w+|\band|\bit|\bhe|\bshe|\bthat|\bwho) (?!was\b|does\b)[a-z]+(?<![sui])s\b"
    r"|\bI [a-z]+(?<!ed)\b"
)

_WORD: Final = re.compile(r"[^\W_]+(?:[._:/'@-][^\W_]+)*")
_PLACES: Final = 2
_SAME_SHARE: Final = 0.5


class Statement:
    """The words of one text; cues are looked for at first use.

    Attributes:
        words: The text without the speaker's name.
    """

    def __init__(self, text: str) -> None:
        """Take the text, without the speaker's name in front."""
        self.words = utterance(text).words

    @cached_property
    def states_something(self) -> bool:
        """Whether it is a short text that is no question, list, quotation or code."""
        words = self.words.strip()
        return (
            0 < len(words) <= MAX_CHARACTERS
            and not words.endswith(_QUESTION_MARKS)
            and _CODE.search(words) is None
            and attributed(words) is None
            and not is_quotation(words)
        )

    @cached_property
    def is_of_speaker(self) -> bool:
        """Whether it is about who says it."""
        return _FIRST_PERSON.search(self.words) is not None

    @cached_property
    def is_change(self) -> bool:
        """Whether it has a word for a change."""
        return _CHANGE.search(self.words) is not None

    @cached_property
    def ends_another(self) -> bool:
        """Whether it says that something else holds from then on."""
        return _ENDS.search(self.words) is not None

    @cached_property
    def is_hearsay(self) -> bool:
        """Whether it says what somebody said."""
        return _HEARSAY.search(self.words) is not None

    @cached_property
    def is_plan(self) -> bool:
        """Whether it tells what may be, or is to be."""
        return _PLAN.search(self.words) is not None

    @cached_property
    def is_past(self) -> bool:
        """Whether it tells what was once."""
        return _PAST.search(self.words) is not None

    @cached_property
    def is_negated(self) -> bool:
        """Whether it says that something is not so."""
        return _NEGATION.search(self.words) is not None

    @cached_property
    def is_one_more(self) -> bool:
        """Whether it says that there is something beside."""
        return _ONE_MORE.search(self.words) is not None

    @cached_property
    def is_one_of_several(self) -> bool:
        """Whether it tells something of which there can be several."""
        return _SEVERAL.search(self.words) is not None

    @cached_property
    def tells_a_day(self) -> bool:
        """Whether it names a day: it tells what happened once."""
        return _DAY.search(self.words) is not None

    @cached_property
    def tells_what_is(self) -> bool:
        """Whether it has a verb in the present."""
        return _PRESENT.search(self.words) is not None


def are_parallel(one: str, other: str) -> bool:
    """Return whether two texts say different things of different things in the same words.

    "Staging runs on 14" and "Production runs on 16" differ in several places, one of them no
    number, and are the same in at least half of their words.
    """
    left, right = ([word.casefold() for word in _WORD.findall(text)] for text in (one, other))
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    places = [
        left[begin:end] for kind, begin, end, _, _ in matcher.get_opcodes() if kind == "replace"
    ]
    if len(places) < _PLACES or matcher.ratio() < _SAME_SHARE:
        return False
    return any(word.isalpha() for place in places for word in place)


statement_of = lru_cache(maxsize=_CACHED)(Statement)
"""Return the statement of a short text, cached."""
