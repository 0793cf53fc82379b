"""Searches of the table by vector and by words, and the words that it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

import pyarrow as pa

from ..text.analyzer import query_terms
from .arrow import pc
from .dense_search import nearest_rows
from .filter import Filter
from .lexical_search import matching_rows
from .table_rows import TableRows
from .vector_rows import Vector
from .vocabulary import NearWord, Sought, Vocabulary

_LOOKED_AT_FOR_TERMS: Final = 20
MOST_READ: Final = 50_000
"""Rows whose words are read to find a word that is spelled nearly like another."""
_ALL_BUT_FORGOTTEN: Final = Filter(include_superseded=True)


class TableSearches(TableRows):
    """A handle of the table with its searches."""

    def nearest(
        self, query: Vector, where: Filter, limit: int, *, nprobes: int
    ) -> dict[str, float]:
        """Return cosines by id, best first: of the whole text or of its best passage.

        Records that were never embedded are not among them.

        Args:
            query: float32, (dim,), unit length.
            where: Which records; with `as_of` it may let too many by, see `Filter.admits`.
            limit: Maximum number of records.
            nprobes: Partitions to search where the vectors are indexed.
        """

        def search(condition: str | None, count: int) -> pa.Table:
            return nearest_rows(self._table, query, condition, count, nprobes)

        rows = self._read("searching vectors", lambda: _search_filtered(search, where, limit))
        return dict(zip(self._found(rows), rows["cosine"].to_pylist(), strict=True))

    def matching(
        self, text: str, where: Filter, limit: int, *, forms: Collection[str] = ()
    ) -> dict[str, float]:
        """Return BM25 scores over the terms of the text by id, best first, unindexed rows included.

        Args:
            text: The question.
            where: Which records; with `as_of` it may let too many by, see `Filter.admits`.
            limit: Maximum number of records.
            forms: More terms, of other forms of the text's words.
        """
        terms = [*query_terms(text), *forms]
        return self._with_terms(terms, where, limit) if terms else {}

    def texts_with(self, term: str, limit: int) -> list[str]:
        """Return texts that have the term, forgotten ones left out, at most so many."""
        found = self._with_terms([term], _ALL_BUT_FORGOTTEN, limit)
        return [one.record.text for one in self.candidates(found).values()]

    def texts_of_few(self, term: str, most: int) -> list[str] | None:
        """Return the texts that have the term, not forgotten ones; None for more than `most`."""
        found = self._with_terms([term], _ALL_BUT_FORGOTTEN, most + 1)
        if len(found) > most:
            return None
        return [one.record.text for one in self.candidates(found).values()]

    def has_more_than(self, term: str, most: int) -> bool:
        """Return whether more than so many memories have the term, forgotten ones left out."""
        return len(self._with_terms([term], _ALL_BUT_FORGOTTEN, most + 1)) > most

    def known_terms(self, terms: Collection[str]) -> set[str]:
        """Return those of the terms that any record has; of forgotten ones none counts."""
        left, known = set(terms), set[str]()
        while left:
            rows = self._with_terms(sorted(left), _ALL_BUT_FORGOTTEN, _LOOKED_AT_FOR_TERMS)
            found = self.candidates(rows).values()
            new = {term for term in left if any(one.has_term(term) for one in found)}
            if not new:
                break
            known |= new
            left -= new
        return known

    def near_words(self, words: Collection[Sought]) -> dict[Sought, list[NearWord]]:
        """Return for each word those that may be another spelling of it.

        Words of forgotten records are left out. A scan, 5 µs a row; of a table with more than
        `MOST_READ` rows, only the words of that many are known.
        """
        known = self._vocabulary()
        return {word: known.near(word) for word in words}

    def forms_of(self, words: Collection[str]) -> dict[str, list[str]]:
        """Return for each case-folded word the terms that may be of its other forms, the likest
        first, as `near_words` does.
        """
        known = self._vocabulary()
        return {word: known.forms(word) for word in words}

    def _vocabulary(self) -> Vocabulary:
        query = self._table.search().where("tombstoned_at IS NULL").select(["terms"])
        column = self._read("reading words", query.limit(MOST_READ).to_arrow)["terms"]
        return Vocabulary.of(column.combine_chunks())

    def _with_terms(self, terms: Sequence[str], where: Filter, limit: int) -> dict[str, float]:
        def search(condition: str | None, count: int) -> pa.Table:
            return matching_rows(self._table, terms, condition, count)

        rows = self._read("searching words", lambda: _search_filtered(search, where, limit))
        return dict(zip(self._found(rows), rows["_score"].to_pylist(), strict=True))


def _search_filtered(
    search: Callable[[str | None, int], pa.Table], where: Filter, limit: int
) -> pa.Table:
    """Search under a filter; drop forgotten rows afterwards where that is cheaper.

    For a condition LanceDB scans a column, which takes longer than a search by words, and half as
    long as one by vectors. So a filter that leaves out forgotten rows only is applied here, if few
    of the best rows are forgotten.

    Args:
        search: Given a condition and a limit, the rows found, with the column `tombstoned_at`.
        where: Which records.
        limit: Maximum number of rows.
    """
    if where == _ALL_BUT_FORGOTTEN:
        with_forgotten = limit + limit // 4
        rows = search(None, with_forgotten)
        kept = rows.filter(pc.is_null(rows["tombstoned_at"]))
        if kept.num_rows >= limit or rows.num_rows < with_forgotten:
            return kept.slice(0, limit)
    return search(where.to_sql(), limit)
