"""The records of a segment in Arrow, without their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from ..vector_rows import SEARCHED_COLUMNS
from .key_index import Rows

_NAMES: Final = ("role", "origin", "host", "session_id", "project", "cwd", "embedder")


def records_of(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Copy rows of the table into one batch; names, which repeat, become dictionary columns."""
    table = pa.Table.from_batches(batches).drop_columns(list(SEARCHED_COLUMNS))
    for name in _NAMES:
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].combine_chunks().dictionary_encode())
    # A column of a batch that LanceDB gave keeps all of the batch alive, vectors included.
    return _one_batch(table.take(pa.array(np.arange(table.num_rows))))


def joined_records(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Concatenate at least one batch."""
    return parts[0] if len(parts) == 1 else _one_batch(pa.Table.from_batches(parts))


def taken_records(records: pa.RecordBatch, rows: Rows) -> pa.RecordBatch:
    """Copy these rows, in their order."""
    return records.take(pa.array(rows))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    return table.unify_dictionaries().combine_chunks().to_batches()[0]
