"""One version of the table in memory, as segments with a bitmap of live rows each.

LanceDB reads a hundred records by their ids in 5 to 12 ms, searches 10,000 vectors in 9 ms and
words in 4; in memory each takes less than one. In CPU time, on 100,000 rows with 402,000 vectors,
a search by vector takes 4.3 ms (4.4 under a filter), one by words 0.5, a hundred similarities 0.3,
sessions 0.007, a hundred candidates 1.2 and from the cache 0.026. Before segments it was 4.4 (4.9),
0.4, 0.35, 0.04, 1.3 and 0.12. A recall takes .89 of its time before at 10,000 rows, .97 at 100,000.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import accumulate, chain, compress, pairwise
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...base.fifo_cache import FifoCache
from ...text.analyzer import query_terms
from ...text.word_forms import likeness
from ..candidate import Candidate
from ..filter import Filter
from ..record import Record
from ..session_order import SessionOrder
from ..similarity import Similarity, similarities_of
from ..stable_hash import Hashes, cached_hashes_of
from ..statistics import Tally
from ..vector_rows import Vector
from ..vocabulary import NearWord, Sought
from .inverted_index import InvertedIndex, LivePostings
from .key_index import KeyIndex, Rows
from .merge_policy import Size, to_merge
from .record_cache import RecordCache
from .record_store import taken_records
from .segment import Batch, Segment
from .token_cache import TokenCache
from .vector_index import VectorIndex, Vectors, codes_at

if TYPE_CHECKING:
    from ..changed_files import DatedChange

# Right after a search the records and vectors of its rows are read: a known row is found in 0.1 µs,
# another one by the hash of its id in 1 µs.
_MAX_KNOWN_ROWS: Final = 10_000

# Kept in order, 200 bytes a turn: the next recall mostly reads the same sessions.
_MAX_SESSIONS: Final = 500

_Said = tuple[NDArray[np.int64], list[str], Sequence[NDArray[np.bool_]]]
"""Times and ids of the records of one session, in order; which of them the user said, which were
forgotten, and which are no turns."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A checksum that shows whether a snapshot has all rows of its version in their last state.

    Attributes:
        rows: Number of rows.
        versions: Sum of their column `table_version`.
    """

    rows: int
    versions: int

    @classmethod
    def of(cls, table_versions: NDArray[np.int64]) -> Self:
        """Return the fingerprint of rows with this column `table_version`."""
        return cls(len(table_versions), int(table_versions.sum()))


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A segment as one snapshot sees it; bitmaps are replaced, never changed.

    Attributes:
        segment: Shared with other snapshots.
        current: Rows that no newer state of their record replaced, bool, (rows,).
        live: Those of them that are not forgotten, bool, (rows,).
        postings: Postings with the statistics of the live rows.
        fingerprint: Of the current rows.
    """

    segment: Segment
    current: NDArray[np.bool_]
    live: NDArray[np.bool_]
    postings: LivePostings
    fingerprint: Fingerprint

    @classmethod
    def of(cls, segment: Segment, current: NDArray[np.bool_] | None = None) -> Self:
        """Count the live rows; `current` of None is all rows."""
        if current is None:
            current = np.ones(len(segment), np.bool_)
        live = current & ~segment.columns.forgotten
        versions = segment.columns.table_version[current]
        postings = LivePostings.of(segment.postings, live)
        return cls(segment, current, live, postings, Fingerprint.of(versions))

    def without(self, keys: Hashes) -> LiveSegment:
        """Return the segment without the rows of these ids."""
        rows = self.find(self.segment.ids, keys)[1]
        if not len(rows):
            return self
        current = self.current.copy()
        current[rows] = False
        return LiveSegment.of(self.segment, current)

    def find(self, index: KeyIndex, keys: Hashes) -> tuple[Rows, Rows]:
        """Find as `KeyIndex.find` does, current rows only."""
        which, rows = index.find(keys)
        kept = self.current[rows]
        return which[kept], rows[kept]

    def said(self, keys: Hashes) -> Iterator[tuple[int, _Said]]:
        """Yield the position within `keys` of each session that is here, and its rows."""
        which, rows = self.find(self.segment.sessions, keys)
        columns = self.segment.columns
        times, ids = columns.created_at[rows], self.segment.ids_at(rows)
        roles = columns.role.numbers[rows]
        kinds = (
            roles == columns.role.number("user"),
            columns.forgotten[rows],
            ~columns.of_host[rows] | (roles == columns.role.number("note")),
        )
        ends = np.flatnonzero(np.diff(which, append=-1)) + 1
        for begin, end in pairwise([0, *ends.tolist()]):
            said = (times[begin:end], ids[begin:end], [one[begin:end] for one in kinds])
            yield int(which[begin]), said

    def sessions_of(self, keys: Hashes) -> list[str | None]:
        """Return the sessions of the records with these ids."""
        rows = self.find(self.segment.ids, keys)[1]
        found = self.segment.batch.records["session_id"].take(pa.array(rows)).to_pylist()
        return list(found)

    @property
    def size(self) -> Size:
        """Its size, for the merge policy."""
        return Size(len(self.segment), self.fingerprint.rows)


