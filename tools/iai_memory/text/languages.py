"""Detection of the languages of a text, one for each script."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from .stop_words import FUNCTION_WORDS, LETTERS

_HEAD_CHARACTERS: Final = 4_000
_CACHED_CHARACTERS: Final = 200
_CACHED_TEXTS: Final = 500
_SPOKEN_CHARACTERS: Final = 200
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_SERBIAN: Final = re.compile("[ђјљњћџ]")
_PERSIAN: Final = re.compile("[پچژگکی]")
# With a lower score the one or two words may be names or loans, and the text counts as English.
_MIN_SCORE: Final = 1.0
_LEAST_SHARE: Final = 0.25
_EASTERN: Final = (
    ("japanese", re.compile("[\u3041-\u30ff]")),
    ("korean", re.compile("[\uac00-\ud7af]")),
    ("chinese", re.compile("[\u4e00-\u9fff]")),
    ("thai", re.compile("[\u0e01-\u0e5b]")),
    ("hebrew", re.compile("[\u05d0-\u05ea]")),
)
_VIETNAMESE: Final = re.compile("[\u1ea0-\u1ef9\u01a1\u01b0]")
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
    """The detected language of each script that several languages share."""

    latin: str = "english"
    cyrillic: str = "russian"
    arabic: str = "arabic"


DEFAULTS: Final = Languages()
"""The languages of a text that has too few cues."""


def _votes(texts: Mapping[str, set[str]]) -> dict[str, dict[str, float]]:
    """Return the vote of each word or letter for each of its languages; together they are 1."""
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
    """Detect the languages of a text by its function words and its letters.

    A script with too few cues gets its language in `DEFAULTS`. A short text's are kept: those of a
    question are asked for by each stage of a recall.
    """
    return _detected(text) if len(text) <= _CACHED_CHARACTERS else _detect(text)


def _detect(text: str) -> Languages:
    head = text[:_HEAD_CHARACTERS].casefold()
    if head.isascii():
        return Languages(_latin(head))
    return Languages(
        _latin(head),
        "serbian" if _SERBIAN.search(head) else DEFAULTS.cyrillic,
        "persian" if _PERSIAN.search(head) else DEFAULTS.arabic,
    )


_detected = lru_cache(maxsize=_CACHED_TEXTS)(_detect)


def spoken(text: str) -> str | None:
    """Return the language that most of a text is in; None where it has too few cues to tell.

    Languages of one script that have no function words here count as its usual one: Ukrainian as
    Russian, Urdu as Arabic. Other languages in Latin script are not told at all.
    """
    return _spoken(text[:_SPOKEN_CHARACTERS].casefold())


@lru_cache(maxsize=2_000)
def _spoken(head: str) -> str | None:
    letters = sum(map(str.isalpha, head))
    latin = letters if head.isascii() else sum(map(_is_latin, head))
    if not letters:
        return None
    if 2 * latin > letters:
        if _VIETNAMESE.search(head):
            return "vietnamese"
        scores = _scores(head)
        highest = max(scores.values(), default=0.0)
        best = [language for language, score in scores.items() if score == highest]
        is_sure = highest >= _MIN_SCORE and len(_cues_in(head)) > 1 and len(best) == 1
        return best[0] if is_sure else None
    east = next((name for name, pattern in _EASTERN if pattern.search(head)), None)
    if east is not None:
        return east
    detected = detect(head)
    names = (language_of(word, detected) for word in _WORD.findall(head))
    return next((name for name in names if name != detected.latin), None)


def _is_latin(character: str) -> bool:
    return character.isalpha() and (character < "\u0250" or "\u1e00" <= character < "\u1f00")


def likely(text: str) -> list[str]:
    """Return the languages that the text may be in, most likely first; English comes at the end.

    Only languages of which the text has function words or letters, not many fewer than of the
    likeliest one: an English question has words of three others by chance.
    """
    head = text[:_HEAD_CHARACTERS].casefold()
    detected = detect(head)
    scripts = dict.fromkeys(
        name
        for word in _WORD.findall(head)
        if (name := language_of(word, detected)) is not None and name != detected.latin
    )
    east = [name for name, letters in _EASTERN if letters.search(head)]
    scores = _scores(head)
    least = _LEAST_SHARE * max(scores.values(), default=0.0)
    near = [name for name, score in scores.items() if score >= least]
    latin = sorted(near, key=lambda name: (-scores[name], name))
    return list(dict.fromkeys([*east[:1], *scripts, detected.latin, *latin, "english"]))


def _cues_in(head: str) -> list[dict[str, float]]:
    cues = {*_WORD.findall(head.replace("\u2019", "'")), *_LETTERS.findall(head)}
    return [votes for cue in cues if (votes := _CUES.get(cue)) is not None]


def _scores(head: str) -> dict[str, float]:
    score: defaultdict[str, float] = defaultdict(float)
    for votes in _cues_in(head):
        for language, vote in votes.items():
            score[language] += vote
    return score


def _latin(head: str) -> str:
    score, known = _scores(head), _cues_in(head)
    if not score:
        return "english"
    best = max(score, key=lambda language: (score[language], language == "english"))
    sure = score[best] >= _MIN_SCORE and len(known) > 1
    english = score.get("english", 0.0)
    foreign = _LETTERS.search(head) is not None and not english
    return best if (sure or foreign) and score[best] > english else "english"


def language_of(word: str, languages: Languages) -> str | None:
    """Return the language whose stemmer and stop words a case-folded word gets, or None."""
    first = ord(word[0])
    script = next((name for end, name in _BY_SCRIPT if first < end), None)
    if script == "latin":
        return languages.latin
    if script == "cyrillic":
        return languages.cyrillic
    return languages.arabic if script == "arabic" else script
