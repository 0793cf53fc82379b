"""Trials of damage: what a damaged store answers as ever, what its doctor mends, and what it names.

A trial damages one file of a copy. The copy is *harmless* where all that can be read is as before,
*mended* where it is after the inspection that says so, *named* where that inspection names the
file, and *silent* in any other case.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest.mock import patch

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.errors import StoreFault
from iai_memory.maintenance.inspection import Inspection, inspect
from iai_memory.store import indexes
from iai_memory.store.data_files import damage
from iai_memory.store.filter import Filter
from iai_memory.store.lance_files import DamagedFile
from iai_memory.store.table import Store
from iai_memory.store.vector_rows import Vector

from .damage import Damaging, with_one_flip

_QUESTIONS = ("when does the ferry leave?", "port 5007", "late fact 3", "who sleeps on the pier")
# What else is found beside the answer are ties, in no order.
_WITH_ONE_ANSWER = ("port 5007", "late fact 3", "the ferry does not leave any more")
_EVERYTHING = Filter(include_superseded=True, include_tombstoned=True)
_MANY = 10_000


class Trial(NamedTuple):
    """A damaged file and what became of it: harmless, mended, named or silent."""

    file: str
    damage: str
    outcome: str


@contextmanager
def every_index() -> Generator[None]:
    """Gives a small table every kind of index within the block."""
    with patch.multiple(indexes, VECTOR_INDEX_ROWS=20, PASSAGE_INDEX_ROWS=20, KEY_INDEX_ROWS=20):
        yield


def make_store(root: Path, facts: int) -> None:
    """A store with indexes, deletions, versions that nobody needs any more, and rows unindexed."""
    memory = Memory(root, on_commit=lambda: None)
    stored = memory.ingest(
        [
            f"Fact {number}: the ferry leaves pier {number % 7} at port {5000 + number}. "
            f"The gulls of house {number * 31 % 89} sleep on it."
            for number in range(facts)
        ]
    ).results
    while memory.embed_pending():
        pass
    memory.store.compact(keep=timedelta(0))
    memory.forget([str(stored[5].id)])
    memory.supersede(str(stored[8].id), "The ferry does not leave any more.")
    memory.ingest([f"late fact {number}" for number in range(20)])
    memory.pin(str(stored[9].id), pinned=True)


def table_files(root: Path) -> list[str]:
    """Every file of the table, and the list of digests beside it, in the store's folder."""
    found = (path for path in (root / "lancedb").rglob("*") if path.is_file())
    return sorted(str(path.relative_to(root)) for path in found)


class Trials:
    """Trials on copies of one store."""

    def __init__(self, whole: Path, scratch: Path) -> None:
        self._whole = whole
        self._copy = scratch / "copy"
        encoder = Memory(whole).encoder
        assert encoder is not None, "the model is there"
        self._vectors = list(encoder.encode(list(_QUESTIONS)))
        self._copied()
        self._expected = self._answers()
        assert self._expected is not None, "the whole store answers"
        # Of other rows indexed, other statistics of words, and so another order of the hits.
        self._copied()
        store = _opened(self._copy)
        assert store is not None, "the whole store can be opened"
        with store.writing():
            store.rebuild_indexes()
        self._expected_mended = self._answers()

    def trial(self, file: str, damaging: Damaging, seed: int) -> Trial:
        """Damages one file; `seed` chooses the bit."""
        name = damaging.__name__ if damaging is not flipped else f"bit {seed}"
        self._damaged(file, damaging, seed)
        if self._answers() == self._expected:
            return Trial(file, name, "harmless")
        self._damaged(file, damaging, seed)
        found = _inspected(self._copy)
        if found.mended and not found.needs_repair:
            is_mended = self._answers() in (self._expected, self._expected_mended)
            return Trial(file, name, "mended" if is_mended else "silent")
        names = {f"lancedb/memories.lance/{one.file}" for one in found.files}
        is_named = found.needs_repair and any(file.startswith(one) for one in names)
        return Trial(file, name, "named" if is_named else "silent")

    def exchange(self, first: str, second: str) -> Trial:
        """Lets two files of the same kind change places."""
        self._copied()
        one, other = self._copy / first, self._copy / second
        before = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(before)
        found = _inspected(self._copy)
        names = {f"lancedb/memories.lance/{one.file}" for one in found.files}
        told = "named" if found.needs_repair and {first, second} & names else "silent"
        return Trial(first, "exchanged", told if not found.mended else "mended")

    def _answers(self) -> object:
        """All that can be read of the copy, as another process reads it; None where that fails."""
        try:
            with damage():
                return _read(_memory(self._copy), self._vectors)
        except DamagedFile:
            return None

    def _damaged(self, file: str, damaging: Damaging, seed: int) -> None:
        self._copied()
        if damaging is flipped:
            with_one_flip(self._copy / file, Random(seed))
        else:
            damaging(self._copy / file)

    def _copied(self) -> None:
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._whole, self._copy)


def flipped(path: Path) -> None:
    """Stands for one flipped bit, which a seed chooses."""
    raise NotImplementedError(path)


def spread(root: Path, number: int, chance: Random) -> list[str]:
    """So many files: each once, then by their size, as chance hits a disk."""
    files = table_files(root)
    sizes = [(root / file).stat().st_size for file in files]
    return [*files, *chance.choices(files, sizes, k=max(0, number - len(files)))][:number]


def tally(trials: Sequence[Trial]) -> dict[str, int]:
    """How many trials had each outcome."""
    return dict(Counter(trial.outcome for trial in trials))


def _memory(root: Path) -> Memory:
    """The store without a model, which takes longer to load than all else."""
    with patch.dict(os.environ, IAI_MCP_MODEL="installed"):
        return Memory(root, on_commit=lambda: None)


def _read(memory: Memory, vectors: Sequence[Vector]) -> object:
    reader = memory.store.pinned_reader()
    words = [sorted(reader.matching(said, _EVERYTHING, _MANY)) for said in _QUESTIONS]
    near = [sorted(reader.nearest(one, _EVERYTHING, _MANY, nprobes=99)) for one in vectors]
    hits = [memory.recall(said).hits[0].text for said in _WITH_ONE_ANSWER]
    shown = [record.id for record in memory.timeline(limit=50).records]
    return list(memory.export_lines(vectors=True))[:-1], words, near, hits, shown


def _inspected(root: Path) -> Inspection:
    return inspect(StorePaths(root), _opened(root), full=True, chance=Random(1))


def _opened(root: Path) -> Store | None:
    try:
        with damage():
            return _memory(root).store
    except (DamagedFile, StoreFault):
        return None
