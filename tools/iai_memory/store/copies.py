"""Copies: the memories of one project that say the same in the same words, whoever said them.

What is done to one of them is done to all: the reader of a memory means its words, and a copy that
stayed would show them again. Role, pin and tags make no difference: the user's sentence, the
assistant's echo of it and the note that it was stored as are one text.

A short turn ("yes", "go on") says something only with what it answers. In another session it
answers something else, so such turns are copies within their session only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from ..text.saying import normalised_text
from .reader import TableReader
from .record import Record
from .sql import sql_text

_TURN_ROLES: Final = ("user", "assistant")
_SHORT_WORDS: Final = 2
_SHORT_LENGTH: Final = 20
# In scripts without blanks between words: two or three of them.
_SHORT_UNSPACED: Final = 6
_PER_QUERY: Final = 50
_WITHOUT_WORDS: Final = 40
_TOLD_WORDS: Final = 8


def copy_words(record: Record) -> tuple[object, ...]:
    """Return a value that is equal for copies and for nothing else."""
    words = normalised_text(record.text)
    return (record.project, record.session_id if _is_short_turn(record, words) else None, words)


def copy_digest(record: Record) -> bytes:
    """Return 32 bytes, equal for copies: `copy_words` without the words."""
    return hashlib.sha256(repr(copy_words(record)).encode("utf-8", "surrogatepass")).digest()


def with_copies(
    reader: TableReader,
    records: Sequence[Record],
    belongs: Callable[[Record, Record], bool],
) -> list[Record]:
    """Return the records, then those of their copies that belong to them, each once.

    Reads the texts of the table once for 50 records.

    Args:
        reader: Of the table.
        records: Whose copies are wanted.
        belongs: Given a record and a copy of it, forgotten ones too, whether the copy is wanted.
    """
    found = {record.id: record for record in records}
    groups: dict[bytes, list[Record]] = {}
    for record in records:
        groups.setdefault(copy_digest(record), []).append(record)
    firsts = [same[0] for same in groups.values()]
    for start in range(0, len(firsts), _PER_QUERY):
        some = firsts[start : start + _PER_QUERY]
        for candidate in reader.records_where(" OR ".join(map(_may_be_copy, some))):
            same = groups.get(copy_digest(candidate), ())
            if any(belongs(record, candidate) for record in same):
                found.setdefault(candidate.id, candidate)
    return list(found.values())


def _is_short_turn(record: Record, words: Sequence[str]) -> bool:
    if record.session_id is None or record.role not in _TURN_ROLES:
        return False
    text = record.text.strip()
    if text.upper() == text.lower():
        return len(text) <= _SHORT_UNSPACED
    return len(words) <= _SHORT_WORDS and len(text) <= _SHORT_LENGTH


def _may_be_copy(record: Record) -> str:
    """Return a condition that every copy meets: its project, and the most telling of its words.

    A word stands in the text as it is, or with a capital where a sentence begins.
    """
    name = record.project
    project = "project IS NULL" if name is None else f"project = {sql_text(name)}"
    words = {word for word in normalised_text(record.text) if not word.startswith("\n")}
    if not words:
        return f"({project} AND character_length(text) <= {_WITHOUT_WORDS})"
    # Numbers first: texts that differ in one are often many.
    telling = sorted(words, key=lambda word: (word.isalpha(), -len(word), word))[:_TOLD_WORDS]
    return f"({' AND '.join([project, *map(_tells, telling)])})"


def _tells(word: str) -> str:
    spelled = dict.fromkeys((word, word[:1].upper() + word[1:]))
    return f"({' OR '.join(f'strpos(text, {sql_text(one)}) > 0' for one in spelled)})"
