"""Migrations: a table of an older schema version is rewritten as today's in a single commit.

The rewrite is the next version of the same table: a process that is killed before its commit leaves
the old table as it was, and no other process ever sees half of the work.
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
# To be raised also when `document_terms` changes: stored terms stay as they are otherwise.
SCHEMA_VERSION: Final = "2"
_OUTDATED: Final = ("1",)
_BATCH_ROWS: Final = 1_000


def schema_version(table: LanceTable) -> str:
    """Return the schema version that the table was made with; "?" where it names none."""
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    return metadata.get(SCHEMA_KEY.encode(), b"?").decode()


def is_outdated(table: LanceTable) -> bool:
    """Return whether the table has a schema version that `migrate` can bring to today's."""
    return schema_version(table) in _OUTDATED


def embedder_of(table: LanceTable) -> str:
    """Return the key of the embedder whose vectors the table holds; "?" where it names none."""
    metadata: dict[bytes, bytes] = table.schema.field("vector").metadata or {}
    return metadata.get(EMBEDDER_FIELD_KEY.encode(), b"?").decode()


def migrate(database: DBConnection, table: LanceTable) -> None:
    """Rewrite all rows under today's schema: every value stays, new columns are filled in.

    A text that may have passages becomes pending, because its passages have to be embedded; until
    then its vector is searched as before.

    Afterwards the table has no indexes; the caller makes them anew. Runs under the write lock.
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
