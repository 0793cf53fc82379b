"""What keeps the table small and quick: compaction, clean-up of old versions, indexes by size."""

from __future__ import annotations

import json
import warnings
from datetime import timedelta
from typing import Final

from lancedb.index import FTS, BTree, IvfSq
from lancedb.table import LanceTable

from ..paths import StorePaths, replace_file

# A flat scan of 10,000 vectors takes 9 ms and an index no less; at 100,000 it is 38 against 5.
VECTOR_INDEX_ROWS: Final = 30_000
# Of passages, 34 ms against 22 at 10,000 rows that have some, and 396 against 17 at 100,000.
PASSAGE_INDEX_ROWS: Final = 10_000
KEY_INDEX_ROWS: Final = 20_000
_TEXT_INDEX: Final = "terms_idx"


def create_text_index(table: LanceTable) -> None:
    """Full text over `terms`, which were cut and folded when the row was made: only split here."""
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
    """Whether `create_text_index` ran to its end."""
    return any(index.name == _TEXT_INDEX for index in table.list_indices())


def due(paths: StorePaths, version: int, budget: int) -> bool:
    """Whether `budget` commits or more were made since the compaction that `optimize` noted."""
    return not 0 <= version - compacted_version(paths) < budget


def compacted_version(paths: StorePaths) -> int:
    """The version that the last compaction left; 0 before the first."""
    try:
        noted = json.loads(paths.maintenance.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 0
    version = noted.get("compacted_version") if isinstance(noted, dict) else None
    return version if isinstance(version, int) else 0


def optimize(table: LanceTable, paths: StorePaths, keep: timedelta) -> None:
    """Compacts, indexes what is large enough, cleans versions older than `keep`, and notes it."""
    create_size_indexes(table)
    with warnings.catch_warnings():
        # `keep` of zero warns about concurrent readers; ours go to the latest version and retry.
        warnings.filterwarnings("ignore", message="optimize", category=UserWarning)
        table.optimize(cleanup_older_than=keep)
    noted = json.dumps({"compacted_version": table.version})
    replace_file(paths.maintenance, noted.encode())


def create_size_indexes(table: LanceTable) -> None:
    """The indexes that a table of its number of rows needs and lacks."""
    rows = table.count_rows()
    present = {column for index in table.list_indices() for column in index.columns}
    if rows >= KEY_INDEX_ROWS:
        for column in ("id", "idem"):
            if column not in present:
                table.create_index(column, config=BTree())
    if rows >= VECTOR_INDEX_ROWS and "vector" not in present:
        table.create_index("vector", config=IvfSq(distance_type="dot"))
    if "passages" not in present and _rows_with_passages(table) >= PASSAGE_INDEX_ROWS:
        # Of several vectors in a row LanceDB knows the cosine only.
        table.create_index("passages", config=IvfSq(distance_type="cosine"))


def _rows_with_passages(table: LanceTable) -> int:
    return table.count_rows("passages IS NOT NULL")
