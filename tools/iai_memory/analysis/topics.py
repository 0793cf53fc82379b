"""The topic map: lines for the session-start page that say what the memories are about."""

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
from ..embedding.identity import text_cosine
from ..store.filter import Filter
from ..store.record import Record
from ..store.table import Store
from ..store.vector_rows import Vector
from .communities import block_count, communities, neighbour_edges
from .recent_vectors import MAX_MEMORIES, ContentMark, recent_vectors
from .topic_labels import label_classes, label_phrases, label_words

MAX_LINES: Final = 8
MIN_MEMBERS: Final = 3
MIN_COSINE: Final = 0.33
"""Measured with all-MiniLM-L6-v2 on short notes: three of four pairs about one subject reach 0.37;
of pairs about different subjects one in a hundred reaches 0.23 and none 0.30. Of another model the
cosine that means as much."""

MAX_ROWS_IN_A_TICK: Final = 500
"""Rows of a store up to which the map is built on a live tick, within a fraction of a second."""

# Output of a tool is no topic of a conversation; the page leaves it out too.
_ROLES: Final = ("user", "assistant", "note")


@dataclass(frozen=True, slots=True)
class TopicMap:
    """Lines of topics for every page.

    Attributes:
        content_version: Table version of the newest change that was read.
        removal_version: Table version of the newest forgetting or superseding that was read.
        records_total: Rows of the table; a purge lowers it.
        embedder: Key of the embedder that made the vectors.
        lines: For each project, and under None for all together, at most eight lines such as
            "staging database (12 memories, newest 2026-11-02)", the largest topic first. Those of a
            project come from its own memories and those of no project, no others.
        facts: As `lines`, for each line the id of the newest memory with the label that the user
            said or noted, else that any had but a model's notes; empty for none.
    """

    content_version: int
    removal_version: int
    records_total: int
    embedder: str
    lines: dict[str | None, tuple[str, ...]]
    facts: dict[str | None, tuple[str, ...]] = field(default_factory=dict)

    def predates_removal(self, removal_version: int, records_total: int) -> bool:
        """Return whether a memory was removed since, of which the lines could show words.

        Args:
            removal_version: Table version of the newest forgetting or superseding now.
            records_total: Rows of the table now.
        """
        return records_total < self.records_total or removal_version != self.removal_version


def build_topics(store: Store, *, embedder: str, progress: Progress | None = None) -> TopicMap:
    """Return the map of the newest 20,000 memories that are neither forgotten nor superseded.

    Equal memories with equal vectors give equal lines, in whatever order and batches they were
    stored: the last bits of a vector are rounded off. 20,000 memories take about 11 CPU seconds and
    240 MB.

    Args:
        store: The table to read.
        embedder: Key of the embedder that made the store's vectors.
        progress: Reports each page and block.

    Raises:
        Interrupted: The caller interrupted it.
        StoreFault: The store could not be read.
    """
    progress = progress or Progress("topics")
    # Before reading: a memory that is stored meanwhile belongs to the next map, and one that is
    # forgotten meanwhile makes this map's removal version an old one.
    mark = ContentMark.of(store.statistics())
    members, vectors = _read(store, progress)
    edges = neighbour_edges(
        vectors, text_cosine(embedder, MIN_COSINE), progress, before=len(members)
    )
    pages = _all_lines(members, communities(len(members), edges))
    return TopicMap(
        content_version=mark.content_version,
        removal_version=mark.removal_version,
        records_total=mark.total,
        embedder=embedder,
        lines={name: tuple(line for line, _ in page) for name, page in pages.items()},
        facts={name: tuple(fact for _, fact in page) for name, page in pages.items()},
    )


@dataclass(frozen=True, slots=True)
class _Member:
    """The part of a memory that orders it by content and names its topic."""

    digest: bytes
    project: str | None
    created_at: datetime
    id: str
    words: frozenset[str]
    fact_rank: int

    @classmethod
    def of(cls, record: Record) -> _Member:
        digest = hashlib.sha256(record.text.encode("utf-8", "surrogatepass")).digest()
        words = label_words(record.text) | label_phrases(record.text)
        return cls(digest, record.project, record.created_at, record.id, words, _fact_rank(record))

    def content_order(self) -> tuple[bytes, str, datetime, str]:
        """Return a sort key: the content, then the id, which grows with arrival."""
        return self.digest, self.project or "", self.created_at, self.id


