"""Indexes of the table: full text always, vectors and keys from a number of rows on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from lancedb.index import FTS, BTree, IvfRq
from lancedb.table import LanceTable

from .lance_errors import is_lances, is_machines

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
    for column, needed in _index_rows().items():
        if column not in present and _rows_with(table, column) >= needed:
            _create_vector_index(table, column)


def create_all_indexes(table: LanceTable) -> None:
    """Make anew every index that a table of its size needs; nothing of the old ones is used."""
    for index in table.list_indices():
        if index.name != _TEXT_INDEX:
            table.drop_index(index.name)
    create_text_index(table)
    create_size_indexes(table)


def drop_vector_indexes(table: LanceTable) -> None:
    """Remove the indexes of vectors: of an index that has lost all of them no compaction is made.

    Each is a commit; the next compaction makes them anew.
    """
    for index in table.list_indices():
        if index.columns[0] in _VECTOR_INDEXES:
            table.drop_index(index.name)


def drop_damaged_indexes(table: LanceTable, changed: Collection[str]) -> list[str]:
    """Drop the indexes that were changed or cannot be read, a commit each; return their names.

    Without an index LanceDB searches the rows themselves, so all is found, and slower. Costs one
    read of all indexes.
    """
    names = [index.name for index in table.list_indices()]
    damaged = [name for name in names if name in changed or not _is_readable(table, name)]
    for name in damaged:
        table.drop_index(name)
    return damaged


def damaged_indexes(table: LanceTable) -> list[str]:
    """Return the names of the indexes that cannot be read."""
    return [index.name for index in table.list_indices() if not _is_readable(table, index.name)]


def _is_readable(table: LanceTable, name: str) -> bool:
    """Return whether an index can be read whole, and not the part alone that a search needs.

    Raises:
        OSError: LanceDB could not read for another reason than damage: too many files are open.
    """
    try:
        table.prewarm_index(name)
    except BaseException as exc:
        if not is_lances(exc) or is_machines(exc):
            raise
        return False
    return True


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
            many = known is not None and (known.num_indices or 0) > max_parts
            # After a change of the model there may be few vectors, of which none can be built.
            if many and _rows_with(table, column) >= _index_rows()[column]:
                _create_vector_index(table, column)


def _create_vector_index(table: LanceTable, column: str) -> None:
    table.create_index(column, config=_VECTOR_INDEXES[column])


def _index_rows() -> dict[str, int]:
    """Return how many rows must have a vector before its column gets an index."""
    return {"vector": VECTOR_INDEX_ROWS, "passages": PASSAGE_INDEX_ROWS}


def _rows_with(table: LanceTable, column: str) -> int:
    """Return about how many rows have a vector in the column.

    Rows may wait for theirs, all 50,000 of an import: of no vectors LanceDB builds no index.
    """
    # Of columns beside them: to count vectors, LanceDB would read them all.
    beside = {"vector": "embedder", "passages": "passage_spans"}
    return table.count_rows(f"{beside[column]} IS NOT NULL")
