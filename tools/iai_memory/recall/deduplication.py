"""Memories that say the same in the same words, so that a list needs to show only one of them.

Nothing in the table is changed or deleted. Recall shows the best one of a group and counts the
others; each keeps its id, its place in time and its words.

The words decide, never the vectors: with this embedder a full stop or quotes around a sentence cost
up to 0.11 of the cosine, another port number costs no more, a "not" costs 0.07 and two exchanged
names cost 0.02.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from ..store.record import Record

_SAYS_NOTHING: Final = frozenset({"please", "the"})
_COUNTED: Final = "nordi"
_OPENING: Final = "\"'`\u2018\u201c\u201e\u00ab\u2039"
_CLOSING: Final = "\"'`\u2019\u201d\u201c\u00bb\u203a.,!"
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def said(text: str) -> tuple[str, ...]:
    """What two texts must have in common, token by token and in order, to say the same.

    Left out are "the" and "please", quotes around a word, a comma or full stop behind one, the
    case of a plain word where a sentence begins, and blanks. Everything else counts: numbers,
    negations, identifiers and their case, word order, a question mark, line breaks and the
    indentation behind them. A bag of words would not do: "Ann reports to Bob" has the same as "Bob
    reports to Ann".
    """
    tokens: list[str] = []
    for number, line in enumerate(text.strip().splitlines()):
        if number:
            tokens.append("\n" + line[: len(line) - len(line.lstrip())])
        begins = True
        for chunk in line.split():
            token = _token(chunk, begins=begins)
            begins = chunk[-1] in ".!?:"
            if token not in _SAYS_NOTHING:
                tokens.append(token)
    return tuple(tokens)


def sameness(record: Record) -> bytes:
    """Equal for memories that no list and no filter tells apart, and that say the same."""
    parts = (record.project, record.role, record.pinned, sorted(record.tags), said(record.text))
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()


def outline(record: Record) -> tuple[object, ...]:
    """Equal where `sameness` is, and sometimes else; so cheap that it tells what to compare.

    No letter that is counted stands in a word that `said` leaves out.
    """
    text = record.text.casefold()
    return (record.project, record.role, record.pinned, *map(text.count, _COUNTED))


def _token(chunk: str, *, begins: bool) -> str:
    bare = chunk.lstrip(_OPENING).rstrip(_CLOSING) or chunk
    if not _PLAIN_WORD.fullmatch(bare):
        # Behind anything but a word only a full stop or a comma is punctuation: "5!" is a number.
        return chunk.rstrip(".,") or chunk
    titled = bare[:1].isupper() and (bare[1:].islower() or len(bare) == 1)
    return bare.casefold() if begins and titled else bare
