"""The table's Arrow schema, with the embedder of its vectors as metadata."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

EMBEDDER_FIELD_KEY: Final = "iai.embedder"
"""Metadata of the column `vector`: the key of the embedder."""

DIGEST_COLUMN: Final = "row_digest"
"""The column with the digest of all others, see `row_digest`; null in rows of earlier versions."""

TOKEN_COLUMNS: Final = ("token_vectors", "token_key")
"""The columns with the vectors of a text's tokens, as `TokenVectors.to_text`, and with the model
and revision that made them; null where they were not made."""

# Null in rows of earlier versions, which do not know them.
LATE_COLUMNS: Final = (
    *(DIGEST_COLUMN, "arrival", "arrived_at"),
    *TOKEN_COLUMNS,
    "changed_files",
)
"""The columns that came within schema version 3."""

_TIME: Final = pa.timestamp("us", "UTC")
# Base64 of what looks random takes 1.03 of its bytes then, and 1.25 without.
_PACKED: Final = {"lance-encoding:compression": "zstd", "lance-encoding:compression-level": "3"}
# As LanceDB notes it; part of the creation, because it refuses to set it a second time.
_PRIMARY_KEY: Final = {"lance-schema:unenforced-primary-key:position": "1"}


def table_schema(dimension: int, *, embedder: str, metadata: dict[str, str]) -> pa.Schema:
    """Return the table's columns.

    Args:
        dimension: Length of a vector.
        embedder: Key of the embedder; metadata of the vector column, where a re-embedding can
            replace it.
        metadata: The table's own, which LanceDB lets nobody change after creation.
    """
    vector = pa.field("vector", pa.list_(pa.float32(), dimension))
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False, metadata=_PRIMARY_KEY),
            pa.field("text", pa.string(), nullable=False),
            pa.field("terms", pa.string(), nullable=False),
            vector.with_metadata({EMBEDDER_FIELD_KEY: embedder}),
            pa.field("passages", pa.list_(pa.list_(pa.float16(), dimension))),
            pa.field("passage_spans", pa.list_(pa.int32())),
            pa.field("role", pa.string(), nullable=False),
            pa.field("origin", pa.string(), nullable=False),
            pa.field("host", pa.string()),
            pa.field("session_id", pa.string()),
            pa.field("turn_id", pa.string()),
            pa.field("project", pa.string()),
            pa.field("cwd", pa.string()),
            pa.field("created_at", _TIME, nullable=False),
            pa.field("ingested_at", _TIME, nullable=False),
            pa.field("updated_at", _TIME, nullable=False),
            pa.field("valid_from", _TIME, nullable=False),
            pa.field("valid_to", _TIME),
            pa.field("superseded_by", pa.string()),
            pa.field("tombstoned_at", _TIME),
            pa.field("folded_into", pa.string(), nullable=False),
            pa.field("pinned", pa.bool_(), nullable=False),
            pa.field("tags", pa.list_(pa.string()), nullable=False),
            # Never filled; it stays because a table's columns are its format.
            pa.field("entities", pa.list_(pa.string()), nullable=False),
            pa.field("derived_from", pa.list_(pa.string()), nullable=False),
            pa.field("trust", pa.float32(), nullable=False),
            pa.field("idem", pa.string(), nullable=False),
            pa.field("embedder", pa.string()),
            pa.field("history", pa.string()),
            pa.field("table_version", pa.int64(), nullable=False),
            pa.field(DIGEST_COLUMN, pa.int64()),
            pa.field("arrival", pa.int64()),
            pa.field("arrived_at", _TIME),
            pa.field("token_vectors", pa.string(), metadata=_PACKED),
            pa.field("token_key", pa.string()),
            pa.field("changed_files", pa.list_(pa.string())),
        ],
        metadata=metadata,
    )
