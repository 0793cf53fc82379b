"""Labels of topics: phrases that occur in a group of memories and hardly in the others.

A phrase is two or three words that stand together ("shadow branch", "pre-commit hooks"). A single
word names a topic only where a third of its memories have it and no phrase sets it apart; a group
without either gets no label, for "run, test, check" says nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ..text.filler_words import FILLER_WORDS

LABEL_PARTS: Final = 2
# A long memory says near its beginning what it is about; a pasted log is not read to its end.
_MAX_CHARACTERS: Final = 4_000
_MIN_LETTERS: Final = 3
_MAX_LETTERS: Final = 30
_MIN_MEMORIES: Final = 3
_MAX_PHRASE_WORDS: Final = 3
# Phrases of more characters than these begin no text's subject, and take most of the memory.
_MAX_PHRASE_CHARACTERS: Final = 600
_OF_PHRASE: Final = 0.03  # of a topic's memories have its phrase at least
_OF_WORD: Final = 0.3
_LEAST_ALONE: Final = 4  # letters; "Mel" is no topic
_OWN: Final = 0.5  # of all memories with it, so many are of the topic
_BREAK: Final = re.compile(r"[^\w\s'\u2019-]+|\n")
_TOKEN: Final = re.compile(r"[\w'\u2019-]+")
_VERB_LIST: Final = """
add added allow ask avoid bring build call change check clean commit compare confirm consider
continue create delete ensure explain expect explore find fix fixed follow handle implement
include install investigate let move open pass print proceed provide pull push read reading
remove rename replace restore return reuse review run running search seeing skip start stop
store switch test tested think track update updated validate verify wait write writing
additionally currently directly instead properly still fully summary todo user prefer prüfen
ansehen machen schreiben lesen
"""
_VERBS: Final = frozenset(_VERB_LIST.split())
_IDEOGRAPHS: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_HIRAGANA: Final = re.compile("[\u3041-\u309f]+")


class _Letters(dict[int, str]):
    """A translation table: letters and marks stay, apostrophes go, the rest separates words."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kept = unicodedata.category(char)[0] in "LM" or char in "_0123456789"
        self[code] = char if kept else "" if char in "'\u2019" else " "
        return self[code]


_LETTERS: Final = _Letters()


def label_words(text: str) -> frozenset[str]:
    """Return the words of the text that could be in a label, case folded.

    Stop words are left out, and so are words with a digit or an underscore: numbers and identifiers
    name one thing, not a topic. Chinese and Japanese are written without blanks: a run of
    ideographs gives its pairs; hiragana is grammar and separates words.
    """
    head = unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS]).casefold()
    found: set[str] = set()
    for word in _HIRAGANA.sub(" ", head.translate(_LETTERS)).split():
        if word.replace("_", "").isalpha() or not word.isascii():
            found.update(_parts(word))
    return frozenset(found - FILLER_WORDS)


def label_phrases(text: str) -> frozenset[str]:
    """Return the phrases of the beginning of a text that could be a label, case folded.

    Two or three words next to each other, of which none is grammar and the first no verb that
    begins a request. Paths, identifiers and numbers part them.
    """
    head = unicodedata.normalize("NFKC", text[:_MAX_PHRASE_CHARACTERS]).casefold()
    found: set[str] = set()
    for clause in _BREAK.split(head):
        run: list[str] = []
        for token in (*_TOKEN.findall(clause), ""):
            word = token.strip("'\u2019-").removesuffix("'s").removesuffix("\u2019s")
            if _is_of_phrase(word):
                run.append(word)
                continue
            found.update(_runs(run))
            run = []
    return frozenset(found)


def _runs(run: list[str]) -> list[str]:
    """Return every two and three neighbours of a run of words."""
    return [
        " ".join(run[at : at + size])
        for size in range(2, _MAX_PHRASE_WORDS + 1)
        for at in range(len(run) - size + 1)
        if run[at] not in _VERBS and run[at + size - 1] not in _VERBS
    ]


def _is_of_phrase(word: str) -> bool:
    plain = word.replace("-", "")
    return (
        plain.isalpha()  # "I'd" and "don't" are not
        and _MIN_LETTERS <= len(word) <= _MAX_LETTERS
        and plain not in FILLER_WORDS
        and not _IDEOGRAPHS.search(word)
        and not _HIRAGANA.search(word)
    )


def label_classes(
    classes: Sequence[Counter[str]], sizes: Sequence[int], wanted: Sequence[int]
) -> list[list[str]]:
    """Return the best phrases, else words, of each wanted class; empty where none is good.

    Class-based TF-IDF (Grootendorst 2022): the weight of one in a class is its frequency there
    times log(1 + A / its frequency in all classes), where A is the mean of a class. A frequency
    counts memories, not occurrences, so that one long text cannot name a topic.

    Args:
        classes: For each class, how many of its memories have each word and phrase.
        sizes: How many memories each class has.
        wanted: Positions in `classes`.
    """
    everywhere: Counter[str] = Counter()
    for one in classes:
        everywhere.update(one)
    average = everywhere.total() / max(1, len(classes))
    result: list[list[str]] = []
    for position in wanted:
        weights = {
            part: count * math.log1p(average / everywhere[part])
            for part, count in classes[position].items()
            if count >= max(_MIN_MEMORIES, _least_share(part) * sizes[position])
            and (len(part) >= _LEAST_ALONE or not part.isascii())
            and count >= _OWN * everywhere[part]
        }
        if any(" " in part for part in weights):
            weights = {part: weight for part, weight in weights.items() if " " in part}
        # Rounded, so that the last bit of a logarithm cannot order equal weights; then by the part.
        ranked = sorted(weights, key=lambda part: (-round(weights[part], 6), part))
        result.append(_without_variants(ranked))
    return result


def _least_share(part: str) -> float:
    return _OF_PHRASE if " " in part else _OF_WORD


def _without_variants(ranked: list[str]) -> list[str]:
    """Return the first two, without those that share a word, or a form of it, with one before."""
    chosen: list[str] = []
    for part in ranked:
        if len(chosen) == LABEL_PARTS:
            break
        if not any(
            _is_variant(one, other)
            for earlier in chosen
            for one in part.split()
            for other in earlier.split()
        ):
            chosen.append(part)
    return chosen


def _is_variant(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (
        len(short) > _MIN_LETTERS and long.startswith(short[:-1]) and len(long) <= (len(short) + 3)
    )


def _parts(word: str) -> list[str]:
    if any(char == "_" or char.isdigit() for char in word):
        return []
    if not _IDEOGRAPHS.search(word):
        return [word] if _MIN_LETTERS <= len(word) <= _MAX_LETTERS else []
    runs = _IDEOGRAPHS.findall(word)
    pairs = [run[at : at + 2] for run in runs for at in range(len(run) - 1)]
    others = [part for part in _IDEOGRAPHS.split(word) if part]
    return pairs + [part for other in others for part in _parts(other)]
