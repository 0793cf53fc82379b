"""The texts that were forgotten, as digests: what says the same later comes in forgotten, too."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from ..projects.names import ProjectNames
from .copies import copy_digest
from .reader import TableReader

_NO_VERSION: Final = -1


class ForgottenTexts:
    """The digests of forgotten memories, with their ids; kept up with the table's version.

    Nothing is read where nothing is forgotten, but a count; later, only rows that changed since.
    Safe for any number of threads.
    """

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._lock = threading.Lock()
        self._inode, self._version = 0, _NO_VERSION
        self._names = ProjectNames()
        self._digests: dict[str, bytes] = {}
        self._ids: dict[bytes, set[str]] = {}

    def by_digest(
        self, reader: TableReader, inode: int, names: ProjectNames
    ) -> Mapping[bytes, set[str]]:
        """Return the ids of the forgotten memories with each digest; folded ones are none.

        Args:
            reader: Of the latest version.
            inode: Of the table's folder, by which another table in its place is recognised.
            names: Of projects; other aliases make other digests.
        """
        with self._lock:
            version = reader.version
            if inode != self._inode or version < self._version or names != self._names:
                self._inode, self._version, self._digests = inode, _NO_VERSION, {}
                self._names = names
            if version != self._version:
                self._follow(reader)
                self._version = version
            return self._ids

    def _follow(self, reader: TableReader) -> None:
        since, known = self._version, self._digests
        if known:
            changed = reader.ids_changed_since(since)
            known = {id_: one for id_, one in known.items() if id_ not in changed}
        if reader.count_forgotten():
            for record in reader.forgotten_since(since):
                known[record.id] = copy_digest(record, self._names)
        self._digests, self._ids = known, {}
        for id_, digest in known.items():
            self._ids.setdefault(digest, set()).add(id_)
