"""Export of every record as a line of JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..base.clock import iso
from ..store.record_rows import to_row
from ..store.table import Store
from ..store.vector_rows import Row

FORMAT: Final = 1
ALIAS: Final = "project_alias"
"""The field of a line that is an alias of a project, and no memory."""

TIMES: Final = (
    "created_at",
    "ingested_at",
    "updated_at",
    "valid_from",
    "valid_to",
    "tombstoned_at",
)


def export_lines(store: Store, *, vectors: bool = False) -> Iterator[str]:
    """Yield every record of one version of the store, oldest first, forgotten ones too.

    Aliases of projects come first, a line each: they say what names in records stand for.

    Args:
        store: Which store.
        vectors: Add the vectors, as base64 of little-endian float32; of passages as float16.

    Raises:
        StoreFault: The store or its aliases could not be read.
    """
    store.aliases.changes()  # raises where they cannot be read: the export would lack them
    for alias, name in store.project_names.links:
        yield json.dumps({"iai_mcp": FORMAT, ALIAS: alias, "project": name}, ensure_ascii=False)
    for row in store.pinned_reader().all_rows():
        yield _to_line(row, with_vectors=vectors)


def _to_line(row: Row, *, with_vectors: bool) -> str:
    fields = to_row(row.record)
    del fields["terms"], fields["table_version"]
    for name in TIMES:
        fields[name] = None if fields[name] is None else iso(fields[name])
    if with_vectors and row.vector is not None and row.record.embedder is not None:
        parts = row.passages
        fields["vector"] = _to_base64(row.vector, "<f4")
        fields["passages"] = None if parts is None else _to_base64(parts.vectors, "<f2")
        fields["passage_spans"] = None if parts is None else [list(span) for span in parts.spans]
    return json.dumps({"iai_mcp": FORMAT, **fields}, ensure_ascii=False)


def _to_base64(vectors: NDArray[np.float32], kind: str) -> str:
    return base64.b64encode(vectors.astype(kind).tobytes()).decode("ascii")
