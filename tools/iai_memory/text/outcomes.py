"""The sentences of an answer that say what was finished, and those that say what is left open.

They are taken out as they stand, never made. The cues are words of English, German, Spanish and
French, and check boxes; a text in another language has none, and nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_HEAD_CHARS: Final = 4_000
_TAIL_CHARS: Final = 12_000
_SENTENCE_CHARS: Final = 400
_MAX_SENTENCES: Final = 8

_CODE_FENCE: Final = re.compile(r"^\s*(`{3,}|~{3,})")
_TABLE: Final = re.compile(r"^\s*\|")
_BULLET: Final = re.compile(r"^\s*(?:[-*+\u2022]|\d{1,3}[.)])\s+")
_HEADING: Final = re.compile(r"^\s*#{1,6}\s+|^\s*\*\*(?=[^*]{1,80}\*\*:?\s*$)")
_OPEN_BOX: Final = re.compile(r"^\[ \]\s*|^(?:\u274c|\u23f3|\U0001f51c|\u2610|\u2b1c)\ufe0f?\s*")
_DONE_BOX: Final = re.compile(r"^\[[xX]\]\s*|^(?:\u2705|\u2714|\u2611|\u2713)\ufe0f?\s*")
_EMPHASIS: Final = re.compile(r"\*\*|__")
_END: Final = re.compile(
    r"(?<=[.!?])(?:[\"')\]\u201d\u2019*]{0,2})\s+(?=[\"'(\[`*\u00bf\u00a1\u201c]*[A-Z0-9\u00c0-\u00de/])"
    r"|(?<=[\u3002\uff01\uff1f])"
)

_NEGATED: Final = re.compile(
    r"\b(?:not|never|no longer|cannot|nicht|kein\w*|nie|nunca|jamais)\b|n['\u2019]t\b"
    r"|\bn(?:e |['\u2019])\w+ pas\b|\bno (?:he|ha|hemos|est\u00e1|pude|puedo|se)\b",
    re.IGNORECASE,
)
# What a sentence says will be, may be or should be is not done.
_PLAN: Final = re.compile(
    r"\b(?:will|'ll|going to|let me|let's|should|would|could|can|may|might|must|if|once|when|before"
    r"|plan(?:ning)? to|want(?:s)? (?:me )?to|try(?:ing)? to|next|first|now I need|trying"
    r"|werde|wird|werden|soll(?:te|en)?|k\u00f6nnte|kann|m\u00fcsste|muss|wenn|falls|sobald|bevor|lass"
    r"|voy a|vamos a|debo|deber\u00eda|puedo|podr\u00eda|cuando|antes"
    r"|vais|allons|devrait|pourrait|peux|faut|quand|avant)\b|\u2019ll\b|\bsi\b(?! bien)",
    re.IGNORECASE,
)
_DID: Final = (
    r"(?:done|finished|completed|implemented|fixed|added|created|updated|removed|deleted|renamed"
    r"|refactored|rewrote|rewritten|wrote|written|moved|migrated|replaced|resolved|wired|committed"
    r"|pushed|merged|extracted|simplified|corrected|changed|switched|installed|configured|verified"
    r"|documented|tested|built|reverted|converted|bumped|cleaned up|set up|ported|shipped|released)"
)
_MEANWHILE: Final = r"(?: (?:also|now|just|all|both|already|fully|successfully|been))*"
_DONE: Final = re.compile(
    rf"^\W*(?:(?:all|both|everything|it|that)(?:'s| is| are)? )?(?:successfully )?{_DID}\b(?!-)"
    rf"|\b(?:I|we)(?:['\u2019]ve| have)?{_MEANWHILE} (?:{_DID}|made)\b"
    rf"|\b(?:has|have|was|were|is now|are now)(?: been)?{_MEANWHILE} (?:{_DID}|complete|in place)\b"
    r"|\b(?:is|are)(?: (?:now|all|both|fully))* (?:done|finished|complete|fixed|implemented"
    r"|in place|green|ready|merged|committed|pushed)\b"
    r"|\btests?\b[^.]{0,40}\bpass(?:es|ed|ing)?\b|\b(?:all|\d+) (?:\w+ ){0,3}pass(?:ed|es|ing)?\b"
    r"|\bnow (?:works?|pass(?:es)?|returns?|prints?|handles?|uses?|supports?|shows?|reads?)\b"
    rf"|\b(?:is|are) {_DID} (?:now|already)\b|\bworks? now\b"
    r"|\b(?:fertig|erledigt|abgeschlossen|umgesetzt|implementiert|behoben|hinzugef\u00fcgt|angelegt"
    r"|erstellt|aktualisiert|entfernt|gel\u00f6scht|umbenannt|geschrieben|eingebaut|repariert"
    r"|verschoben|erg\u00e4nzt|angepasst|korrigiert|ersetzt|umgestellt|committet|gepusht"
    r"|funktionier(?:t|en) (?:jetzt|nun|wieder)|sind gr\u00fcn|bestanden"
    r"|laufen (?:alle |jetzt |wieder )?durch"
    r"|list[oa]s?|hech[oa]s?|terminad[oa]s?|completad[oa]s?|implementad[oa]s?|corregid[oa]s?"
    r"|arreglad[oa]s?|a\u00f1adid[oa]s?|agregad[oa]s?|cread[oa]s?|actualizad[oa]s?|eliminad[oa]s?"
    r"|renombrad[oa]s?|escrit[oa]s?|movid[oa]s?|resuelt[oa]s?|cambiad[oa]s?|reemplazad[oa]s?"
    r"|a\u00f1ad\u00ed|agregu\u00e9|cre\u00e9|correg\u00ed|arregl\u00e9|actualic\u00e9|elimin\u00e9"
    r"|escrib\u00ed|mov\u00ed|cambi\u00e9|(?:pruebas|tests) pasan|pasan (?:todas|todos)|ya funciona"
    r"|(?:termin|achev|impl\u00e9ment|corrig|ajout|supprim|renomm|d\u00e9plac|remplac)\u00e9(?:e?s?)"
    r"|cr\u00e9\u00e9(?:e?s?)|mis(?:es?)? \u00e0 jour|(?:r\u00e9)?\u00e9crit(?:e?s?)"
    r"|r\u00e9solu(?:e?s?)|fini(?:e?s?)|tests passent|passent (?:tous|toutes)"
    r"|fonctionne maintenant)\b",
    re.IGNORECASE,
)
_OPEN: Final = re.compile(
    r"\b(?:not yet|yet to|still (?:need|to|has|have|fail|missing|open|pending|broken|todo|lack"
    r"|red|out|not|no)\w*|remain(?:s|ing)?|left to (?:do|\w+)|left open|(?:is|are) left"
    r"|(?-i:TODOs?|FIXME)|pending|unfinished|outstanding|open (?:question|point|issue)s?"
    r"|follow[- ]?ups?|next (?:steps?|up)|untested|unresolved|deferred"
    r"|needs? to be|(?:haven|hasn|couldn)['\u2019]t|could not|unable to"
    r"|not (?:done|finished|implemented|covered|tested|fixed|handled|included|started|touched)"
    r"|(?:is|are|keeps?) (?:still )?failing|still fails?|known (?:gap|issue|limitation)s?"
    r"|noch (?:nicht|offen|aus|zu|kein\w*|fehlt)|offen(?:e[nrs]?)?|fehl(?:t|en)(?: noch)?"
    r"|ausstehend\w*|m\u00fcss(?:en|te) noch|muss noch|als n\u00e4chstes"
    r"|n\u00e4chste[rnsm]? schritte?|konnte (?:ich )?nicht|schl(?:\u00e4gt|agen) (?:noch )?fehl"
    r"|ungetestet|unfertig|bleib(?:t|en)"
    r"|todav\u00eda|a\u00fan|falta(?:n)?|pendientes?|queda(?:n)? (?:por|pendiente)?|por hacer"
    r"|sin (?:terminar|probar|resolver)|(?:pr\u00f3ximo|siguiente)s? pasos?|no pude|falla(?:n)?"
    r"|pas encore|reste(?:nt)?|\u00e0 faire|en attente|manque(?:nt)?|prochaines? \u00e9tapes?"
    r"|n['\u2019]ai pas|non test\u00e9e?s?|\u00e9choue(?:nt)?)\b",
    re.IGNORECASE,
)
# What is offered or asked at the end of an answer waits for the user.
_ASKS: Final = re.compile(r"[?\uff1f]['\")\u201d\s]*$")
_POLITE: Final = re.compile(
    r"\b(?:anything else|something else|sonst noch|algo m\u00e1s|autre chose)\b", re.IGNORECASE
)
_OPEN_HEADING: Final = re.compile(
    r"\b(?:next(?: steps?)?|remaining|left|to[- ]?dos?|open|pending|not (?:done|covered|included)"
    r"|follow[- ]?ups?|outstanding|known (?:gaps?|issues?|limitations?)|offen\w*|ausstehend\w*"
    r"|n\u00e4chste schritte|noch zu tun|fehlt|pendientes?|por hacer|falta"
    r"|(?:pr\u00f3ximos|siguientes) pasos|reste|restant\w*|\u00e0 faire|prochaines \u00e9tapes"
    r"|questions?|fragen|preguntas)\b",
    re.IGNORECASE,
)
_DONE_HEADING: Final = re.compile(
    r"\b(?:done|completed?|finished|(?:what|changes) (?:I|we|was|has been)(?:['\u2019]ve| have)?"
    r" (?:changed|did|done|added|made|built)|implemented|fixed|erledigt|fertig|umgesetzt"
    r"|was ich ge\w+ habe|hecho|terminado|lo que (?:hice|he hecho)|fait|termin\u00e9)\b",
    re.IGNORECASE,
)
_SAYS: Final = re.compile(r"[^\W_]{2}")  # a box may stand before a code fence
_LEAST_WORDS: Final = 2
_HEADING_WORDS: Final = 7
_LAST: Final = 2  # a question further up is answered, or asked of nobody


class _Kind(Enum):
    DONE = auto()
    OPEN = auto()


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Sentences of one text, in their order, at most eight each.

    Attributes:
        finished: What it says is done.
        left_open: What it says is not, and what it asks.
    """

    finished: tuple[str, ...]
    left_open: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return all of them."""
        return self.finished + self.left_open


def outcomes_of(text: str) -> Outcomes:
    """Return the outcomes of an answer; of a very long one its head and its tail are looked at."""
    if len(text) > _HEAD_CHARS + _TAIL_CHARS:
        text = f"{text[:_HEAD_CHARS]}\n\n{text[-_TAIL_CHARS:]}"
    found: dict[_Kind, dict[str, None]] = {kind: {} for kind in _Kind}
    sentences = list(_sentences(text))
    for place, (sentence, under) in enumerate(sentences, 1):
        plain, kind = _judged(sentence, under, is_last=place > len(sentences) - _LAST)
        if kind is not None and (plain != sentence or len(plain.split()) >= _LEAST_WORDS):
            found[kind][plain[:_SENTENCE_CHARS]] = None
    return Outcomes(
        tuple(found[_Kind.DONE])[:_MAX_SENTENCES], tuple(found[_Kind.OPEN])[-_MAX_SENTENCES:]
    )


def announces(text: str) -> bool:
    """Return whether a text ends by saying what follows, so that more was to come."""
    return text.rstrip().endswith((":", "\uff1a", "\u2026", "..."))


def _sentences(text: str) -> Iterator[tuple[str, _Kind | None]]:
    """Yield each sentence outside of code and tables, and of which kind its heading is."""
    under: _Kind | None = None
    in_code, in_list = False, False
    for line in text.splitlines():
        if _CODE_FENCE.match(line):
            in_code = not in_code
            continue
        if in_code or _TABLE.match(line):
            continue
        if not line.strip():
            if in_list:
                under, in_list = None, False
            continue
        is_item, is_heading = _BULLET.match(line), _HEADING.match(line)
        plain = _EMPHASIS.sub("", _HEADING.sub("", _BULLET.sub("", line))).strip()
        if not is_item and (is_heading or plain.endswith((":", "\uff1a"))):
            under, in_list = _kind_of_heading(plain), False
            continue
        if not is_item and in_list and not line.startswith((" ", "\t")):
            under, in_list = None, False
        in_list = in_list or is_item is not None
        for sentence in _END.split(plain):
            if sentence and sentence.strip():
                yield sentence.strip(), under


def _kind_of_heading(heading: str) -> _Kind | None:
    if len(heading.split()) > _HEADING_WORDS:
        return None
    if _OPEN_HEADING.search(heading):
        return _Kind.OPEN
    return _Kind.DONE if _DONE_HEADING.search(heading) else None


def _judged(sentence: str, under: _Kind | None, *, is_last: bool) -> tuple[str, _Kind | None]:
    """Return the sentence without its check box, and of which kind it is."""
    for box, kind in ((_OPEN_BOX, _Kind.OPEN), (_DONE_BOX, _Kind.DONE)):
        if box.match(sentence):
            said = box.sub("", sentence)
            return said, kind if _SAYS.search(said) else None
    if sentence.endswith((":", "\uff1a")):
        return sentence, None
    if _ASKS.search(sentence):
        return sentence, _Kind.OPEN if is_last and not _POLITE.search(sentence) else None
    if _OPEN.search(sentence):
        return sentence, _Kind.OPEN
    if under is not None:
        return sentence, under
    is_done = (
        _DONE.search(sentence) and not _PLAN.search(sentence) and not _NEGATED.search(sentence)
    )
    return sentence, _Kind.DONE if is_done else None
