"""What a turn of the user is worth on a page, by what its sentences do.

A preference, a correction and a decision hold beyond the exchange in which they are said; a
question and a request end with it, and "ok, go on" says nothing. The cues are words: English,
German, Spanish, French, Italian and Portuguese, and a few of Chinese, Japanese and Russian. A text
in another language has no cue. The acts are those of ISO 24617-2;
which cues count, and that an answer which gives in counts most, was seen on real coding sessions by
leaving one person out at a time.
"""

from __future__ import annotations

import re
from typing import Final

from ..text.tokens import estimate_tokens

LEAST_WORTH: Final = 0.4
"""What is worth less is taken for no decision, correction or preference."""
GIVEN_IN: Final = 0.6
"""So much more where the answer begins by giving in: "You're right"."""

_MAX_CHARACTERS: Final = 4_000
_STRONG: Final = 1.0
_WEAK: Final = 0.5
_CUES: Final = {
    # Not so, but so.
    "correction": (
        _STRONG,
        r"\b(?:shouldn'?t|should not|mustn'?t|not (?:fully |really |quite )?(?:correct|right|true)"
        r"|incorrect|wrong|revert|undo|disagree|mistake|redundant|misunder\w+"
        r"|(?:you|we) (?:forgot|missed)|i (?:meant|mean)"
        r"|why (?:\w+ ){0,2}(?:did|are|do|would|didn'?t) (?:n'?t )?you"
        r"|falsch|stimmt nicht|r\u00fcckg\u00e4ngig|ich meinte|warum hast du|war (?:doch )?anders"
        r"|incorrecto|equivocad\w+|est\u00e1 mal|quise decir|por qu\u00e9 has"
        r"|c'est faux|ce n'est pas|je voulais dire|pourquoi as-tu|sbagliat\w+|errad\w+)\b"
        r"|^\W*(?:no|nope|wait|w8|stop|hmm?|but|actually|nein|halt|stopp|aber|espera|pero|non"
        r"|attends|mais|aspetta)\b(?=\W+\w+)"
        r"|\u4e0d\u5bf9|\u9519\u4e86|\u4e0d\u662f|\u9055\u3044\u307e\u3059|\u9055\u3046"
        r"|\u3058\u3083\u306a\u304f\u3066|\u043d\u0435\u0442,|\u043d\u0435\u0432\u0435\u0440\u043d"
        r"|\u043d\u0435\u043f\u0440\u0430\u0432\u0438\u043b\u044c\u043d",
    ),
    # Always or never.
    "rule": (
        _STRONG,
        r"\b(?:always|never|ever|only|every|from now on|in (?:the )?future|make sure|remember"
        r"|conventions?|guidelines?|source of truth"
        r"|(?:do not|don'?t|dont) (?!know|think|understand|see|have|get|recall|remember|mind|you|we"
        r"|they|believe|work|need|want|like|care)\w+"
        r"|immer|nie|niemals|nie wieder|ab (?:jetzt|sofort)|grunds\u00e4tzlich|auf keinen fall"
        r"|bitte (?:kein\w*|nicht|nur)|ohne"
        r"|siempre|nunca|jam\u00e1s|de ahora en adelante|no (?:uses|pongas|hagas|toques)"
        r"|toujours|jamais|d\u00e9sormais|dor\u00e9navant|ne (?:mets|fais|touche|change|utilise)\w*"
        r"|sempre|d'ora in poi|nunca mais|daqui em diante|n\u00e3o (?:use|ponha|fa\u00e7a))\b"
        r"|\u603b\u662f|\u4e00\u5b9a\u8981|\u4e0d\u8981|\u5fc5\u987b|\u6c38\u8fdc|\u4ee5\u540e"
        r"|\u5fc5\u305a|\u7d76\u5bfe|\u3057\u306a\u3044\u3067|\u4eca\u5f8c"
        r"|\u0432\u0441\u0435\u0433\u0434\u0430|\u043d\u0438\u043a\u043e\u0433\u0434\u0430"
        r"|\u043d\u0435 \u043d\u0430\u0434\u043e",
    ),
    # What I think or want.
    "opinion": (
        _STRONG,
        r"\b(?:(?:i|we) (?:think|feel|reckon|believe|thought|agreed|wanted"
        r"|don'?t (?:need|want|like|think|care))"
        r"|(?:i|we)(?:'d| would)? (?:still |really )?(?:want|like|prefer|rather|love|dislike|hate)"
        r"|(?:ich|wir) (?:will|wollen|mag|m\u00f6gen|m\u00f6chten?|finde|h\u00e4tten? gern|denke"
        r"|brauchen?)|lieber|prefiero|preferimos|quiero|queremos|creo|no me gusta"
        r"|je (?:veux|pr\u00e9f\u00e8re|pense)|nous (?:voulons|pr\u00e9f\u00e9rons)"
        r"|preferisco|voglio|penso|prefiro|quero|acho)\b"
        r"|\u6211\u89c9\u5f97|\u6211\u5e0c\u671b|\u6211\u4e0d\u559c\u6b22|\u6211\u60f3"
        r"|\u3068\u601d\u3046|\u3066\u307b\u3057\u3044"
        r"|\u0445\u043e\u0447\u0443|\u043f\u0440\u0435\u0434\u043f\u043e\u0447\u0438\u0442\u0430"
        r"|\u0434\u0443\u043c\u0430\u044e",
    ),
    # This one it is.
    "decision": (
        _WEAK,
        r"\b(?:let'?s|then|instead|rather|option \d|decided|keep|drop|no longer|any ?more|is fine"
        r"|enough|lass uns|machen wir|nehmen wir|dann|statt\w*|entschieden|bleibt|reicht|gilt"
        r"|vamos a|usemos|en (?:vez|lugar) de|mejor|entonces|decidido"
        r"|on (?:prend|utilise|garde)|prenons|utilisons|gardons|plut\u00f4t|au lieu d\w+|alors"
        r"|usiamo|teniamo|invece|allora|piuttosto|vamos|em vez de|ent\u00e3o)\b"
        r"|\u51b3\u5b9a|\u6539\u7528|\u5c31\u7528|\u306b\u3057\u307e\u3057\u3087\u3046"
        r"|\u306b\u3057\u3088\u3046|\u4ee3\u308f\u308a\u306b"
        r"|\u0434\u0430\u0432\u0430\u0439|\u0440\u0435\u0448\u0438\u043b\u0438"
        r"|\u0432\u043c\u0435\u0441\u0442\u043e",
    ),
    # An instruction in the form of a question.
    "suggestion": (
        _WEAK,
        r"\b(?:right|correct|oder|no|n'est-ce pas)\?\s*$"
        r"|\b(?:shouldn'?t|can'?t|couldn'?t|wouldn'?t|isn'?t|why not|warum nicht)\b[^?.]*\?",
    ),
    "together": (
        _WEAK,
        r"\b(?:we|our|wir|unser\w*|nosotros|nuestr\w+|nous|notre|nos|noi|nostr\w+|n\u00f3s)\b"
        r"|\u6211\u4eec|\u79c1\u305f\u3061",
    ),
}
# Of texts in small letters: to ignore case takes three times as long.
_COMPILED: Final = [(worth, re.compile(cue)) for worth, cue in _CUES.values()]
_KEPT_IN_MIND: Final = re.compile(
    r"\b(?:(?:claude|agents)\.md|make a note|project memory|conventions?|guidelines?)\b"
)
_ENDS_ASKING: Final = re.compile(r"[?\uff1f\u061f][\"')\s]*$")
_ASKS: Final = re.compile(
    r"^\W*(?:(?:and|ok|now|so|but|question)\W+)*(?:what|why(?! not)|how|where|when|who|which|is|are"
    r"|does|do|did|was|any|was|warum|wie|wo|wann|wer|ist|sind|qu\u00e9|c\u00f3mo|d\u00f3nde"
    r"|cu\u00e1ndo|pourquoi|comment|quand|o\u00f9|est-ce|come|dove|perch\u00e9|quando|como)\b",
)
_REQUESTS: Final = re.compile(
    r"^\W*(?:(?:and|ok|now|so|yes|great)\W+)*"
    r"(?:(?:can|could|would) (?:you|we|i)|kannst du|k\u00f6nntest du|puedes|peux-tu|pouvez-vous"
    r"|puoi|pode)\b",
)
_ANNOUNCES: Final = re.compile(
    r"^\W*(?:let'?s|lets) (?:continue|go on|see|try|check|look|start|move on|do (?:it|this|that)"
    r"|commit|push|proceed)\b",
)
# Lines of a log, a diff or a review that were pasted.
_PASTED: Final = re.compile(
    r"^\s*(?:[-+@|>\u2502]|\d+[:)]\s|at |File |Error|FAIL|---|===|\$ |\u276f |#)|[{}();]\s*$"
    r"|\b\w+\.\w+:\d+|\b(?:Severity|Traceback)\b"
)
_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.S)
_SENTENCE_END: Final = re.compile(
    r"(?<=[.!?\u2026\u3002\uff01\uff1f])[\"')\]]*\s+|\n+|(?<=[\u3002\uff01\uff1f])"
)
_OPENING: Final = re.compile(
    r"^(?:\W*\b(?:ok(?:ay)?|yes|yeah|yep|good|great|perfect|excellent|nice|thanks|thx|cool|ah|oh|"
    r"well|so|and|ja|gut|super|genau|vale|bien|oui|d'accord|s\u00ec|bene)\b[\s,.!:;\u2013-]*)+",
    re.I,
)
_REPLY: Final = re.compile(
    r"^\W*(?:ok(?:ay)?|yes|yeah|yep|no|nope|not|both|good|great|fine|sure|right|correct|ja|nein|doch"
    r"|gut|genau|s\u00ed|vale|oui|non|d'accord|s\u00ec)\b",
    re.I,
)
_GIVES_IN: Final = re.compile(
    r"^\W*(?:(?:ah|oh|yes|ok|okay|ja|s\u00ed|oui)\W+)?"
    r"(?:you'?re (?:absolutely |completely |totally )?(?:right|correct)"
    r"|(?:that'?s an? )?(?:good|great|excellent|fair|valid) "
    r"(?:point|call|catch|idea|question|observation|eye|thinking)"
    r"|i apologi[sz]e|sorry|my (?:mistake|bad|apologies)|understood|i understand|makes sense"
    r"|agreed|of course|absolutely|exactly|noted|du hast recht|stimmt|richtig|verstanden"
    r"|entschuldig\w+|tienes raz\u00f3n|entendido|(?:tu as|vous avez) raison|compris|hai ragione"
    r"|tem raz\u00e3o|\u4f60\u8bf4\u5f97\u5bf9|\u305d\u306e\u901a\u308a"
    r"|\u0442\u044b \u043f\u0440\u0430\u0432|\u0432\u044b \u043f\u0440\u0430\u0432\u044b)",
    re.I,
)
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_ABOUT: Final = 10.0  # more than all cues together
_LEAST_BESIDE: Final = -0.5  # chatter and what was pasted is worth less
_FEW_WORDS: Final = 4  # fewer say nothing by themselves
_SOME_WORDS: Final = 8
_MANY_WORDS: Final = 60
_TOO_MANY_WORDS: Final = 120  # a report or something pasted


