"""The identity of a store, `store.json`: which store it is, and what its last commit left there.

A table alone cannot say that it was emptied, set back or exchanged. So the file notes id, rows and
version after each commit, and the table carries the id as well. Whoever opens a store compares.

The file is written after the commit is on the disk, so it is never ahead of a table that is whole.
It may be behind: a full disk, a crash or an earlier version of the product left a commit unnoted.
It is overwritten in place, one write of a fixed length: to replace it by a renaming makes ext4
write the new file out, which takes a twentieth of the time of a small commit. A reader beside the
writer, or a power cut, may meet half of it. Its digest tells that, and then it says nothing.
"""

from __future__ import annotations

import json
import logging
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from uuid import uuid4

import pyarrow as pa
from lancedb.table import LanceTable

from ..base.clock import iso, utc_now
from ..base.files import overwrite_file, replace_file, sync_folder
from ..base.json_file import read_object, whole_numbers
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from .arrow import pc
from .lance_errors import is_lances

_log = logging.getLogger(__name__)

FORMAT: Final = 1
STORE_FIELD_KEY: Final = "iai.store"
"""Metadata of the column `id`: the id of the store that the table belongs to."""

_MAX_BYTES: Final = 4 << 10
_LENGTH: Final = 256
_FIELDS: Final = {"id", "created", "rows", "version"}


