"""One state of one memory as a line of JSON: that of an export, with what tells states apart.

`iai-mcp import jsonl` reads these lines, too. Fields stand in a fixed order, so that id, version
and digest are found without parsing: a backup looks at every line each day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import pyarrow as pa

from ..base.clock import iso, parse_time
from ..store.record import Record
from ..store.record_rows import from_row, record_columns, to_row

_FORMAT: Final = 1
_HEAD: Final = b'{"iai_mcp":1,"id":"'
_TEXT: Final = b'","text":"'
# A column that came later must not make another state of every memory that has nothing in it.
_LEFT_OUT_IF_NULL: Final = ("changed_files",)
# What changes without the memory: when its vectors are made, it is stamped anew.
_TAIL: Final = ("updated_at", "embedder", "table_version")
_TAIL_BEGINS: Final = b',"updated_at":'
_VERSION: Final = b',"table_version":'
_ID_CHARS: Final = 36
_DIGEST_BYTES: Final = 8
_TIMES: Final = frozenset(
    (
        *("created_at", "ingested_at", "updated_at", "arrived_at"),
        *("valid_from", "valid_to", "tombstoned_at"),
    )
)
_DEFAULTS: Final[dict[str, Any]] = {
    field.name: field.default if field.default is not MISSING else ()
    for field in fields(Record)
    if field.default is not MISSING or field.default_factory is not MISSING
}


class State(NamedTuple):
    """What a line says about itself.

    Attributes:
        id: Of the memory.
        version: The version of the table that its last change became.
        digest: Of everything in it that is no vector and no time of making one.
        text_bytes: Length of its text, as JSON has it.
    """

    id: str
    version: int
    digest: bytes
    text_bytes: int


def lines_of(rows: pa.Table) -> Iterator[bytes]:
    """Yield a line, without its end, for each row of a table with the columns of records."""
    present = [name for name in _order() if name in rows.column_names]
    for row in rows.select(present).to_pylist():
        yield _encoded(row)


def line_of(record: Record) -> bytes:
    """Return the line of one record, without its end."""
    row = to_row(record)
    return _encoded({name: row[name] for name in _order()})


def record_of(line: bytes) -> Record:
    """Return the memory of a line, with its version and without its embedder.

    Fields that this version does not know are left out, those that it lacks have their defaults.

    Raises:
        ValueError: It is none of `lines_of`.
    """
    try:
        found: dict[str, Any] = {**_DEFAULTS, **json.loads(line), "embedder": None}
        for name in _TIMES:
            if found[name] is not None:
                found[name] = parse_time(found[name], name)
        found["history"] = found["history"] or None
        return from_row(found)
    except (KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ValueError("it is no state of a memory") from exc


def state_of(line: bytes) -> State:
    """Return what the line says about itself; it is not parsed.

    Raises:
        ValueError: It is none of `lines_of`.
    """
    text_at = len(_HEAD) + _ID_CHARS
    tail, version_at = line.rfind(_TAIL_BEGINS), line.rfind(_VERSION)
    if not line.startswith(_HEAD) or not line.startswith(_TEXT, text_at) or tail < 0:
        raise ValueError("it is no state of a memory")
    text_at += len(_TEXT)
    return State(
        line[len(_HEAD) : len(_HEAD) + _ID_CHARS].decode("ascii"),
        int(line[version_at + len(_VERSION) : -1]),
        blake2b(line[:tail], digest_size=_DIGEST_BYTES).digest(),
        line.index(b'","', text_at) - text_at,
    )


def _order() -> list[str]:
    names = [name for name in record_columns() if name not in ("id", "text", *_TAIL)]
    return ["id", "text", *names, *_TAIL]


def _encoded(row: dict[str, Any]) -> bytes:
    fields_ = {"iai_mcp": _FORMAT, **row}
    for name in _LEFT_OUT_IF_NULL:
        if fields_.get(name) is None:
            fields_.pop(name, None)
    # The column is float32: 0.7 would come back as 0.699999988.
    fields_["trust"] = round(row["trust"], 3)
    for name in _TIMES:
        if isinstance(at := fields_.get(name), datetime):
            fields_[name] = iso(at)
    return json.dumps(fields_, ensure_ascii=False, separators=(",", ":")).encode()