def points(text: str) -> float:
    """Return what a text of the user is worth, from 0; see `LEAST_WORTH`.

    Of a long one the first 4,000 characters count. 0.1 ms for an ordinary turn.
    """
    head = text[:_MAX_CHARACTERS]
    judged = [_judged(sentence) for sentence in _sentences(head)]
    if not judged:
        return 0.0
    cues = frozenset[int]().union(*(found for _, found in judged))
    whole = sum(_COMPILED[at][0] for at in cues)
    total = (whole + max(worth for worth, _ in judged)) / 2 + _by_length(_words(head))
    return max(0.0, total + (_WEAK if _KEPT_IN_MIND.search(head.lower()) else 0))


def excerpt(text: str, budget: int, about: str = "") -> str:
    """Return the sentences for which a text is worth most, verbatim.

    Around the best one stands what fits of those beside it; an opening "OK, good" is left out.

    Args:
        text: As it was said.
        budget: Estimated tokens; a longer sentence is not cut here.
        about: A phrase, case folded; sentences with it stand before others.
    """
    sentences = _sentences(text[:_MAX_CHARACTERS])
    if not sentences:
        return ""
    worth = [
        _judged(sentence)[0] + (_ABOUT if about and about in sentence.casefold() else 0.0)
        for sentence in sentences
    ]
    begin = max(range(len(worth)), key=lambda at: (worth[at], -at))
    end, room = begin + 1, budget - estimate_tokens(sentences[begin])
    for at in (*range(end, len(sentences)), *range(begin - 1, -1, -1)):
        if at not in (begin - 1, end) or worth[at] < _LEAST_BESIDE:
            continue
        cost = estimate_tokens(sentences[at])
        if cost <= room:
            room -= cost
            begin, end = min(begin, at), max(end, at + 1)
    return " ".join(sentences[begin:end])


