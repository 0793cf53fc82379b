"""Indexes of the table: full text always, vectors and keys from a number of rows on."""

from __future__ import annotations

from typing import Final

from lancedb.index import FTS, BTree, IvfRq
from lancedb.table import LanceTable

# A flat scan of 10,000 vectors takes 9 ms, an index of 100,000 as long. One bit a component with
# five times the hits compared in full finds .99 of the ten nearest; eight bits find all of them in
# four times the time and six times the space.
VECTOR_INDEX_ROWS: Final = 20_000
# Of passages, 34 ms against 22 at 10,000 rows that have some, and 396 against 17 at 100,000.
PASSAGE_INDEX_ROWS: Final = 10_000
KEY_INDEX_ROWS: Final = 20_000
# Of 100,000 records with their passages both indexes take 6 s.
MAX_ROWS_REBUILT: Final = 500_000
_TEXT_INDEX: Final = "terms_idx"
_KEY_COLUMNS: Final = ("id", "idem", "session_id", "superseded_by")
_VECTOR_INDEXES: Final = {
    "vector": IvfRq(distance_type="dot"),
    # Of several vectors in a row LanceDB knows the cosine only.
    "passages": IvfRq(distance_type="cosine"),
}


def create_text_index(table: LanceTable) -> None:
    """Make the full-text index over `terms`, whose words are separated by spaces already."""
    table.create_index(
        "terms",
        config=FTS(
            base_tokenizer="whitespace",
            max_token_length=None,
            lower_case=False,
            stem=False,
            remove_stop_words=False,
            ascii_folding=False,
        ),
        name=_TEXT_INDEX,
    )


def has_text_index(table: LanceTable) -> bool:
    """Return whether `create_text_index` ran to its end."""
    return any(index.name == _TEXT_INDEX for index in table.list_indices())


def create_size_indexes(table: LanceTable) -> None:
    """Make the indexes that a table of its number of rows needs and lacks."""
    rows = table.count_rows()
    present = {column for index in table.list_indices() for column in index.columns}
    if rows >= KEY_INDEX_ROWS:
        for column in _KEY_COLUMNS:
            if column not in present:
                table.create_index(column, config=BTree())
    if rows >= VECTOR_INDEX_ROWS and "vector" not in present:
        _create_vector_index(table, "vector")
    if "passages" not in present and _rows_with_passages(table) >= PASSAGE_INDEX_ROWS:
        _create_vector_index(table, "passages")


def merge_index_parts(table: LanceTable, max_parts: int) -> None:
    """Build each index of vectors anew that has more than `max_parts` parts.

    A compaction adds a part for the rows that are new, and every search reads all parts: of 100,000
    records, 19 cost it half as much again as one.

    Runs under the write lock. A table of more than `MAX_ROWS_REBUILT` is left as it is: writers
    would wait for longer than the write lock's timeout.
    """
    if table.count_rows() > MAX_ROWS_REBUILT:
        return
    for index in table.list_indices():
        [column] = index.columns
        if column in _VECTOR_INDEXES:
            known = table.index_stats(index.name)
            if known is not None and (known.num_indices or 0) > max_parts:
                _create_vector_index(table, column)


def _create_vector_index(table: LanceTable, column: str) -> None:
    table.create_index(column, config=_VECTOR_INDEXES[column])


def _rows_with_passages(table: LanceTable) -> int:
    # Of the spans: to count the passages, LanceDB would read all their vectors.
    return table.count_rows("passage_spans IS NOT NULL")
