"""Memories as JSON lines: out of one store and into another, nothing lost on the way."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from .clock import iso, parse_time
from .errors import InvalidInput
from .records import Record, from_row, record_columns, to_row
from .redaction import redact
from .store import Row, Store, Vector

FORMAT: Final = 1
BATCH: Final = 500
_TIMES: Final = (
    "created_at",
    "ingested_at",
    "updated_at",
    "valid_from",
    "valid_to",
    "tombstoned_at",
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What an import of JSON lines did."""

    stored: int
    known: int


def export_lines(store: Store, *, vectors: bool = False) -> Iterator[str]:
    """Every record of one version of the store, forgotten and superseded ones too, oldest first.

    Args:
        store: Which store.
        vectors: Add each vector as base64 of little-endian float32.

    Raises:
        StoreFault: The store could not be read.
    """
    for record, vector in store.snapshot().everything():
        yield _to_line(record, vector, with_vector=vectors)


def import_lines(store: Store, lines: Iterable[str], *, embedder: str) -> Iterator[Arrived]:
    """Stores exported records as they were: ids, times, links, pins and tombstones.

    What the store holds already, by id or as the same turn, is left alone. A vector is taken over
    where this store's embedder made it, else it is pending.

    Yields:
        What each batch of up to 500 lines did; each batch is one commit.

    Raises:
        InvalidInput: A line is no exported record; the batches before it were stored.
        StoreFault: The store could not be written.
    """
    batch: list[Row] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            batch.append(_from_line(line, number, embedder))
        if len(batch) == BATCH:
            yield _store(store, batch)
            batch = []
    if batch:
        yield _store(store, batch)


def _store(store: Store, batch: Sequence[Row]) -> Arrived:
    with store.writing() as writer:
        ids = {record.id for record, _ in writer.reader.rows("id", [r.record.id for r in batch])}
        idems = {r.idem for r, _ in writer.reader.rows("idem", [r.record.idem for r in batch])}
        fresh: dict[str, Row] = {}
        for row in batch:
            # Two undated notes may share an idem: a fact that became true again.
            dated = row.record.turn_id is not None
            if row.record.id not in ids and not (dated and row.record.idem in idems):
                fresh.setdefault(row.record.id, row)
        writer.insert_as_is(list(fresh.values()))
    return Arrived(len(fresh), len(batch) - len(fresh))


def _to_line(record: Record, vector: Vector | None, *, with_vector: bool) -> str:
    row = to_row(record, None)
    del row["vector"], row["table_version"]
    for name in _TIMES:
        row[name] = None if row[name] is None else iso(row[name])
    if with_vector and vector is not None:
        row["vector"] = base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return json.dumps({"iai_mcp": FORMAT, **row}, ensure_ascii=False)


def _from_line(line: str, number: int, embedder: str) -> Row:
    try:
        fields: dict[str, Any] = json.loads(line)
        _check_format(fields["iai_mcp"], number)
        values = {name: fields[name] for name in record_columns() if name != "table_version"}
        for name in _TIMES:
            values[name] = None if values[name] is None else parse_time(values[name], name)
        record = from_row({**values, "table_version": 0})
        record = replace(record, text=redact(record.text).text)
        vector = _vector(fields.get("vector")) if record.embedder == embedder else None
    except InvalidInput:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InvalidInput(
            f"line {number} is no exported memory: send lines of `iai-mcp export jsonl`"
        ) from exc
    return Row(replace(record, embedder=embedder if vector is not None else None), vector)


def _check_format(found: object, number: int) -> None:
    if found != FORMAT:
        raise InvalidInput(
            f"line {number} has export format {found!r}, this iai-mcp reads {FORMAT}: export it "
            f"again with this version"
        )


def _vector(text: str | None) -> Vector | None:
    if text is None:
        return None
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4").astype(np.float32)
