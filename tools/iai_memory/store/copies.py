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

from ..projects.names import ProjectNames
from ..text.saying import normalised_text, sketch
from .reader import TableReader
from .record import Record

_TURN_ROLES: Final = ("user", "assistant")
_SHORT_WORDS: Final = 2
_SHORT_LENGTH: Final = 20
# In scripts without blanks between words: two or three of them.
_SHORT_UNSPACED: Final = 6


def copy_words(record: Record, names: ProjectNames) -> tuple[object, ...]:
    """Return a value that is equal for copies and for nothing else."""
    words = normalised_text(record.text)
    project = names.canonical(record.project)
    return (project, record.session_id if _is_short_turn(record, words) else None, words)


def copy_digest(record: Record, names: ProjectNames) -> bytes:
    """Return 32 bytes, equal for copies: `copy_words` without the words."""
    return hashlib.sha256(repr(copy_words(record, names)).encode("utf-8", "surrogatepass")).digest()


def with_copies(
    reader: TableReader,
    names: ProjectNames,
    records: Sequence[Record],
    belongs: Callable[[Record, Record], bool],
) -> list[Record]:
    """Return the records, then those of their copies that belong to them, each once.

    Reads the texts of the table once, however many records there are.

    Args:
        reader: Of the table.
        names: Of projects: copies are of one project, whatever name of it each has.
        records: Whose copies are wanted.
        belongs: Given a record and a copy of it, forgotten ones too, whether the copy is wanted.
    """
    if not records:
        return []
    found = {record.id: record for record in records}
    groups: dict[bytes, list[Record]] = {}
    for record in records:
        groups.setdefault(copy_digest(record, names), []).append(record)
    sketches = {sketch(record.text) for record in records}
    for candidate in reader.get(reader.ids_by_text(lambda text: sketch(text) in sketches)):
        same = groups.get(copy_digest(candidate, names), ())
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
