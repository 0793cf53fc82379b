"""A table of the first schema version, rewritten as one of today's in a single commit.

The rewrite is the next version of the same table: whoever is killed before its commit leaves the
old table as it was, and no other process ever sees a half of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
from lancedb.db import DBConnection
from lancedb.table import LanceTable

from ..embedding.passages import may_have_several
from ..text.analyzer import document_terms
from .schema import EMBEDDER_FIELD_KEY, table_schema
from .trust import trust_of

SCHEMA_KEY: Final = "iai.schema_version"
# Also to be raised when `document_terms` gives other terms: those that are stored stay as they are.
SCHEMA_VERSION: Final = "2"
_OUTDATED: Final = ("1",)
_BATCH_ROWS: Final = 1_000


def schema_version(table: LanceTable) -> str:
    """The schema version that the table was made with; "?" where it says none."""
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    return metadata.get(SCHEMA_KEY.encode(), b"?").decode()


def is_outdated(table: LanceTable) -> bool:
    """Whether `upgrade` can make it a table of today's schema version."""
    return schema_version(table) in _OUTDATED


def embedder_of(table: LanceTable) -> str:
    """Key of the embedder whose vectors the table holds; "?" where it says none."""
    metadata: dict[bytes, bytes] = table.schema.field("vector").metadata or {}
    return metadata.get(EMBEDDER_FIELD_KEY.encode(), b"?").decode()


def upgrade(database: DBConnection, table: LanceTable) -> None:
    """Rewrites the rows under today's schema: every value kept, and what is new filled in.

    A text that may have passages becomes pending, as they are to be embedded; until then its vector
    is searched as before.

    The table's indexes are gone then and must be made anew. Runs under the write lock.
    """
    schema = table_schema(
        table.schema.field("vector").type.list_size,
        embedder=embedder_of(table),
        metadata={SCHEMA_KEY: SCHEMA_VERSION},
    )
    rows = table.search().limit(None).to_batches(batch_size=_BATCH_ROWS)
    database.create_table(
        table.name,
        data=pa.RecordBatchReader.from_batches(schema, _filled_in(rows, schema)),
        mode="overwrite",
        on_bad_vectors="null",
    )


def _filled_in(rows: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        count, texts = batch.num_rows, batch["text"].to_pylist()
        new: dict[str, Any] = {
            "terms": [" ".join(document_terms(text)) for text in texts],
            "embedder": [
                None if may_have_several(text) else key
                for text, key in zip(texts, batch["embedder"].to_pylist(), strict=True)
            ],
            "derived_from": [[]] * count,
            "trust": [
                trust_of(origin, role)
                for origin, role in zip(
                    batch["origin"].to_pylist(), batch["role"].to_pylist(), strict=True
                )
            ],
        }
        kept = set(batch.schema.names) - set(new)
        columns = [
            batch[field.name]
            if field.name in kept
            else pa.array(new.get(field.name, [None] * count), field.type)
            for field in schema
        ]
        yield pa.record_batch(columns, schema=schema)
