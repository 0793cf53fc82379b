"""What was erased for good: ids of purged memories and keyed digests of what they said, no text.

A purged memory must not come back by capture, import, a backup, a repair or an undo, and a scrubbed
one not with the words that it had. So `erasures.json` keeps the id of a purged one and digests of
its idempotency key, and of either the words, made with the key
in `erasures.key`, which never leaves the store's folder. Whoever has that folder can test whether a
text that he guesses word for word was purged; whoever has a backup or an export cannot.

It also counts the erasures: by their number other processes know that what they hold in memory has
to go. And it names the memories of a purge that was begun and is not finished.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final, TypeGuard

from ..base.files import replace_file, sync_folder
from ..base.json_file import read_object, read_own_file
from ..base.locks import held
from ..base.machine_faults import machine_fault
from ..base.paths import StorePaths
from ..base.state_file import write_state
from ..errors import StoreUnavailable
from ..privacy.sought_text import MARK
from ..projects.names import ProjectNames
from ..text.saying import normalised_text
from .copies import copy_digest
from .folding import is_known_by_id
from .record import Record

_FORMAT: Final = 1
_MAX_BYTES: Final = 256 << 20  # 70 bytes for each memory that was scrubbed
_WAIT_SEC: Final = 5.0
_KEY_BYTES: Final = 32
_NAMES: Final = ("purged", "digests", "unfinished")


@dataclass(frozen=True, slots=True)
class Erased:
    """The file as it is.

    Attributes:
        number: How many erasures there were.
        purged: Ids of purged memories.
        digests: Keyed digests of their keys and words, and of the words of scrubbed memories before
            the scrub, in hexadecimal.
        unfinished: Ids of the memories of a purge that is not finished.
    """

    number: int = 0
    purged: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()


class Erasures:
    """The erasures of one store; safe for any number of threads and processes."""

    def __init__(self, paths: StorePaths) -> None:
        """Bind the files; nothing is read."""
        self._paths = paths
        self._read: tuple[tuple[int, ...], Erased] | None = None

    def stamp(self) -> tuple[int, ...]:
        """Return what changes with each erasure; () before the first. Costs one `stat`."""
        try:
            found = self._paths.erasures.lstat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def now(self) -> Erased:
        """Return what was erased until now; costs one `stat` where nothing changed.

        Raises:
            StoreUnavailable: The file is damaged: nobody could say what must not come back.
        """
        stamp = self.stamp()
        known = self._read
        if known is None or known[0] != stamp:
            known = (stamp, self._parsed() if stamp else Erased())
            self._read = known
        return known[1]

    def holds(self, record: Record, names: ProjectNames, *, by_words: bool = True) -> bool:
        """Return whether the memory was purged, is the same turn, or says what a purged one said.

        Args:
            record: The memory.
            names: Of projects: the words of a memory are those of its project.
            by_words: Whether the words are enough; else only id and idempotency key count.

        Raises:
            StoreUnavailable: The files are damaged.
        """
        erased = self.now()
        if not erased.digests:
            return False
        if record.id in erased.purged:
            return True
        key = self._key()
        found = {_of_key(key, record), _of_turn(key, record)}
        if by_words:
            found.add(_of_words(key, record, names))
        return not erased.digests.isdisjoint(found)

    def begin(self, records: Collection[Record], names: ProjectNames) -> None:
        """Note memories as purged, and their purge as not finished.

        Raises:
            StoreFault: The files are damaged or cannot be written; nothing was changed.
        """
        key = self._key(make=True)
        ids = {record.id for record in records}
        digests = {_of_words(key, record, names) for record in records}
        # The id of a turn may be that of another turn, too: then its words are part of what it is.
        # Of a turn that was scrubbed nobody knows the words any more, so its id alone counts.
        digests |= {
            _of_turn(key, record)
            if is_known_by_id(record) and MARK not in record.text
            else _of_key(key, record)
            for record in records
        }

        def begun(erased: Erased) -> Erased:
            return replace(
                erased,
                purged=erased.purged | ids,
                digests=erased.digests | digests,
                unfinished=erased.unfinished | ids,
            )

        self._change(begun)

    def note_words(self, records: Collection[Record], names: ProjectNames) -> None:
        """Note what memories say that is about to be scrubbed: nothing brings these words back.

        Raises:
            StoreFault: The files are damaged or cannot be written; nothing was changed.
        """
        if not records:
            return
        key = self._key(make=True)
        digests = {_of_words(key, record, names) for record in records}
        self._change(lambda erased: replace(erased, digests=erased.digests | digests))

    def erased(self, ids: Collection[str] = ()) -> int:
        """Count one more erasure, the end of the purge of these memories; return its number.

        Raises:
            StoreFault: The file is damaged or cannot be written.
        """
        return self._change(
            lambda erased: replace(erased, unfinished=erased.unfinished - {*ids})
        ).number

    def _change(self, change: Callable[[Erased], Erased]) -> Erased:
        with held(self._paths.lock("erasures"), timeout=_WAIT_SEC):
            before = self.now()
            after = replace(change(before), number=before.number + 1)
            fields = {name: sorted(getattr(after, name)) for name in _NAMES}
            try:
                write_state(self._paths.erasures, _FORMAT, {"number": after.number, **fields})
                sync_folder(self._paths.root)
            except OSError as exc:
                raise StoreUnavailable(
                    machine_fault(exc, f"{self._paths.erasures} cannot be written")
                ) from exc
        return after

    def _parsed(self) -> Erased:
        fields = read_object(self._paths.erasures, _MAX_BYTES) or {}
        if fields.get("format") != _FORMAT:
            fields = {}
        number: Any = fields.get("number")
        lists = [fields.get(name) for name in _NAMES]
        texts = [frozenset(one) for one in lists if _are_texts(one)]
        if type(number) is not int or len(texts) != len(_NAMES):
            raise StoreUnavailable(
                f"{self._paths.erasures} is damaged, so nobody knows what must not come back: put "
                f"it back from a copy, or move it away and purge again"
            )
        return Erased(number, *texts)

    def _key(self, *, make: bool = False) -> bytes:
        path = self._paths.erasures_key
        try:
            if make and not path.exists():
                with held(self._paths.lock("erasures"), timeout=_WAIT_SEC):
                    if not path.exists():
                        replace_file(path, os.urandom(_KEY_BYTES))
            key = read_own_file(path, _KEY_BYTES)
        except OSError as exc:
            raise StoreUnavailable(machine_fault(exc, f"{path} cannot be used")) from exc
        if key is None or len(key) != _KEY_BYTES:
            raise StoreUnavailable(
                f"{path} is damaged, so nobody knows what must not come back: put it back from a "
                f"copy, or move it and {self._paths.erasures.name} away and purge again"
            )
        return key


def _of_key(key: bytes, record: Record) -> str:
    return _digest(key, "key", record.idem)


def _of_turn(key: bytes, record: Record) -> str:
    return _digest(key, "turn", record.idem, *normalised_text(record.text))


def _of_words(key: bytes, record: Record, names: ProjectNames) -> str:
    return _digest(key, "said", copy_digest(record, names).hex())


def _digest(key: bytes, *parts: str) -> str:
    return hmac.digest(key, "\0".join(parts).encode("utf-8", "surrogatepass"), "sha256").hex()


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
