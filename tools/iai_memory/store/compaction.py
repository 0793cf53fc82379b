"""What keeps the table small and quick: compaction, clean-up of old versions, indexes by size."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from lancedb.index import FTS, BTree, IvfRq
from lancedb.table import LanceTable

from ..base.files import replace_file
from ..base.json_file import read_object, whole_numbers
from ..base.paths import StorePaths

# A flat scan of 10,000 vectors takes 9 ms, an index of 100,000 as long. One bit a component with
# five times the hits compared in full finds .99 of the ten nearest; eight bits find all of them in
# four times the time and six times the space.
VECTOR_INDEX_ROWS: Final = 20_000
# Of passages, 34 ms against 22 at 10,000 rows that have some, and 396 against 17 at 100,000.
PASSAGE_INDEX_ROWS: Final = 10_000
KEY_INDEX_ROWS: Final = 20_000
# Of 100,000 records with their passages both indexes take 6 s.
MOST_ROWS_BUILT_ANEW: Final = 500_000
_TEXT_INDEX: Final = "terms_idx"
# 10,000 rows are rewritten in 0.5 s, which somebody who writes waits for.
_ROWS_A_COMMIT: Final = 100
_MOST_BUDGETS: Final = 4
_MOST_ROUNDS: Final = 4
_VECTOR_INDEXES: Final = {
    "vector": IvfRq(distance_type="dot"),
    # Of several vectors in a row LanceDB knows the cosine only.
    "passages": IvfRq(distance_type="cosine"),
}
_WRITTEN_WITHIN: Final = timedelta(minutes=1)
_FOR_EVER: Final = timedelta(days=36_500)
_MAX_STATE_BYTES: Final = 64 << 10


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
    """Whether too many commits were made since the compaction that `optimize` noted.

    That is `budget`, and one more for each hundred rows that it left, up to four times the budget:
    it rewrites them all, so a larger table is compacted less often.
    """
    most = min(budget + _noted(paths, "rows") // _ROWS_A_COMMIT, _MOST_BUDGETS * budget)
    return not 0 <= version - compacted_version(paths) < most


def compacted_version(paths: StorePaths) -> int:
    """The version that the last compaction left; 0 before the first."""
    return _noted(paths, "compacted_version")


def _noted(paths: StorePaths, name: str) -> int:
    """What the last compaction noted under this name; 0 before the first."""
    fields = read_object(paths.maintenance, _MAX_STATE_BYTES) or {}
    [number] = whole_numbers(fields, (name,)) or [0]
    return number


def optimize(
    table: LanceTable,
    paths: StorePaths,
    keep: timedelta,
    sync: Callable[[], None],
    nobody_reads: Callable[[], bool],
) -> None:
    """Compacts, indexes what is large enough, drops old versions, and notes it.

    Runs under the write lock.

    Args:
        table: At its latest version.
        paths: Its store's.
        keep: A version that was replaced longer ago is dropped even while somebody reads; of zero,
            all but the latest are.
        sync: Returns when every file of the table is on the disk.
        nobody_reads: Waits a little; then says whether every read that it met has ended. If so,
            all but the latest are dropped.
    """
    create_size_indexes(table)
    settled = _settled(table)
    sync()
    # Where it settled, this last round commits nothing, so what is read from now on stays.
    if not keep or (settled and nobody_reads()):
        _optimize(table, timedelta(0))
    else:
        _optimize(
            table, _age_of_the_replaced(paths.database / f"{table.name}.lance" / "_versions", keep)
        )
    noted = json.dumps({"compacted_version": table.version, "rows": table.count_rows()})
    replace_file(paths.maintenance, noted.encode())


def _settled(table: LanceTable) -> bool:
    """Merges and indexes until nothing is left to do; says whether it came so far.

    LanceDB merges no rows that an index knows with such as it does not know yet. What one round
    has merged and indexed, the next can merge with the rest.
    """
    for _ in range(_MOST_ROUNDS):
        version = table.version
        _optimize(table, _FOR_EVER)
        if table.version == version:
            return True
    return False


def _optimize(table: LanceTable, drop_older_than: timedelta) -> None:
    with warnings.catch_warnings():
        # An age of zero warns about concurrent readers, of whom we know.
        warnings.filterwarnings("ignore", message="optimize", category=UserWarning)
        table.optimize(cleanup_older_than=drop_older_than)


def _age_of_the_replaced(versions: Path, keep: timedelta) -> timedelta:
    """How old a version must be to have been replaced longer ago than `keep`.

    LanceDB asks for its age, and an old version may have been the latest until just now.
    """
    now = time.time()
    ages = (now - manifest.stat().st_mtime for manifest in versions.glob("*.manifest"))
    oldest = [age for age in ages if age > keep.total_seconds()]
    # The youngest of them was read until the next came. A version is dated before it is written.
    return timedelta(seconds=min(oldest)) + _WRITTEN_WITHIN if oldest else _FOR_EVER


def create_size_indexes(table: LanceTable) -> None:
    """The indexes that a table of its number of rows needs and lacks."""
    rows = table.count_rows()
    present = {column for index in table.list_indices() for column in index.columns}
    if rows >= KEY_INDEX_ROWS:
        for column in ("id", "idem", "session_id", "superseded_by"):
            if column not in present:
                table.create_index(column, config=BTree())
    if rows >= VECTOR_INDEX_ROWS and "vector" not in present:
        _create_vector_index(table, "vector")
    if "passages" not in present and _rows_with_passages(table) >= PASSAGE_INDEX_ROWS:
        _create_vector_index(table, "passages")


def merge_index_parts(table: LanceTable, most: int) -> None:
    """Builds each index of vectors anew that has more than `most` parts.

    A compaction adds a part for the rows that are new, and every search asks all parts: of 100,000
    records, 19 cost it half as much again as one.

    Runs under the write lock. A table of more than `MOST_ROWS_BUILT_ANEW` is left as it is: those
    who want to write would wait for longer than they are given.
    """
    if table.count_rows() > MOST_ROWS_BUILT_ANEW:
        return
    for index in table.list_indices():
        [column] = index.columns
        if column in _VECTOR_INDEXES:
            known = table.index_stats(index.name)
            if known is not None and (known.num_indices or 0) > most:
                _create_vector_index(table, column)


def _create_vector_index(table: LanceTable, column: str) -> None:
    table.create_index(column, config=_VECTOR_INDEXES[column])


def _rows_with_passages(table: LanceTable) -> int:
    # Of the spans: to count the passages, LanceDB would read all their vectors.
    return table.count_rows("passage_spans IS NOT NULL")
