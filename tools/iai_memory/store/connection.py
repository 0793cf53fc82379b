"""The LanceDB folder of one store: connected with bounded caches, its table opened or created."""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import lancedb
from lancedb.table import LanceTable

from ..base.ledger import Ledger
from ..base.locks import held
from ..base.machine_faults import system_error_in
from ..base.page_mark import page_change
from ..base.paths import StorePaths
from ..errors import StoreFault, StoreLost, StoreMismatch, StoreUnavailable
from .exchange import settle_replacement
from .indexes import create_size_indexes, create_text_index, has_text_index
from .lance_errors import first_line, is_conflict, is_lances, translated
from .lance_files import DamagedFile, Manifest
from .loss import TableWatch
from .migrations import (
    SCHEMA_KEY,
    SCHEMA_VERSION,
    add_columns,
    embedder_of,
    is_outdated,
    is_readable,
    lacks_columns,
    migrate,
    schema_version,
)
from .schema import table_schema
from .store_identity import (
    StoreIdentity,
    adopt,
    is_of_later_format,
    new_identity,
    read_identity,
    store_id_of,
    with_store_id,
)
from .traces import has_version

_log = logging.getLogger(__name__)

TABLE_NAME: Final = "memories"
CACHE_BYTES: Final = 32 << 20
"""LanceDB's cache of metadata, and of indexes where a snapshot holds the table."""

WRITE_TIMEOUT_SEC: Final = 60.0
"""How long to wait for the write lock."""

_WAIT_TO_SETTLE_SEC: Final = 1.0
_LOOK_SEC: Final = 10.0

NEW_TABLES: Final = {"new_table_data_storage_version": "2.1"}
"""LanceDB's options for a new table.

In 2.2, its default, a column of one value is read whole: a hundred of 1,000,000 records take 15 ms
there, and 9 here.
"""


def write_lock(paths: StorePaths) -> AbstractContextManager[None]:
    """Return the lock under which every process writes; it waits for up to a minute.

    Raises:
        StoreBusy: Another process kept it for longer.
    """
    return held(paths.lock("write"), timeout=WRITE_TIMEOUT_SEC)