class HasSchema(Protocol):
    """A table, or a reader of one."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """What `store.json` says.

    Attributes:
        id: UUID of the store; a copy of its folder has the same.
        created: ISO time; of a store that is older than its file, when its first memory came.
        rows: Lower bound of the table's number of rows: nothing but `expect_rows` lowers it.
        version: Of the table after the last commit that was noted.
    """

    id: str
    created: str
    rows: int
    version: int


def read_identity(paths: StorePaths) -> StoreIdentity | None:
    """Return what the file says; None where there is none, or none of this format, that is whole.

    While somebody commits, it may be None for a moment: take the write lock to be certain.
    """
    fields = read_object(paths.identity, _MAX_BYTES) or {}
    numbers = whole_numbers(fields, ("rows", "version"))
    if numbers is None or fields.get("format") != FORMAT or not fields.keys() >= _FIELDS:
        return None
    found = StoreIdentity(str(fields["id"]), str(fields["created"]), *numbers)
    return found if fields.get("digest") == _digest(_fields(found)) else None


def is_of_later_format(paths: StorePaths) -> bool:
    """Return whether a later version of the product wrote the file: it is not ours to replace."""
    number = (read_object(paths.identity, _MAX_BYTES) or {}).get("format")
    return isinstance(number, int) and number > FORMAT


def note_identity(paths: StorePaths, identity: StoreIdentity) -> None:
    """Write the file, under the write lock; a failure is logged.

    The table is what it should be without it, and the next commit notes it.
    """
    content = _content(identity)
    try:
        if not overwrite_file(paths.identity, content):
            replace_file(paths.identity, content)
    except OSError as exc:
        _log.warning("%s", machine_fault(exc, f"{paths.identity} cannot be written"))


def expect_rows(paths: StorePaths, rows: int) -> None:
    """Note that so few rows will be left, before a commit that removes some; durably.

    Without it, a process that is killed behind its commit would leave a table that looks robbed.
    Runs under the write lock. A store without an identity is left alone.

    Raises:
        OSError: It cannot be noted: then remove nothing.
    """
    identity = read_identity(paths)
    if identity is not None and rows < identity.rows:
        replace_file(paths.identity, _content(replace(identity, rows=rows)))
        sync_folder(paths.root)


def expect_another_table(paths: StorePaths) -> None:
    """Note that a table with any version and rows is the store's, if it has its id; durably.

    For whoever puts one in another one's place: a kill before `adopt` must not make that a loss.
    Runs under the write lock.

    Raises:
        OSError: It cannot be noted.
    """
    identity = read_identity(paths)
    if identity is not None:
        replace_file(paths.identity, _content(replace(identity, rows=0, version=0)))
        sync_folder(paths.root)


def adopt(paths: StorePaths, table: LanceTable) -> StoreIdentity:
    """Make the table this store's as it is now, whatever was noted; return the store's identity.

    For a store of earlier versions, and after a table took another one's place. The id is that of
    the file, else of the table, else a new one. Runs under the write lock; may commit once.

    Args:
        paths: The store's.
        table: At its latest version.

    Raises:
        RuntimeError, OSError, ValueError: LanceDB's, if the table cannot be read or written.
    """
    known, of_table = read_identity(paths), store_id_of(table)
    id_ = known.id if known else of_table or str(uuid4())
    created = known.created if known else iso(_first_arrival(table) or utc_now())
    if of_table != id_:
        table.update_field_metadata({"path": "id", "metadata": {STORE_FIELD_KEY: id_}})
    identity = StoreIdentity(id_, created, table.count_rows(), table.version)
    if not is_of_later_format(paths):
        note_identity(paths, identity)
    return identity


def known_id(paths: StorePaths) -> str | None:
    """Return the id that the file says; None where there is none."""
    identity = read_identity(paths)
    return None if identity is None else identity.id


def new_identity() -> StoreIdentity:
    """Return the identity of a store that is about to begin."""
    return StoreIdentity(str(uuid4()), iso(utc_now()), 0, 0)


def with_store_id(schema: pa.Schema, id_: str | None) -> pa.Schema:
    """Return the schema of a table of the store with this id; None changes nothing."""
    if id_ is None:
        return schema
    field = schema.field("id")
    metadata = {**(field.metadata or {}), STORE_FIELD_KEY.encode(): id_.encode()}
    return schema.set(schema.get_field_index("id"), field.with_metadata(metadata))


def store_id_of(table: HasSchema) -> str | None:
    """Return the id of the store that a table belongs to; None where it does not say."""
    return store_id_in(table.schema)


def store_id_in(schema: pa.Schema) -> str | None:
    """Return the id of the store that a table with this schema belongs to; None for none."""
    metadata: dict[bytes, bytes] = schema.field("id").metadata or {}
    found = metadata.get(STORE_FIELD_KEY.encode())
    return None if found is None else found.decode("utf-8", "replace")


def damage_of(noted: StoreIdentity, id_: str | None, version: int, rows: int) -> str | None:
    """Return what became of a table, as a clause with it as its subject; None if it is whole.

    Args:
        noted: The store's.
        id_: Of the store that the table says it belongs to.
        version: The table's latest.
        rows: Their number in it.
    """
    is_expected = id_ is None and not noted.version  # see `expect_another_table`
    if id_ != noted.id and not is_expected:
        whose = f"of another store ({id_})" if id_ else "another one"
        return (
            f"is {whose}, and store.json is of store {noted.id} (if the table is the right one, "
            f"move store.json away)"
        )
    if version < noted.version:
        return set_back(version, noted.version)
    if rows < noted.rows:
        return f"has lost memories: it has {rows:,}, and {noted.rows:,} were there"
    return None


def set_back(version: int, noted: int) -> str | None:
    """Return that a table of that version is older than was noted, as `damage_of`; None if not."""
    if version >= noted:
        return None
    return f"was set back: its newest version is {version:,}, and version {noted:,} was there"


def _first_arrival(table: LanceTable) -> datetime | None:
    """Return when the first of its memories came; None without any, and where nobody can say."""
    try:
        column = table.search().select(["ingested_at"]).limit(None).to_arrow()["ingested_at"]
    except BaseException as exc:
        if not is_lances(exc):
            raise
        return None
    first = pc.min(column).as_py()
    return None if first is None else first.astimezone(UTC)


def _fields(identity: StoreIdentity) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "id": identity.id,
        "created": identity.created,
        "rows": identity.rows,
        "version": identity.version,
    }


def _digest(fields: dict[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(fields).encode()):08x}"


def _content(identity: StoreIdentity) -> bytes:
    fields = _fields(identity)
    # Blanks at the end keep its length: only of a shorter file would one write not be all of it.
    return json.dumps({**fields, "digest": _digest(fields)}).encode().ljust(_LENGTH - 1) + b"\n"