def _fact_rank(record: Record) -> int:
    """Return how good a fact a memory is: 0 for what a model noted, 2 for the user's words."""
    return 0 if record.noted_by else 1 if record.role == "assistant" else 2


@dataclass(slots=True)
class _Tally:
    """Counts over the memories of one community in one project."""

    size: int = 0
    newest: str = ""
    words: Counter[str] = field(default_factory=Counter)
    members: list[_Member] = field(default_factory=list)

    def add(self, member: _Member) -> None:
        self.size += 1
        self.members.append(member)
        self.newest = max(self.newest, member.created_at.date().isoformat())
        self.words.update(member.words)

    def merge(self, other: _Tally) -> None:
        self.size += other.size
        self.members += other.members
        self.newest = max(self.newest, other.newest)
        self.words.update(other.words)

    def fact(self, label: str) -> str:
        """Return the id of the memory that says the newest with the label; empty for none."""
        having = [one for one in self.members if one.fact_rank and label in one.words]
        best = max(having, key=lambda one: (one.fact_rank, one.created_at, one.id), default=None)
        return best.id if best else ""


def _read(store: Store, progress: Progress) -> tuple[list[_Member], NDArray[np.float32]]:
    members: list[_Member] = []
    vectors: list[Vector] = []
    where = Filter(roles=_ROLES)
    blocks = block_count(min(MAX_MEMORIES, store.latest.count(where)))
    for page in recent_vectors(store, where, progress, rounds=blocks):
        for record, vector in page:
            member = _Member.of(record)
            if member.words:
                members.append(member)
                vectors.append(vector)
    order = sorted(range(len(members)), key=lambda at: members[at].content_order())
    matrix = np.array([vectors[at] for at in order], dtype=np.float32)
    return [members[at] for at in order], matrix


def _all_lines(
    members: Sequence[_Member], groups: Sequence[Sequence[int]]
) -> dict[str | None, list[tuple[str, str]]]:
    in_group = {row: number for number, group in enumerate(groups) for row in group}
    tallies: dict[str | None, dict[int, _Tally]] = {}
    for row, member in enumerate(members):
        # Memories of no community are a class of their own: their words count as common words.
        share = tallies.setdefault(member.project, {})
        share.setdefault(in_group.get(row, len(groups)), _Tally()).add(member)
    everyone = _page_lines([tallies[name] for name in _ordered(tallies)], len(groups))
    pages: dict[str | None, list[tuple[str, str]]] = {None: everyone}
    for project in _ordered(tallies):
        if project is not None:
            own = [tallies[name] for name in (None, project) if name in tallies]
            pages[project] = _page_lines(own, len(groups))
    return pages


def _page_lines(parts: Sequence[dict[int, _Tally]], leftover: int) -> list[tuple[str, str]]:
    """Return the lines of one page with their facts, of the projects that it may show."""
    together: dict[int, _Tally] = {}
    for part in parts:
        for number, tally in part.items():
            together.setdefault(number, _Tally()).merge(tally)
    numbers = sorted(together)
    wanted = [
        position
        for position, number in enumerate(numbers)
        if number != leftover and together[number].size >= MIN_MEMBERS
    ]
    shares = [together[number] for number in numbers]
    named = label_classes([one.words for one in shares], [one.size for one in shares], wanted)
    found = [
        (shares[position], labels) for position, labels in zip(wanted, named, strict=True) if labels
    ]
    found.sort(key=lambda topic: topic[1])
    found.sort(key=lambda topic: (topic[0].size, topic[0].newest), reverse=True)
    return [
        (
            f"{', '.join(labels)} ({tally.size} memories, newest {tally.newest})",
            tally.fact(labels[0]),
        )
        for tally, labels in found[:MAX_LINES]
    ]


def _ordered(tallies: dict[str | None, dict[int, _Tally]]) -> list[str | None]:
    return sorted(tallies, key=lambda name: (name is not None, name or ""))