_Located = tuple[LiveSegment, Rows, list[str]]
"""Some rows of a segment, with their ids."""


class Snapshot:
    """All rows of one version. Read-only: safe for any number of threads, however old it is.

    A later version is another snapshot, which shares the segments that are the same. Only caches
    of what was computed change: of decoded records, of the rows of known ids, of sessions in order.
    """

    def __init__(
        self,
        parts: Sequence[LiveSegment] = (),
        cache: RecordCache | None = None,
        sessions: FifoCache[str, SessionOrder] | None = None,
        tokens: TokenCache | None = None,
    ) -> None:
        """Take segments over, oldest arrivals first; no two have a current row of one record.

        Args:
            parts: Segments with their bitmaps.
            cache: Decoded records of this version.
            sessions: Sessions of this version in order.
            tokens: Token vectors of this version.
        """
        self._parts = parts
        self._cache = cache or RecordCache()
        self._firsts = [0, *accumulate(len(part.segment) for part in parts)]
        self._words = InvertedIndex([part.postings for part in parts])
        self._vectors = VectorIndex([part.segment.batch.vectors for part in parts])
        self._known_rows = FifoCache[str, int](_MAX_KNOWN_ROWS)
        self._sessions = sessions or FifoCache[str, SessionOrder](_MAX_SESSIONS)
        self.tokens = tokens or TokenCache()

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the newest state of every row, forgotten ones included."""
        marks = [part.fingerprint for part in self._parts]
        return Fingerprint(sum(one.rows for one in marks), sum(one.versions for one in marks))

    @property
    def nbytes(self) -> int:
        """Size of all segments, replaced rows included."""
        return sum(part.segment.nbytes for part in self._parts)

    def changed(self, batches: Sequence[pa.RecordBatch]) -> Snapshot:
        """Return a snapshot with these rows in place of older states of their records.

        They become a segment, which is merged with other small ones: 4 ms for one row.

        Args:
            batches: Rows of all columns, no two of one id.
        """
        if not sum(batch.num_rows for batch in batches):
            return self
        batch = Batch.read(batches)
        ids = batch.records["id"].to_pylist()
        sessions = set(batch.records["session_id"].to_pylist())
        sessions.update(*(part.sessions_of(batch.keys) for part in self._parts))
        parts = [part.without(batch.keys) for part in self._parts]
        parts.append(LiveSegment.of(Segment.build(batch)))
        for run in reversed(to_merge([part.size for part in parts])):
            merged = Segment.merge([(part.segment, part.current) for part in parts[run]])
            parts[run] = [LiveSegment.of(merged)] if len(merged) else []
        return Snapshot(
            parts,
            self._cache.without(ids),
            self._sessions.without(sessions),
            self.tokens.without(ids),
        )

    def nearest(self, query: Vector, where: Filter, limit: int) -> dict[str, float]:
        """Answer as `TableReader.nearest`, for a filter that the columns support."""
        rows, cosines = self._vectors.nearest(query, self._admitted(where))
        if len(rows) > limit:
            first = np.sort(np.argpartition(-cosines, limit - 1)[:limit])
            rows, cosines = rows[first], cosines[first]
        ids = self._ids_at(rows)
        self._known_rows.add(zip(ids, rows.tolist(), strict=True))
        pairs = zip(ids, cosines.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))

    def matching(
        self, text: str, where: Filter, limit: int, *, forms: Collection[str] = ()
    ) -> dict[str, float]:
        """Answer as `TableReader.matching`, for a filter that the columns support.

        Scores are of the live rows alone; of equal ones the newest arrivals are the best.
        """
        return self._with_terms([*query_terms(text), *forms], where, limit)

    def texts_with(self, term: str, limit: int) -> list[str]:
        """Answer as `TableReader.texts_with`."""
        found = self._with_terms([term], Filter(include_superseded=True), limit)
        return [one.record.text for one in self.candidates(found).values()]

    def texts_of_few(self, term: str, most: int) -> list[str] | None:
        """Answer as `TableReader.texts_of_few`."""
        return None if self._words.frequency(term) > most else self.texts_with(term, most)

    def known_terms(self, terms: Collection[str]) -> set[str]:
        """Answer as `TableReader.known_terms`."""
        return self._words.known(terms)

    def near_words(self, words: Collection[Sought]) -> dict[Sought, list[NearWord]]:
        """Answer as `TableReader.near_words`, of all rows: 0.1 ms a word among 30,000.

        The first time in each segment costs 5 µs a row.
        """
        found = dict[Sought, list[NearWord]]()
        for word in words:
            near = chain.from_iterable(part.segment.vocabulary.near(word) for part in self._parts)
            each = sorted(dict.fromkeys(near), key=lambda one: (one.distance, one.term))
            live = self._words.known([one.term for one in each])
            found[word] = [one for one in each if one.term in live]
        return found

    def forms_of(self, words: Collection[str]) -> dict[str, list[str]]:
        """Answer as `TableReader.forms_of`, of all rows."""
        found = dict[str, list[str]]()
        for word in words:
            each = chain.from_iterable(part.segment.vocabulary.forms(word) for part in self._parts)
            terms = sorted(dict.fromkeys(each), key=lambda term: (-likeness(word, term), term))
            live = self._words.known(terms)
            found[word] = [term for term in terms if term in live]
        return found

    def _with_terms(self, terms: Sequence[str], where: Filter, limit: int) -> dict[str, float]:
        scores = self._words.scores(terms)
        admitted = np.concatenate([np.empty(0, np.bool_), *self._admitted(where)])
        found = np.flatnonzero(admitted & (scores > 0))
        if len(found) > limit:
            lowest = np.partition(scores[found], -limit)[-limit]
            found = found[scores[found] >= lowest]
        ids = self._ids_at(found)
        best = nlargest(limit, zip(scores[found].tolist(), ids, found.tolist(), strict=True))
        self._known_rows.add((id_, row) for _, id_, row in best)
        return {id_: score for score, id_, _ in best}

    def similarities(self, query: Vector, ids: Collection[str]) -> dict[str, Similarity]:
        """Answer as `TableReader.similarities`, without forgotten ones: no vectors are held."""
        found, counts, spans = list[str](), list[Rows](), list[NDArray[np.int32]]()
        chosen = list[tuple[Vectors, Rows]]()
        for part, rows, names in self._located(ids):
            vectors = part.segment.batch.vectors
            places, of_rows = vectors.places_of(rows)
            if len(places):
                found += compress(names, of_rows.tolist())
                counts.append(of_rows[of_rows > 0])
                chosen.append((vectors, places))
                spans.append(vectors.spans[places])
        if not found:
            return {}
        cosines = codes_at(chosen).cosines(query)
        return similarities_of(found, np.concatenate(counts), cosines, np.concatenate(spans))

    def whole_vectors(self, ids: Collection[str]) -> dict[str, Vector]:
        """Answer as `TableReader.whole_vectors`, from their codes; without forgotten ones."""
        found = dict[str, Vector]()
        for part, rows, names in self._located(ids):
            vectors = part.segment.batch.vectors
            begins = vectors.begins[rows]
            has_vector = vectors.begins[rows + 1] > begins
            places = begins[has_vector]
            codes = vectors.codes.components[places].astype(np.float32)
            codes *= vectors.codes.inverse[places, np.newaxis]
            found.update(zip(compress(names, has_vector.tolist()), codes, strict=True))
        return found

    def missing_vectors(self, ids: Collection[str]) -> list[str]:
        """Return ids whose vectors must be read from the table: forgotten, or newer than this."""
        held = set[str]()
        for part, rows, names in self._located(ids):
            held.update(compress(names, part.live[rows].tolist()))
        return [id_ for id_ in ids if id_ not in held]

    def candidates(self, ids: Collection[str]) -> dict[str, Candidate]:
        """Return those of the records that are here, forgotten ones included, in any order."""
        found = self._cache.found(ids)
        if len(found) < len(ids):
            found |= self._decoded(self._located([id_ for id_ in ids if id_ not in found]))
        return found

    def replaced_by(self, ids: Collection[str]) -> list[Record]:
        """Answer as `TableReader.replaced_by`."""
        keys, found = cached_hashes_of(ids), list[str]()
        for part in self._parts:
            rows = part.find(part.segment.by_successor, keys)[1]
            found += part.segment.ids_at(rows)
        return [one.record for one in self.candidates(found).values()]

    def sessions(self, session_ids: Collection[str]) -> dict[str, SessionOrder]:
        """Answer as `TableReader.sessions`."""
        found = self._sessions.found(session_ids)
        if len(found) < len(session_ids):
            made = self._in_order([id_ for id_ in session_ids if id_ not in found])
            self._sessions.add(made.items())
            found |= made
        return found

    def tally(self, where: Filter) -> Tally:
        """Answer as `TableReader.tally`, for a filter that the columns support."""
        admitted = self._admitted(where)
        waiting = (
            rows & part.segment.columns.pending
            for rows, part in zip(admitted, self._parts, strict=True)
        )
        return Tally(
            sum(int(np.count_nonzero(rows)) for rows in admitted),
            sum(int(np.count_nonzero(rows)) for rows in waiting),
        )

    def changes_by_name(self, where: Filter) -> Callable[[str], list[DatedChange]]:
        """Answer as `TableReader.changes_by_name`, for a filter that the columns support."""
        from ..changed_files import newest_of_name  # few searches need it

        def named(name: str) -> list[DatedChange]:
            key = cached_hashes_of([name])
            found: list[DatedChange] = []
            for part in self._parts:
                names, columns = part.segment.changed_names, part.segment.columns
                if len(numbers := names.numbers_of(key)):
                    admitted = columns.admitted(where, part.live)
                    found += names.changes(numbers, admitted, columns.created_at)
            return newest_of_name(found)

        return named

    def _admitted(self, where: Filter) -> list[NDArray[np.bool_]]:
        """Return which rows of each segment pass."""
        return [part.segment.columns.admitted(where, part.live) for part in self._parts]

    def _ids_at(self, rows: Rows) -> list[str]:
        """Return the ids of ascending rows, numbered through all segments."""
        ids = list[str]()
        for part, first, mine in self._by_part(rows):
            ids += part.segment.ids_at(rows[mine] - first)
        return ids

    def _located(self, ids: Collection[str]) -> Iterator[_Located]:
        """Yield the rows of those of the records that are here, segment by segment."""
        known = self._known_rows.found(ids)
        if len(known) < len(ids):
            known |= self._look_up([id_ for id_ in ids if id_ not in known])
        names, rows = list(known), np.fromiter(known.values(), np.intp, len(known))
        if len(self._parts) > 1:
            order = np.argsort(rows)
            names, rows = [names[at] for at in order.tolist()], rows[order]
        for part, first, mine in self._by_part(rows):
            yield part, rows[mine] - first, names[mine]

    def _by_part(self, rows: Rows) -> Iterator[tuple[LiveSegment, int, slice]]:
        """Yield each segment with its first row and the slice of ascending `rows` that it holds."""
        if len(self._parts) == 1:
            if len(rows):
                yield self._parts[0], 0, slice(len(rows))
            return
        bounds = pairwise(np.searchsorted(rows, self._firsts).tolist())
        for part, first, (begin, end) in zip(self._parts, self._firsts, bounds, strict=False):
            if begin < end:
                yield part, first, slice(begin, end)

    def _look_up(self, ids: Sequence[str]) -> dict[str, int]:
        """Look those of the records up that are here; rows are numbered through all segments."""
        keys, found = cached_hashes_of(ids), dict[str, int]()
        for part, first in zip(self._parts, self._firsts, strict=False):
            which, rows = part.find(part.segment.ids, keys)
            names = [str(ids[at]) for at in which.tolist()]
            found.update(zip(names, (rows + first).tolist(), strict=True))
        self._known_rows.add(found.items())
        return found

    def _decoded(self, places: Iterable[_Located]) -> dict[str, Candidate]:
        """Decode the records of some rows of some segments, by id."""
        batches = [taken_records(part.segment.batch.records, rows) for part, rows, _ in places]
        made = Candidate.of([pa.Table.from_batches(batches)] if batches else [])
        self._cache.add(made)
        return made

    def _in_order(self, session_ids: Sequence[str]) -> dict[str, SessionOrder]:
        """Order the rows of each session; those without any are left out."""
        found = dict[int, list[_Said]]()
        for part in self._parts:
            for number, said in part.said(cached_hashes_of(session_ids)):
                found.setdefault(number, []).append(said)
        return {session_ids[number]: _merged(said) for number, said in found.items()}


def _merged(said: Sequence[_Said]) -> SessionOrder:
    """Merge the turns of one session, that each segment gives in order."""
    by_user, forgotten, apart = (
        frozenset(chain.from_iterable(compress(ids, kinds[at].tolist()) for _, ids, kinds in said))
        for at in range(3)
    )
    ids = said[0][1]
    if len(said) > 1:
        pairs = (zip(times.tolist(), names, strict=True) for times, names, _ in said)
        ids = [id_ for _, id_ in sorted(chain.from_iterable(pairs))]
    return SessionOrder(tuple(ids), by_user, forgotten, apart)
