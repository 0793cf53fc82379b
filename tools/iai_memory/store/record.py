"""The record: what one memory is, in Python and as a row of the table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal, get_args

import pyarrow as pa

from ..base.clock import iso, parse_time
from ..text.analyzer import document_terms

Role = Literal["user", "assistant", "tool", "note"]
Origin = Literal["hook", "tool", "import", "cli"]

ROLES: tuple[str, ...] = get_args(Role)
ORIGINS: tuple[str, ...] = get_args(Origin)
_TIME = pa.timestamp("us", "UTC")


EMBEDDER_FIELD_KEY = "iai.embedder"
# As LanceDB notes it; part of the creation, because it refuses to be told a second time.
_PRIMARY_KEY = {"lance-schema:unenforced-primary-key:position": "1"}


def table_schema(dimension: int, *, embedder: str, metadata: dict[str, str]) -> pa.Schema:
    """The table's columns.

    `metadata` becomes the table's own, which LanceDB lets nobody change after creation. The
    embedder's key is metadata of the vector column, where a re-embedding can replace it.
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
            pa.field("pinned", pa.bool_(), nullable=False),
            pa.field("tags", pa.list_(pa.string()), nullable=False),
            pa.field("entities", pa.list_(pa.string()), nullable=False),
            pa.field("derived_from", pa.list_(pa.string()), nullable=False),
            pa.field("trust", pa.float32(), nullable=False),
            pa.field("idem", pa.string(), nullable=False),
            pa.field("embedder", pa.string()),
            pa.field("history", pa.string()),
            pa.field("table_version", pa.int64(), nullable=False),
        ],
        metadata=metadata,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What one field of a record was before it was changed."""

    at: datetime
    field: str
    before: Any


@dataclass(frozen=True, slots=True)
class Record:
    """One memory, without its vector.

    Text never changes after it was stored. `history` holds what the other fields were before each
    change, oldest first, so that any past state can be answered. `table_version` is the version of
    the table that the record's last change became.
    """

    id: str
    text: str
    role: str
    origin: str
    created_at: datetime
    ingested_at: datetime
    updated_at: datetime
    valid_from: datetime
    idem: str
    host: str | None = None
    session_id: str | None = None
    turn_id: str | None = None
    project: str | None = None
    cwd: str | None = None
    valid_to: datetime | None = None
    superseded_by: str | None = None
    tombstoned_at: datetime | None = None
    pinned: bool = False
    tags: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    derived_from: tuple[str, ...] = ()
    trust: float = 1.0
    embedder: str | None = None
    history: tuple[Change, ...] = field(default=())
    table_version: int = 0

    def changed(self, at: datetime, **values: Any) -> Record:
        """A copy with new values whose history keeps the old ones; an equal value is no change."""
        kept = tuple(
            Change(at, name, getattr(self, name))
            for name, value in values.items()
            if getattr(self, name) != value
        )
        return replace(self, **values, updated_at=at, history=self.history + kept)

    def as_of(self, moment: datetime) -> Record:
        """The record as the store held it at `moment`: every later change undone, newest first."""
        undone: dict[str, Any] = {}
        for change in reversed(self.history):
            if change.at > moment:
                undone[change.field] = change.before
        return replace(self, **undone) if undone else self

    def is_live(self) -> bool:
        """Not forgotten."""
        return self.tombstoned_at is None

    def is_current(self, moment: datetime) -> bool:
        """Not superseded at `moment`."""
        return self.valid_to is None or self.valid_to > moment


_COLUMNS = tuple(
    name
    for name in table_schema(1, embedder="", metadata={}).names
    if name not in ("vector", "passages", "passage_spans", "terms")
)
_FIELDS = tuple(field.name for field in fields(Record))
_TRUST, _HISTORY = _FIELDS.index("trust"), _FIELDS.index("history")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LISTS = ("tags", "entities", "derived_from")
_TIMES = ("valid_to", "tombstoned_at", "valid_from", "created_at", "ingested_at", "updated_at")


def record_columns() -> list[str]:
    """Every column that a Record is made of: all but the vectors and the terms."""
    return list(_COLUMNS)


def to_row(record: Record) -> dict[str, Any]:
    """The record as a row of the table, which lacks the vectors.

    The terms are made of the text here, so no row's terms can tell of another text.
    """
    row: dict[str, Any] = {name: getattr(record, name) for name in _COLUMNS}
    row.update({name: list(row[name]) for name in _LISTS})
    row["terms"] = " ".join(document_terms(record.text))
    row["history"] = _history_to_json(record.history)
    return row


def from_row(row: dict[str, Any]) -> Record:
    """A Record from a row with all of `record_columns`; other keys are ignored."""
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    values.update({name: tuple(row[name]) for name in _LISTS})
    # The column is float32; what was put in as 0.7 comes out as 0.7.
    values["trust"] = round(row["trust"], 3)
    values["history"] = _history_from_json(row["history"])
    return Record(**values)


def from_table(table: pa.Table) -> list[Record]:
    """The Records of rows with all of `record_columns`; other columns are ignored.

    Column by column, which takes a quarter of the time of row by row.
    """
    columns = [_values(table[name].combine_chunks()) for name in _FIELDS]
    columns[_TRUST] = [round(value, 3) for value in columns[_TRUST]]
    columns[_HISTORY] = [_history_from_json(value) for value in columns[_HISTORY]]
    return [Record(*values) for values in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list[Any]:
    """As Python's own: times in UTC, lists as tuples."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count == len(column):
        return [None] * len(column)
    if pa.types.is_timestamp(column.type):
        return _moments(column.cast(pa.int64()))
    if pa.types.is_list(column.type):
        flat, ends = column.values.to_pylist(), column.offsets.to_pylist()
        return [tuple(flat[start:end]) for start, end in pairwise(ends)]
    values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def _moments(since: pa.Array) -> list[datetime | None]:
    """Of microseconds since 1970. Arrow's own conversions take twice as long."""
    if since.null_count:
        return [at if at is None else _EPOCH + timedelta(0, 0, at) for at in since.to_pylist()]
    return [_EPOCH + timedelta(0, 0, at) for at in since.to_numpy().tolist()]


def _history_to_json(history: tuple[Change, ...]) -> str | None:
    if not history:
        return None
    plain = [
        {
            "at": iso(change.at),
            "field": change.field,
            "before": iso(change.before) if isinstance(change.before, datetime) else change.before,
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
        )
        for item in json.loads(text)
    )


def _plain_to_value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _TIMES:
        return parse_time(value, name)
    return tuple(value) if name in _LISTS else value
