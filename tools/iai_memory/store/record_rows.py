"""Records as rows of the table, and rows as records: everything but the vectors."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa

from ..base.clock import iso, parse_time
from ..text.analyzer import document_terms
from .record import Change, Record
from .schema import table_schema

RETIRED_COLUMNS: Final = ("entities",)
"""Columns of the table without a field in `Record`; written empty."""

_FIELDS: Final = tuple(field.name for field in fields(Record))
_COLUMNS: Final = tuple(
    name
    for name in table_schema(1, embedder="", metadata={}).names
    if name in _FIELDS or name in RETIRED_COLUMNS
)
# What a record has whose table is older than the column, and cannot be written to get it.
_DEFAULTS: Final[dict[str, Any]] = {
    "folded_into": "",
    "derived_from": (),
    "trust": 1.0,
    "arrival": None,
    "arrived_at": None,
    "changed_files": (),
}
_TRUST, _HISTORY = _FIELDS.index("trust"), _FIELDS.index("history")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LISTS: Final = ("tags", "derived_from", "changed_files")
# Null where empty: to an earlier version, which knows no such column, the row is the same.
_NULL_IF_EMPTY: Final = ("changed_files",)
_TIMES: Final = (
    *("valid_to", "tombstoned_at", "valid_from"),
    *("created_at", "ingested_at", "updated_at"),
)


def record_columns() -> list[str]:
    """Return the names of a Record's columns: all but vectors, terms and retired ones."""
    return [name for name in _COLUMNS if name not in RETIRED_COLUMNS]


def to_row(record: Record) -> dict[str, Any]:
    """Return the record as a row without the vectors, columns in the table's order.

    The terms are made of the text here, so a row's terms are always those of its text.
    """
    row: dict[str, Any] = {name: getattr(record, name, ()) for name in _COLUMNS}
    row.update({name: list(row[name]) for name in (*_LISTS, *RETIRED_COLUMNS)})
    row.update({name: row[name] or None for name in _NULL_IF_EMPTY})
    row["terms"] = " ".join(document_terms(record.text))
    row["history"] = history_to_json(record.history)
    return row


def from_row(row: dict[str, Any]) -> Record:
    """Return a Record from a row with all of `record_columns`; other keys are ignored."""
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values.update({name: tuple(row[name] or ()) for name in _LISTS})
    # The column is float32: 0.7 would come back as 0.699999988.
    values["trust"] = round(row["trust"], 3)
    values["history"] = _history_from_json(row["history"])
    return Record(**values)


def from_table(table: pa.Table) -> list[Record]:
    """Return the Records of rows with `record_columns`, as far as their table has them.

    Column by column, which takes a quarter of the time of row by row.
    """
    columns = [_column(table, name) for name in _FIELDS]
    columns[_TRUST] = [round(value, 3) for value in columns[_TRUST]]
    columns[_HISTORY] = [_history_from_json(value) for value in columns[_HISTORY]]
    return [Record(*values) for values in zip(*columns, strict=True)]


def _column(table: pa.Table, name: str) -> list[Any]:
    if name in _DEFAULTS and name not in table.column_names:
        return [_DEFAULTS[name]] * len(table)
    values = _values(table[name].combine_chunks())
    return [value or () for value in values] if name in _NULL_IF_EMPTY else values


def _values(column: pa.Array) -> list[Any]:
    """Return the column as Python values: times in UTC, lists as tuples."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count == len(column):
        return [None] * len(column)
    if pa.types.is_timestamp(column.type):
        return _moments(column.cast(pa.int64()))
    if pa.types.is_list(column.type):
        flat, ends = column.values.to_pylist(), column.offsets.to_pylist()
        return [tuple(flat[start:end]) for start, end in pairwise(ends)]
    if column.null_count and pa.types.is_integer(column.type):
        numbers: list[Any] = column.to_pylist()  # numpy has no null among whole numbers
        return numbers
    values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def _moments(since: pa.Array) -> list[datetime | None]:
    """Return microseconds since 1970 as times; Arrow's own conversions take twice as long."""
    if since.null_count:
        return [at if at is None else _EPOCH + timedelta(0, 0, at) for at in since.to_pylist()]
    return [_EPOCH + timedelta(0, 0, at) for at in since.to_numpy().tolist()]


def history_to_json(history: tuple[Change, ...]) -> str | None:
    """Return the history as its column holds it."""
    if not history:
        return None
    plain = [
        {
            "at": iso(change.at),
            "field": change.field,
            "before": iso(change.before) if isinstance(change.before, datetime) else change.before,
            **({"by": change.by} if change.by else {}),
            **({} if change.number is None else {"number": change.number}),
        }
        for change in history
    ]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _history_from_json(text: str | None) -> tuple[Change, ...]:
    if text is None:
        return ()
    return tuple(
        Change(
            parse_time(item["at"], "history"),
            item["field"],
            _plain_to_value(item["field"], item["before"]),
            item.get("by", ""),
            item.get("number"),
        )
        for item in json.loads(text)
    )


def _plain_to_value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES:
        return parse_time(value, name)
    return tuple(value) if name in _LISTS else value