def gives_in(answer: str) -> bool:
    """Return whether an answer begins by saying that the user is right, or that it understood."""
    return _GIVES_IN.match(answer) is not None


def without_giving_in(answer: str) -> str:
    """Return an answer without its first sentence where that only gives in."""
    first, *rest = _SENTENCE_END.split(answer[:_MAX_CHARACTERS], maxsplit=1)
    return rest[0] if rest and gives_in(first) and rest[0] else answer


def is_reply(text: str) -> bool:
    """Return whether a text begins as what only says yes or no to something else."""
    return _REPLY.match(text) is not None


def ends_asking(text: str) -> bool:
    """Return whether a text ends with a question mark."""
    return _ENDS_ASKING.search(text) is not None


def _sentences(text: str) -> list[str]:
    parts = (_OPENING.sub("", part).strip() for part in _SENTENCE_END.split(_CODE.sub(" ", text)))
    return [part for part in parts if part]


def _judged(sentence: str) -> tuple[float, frozenset[int]]:
    """Return what a sentence is worth, and which cues it has."""
    low = sentence.lower()
    cues = frozenset(at for at, (_, cue) in enumerate(_COMPILED) if cue.search(low))
    worth = sum(_COMPILED[at][0] for at in cues)
    worth -= 0.6 if _ENDS_ASKING.search(low) else 0
    worth -= 0.5 if _ASKS.match(low) else 0
    worth -= 0.3 if _REQUESTS.match(low) else 0
    worth -= 1.0 if _ANNOUNCES.match(low) else 0
    worth -= 2.0 if _PASTED.search(sentence) else 0
    words = _words(sentence)
    return worth - (1.0 if words < _FEW_WORDS else 0.3 if words < _SOME_WORDS else 0), cues


def _words(text: str) -> int:
    return len(_WORD.findall(text)) + len(_UNSPACED.findall(text)) // 2


def _by_length(words: int) -> float:
    if words < _FEW_WORDS:
        return -1.2
    if words > _TOO_MANY_WORDS:
        return -1.0
    return -0.4 if words > _MANY_WORDS else -0.2 if words < _SOME_WORDS else 0.0
