"""The topic map: what the memories are about, page by page, as lines for the session start."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..base.progress import Progress
from ..store.filter import Filter
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Vector
from .communities import communities, neighbour_edges, rounds
from .recent_vectors import NEWEST, ContentMark, newest_live
from .topic_labels import labels, terms

LINES_AT_MOST: Final = 8
LEAST_MEMBERS: Final = 3
LEAST_COSINE: Final = 0.33
"""Measured with this embedder on short notes: three in four pairs of one subject reach 0.37, of
pairs of different subjects one in a hundred reaches 0.23 and none 0.30."""

SMALL_STORE: Final = 500
"""Up to so many memories the map may be built on a live tick, within a fraction of a second."""

# What a tool printed is not what anybody spoke of; the payload leaves it out too.
_ROLES: Final = ("user", "assistant", "note")


@dataclass(frozen=True, slots=True)
class TopicMap:
    """Lines of topics for every page.

    Attributes:
        content_version: Table version of the newest change that it may show.
        removal_version: Table version of the newest forgetting or superseding that it knows of.
        records_total: Rows of the table; a purge makes it fewer.
        embedder: Key of the embedder whose vectors it was made from.
        lines: For each project, and for all together under None, at most eight lines such as
            "port, staging, database (12 memories, newest 2026-11-02)", the largest topic first. A
            project's lines are made of its own memories and those of no project, nobody else's.
    """

    content_version: int
    removal_version: int
    records_total: int
    embedder: str
    lines: dict[str | None, tuple[str, ...]]


def build_topics(store: Store, *, embedder: str, progress: Progress | None = None) -> TopicMap:
    """Makes the map from the newest 20,000 memories that are neither forgotten nor superseded.

    Equal memories with equal vectors give equal lines, in whatever order and batches they were
    stored; the last bits of a vector are rounded off. Takes about 11 CPU seconds and 240
    MB for all of them.

    Args:
        store: Whose.
        embedder: Key of the embedder that the store's vectors are of.
        progress: Reports each page and block.

    Raises:
        Interrupted: The caller interrupted it; nothing was made.
        StoreFault: The store could not be read.
    """
    progress = progress or Progress("topics")
    # Before the reading: what is committed during it belongs to the next map, and a memory that is
    # forgotten during it makes this map's removal version an old one.
    mark = ContentMark.of(store.statistics())
    members, vectors = _read(store, progress)
    edges = neighbour_edges(vectors, LEAST_COSINE, progress, before=len(members))
    groups = communities(len(members), edges)
    return TopicMap(
        content_version=mark.content_version,
        removal_version=mark.removal_version,
        records_total=mark.total,
        embedder=embedder,
        lines=_all_lines(members, groups),
    )


@dataclass(frozen=True, slots=True)
class _Member:
    """What is kept of a memory: enough to order it by content, and to name its topic."""

    digest: bytes
    project: str | None
    created_at: datetime
    id: str
    terms: frozenset[str]

    @classmethod
    def of(cls, record: Record) -> _Member:
        digest = hashlib.sha256(record.text.encode("utf-8", "surrogatepass")).digest()
        return cls(digest, record.project, record.created_at, record.id, terms(record.text))

    def content_order(self) -> tuple[bytes, str, datetime, str]:
        """Ids grow with arrival, so they decide only between equal memories."""
        return self.digest, self.project or "", self.created_at, self.id


@dataclass(slots=True)
class _Tally:
    """One community's share of one project."""

    size: int = 0
    newest: str = ""
    words: Counter[str] = field(default_factory=Counter)

    def add(self, member: _Member) -> None:
        self.size += 1
        self.newest = max(self.newest, member.created_at.date().isoformat())
        self.words.update(member.terms)

    def merge(self, other: _Tally) -> None:
        self.size += other.size
        self.newest = max(self.newest, other.newest)
        self.words.update(other.words)


def _read(store: Store, progress: Progress) -> tuple[list[_Member], NDArray[np.float32]]:
    members: list[_Member] = []
    vectors: list[Vector] = []
    where = Filter(roles=_ROLES)
    blocks = rounds(min(NEWEST, store.latest.count(where)))
    for page in newest_live(store, where, progress, rounds=blocks):
        for record, vector in page:
            member = _Member.of(record)
            if member.terms:
                members.append(member)
                vectors.append(vector)
    order = sorted(range(len(members)), key=lambda at: members[at].content_order())
    matrix = np.array([vectors[at] for at in order], dtype=np.float32)
    return [members[at] for at in order], matrix


def _all_lines(
    members: Sequence[_Member], groups: Sequence[Sequence[int]]
) -> dict[str | None, tuple[str, ...]]:
    in_group = {row: number for number, group in enumerate(groups) for row in group}
    tallies: dict[str | None, dict[int, _Tally]] = {}
    for row, member in enumerate(members):
        # What is in no community is a class of its own: its words are common words all the same.
        share = tallies.setdefault(member.project, {})
        share.setdefault(in_group.get(row, len(groups)), _Tally()).add(member)
    everyone = _page_lines([tallies[name] for name in _ordered(tallies)], len(groups))
    pages: dict[str | None, tuple[str, ...]] = {None: everyone}
    for project in _ordered(tallies):
        if project is not None:
            own = [tallies[name] for name in (None, project) if name in tallies]
            pages[project] = _page_lines(own, len(groups))
    return pages


def _page_lines(parts: Sequence[dict[int, _Tally]], leftover: int) -> tuple[str, ...]:
    """One page's lines, from the communities' shares that the page may show."""
    together: dict[int, _Tally] = {}
    for part in parts:
        for number, tally in part.items():
            together.setdefault(number, _Tally()).merge(tally)
    numbers = sorted(together)
    wanted = [
        position
        for position, number in enumerate(numbers)
        if number != leftover and together[number].size >= LEAST_MEMBERS
    ]
    named = labels([together[number].words for number in numbers], wanted)
    found = [
        (together[numbers[position]], ", ".join(words))
        for position, words in zip(wanted, named, strict=True)
        if words
    ]
    found.sort(key=lambda topic: topic[1])
    found.sort(key=lambda topic: (topic[0].size, topic[0].newest), reverse=True)
    return tuple(
        f"{name} ({tally.size} memories, newest {tally.newest})"
        for tally, name in found[:LINES_AT_MOST]
    )


def _ordered(tallies: dict[str | None, dict[int, _Tally]]) -> list[str | None]:
    return sorted(tallies, key=lambda name: (name is not None, name or ""))
