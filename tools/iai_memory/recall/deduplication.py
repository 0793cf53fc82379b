"""Memories that say the same in the same words, so that a list needs to show only one of them.

Nothing in the table is changed or deleted: a fold is advice to whoever makes a list. Recall shows
the best one of a group and counts the others; each keeps its id, its place in time and its words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from ..analysis.recent_vectors import ContentMark, newest_live
from ..base.json_file import read_note, write_note
from ..base.paths import StorePaths
from ..base.progress import Pace
from ..store.filter import Filter
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Vector

LEAST_COSINE: Final = 0.85
"""The second witness, which can only object. It could not decide: with this embedder a full stop
or quotes around a sentence cost up to 0.11, another port number costs no more, a "not" costs 0.07
and two exchanged names cost 0.02. What the words are is decided by `said`."""

_FORMAT: Final = 1
_SAYS_NOTHING: Final = frozenset({"please", "the"})
_COUNTED: Final = "nordi"
_OPENING: Final = "\"'`\u2018\u201c\u201e\u00ab\u2039"
_CLOSING: Final = "\"'`\u2019\u201d\u201c\u00bb\u203a.,!"
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Folds:
    """Which memories repeat which.

    Attributes:
        content_version: Table version of the newest change that was looked at.
        folds: For the newest of each group, the ids of the older ones, newest first.
    """

    content_version: int
    folds: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def shown(self, ids: Iterable[str]) -> list[str]:
        """The ids without repetitions, in their order: of each group the newest that is there.

        What is left out is always said by one that stays, also where the newest of all was
        forgotten or did not pass a filter.
        """
        listed = list(ids)
        groups = {
            id_: rank
            for newest, older in self.folds.items()
            for rank in [(newest, *older)]
            for id_ in rank
        }
        there = set(listed)
        return [
            id_
            for id_ in listed
            if id_ not in groups or id_ == next(one for one in groups[id_] if one in there)
        ]


def find_duplicates(store: Store, *, pace: Pace | None = None) -> Folds:
    """Groups the newest 20,000 memories that say the same; groups of one are left out.

    Two of them are the same only if they agree in `said` and in everything a list selects by
    (project, role, pin and tags), and if their vectors do not disagree.

    Raises:
        InterruptedWork: The pace says so; nothing was made.
        StoreFault: The store could not be read.
    """
    pace = pace or Pace("duplicates")
    version = ContentMark.of(store.contents()).content_version
    groups: dict[bytes, list[_Saying]] = {}
    for page in newest_live(store, Filter(), pace, rounds=0):
        for record, vector in page:
            groups.setdefault(sameness(record), []).append(
                _Saying(record.created_at, record.id, vector)
            )
    folds = [fold for group in groups.values() if len(group) > 1 for fold in _fold(group)]
    return Folds(version, dict(sorted(folds)))


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


def folds_path(paths: StorePaths) -> Path:
    """Where the folds lie."""
    return paths.root / "folds.json"


def save_folds(paths: StorePaths, folds: Folds) -> None:
    """Replaces the folds in one step, mode 0600.

    Raises:
        StoreUnavailable: The folder cannot be made.
        OSError: The disk is full or the folder cannot be written; the old folds stay.
    """
    plain = {newest: list(older) for newest, older in folds.folds.items()}
    fields = {"content_version": folds.content_version, "folds": plain}
    write_note(folds_path(paths), _FORMAT, fields)


def load_folds(paths: StorePaths) -> Folds | None:
    """The folds; None where there are none that can be read."""
    fields = read_note(folds_path(paths), _FORMAT)
    if fields is None:
        return None
    version, folds = fields.get("content_version"), fields.get("folds")
    if type(version) is not int or not isinstance(folds, dict):
        return None
    if not all(
        isinstance(older, list) and all(isinstance(id_, str) for id_ in older)
        for older in folds.values()
    ):
        return None
    return Folds(version, {newest: tuple(older) for newest, older in folds.items()})


@dataclass(frozen=True, slots=True)
class _Saying:
    created_at: datetime
    id: str
    vector: Vector


def _fold(group: Sequence[_Saying]) -> list[tuple[str, tuple[str, ...]]]:
    """The newest with the older ones near it; what is not near begins a group of its own."""
    left = sorted(group, key=lambda one: (one.created_at, one.id), reverse=True)
    folds: list[tuple[str, tuple[str, ...]]] = []
    while left:
        newest, *others = left
        near = [float(np.dot(newest.vector, one.vector)) >= LEAST_COSINE for one in others]
        older = tuple(one.id for one, same in zip(others, near, strict=True) if same)
        if older:
            folds.append((newest.id, older))
        left = [one for one, same in zip(others, near, strict=True) if not same]
    return folds


def _token(chunk: str, *, begins: bool) -> str:
    bare = chunk.lstrip(_OPENING).rstrip(_CLOSING) or chunk
    if not _PLAIN_WORD.fullmatch(bare):
        # Behind anything but a word only a full stop or a comma is punctuation: "5!" is a number.
        return chunk.rstrip(".,") or chunk
    titled = bare[:1].isupper() and (bare[1:].islower() or len(bare) == 1)
    return bare.casefold() if begins and titled else bare