class Connection:
    """One LanceDB session on one folder."""

    def __init__(self, paths: StorePaths, watch: TableWatch) -> None:
        """Connect, which makes LanceDB's folder where there is none."""
        self._paths = paths
        self._watch = watch
        self.identity: StoreIdentity | None = None
        self._versions = paths.table / "_versions"
        self._database = self._connected(CACHE_BYTES)

    def set_index_cache(self, cache_bytes: int) -> None:
        """Reconnect with this much memory for index pages; for tables opened from now on."""
        self._database = self._connected(cache_bytes)

    def versions_stat(self) -> tuple[int, int]:
        """Return inode and time of change, in ns, of the folder of versions; one `stat`.

        Raises:
            StoreLost: The table is gone.
            StoreUnavailable: It cannot be looked at.
        """
        try:
            with translated("looking at the table's files"):
                try:
                    found = self._versions.stat()
                except FileNotFoundError:
                    # A process may have died while another table took the place of this one.
                    settle_replacement(self._paths, wait_sec=_WAIT_TO_SETTLE_SEC)
                    found = self._versions.stat()
        except StoreUnavailable:
            self._watch.require_table()
            raise
        return found.st_ino, found.st_mtime_ns

    def is_writable(self) -> bool:
        """Return whether this process may change the table."""
        return os.access(self._versions, os.W_OK)

    def change_token(self) -> int:
        """See `Store.change_token`."""
        try:
            return self._versions.stat().st_mtime_ns
        except OSError:
            # The regular look at the next tick meets the cause and reports it.
            return 0

    def open(self) -> LanceTable:
        """Return a new handle on the table, which follows its latest version.

        Raises:
            StoreUnavailable: The folder is not local.
        """
        table = self._database.open_table(TABLE_NAME)
        if not isinstance(table, LanceTable):
            raise StoreUnavailable(f"{self._paths.database} is not a local LanceDB folder")
        return table

    def open_or_create(self, embedder: str, dimension: int, *, check: bool) -> LanceTable:
        """Open the table; make it, its indexes or its migration first where they are missing.

        Args:
            embedder: Key of the embedder that a new table is made for.
            dimension: Length of its vectors.
            check: Refuse a table of another generation.

        Raises:
            StoreLost: The newest version cannot be read, or it is not what was noted of it.
            StoreMismatch: Another schema version or another embedder wrote the table.
            StoreBusy: Another process kept the write lock for a minute.
        """
        if has_version(self._paths.table):
            table = self._whole()
            if check:
                self._check_generation(table, embedder)
            if has_text_index(table) and not self._is_to_be_changed(table):
                self._adopt_if_free(table)
                return table
        # Under the lock, and each step again if need be: a creator may have been killed half-way.
        with write_lock(self._paths):
            if not has_version(self._paths.table):
                self._create(embedder, dimension)
            table = self.open()
            if is_outdated(table):
                before = schema_version(table)
                with page_change(self._paths):
                    folded = migrate(self._database, table)
                table = self.open()
                Ledger(self._paths).write(
                    "store_upgraded", schema=SCHEMA_VERSION, before=before, folded=folded
                )
            if lacks_columns(table):
                add_columns(table)
            if not has_text_index(table):
                create_size_indexes(table)
                create_text_index(table)
            self._adopt(table)
            return table

    def adopt_for_writing(self, table: LanceTable) -> None:
        """Give the store an identity where it has none yet; under the write lock."""
        if self.identity is None:
            self._adopt(table)

    def _whole(self) -> LanceTable:
        """Return a handle on the table.

        Raises:
            StoreLost: It cannot be opened, or something of it is gone.
            StoreUnavailable: The machine refused.
        """
        table = self._opened()
        if self._watch.damage(table) is None:
            return table
        # Somebody may be at a change that leaves fewer rows, or another table.
        try:
            with held(self._paths.lock("write"), timeout=_LOOK_SEC):
                return self._undamaged()
        except StoreLost:
            raise
        except StoreUnavailable:
            return self._undamaged()  # nobody is at anything where nothing can be written

    def _undamaged(self) -> LanceTable:
        table = self._opened()
        damage = self._watch.damage(table)
        if damage is not None:
            raise self._watch.lost(damage)
        return table

    def _opened(self) -> LanceTable:
        try:
            return self.open()
        except BaseException as exc:
            if not is_lances(exc) or is_conflict(exc) or system_error_in(exc) is not None:
                raise
            why = _fault_of_newest(self._paths.table) or first_line(exc)
            raise self._watch.lost(f"cannot be opened ({why})") from exc

    def _create(self, embedder: str, dimension: int) -> None:
        schema = table_schema(dimension, embedder=embedder, metadata={SCHEMA_KEY: SCHEMA_VERSION})
        schema = with_store_id(schema, new_identity().id)
        self._database.create_table(TABLE_NAME, schema=schema, exist_ok=True)

    def _adopt_if_free(self, table: LanceTable) -> None:
        """Take the identity; a store of earlier versions gets one, if nobody writes just now."""
        noted = read_identity(self._paths)
        if noted is not None and noted.id == store_id_of(table):
            self.identity = noted
        elif self.is_writable():
            with suppress(StoreFault), held(self._paths.lock("write"), timeout=_LOOK_SEC):
                self._adopt(table)

    def _adopt(self, table: LanceTable) -> None:
        if is_of_later_format(self._paths):
            return
        try:
            self.identity = adopt(self._paths, table)
        except BaseException as exc:
            if not is_lances(exc):
                raise
            # It works without; the next one who writes tries again.
            _log.warning("%s got no identity: %s", self._paths.root, first_line(exc))

    def _connected(self, cache_bytes: int) -> lancedb.DBConnection:
        session = lancedb.Session(
            index_cache_size_bytes=cache_bytes, metadata_cache_size_bytes=CACHE_BYTES
        )
        return lancedb.connect(
            str(self._paths.database),
            read_consistency_interval=timedelta(0),
            session=session,
            storage_options=NEW_TABLES,
        )

    def _is_to_be_changed(self, table: LanceTable) -> bool:
        """Return whether a table is of an earlier version: not where it can only be read."""
        if is_outdated(table):
            return self.is_writable() or not is_readable(table)
        return lacks_columns(table) and self.is_writable()

    def _check_generation(self, table: LanceTable, embedder: str) -> None:
        version = schema_version(table)
        if version != SCHEMA_VERSION and not is_outdated(table):
            raise StoreMismatch(
                f"{self._paths.root} has schema version {version}, this iai-mcp reads "
                f"{SCHEMA_VERSION}: install the iai-mcp that wrote it, or set IAI_MCP_STORE to "
                f"another folder"
            )
        written = embedder_of(table)
        if written != embedder:
            raise StoreMismatch(
                f"{self._paths.root} holds vectors of {written}, the model here is {embedder}: "
                f"run `iai-mcp model reembed`",
                written,
            )


def _fault_of_newest(table_folder: Path) -> str | None:
    """Return what is wrong with the newest version's file; None where it is whole."""
    newest = min((table_folder / "_versions").glob("*.manifest"), default=None)
    if newest is None:
        return None
    try:
        Manifest.read(newest)
    except DamagedFile as fault:
        return f"its newest version, {newest.name}, {fault}"
    except OSError:
        return None
    return None
