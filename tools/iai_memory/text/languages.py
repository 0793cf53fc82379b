"""Which languages a text is in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, NamedTuple

from .stop_words import FUNCTION_WORDS, LETTERS

_HEAD_CHARACTERS: Final = 4_000
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SERBIAN: Final = re.compile("[ђјљњћџ]")
_PERSIAN: Final = re.compile("[پچژگکی]")
# Below this, a word or two may be a name or a loan: what was said so far decides for English.
_ENOUGH: Final = 1.0
_NOT_LATIN: Final = ("russian", "greek", "arabic")
_BY_SCRIPT: Final = (
    (0x0250, "latin"),
    (0x0370, None),
    (0x0400, "greek"),
    (0x0530, "cyrillic"),
    (0x0590, "armenian"),
    (0x0600, None),
    (0x0780, "arabic"),
    (0x0900, None),
    (0x0980, "hindi"),
    (0x0B80, None),
    (0x0C00, "tamil"),
    (0x1E00, None),
    (0x1F00, "latin"),
    (0x2000, "greek"),
)


class Languages(NamedTuple):
    """The language of each script that several languages share."""

    latin: str = "english"
    cyrillic: str = "russian"
    arabic: str = "arabic"


COMMON: Final = Languages()
"""What a text that shows too little is taken for."""


def _votes(texts: Mapping[str, set[str]]) -> dict[str, dict[str, float]]:
    """What each word or letter says for each language: less, the more of them have it."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for language, cues in texts.items():
        for cue in cues:
            owners[cue].append(language)
    return {cue: dict.fromkeys(owned, 1 / len(owned)) for cue, owned in owners.items()}


STOP_WORDS: Final = {
    language: frozenset(words.split()) for language, words in FUNCTION_WORDS.items()
}
_CUES: Final = _votes(
    {
        language: {word for word in words if len(word) > 1} | set(LETTERS.get(language, ""))
        for language, words in STOP_WORDS.items()
        if language not in _NOT_LATIN
    }
)
_LETTERS: Final = re.compile(f"[{''.join(sorted(set(''.join(LETTERS.values()))))}]")


def detect(text: str) -> Languages:
    """The languages of a text, as its words that say nothing else tell them.

    What shows too little is taken for the language in `COMMON`.
    """
    head = text[:_HEAD_CHARACTERS].casefold()
    if head.isascii():
        return Languages(_latin(head))
    return Languages(
        _latin(head),
        "serbian" if _SERBIAN.search(head) else COMMON.cyrillic,
        "persian" if _PERSIAN.search(head) else COMMON.arabic,
    )


def _latin(head: str) -> str:
    score: defaultdict[str, float] = defaultdict(float)
    cues = {*_WORD.findall(head.replace("\u2019", "'")), *_LETTERS.findall(head)}
    known = [votes for cue in cues if (votes := _CUES.get(cue)) is not None]
    for votes in known:
        for language, vote in votes.items():
            score[language] += vote
    if not score:
        return "english"
    best = max(score, key=lambda language: (score[language], language == "english"))
    sure = score[best] >= _ENOUGH and len(known) > 1
    foreign = _LETTERS.search(head) is not None and not score["english"]
    return best if (sure or foreign) and score[best] > score["english"] else "english"


def language_of(word: str, languages: Languages) -> str | None:
    """The language whose stemmer and stop words a case-folded word gets; None has none."""
    first = ord(word[0])
    script = next((name for end, name in _BY_SCRIPT if first < end), None)
    if script == "latin":
        return languages.latin
    if script == "cyrillic":
        return languages.cyrillic
    return languages.arabic if script == "arabic" else script
