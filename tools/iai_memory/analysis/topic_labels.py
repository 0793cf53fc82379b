"""Labels of topics: the words that distinguish a group of memories from the others."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ..text.filler_words import FILLER_WORDS

LABEL_WORDS: Final = 3
# A long memory says near its beginning what it is about; a pasted log is not read to its end.
_MAX_CHARACTERS: Final = 4_000
_MIN_LETTERS: Final = 3
_MAX_LETTERS: Final = 30
_MIN_MEMORIES: Final = 2
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


def label_classes(classes: Sequence[Counter[str]], wanted: Sequence[int]) -> list[list[str]]:
    """Return the best words of each wanted class, best first; empty where no word qualifies.

    Class-based TF-IDF (Grootendorst 2022): a word's weight in a class is its frequency there times
    log(1 + A / its frequency in all classes), where A is the mean number of words of a class.
    A frequency counts memories, not occurrences, so that one long text cannot name a topic. A word
    must be in two memories of the class.

    Args:
        classes: For each class, how many of its memories have each word.
        wanted: Positions in `classes`.
    """
    everywhere: Counter[str] = Counter()
    for one in classes:
        everywhere.update(one)
    average = everywhere.total() / max(1, len(classes))
    result: list[list[str]] = []
    for position in wanted:
        weights = {
            word: count * math.log1p(average / everywhere[word])
            for word, count in classes[position].items()
            if count >= _MIN_MEMORIES
        }
        # Rounded, so that the last bit of a logarithm cannot order equal weights; then by the word.
        ranked = sorted(weights, key=lambda word: (-round(weights[word], 6), word))
        result.append(_without_variants(ranked))
    return result


def _without_variants(ranked: list[str]) -> list[str]:
    """Return the first three words, without plurals and other endings of a word before them."""
    chosen: list[str] = []
    for word in ranked:
        if len(chosen) == LABEL_WORDS:
            break
        if not any(_is_variant(word, other) for other in chosen):
            chosen.append(word)
    return chosen


def _is_variant(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return (
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
