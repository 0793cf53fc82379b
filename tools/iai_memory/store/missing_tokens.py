"""Token vectors for rows that have none, or another model's, some rows a commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from lancedb.table import LanceTable

from .row_digest import verify, with_digests
from .schema import TOKEN_COLUMNS
from .sql import sql_in, sql_text
from .vector_rows import StoredTokens

_EMBEDDED: Final = "embedder IS NOT NULL AND tombstoned_at IS NULL"


@dataclass(frozen=True, slots=True)
class MadeTokens:
    """The token vectors of one text.

    Attributes:
        text: The text that they were made of.
        tokens: Its vectors.
    """

    text: str
    tokens: StoredTokens


def lacking_tokens(token_key: str) -> str:
    """Return the condition of the rows that wait for token vectors of this model.

    One that waits for its other vectors gets all at once, and a forgotten one none.
    """
    return f"{_EMBEDDED} AND (token_key IS NULL OR token_key != {sql_text(token_key)})"


def give_tokens(table: LanceTable, made: Mapping[str, MadeTokens]) -> int:
    """Give these rows their token vectors, in one commit; return how many.

    Nothing else of a row changes: it is written as it was read, its `table_version` too. Left out
    is a row whose text is another one by now, that was forgotten, or that is damaged: a new digest
    would pass for its own. Runs under the write lock.
    """
    where = f"{sql_in('id', list(made))} AND {_EMBEDDED}"
    rows = table.search().where(where).limit(None).to_arrow()
    texts = zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True)
    kept = np.array([made[id_].text == text for id_, text in texts], np.bool_)
    kept[verify(rows).damaged] = False
    rows = rows.filter(pa.array(kept))
    if not rows.num_rows:
        return 0
    tokens = [made[id_].tokens for id_ in rows["id"].to_pylist()]
    values = ([one.text for one in tokens], [one.key for one in tokens])
    for name, column in zip(TOKEN_COLUMNS, values, strict=True):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(column, pa.string()))
    merge = table.merge_insert("id").when_matched_update_all()
    merge.execute(with_digests(rows).cast(table.schema), on_bad_vectors="null")
    given: int = rows.num_rows
    return given
