"""Cues in the words of a statement: a change, a plan, the past, a negation, one more of a kind.

English, German, Spanish and French. A text in another language has no cue, and counts as a plain
statement.
"""

from __future__ import annotations

import re
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
    r"not|became|left(?!-)|quit|gave up|went over|migrat\w*|swapped|traded|sold"
    r"|jetzt|nun|statt(?:dessen)?|nicht mehr|seit|ab sofort|neu(?:e[mnrs]?)?|gewechselt|"
    r"umgezogen|gezogen|umgestellt|ge\u00e4ndert"
    r"|ahora|ya no|desde|nuev[oa]|cambi\w+|mud\w+"
    r"|maintenant|d\u00e9sormais|ne \w+ plus|depuis|nouve(?:au|lle)|chang\w+|"
    r"d\u00e9m\u00e9nag\w+)\b",
    re.I,
)
# What says that another thing holds from then on, in whatever words.
_ENDS: Final = re.compile(
    r"\b(?:instead|no longer|any ?more|now|these days|from (?:here|now) on|as of|"
    r"renamed|moved|"
    r"relocated|switched|changed|replaced|corrected|upgraded|turn\w* out|quit|gave up|went over|"
    r"migrated|swapped|traded|sold|took over|hired|promoted"
    r"|jetzt|stattdessen|nicht mehr|ab sofort|gewechselt|umgezogen|gezogen|umgestellt|ge\u00e4ndert"
    r"|ahora|ya no|cambi\w+|mud\w+"
    r"|maintenant|d\u00e9sormais|ne \w+ plus|chang\u00e9\w*|d\u00e9m\u00e9nag\w+)\b",
    re.I,
)
_NOW: Final = re.compile(
    r"\b(?:now|these days|new|since|as of|jetzt|nun|neu\w*|seit|ahora|nuev[oa]s?|desde|maintenant"
    r"|nouve(?:au|lle)|depuis)\b",
    re.I,
)
# What follows it says who or what the words of another are about. "I said that" is no hearsay.
_TOLD: Final = (
    r"(?: (?:me|us|him|her|them|mir|uns|ihm|ihr|(?-i:[A-Z]\w+)))?,? "
    r"(?:that|it|he|she|they|there|dass|er|sie|es|qu[e'\u2019]|(?-i:[A-Z][\w\u2019']+))"
)
_HEARSAY: Final = re.compile(
    rf"(?<!\bI )(?<!\bwe )\b(?:said|says|mention(?:s|ed)|report(?:s|ed)|claims?|claimed|insists?"
    rf"|insisted|tells|told){_TOLD}\b"
    rf"|\b(?:thinks?|thought|believes?|believed|hears?|heard|reckons?|assumes?|suspects?|guess(?:es)?"
    rf"|sagte?|meinte?|behauptete?|glaubte?|denkt|dachte|erz\u00e4hlte?|h\u00f6rte?|geh\u00f6rt"
    rf"|vermutete?|dice|dijo|dicen|cree|creo|creen|piensa|pienso|afirma|asegura|cont\u00f3|contado"
    rf"|coment\u00f3|o\u00ed|o\u00eddo|dicho|parece|dit|disent|dire|croit|crois|pense|affirme"
    rf"|pr\u00e9tend|racont\u00e9|para[i\u00ee]t|entendu){_TOLD}\b"
    r"|,? (?:says|said|claims|sagt|meint|dice|dit) (?-i:[A-Z]\w+)[.!]?$"
    r"|\b(?:according to|apparently|supposedly|allegedly|reportedly|rumou?r(?:s|ed)?"
    r"|angeblich|anscheinend|offenbar|vermutlich|zufolge|laut (?-i:[A-Z])|es hei\u00dft"
    r"|seg\u00fan|supuestamente|al parecer|por lo visto"
    r"|selon|apparemment|soi-disant)|\bd['\u2019]apr\u00e8s\b",
    re.I,
)
# Somebody asked: it states nothing of what was asked.
_ASKED: Final = re.compile(
    r"\b(?:asked|asks|wonders|wondered|wants? to know|wanted to know|fragte?|gefragt|wissen"
    r"|pregunt(?:a|\u00f3)|saber|demande|demand\u00e9|savoir)\b(?:,? \w+)?,? "
    r"(?:why|what|who|whom|where|when|how|if|whether|which|warum|was|wer|wen|wo|wann|wie|ob"
    r"|welche\w*|por qu\u00e9|qu\u00e9|qui\u00e9n|d\u00f3nde|cu\u00e1ndo|c\u00f3mo|si|pourquoi"
    r"|qui|quand|comment|ce que|o\u00f9)\b",
    re.I,
)
_PLAN: Final = re.compile(
    r"\b(?:plan(?:s|ned|ning)? (?:to|on|for)|(?:am|is|are|'m|'re|were) (?:going|about|hoping) to"
    r"|will|won't|'ll|might|may|maybe|perhaps|should|could|would|let's|wants? to|if|"
    r"consider(?:s|ed|ing)?|think(?:s|ing)? (?:of|about)|tomorrow|next (?:week|month|year|sprint)|"
    r"propos\w+|suggest\w+|decid\w+ whether"
    r"|plan(?:e|t|en)|wird|werden?|werde|wollen|will|vielleicht|k\u00f6nnte\w*|sollte\w*|"
    r"w\u00fcrde\w*|soll(?:en)?|falls|wenn|morgen|\u00fcberleg\w+"
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
_NO_LONGER: Final = re.compile(r"\bn(?:e |['\u2019])\w+ plus\b", re.I)  # here "plus" adds nothing
# Of these one can have several: a second one said later does not end the first.
_SEVERAL: Final = re.compile(
    r"\b(?:(?:has|have|had|owns?|own|got|bought|keeps?|there(?:'s| is| are)) (?:an?|one|two|some)\b"
    r"|(?:likes?|loves?|enjoys?|hates?|speaks?|knows?|drinks?|eats?|plays?|needs?|supports?|visited"
    r"|met|saw|watched|read|tried|fixed|added|created|wrote|found|reviewed|merged|closed|released"
    r"|takes?|teach(?:es)?|collects?|accepts?|requires?|allergic to|afraid of|member of)\b"
    r"|hat eine?n?\b|habe eine?n?\b|mag\b|liebt\b|spricht\b|trinkt\b|isst\b|spielt\b|braucht\b"
    r"|tiene una?\b|tengo una?\b|habla\b|bebe\b|come\b|le gusta\b"
    r"|a une?\b|ai une?\b|aime\b|parle\b|boit\b|mange\b|joue\b)",
    re.I,
)
# A change of these is told in other words than the state: lives in, moved to.
_HOME: Final = re.compile(
    r"\b(?:liv(?:es?|ed|ing) in|resid(?:es?|ing)|moved (?:house |back )?(?:to|into)|relocated"
    r"|settled|wohn(?:t|e|en)|leb(?:t|e|en) in|gezogen|umgezogen|zieht nach"
    r"|viv(?:e|o|en|imos) en|mud\u00f3|mud\u00e9|mudaron|mudado|traslad\u00f3"
    r"|habit(?:e|es|ons|ent)|vit [\u00e0ea]|d\u00e9m\u00e9nag\u00e9|install\u00e9e? \u00e0)\b",
    re.I,
)
_WORKPLACE: Final = re.compile(
    r"\b(?:work(?:s|ing)? (?:at|for)|employed (?:at|by)|hired by|job at|joined"
    r"|arbeite[t]? (?:bei|f\u00fcr)|angestellt|angefangen|gewechselt"
    r"|trabaj[ao] (?:en|para)|contrat\w+|empleo en"
    r"|travaille (?:chez|pour)|embauch\w+|employ\u00e9e? (?:chez|par))\b",
    re.I,
)
RELATIONS: Final = {"home": _HOME, "workplace": _WORKPLACE}
"""What says that a text tells one, by its name."""

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
            and _ASKED.search(words) is None
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
    def only_says_now(self) -> bool:
        """Whether it says of a change at most that it is so now, or new."""
        return _ENDS.search(_NOW.sub("", self.words)) is None

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
        return _ONE_MORE.search(_NO_LONGER.sub("", self.words)) is not None

    @cached_property
    def is_one_of_several(self) -> bool:
        """Whether it tells something of which there can be several."""
        return _SEVERAL.search(self.words) is not None

    @cached_property
    def relations(self) -> frozenset[str]:
        """What it tells of somebody, of the relations that a change is told in other words of."""
        return frozenset(name for name, cue in RELATIONS.items() if cue.search(self.words))

    @cached_property
    def tells_a_day(self) -> bool:
        """Whether it names a day: it tells what happened once."""
        return _DAY.search(self.words) is not None

    @cached_property
    def tells_what_is(self) -> bool:
        """Whether it has a verb in the present."""
        return _PRESENT.search(self.words) is not None


statement_of = lru_cache(maxsize=_CACHED)(Statement)
"""Return the statement of a short text, cached."""
