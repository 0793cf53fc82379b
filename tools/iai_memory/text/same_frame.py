"""Two texts in the same words but for some places: do they tell of one thing, or of two?

What was said once more in the same words, without a word for a change, may be another value of the
same or one of several: of the relations in `_ONE` there is one at a time. English, German, Spanish
and French.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

_CACHED: Final = 4_096
# Of these there is one at a time: another one said in the same words has taken its place.
_ONE: Final = re.compile(
    r"\b(?:(?:lives?|living|resides?|stays?) (?:in|at)|(?:works?|working) (?:at|for|as)"
    r"|(?:is|am|are) (?:called|named|based|located|hosted|kept|stored|employed|under|led by)"
    r"|(?:keeps?|stores?|hosts?) [^,;]{1,40} (?:in|at|on|with)"
    r"|(?:starts?|begins?|ends?|opens?|closes?|leaves?|meets?|expires?) (?:at|on|in)"
    r"|(?:costs?|weighs?|measures?|reports to|belongs to|sits (?:in|at)|sleeps (?:in|on))"
    r"|(?:wohnt|wohne|lebt|lebe) in|arbeitet? (?:bei|f\u00fcr|als)|hei\u00dfe?t?|geh\u00f6rt"
    r"|(?:beginnt|startet|endet|\u00f6ffnet|schlie\u00dft) (?:um|am|im)"
    r"|kostet|wiegt|betr\u00e4gt|liegt bei"
    r"|viv[eo] en|trabaj[ao] (?:en|para|como)|se llama"
    r"|(?:empieza|comienza|termina|abre|cierra) a|cuesta|pesa|pertenece a"
    r"|(?:habite|vit|vis) (?:\u00e0|en|au)|travaille (?:chez|pour|comme)|s'appelle"
    r"|(?:commence|finit|ouvre|ferme) (?:\u00e0|au|le)|co\u00fbte|p\u00e8se|appartient \u00e0)\b",
    re.I,
)
# "The default branch is", "my dentist is": what has a subject of its own has one value.
_DEFINITE: Final = re.compile(
    r"^(?:the|my|our|his|her|their|der|die|das|mein\w*|unser\w*|el|la|los|las|mi|mis|nuestr\w+"
    r"|le|les|mon|ma|mes|notre|nos|l['\u2019]\w+|\w+['\u2019]s?) [^,;]{1,80}"
    r"\b(?:is|are|ist|sind|es|son|est|sont)$",
    re.I,
)
_IS_THE_ONE: Final = re.compile(
    r"^(?:is|are|ist|es|est) (?:the|my|our|der|die|das|mein\w*|unser\w*|el|la|mi|le|mon|ma)\b", re.I
)
_ARTICLES: Final = frozenset({
    "a", "an", "the", "ein", "eine", "einen", "der", "die", "das", "un", "una", "el", "la", "une",
    "le", "les", "los", "las", "l",
})  # fmt: skip
# Behind a verb these tell something beside where, when or what.
_ASIDE: Final = frozenset({
    "about", "as", "by", "for", "from", "with", "without", "since", "until", "than", "like",
    "als", "aus", "für", "mit", "ohne", "seit", "von", "über", "wegen", "como", "con", "de",
    "desde", "para", "por", "sin", "sobre", "avec", "comme", "depuis", "par", "pour", "sans",
    "sur",
})  # fmt: skip
_HAVING: Final = frozenset({
    "has", "have", "got", "owns", "own", "hat", "habe", "haben", "tiene", "tengo", "tienen", "a",
    "ai", "ont",
})  # fmt: skip
_RELATIVE: Final = re.compile(
    r"(?:[^,.:;]{1,20}[,.:;] )?(?:\w+['\u2019]s?|my|our|his|her|the|mein\w*|unser\w*|die|der|mi|mis"
    r"|la|el|mon|ma|le) (?:\w+ )?(mother|father|sister|brother|wife|husband|son|daughter|parents"
    r"|boss|friend|neighbou?r|mutter|vater|schwester|bruder|frau|mann|sohn|tochter|eltern|chefin?"
    r"|freundin|madre|padre|hermana|hermano|mujer|esposa|marido|hijo|hija|jefe|jefa|amiga|amigo"
    r"|m\u00e8re|p\u00e8re|s\u0153ur|soeur|fr\u00e8re|femme|mari|fils|fille|ami|amie)\b",
    re.I,
)
_WORD: Final = re.compile(r"[^\W_]+(?:[._:/'@-][^\W_]+)*")
_PLACES: Final = 2
_SAME_SHARE: Final = 0.5
_SUBJECT_AND_VERB: Final = 2


@dataclass(frozen=True, slots=True)
class Differences:
    """Where two texts differ, word by word.

    Attributes:
        places: The words of both at each place; one of them may have none there.
        ratio: The share of words that they have in the same order, 0..1.
        before: The words before the first place, which both have.
        after: The words behind the last one.
        between: The words of both between these.
    """

    places: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    ratio: float
    before: tuple[str, ...]
    after: tuple[str, ...]
    between: tuple[tuple[str, ...], tuple[str, ...]]


@lru_cache(maxsize=_CACHED)
def differences(one: str, other: str) -> Differences:
    """Compare two texts without their case."""
    left, right = _WORD.findall(one), _WORD.findall(other)
    matcher = SequenceMatcher(
        None, [word.casefold() for word in left], [word.casefold() for word in right], False
    )
    codes = matcher.get_opcodes()
    places = tuple(
        (tuple(left[begin:end]), tuple(right[start:stop]))
        for kind, begin, end, start, stop in codes
        if kind != "equal"
    )
    begins = codes[0][2] if codes and codes[0][0] == "equal" else 0
    after = left[codes[-1][1] :] if len(codes) > 1 and codes[-1][0] == "equal" else []
    between = tuple(tuple(words[begins : len(words) - len(after)]) for words in (left, right))
    return Differences(
        places, matcher.ratio(), tuple(left[:begins]), tuple(after), (between[0], between[1])
    )


def are_parallel(one: str, other: str) -> bool:
    """Return whether two texts say different things of different things in the same words.

    "Staging runs on 14" and "Production runs on 16" differ in several places, one of them no
    number, and are the same in at least half of their words. Of what has a number to its name
    ("Note 7", "Note 9") the number tells which it is.
    """
    found = differences(one, other)
    places = [place for place in found.places if all(place)]
    if found.ratio < _SAME_SHARE or len(found.places) < _PLACES:
        return False
    numbered = 0 < len(found.before) <= _PLACES and all(map(_is_number, found.places[0]))
    several = len(places) >= _PLACES and any(
        word.isalpha() for place in places for side in place for word in side
    )
    return several or numbered


def are_of_others(one: str, other: str) -> bool:
    """Return whether two parallel texts begin with different subjects."""
    found = differences(one, other)
    begins = all(word.casefold() in _ARTICLES for word in found.before)
    return begins and are_parallel(one, other) and all(found.places[0])


def have_other_relatives(one: str, other: str) -> bool:
    """Return whether two texts are of different people: of somebody, and of a relative."""
    found = [_RELATIVE.match(text) for text in (one, other)]
    left, right = (match[1].casefold() if match else "" for match in found)
    return left != right


def has_both(one: str, other: str) -> bool:
    """Return whether two texts, the same but for what somebody has, tell of two things."""
    found = differences(one, other)
    verb = [word.casefold() for word in found.before if word.casefold() not in _ARTICLES]
    return (
        len(found.before) >= _SUBJECT_AND_VERB
        and verb[-1:] != []
        and verb[-1] in _HAVING
        and all(found.between)
        and not all(map(_is_number, found.between))
    )


def may_both_hold(one: str, other: str) -> bool:
    """Return whether two texts, the same but for one place, tell of what there may be several.

    "Hugo teaches maths" and "Hugo teaches physics" do. Not so another number, another value of what
    has one at a time, and of a subject of its own ("the default branch is").
    """
    found = differences(one, other)
    left, right = found.between
    if not (_is_same_but_for_one_place(found) and left and right):
        return False
    if _is_number(left) and _is_number(right):
        return False
    if _shape(left) != _shape(right):
        return True
    if _IS_THE_ONE.match(" ".join(found.after)):
        return False
    of_one = _ONE.search(one) is not None and _ONE.search(other) is not None
    return not (of_one or _DEFINITE.match(" ".join(found.before)))


def tells_another_relation(one: str, other: str) -> bool:
    """Return whether of two texts that are the same but for one place, one goes on aside there.

    "Works at Bosch" and "works from home" tell two things, whichever came later.
    """
    found = differences(one, other)
    left, right = found.between
    if not (_is_same_but_for_one_place(found) and found.before and left and right):
        return False
    heads = {left[0].casefold(), right[0].casefold()}
    return len(heads) > 1 and not heads.isdisjoint(_ASIDE)


def _is_same_but_for_one_place(found: Differences) -> bool:
    """Return whether there is one place, with a subject and a verb before it or little in it."""
    if len(found.before) >= _SUBJECT_AND_VERB:
        return True
    return len(found.places) == 1 and found.ratio >= _SAME_SHARE


def _is_number(words: Sequence[str]) -> bool:
    return any(any(map(str.isdigit, word)) for word in words)


def _shape(words: Sequence[str]) -> str:
    """Return what a value looks like: its preposition, or an article, a name, a number, a word."""
    first = words[0]
    if first.casefold() in _ARTICLES:
        return "article"
    if any(map(str.isdigit, first)):
        return "number"
    if len(words) > 1 and first.islower():
        return first
    return "name" if first[0].isupper() else "word"
