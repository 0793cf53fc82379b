"""Deduplication: one hit for all memories that say the same in the same words.

Nothing in the table is changed or deleted: recall shows the best of a group and counts the others.

The words decide, never the vectors: with this embedder a full stop or quotes around a sentence cost
up to 0.11 of the cosine, another port number costs no more, a "not" costs 0.07 and two exchanged
names cost 0.02.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..store.record import Record
from .ranked import Ranked

_IGNORED_WORDS: Final = frozenset({"please", "the"})
_COUNTED_LETTERS: Final = "nordi"  # none of them is in an ignored word
_OPENING: Final = "\"'`\u2018\u201c\u201e\u00ab\u2039"
_CLOSING: Final = "\"'`\u2019\u201d\u201c\u00bb\u203a.,!"
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def merge_duplicates(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Keep the best of each group that says the same, with a count of the others.

    Current and replaced wordings stay apart, even where a fact returned to its earlier words.
    """
    best: dict[tuple[bytes | str, bool], Ranked] = {}
    cheap_keys = [cheap_key(one.record) for one in ranked]
    counts = Counter(cheap_keys)
    for one, cheap in zip(ranked, cheap_keys, strict=True):
        words = dedup_key(one.record) if counts[cheap] > 1 else one.record.id
        key = (words, one.record.superseded_by is None)
        first = best.setdefault(key, one)
        if first is not one:
            best[key] = replace(first, duplicate_count=first.duplicate_count + 1)
    return list(best.values())


def normalised_text(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, in order; two texts say the same if these are equal.

    Left out are "the" and "please", quotes around a word, a comma or full stop after one, the
    case of a plain word where a sentence begins, and blanks. Everything else counts: numbers,
    negations, identifiers and their case, word order, a question mark, line breaks and the
    indentation after them. A bag of words would not do: that of "Ann reports to Bob" is that of
    "Bob reports to Ann".
    """
    tokens: list[str] = []
    for number, line in enumerate(text.strip().splitlines()):
        if number:
            tokens.append("\n" + line[: len(line) - len(line.lstrip())])
        begins = True
        for chunk in line.split():
            token = _token(chunk, begins=begins)
            begins = chunk[-1] in ".!?:"
            if token not in _IGNORED_WORDS:
                tokens.append(token)
    return tuple(tokens)


def dedup_key(record: Record) -> bytes:
    """Return 32 bytes, equal for memories that say the same and that no filter tells apart."""
    words = normalised_text(record.text)
    parts = (record.project, record.role, record.pinned, sorted(record.tags), words)
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def cheap_key(record: Record) -> tuple[object, ...]:
    """Return a key that is equal where `dedup_key` is, and sometimes elsewhere; cheap."""
    text = record.text.casefold()
    return (record.project, record.role, record.pinned, *map(text.count, _COUNTED_LETTERS))


def _token(chunk: str, *, begins: bool) -> str:
    bare = chunk.lstrip(_OPENING).rstrip(_CLOSING) or chunk
    if not _PLAIN_WORD.fullmatch(bare):
        # After anything but a word only a full stop or a comma is punctuation: "5!" is a number.
        return chunk.rstrip(".,") or chunk
    titled = bare[:1].isupper() and (bare[1:].islower() or len(bare) == 1)
    return bare.casefold() if begins and titled else bare
