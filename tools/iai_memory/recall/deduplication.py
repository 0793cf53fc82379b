"""Deduplication: one hit for all memories that say the same in the same words.

What is one hit is what a change of it changes: see `store.copies`. Who said it, a pin and tags make
no difference, and the best of them is shown.

Nothing in the table is changed or deleted: recall shows the best of a group and counts the others.

The words decide, never the vectors: with this embedder a full stop or quotes around a sentence cost
up to 0.11 of the cosine, another port number costs no more, a "not" costs 0.07 and two exchanged
names cost 0.02.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..projects.names import ProjectNames
from ..store.copies import copy_digest
from ..store.record import Record
from .ranked import Ranked

_COUNTED_LETTERS: Final = "nordi"  # none of them is in an ignored word


def merge_duplicates(ranked: Sequence[Ranked], names: ProjectNames) -> list[Ranked]:
    """Keep the best of each group that says the same, with the ids of the others.

    Current and replaced wordings stay apart, even where a fact returned to its earlier words.
    """
    best: dict[tuple[bytes | str, bool], Ranked] = {}
    cheap_keys = [cheap_key(one.record, names) for one in ranked]
    counts = Counter(cheap_keys)
    for one, cheap in zip(ranked, cheap_keys, strict=True):
        words = copy_digest(one.record, names) if counts[cheap] > 1 else one.record.id
        key = (words, one.record.superseded_by is None)
        first = best.setdefault(key, one)
        if first is not one:
            best[key] = replace(first, copies=(*first.copies, one.record.id))
    return list(best.values())


def cheap_key(record: Record, names: ProjectNames) -> tuple[object, ...]:
    """Return a key that is equal where `copy_digest` is, and sometimes elsewhere; cheap."""
    text = record.text.casefold()
    return (names.canonical(record.project), *map(text.count, _COUNTED_LETTERS))
