"""What is left of a text in all that a store wrote, and what could not be looked at.

The table's data files are compressed, so their rows are read, those too that no version shows any
more; all other files are read as bytes, decompressed where they are compressed, and decoded. Names
of files and targets of links count as well. What could not be read is named, one by one: only where
nothing is left and nothing was unread a text is gone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import pyarrow as pa

from ..backup.sealing import Keys, SealedFault
from ..base.foreign_file import within
from ..base.paths import StorePaths
from ..errors import ForeignFileFault
from ..privacy import own_formats
from ..privacy.inventory import STORE_FILES, Treatment, kind_of
from ..privacy.sought_text import MARK, SoughtText
from ..store.connection import TABLE_NAME
from ..store.exchange import kept_tables
from ..store.migrations import SCHEMA_KEY
from ..store.record import ORIGINS, ROLES
from ..store.schema import EMBEDDER_FIELD_KEY, table_schema
from ..store.written_texts import written_rows

_CHUNK: Final = 16 << 20
_OVERLAP: Final = 1 << 20  # a memory is at most as long
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_COMPRESSED: Final = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip", b"\x04\x22\x4d\x18": "lz4"}
_SEALED: Final = b"age-encryption.org/"
# What LanceDB's files of any table say: to find a part of it there says nothing.
_OF_EVERY_TABLE: Final = " ".join(
    [
        *table_schema(1, embedder="", metadata={}).names,
        *(*ROLES, *ORIGINS, EMBEDDER_FIELD_KEY, TABLE_NAME, SCHEMA_KEY),
        "lance data arrow string fixed_size_list timestamp float int list item true false vector",
        "encodings PageLayout ColumnEncoding metadata params whitespace large_binary null table",
        "tokens invert docs InvertedIndexDetails varint_delta_v posting_tail_codec format_version",
        "redacted redact scrub",  # terms of the mark
        "posting_block_size text partitions index part txn manifest files list",
    ]
)
_TERMS_OF_MARK: Final = re.compile(r"\b(?:redacted|redact|scrub)\b")
_OUR_NAMES: Final = " ".join(kind.where for kind in STORE_FILES)
_OUR_FORMATS: Final = (*(Treatment.LINES, Treatment.NO_TEXT, Treatment.DERIVED, Treatment.BACKUP),)
_OF_TABLES: Final = (Treatment.TABLE, Treatment.TABLE_COPY, Treatment.KEPT_TABLE)
_WITH_NAMES_OF_TABLES: Final = (*_OF_TABLES, Treatment.NO_TEXT)
_OURS_ALONE: Final = ("models", "hooks")  # what we install, compared with what we ship


class Place(NamedTuple):
    """Where a text stands.

    Attributes:
        what: As a sentence names it.
        treatment: Of the file; None for one that the inventory does not name.
        ids: Of the memories whose rows hold it; empty for what is no row.
    """

    what: str
    treatment: Treatment | None = None
    ids: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.what}: {', '.join(sorted(self.ids))}" if self.ids else self.what


@dataclass(slots=True)
class Remains:
    """What a search for a text found.

    Attributes:
        places: Where it still stands.
        unread: What could not be looked at, and why, a sentence each.
        files: Names of the table's data files in which it stands.
    """

    places: list[Place] = field(default_factory=list[Place])
    unread: list[str] = field(default_factory=list[str])
    files: set[str] = field(default_factory=set[str])

    @property
    def left(self) -> list[str]:
        """Where it still stands, a sentence each."""
        return [str(place) for place in self.places]


def remains(paths: StorePaths, sought: SoughtText, backups: Collection[Path] = ()) -> Remains:
    """Search all that lies in a store's folder, and in the folders of its backups."""
    found, keys = Remains(), Keys(paths.backup_key)
    is_in_names = not sought.is_in(_OUR_NAMES)
    for folder in backups:
        if paths.root not in folder.parents and folder.is_dir():
            for path in _everything(folder, found.unread.append):
                if not path.is_symlink() and not path.is_dir():
                    _look_into(path, "backups/segments/elsewhere", sought, found, keys)
    for path in _everything(paths.root, found.unread.append):
        where = path.relative_to(paths.root).as_posix()
        if is_in_names and sought.is_in(where):
            found.places.append(Place(f"the name of {path}", _treatment(where)))
        if path.is_symlink():
            if sought.is_in(str(path.readlink())):
                found.places.append(Place(f"the link {path} -> {path.readlink()}"))
        elif path.is_fifo() and where.startswith("run/") and _treatment(where) is Treatment.NO_TEXT:
            continue  # hooks and servers meet there
        elif not path.is_dir():
            _look_into(path, where, sought, found, keys)
    for database in sorted(paths.root.glob("lancedb*")):
        _look_into_table(database / f"{TABLE_NAME}.lance", sought, found)
    found.unread += [
        f"{kept}, the former table that a repair or a restore kept, may be damaged: add --yes to "
        f"remove it"
        for kept in kept_tables(paths)
    ]
    return found


def look_into_store(root: Path, sought: SoughtText, found: Remains) -> None:
    """Look into the table of another store; one that is not there any more holds nothing."""
    folder = root / "lancedb" / f"{TABLE_NAME}.lance"
    try:
        if within(str(folder), folder.is_dir):
            _look_into_table(folder, sought, found)
    except ForeignFileFault as exc:
        found.unread.append(f"{root} {exc.what}")


def _treatment(where: str) -> Treatment | None:
    kind = kind_of(PurePosixPath(where))
    return None if kind is None else kind.treatment


def _everything(root: Path, unread: Callable[[str], None]) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        unread(f"{error.filename} cannot be listed ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=failed):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in _OURS_ALONE]
        for name in sorted((*folders, *files)):
            yield Path(folder, name)


def _look_into(path: Path, where: str, sought: SoughtText, found: Remains, keys: Keys) -> None:
    treatment = _treatment(where)
    is_table = treatment in _OF_TABLES
    try:
        for content in _contents(path, keys):
            if treatment in _WITH_NAMES_OF_TABLES and sought.is_in(_OF_EVERY_TABLE):
                return  # its rows say whether it is there
            if _is_in(content, treatment, sought):
                found.places.append(Place(str(path), treatment))
                if is_table:
                    found.files.add(path.name)
                return
    except FileNotFoundError:
        return  # a temporary file that got its name since, or a lock that was let go
    except SealedFault:
        found.unread.append(f"{path} is sealed for a key that is not here")
    except (OSError, pa.ArrowException) as exc:
        found.unread.append(f"{path} cannot be read ({_reason(exc)})")


def _is_in(content: bytes, treatment: Treatment | None, sought: SoughtText) -> bool:
    """Return whether a part of a file says it, other than in the names of fields of ours."""
    is_table = treatment in _OF_TABLES
    if not sought.is_in_bytes(content, decoded=not is_table):
        return False
    if treatment not in _OUR_FORMATS:
        return True
    return any(map(sought.is_in, own_formats.words(content.decode("utf-8", "replace"))))


def _contents(path: Path, keys: Keys) -> Iterator[bytes]:
    """Yield the bytes of a file in parts that overlap, opened and decompressed.

    Raises:
        OSError: It is no regular file, or cannot be read.
        SealedFault: It is sealed, and not for the store.
        ArrowException: It cannot be decompressed.
    """
    with os.fdopen(os.open(path, _FLAGS), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(0, "it is no file")
        before = b""
        while part := file.read(_CHUNK):
            if not before and part.startswith(_SEALED):
                yield from _decompressed(pa.BufferReader(keys.opened(part + file.read())))
                return
            if not before and part.startswith(tuple(_COMPRESSED)):
                yield from _decompressed(pa.OSFile(str(path)))
            yield before + part
            before = part[-_OVERLAP:]


def _decompressed(source: pa.NativeFile) -> Iterator[bytes]:
    beginning = source.read(4)
    source.seek(0)
    codecs = [codec for magic, codec in _COMPRESSED.items() if beginning.startswith(magic)]
    with source, pa.CompressedInputStream(source, codecs[0]) if codecs else source as stream:
        before = b""
        while part := stream.read(_CHUNK):
            yield before + part
            before = part[-_OVERLAP:]


def _look_into_table(folder: Path, sought: SoughtText, found: Remains) -> None:
    if not folder.is_dir():
        return
    left: dict[str, set[str]] = {}
    for row in written_rows(folder, found.unread.append):
        if any(map(sought.is_in, _without_terms_of_mark(row.texts))):
            left.setdefault(row.file, set()).add(row.id)
    for file, ids in left.items():
        found.files.add(file)
        found.places.append(Place(str(folder / "data" / file), Treatment.TABLE, frozenset(ids)))


def _without_terms_of_mark(texts: list[str]) -> list[str]:
    if not any(MARK in text for text in texts):
        return texts
    return [text if MARK in text else _TERMS_OF_MARK.sub("", text) for text in texts]


def _reason(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return told or str(error).splitlines()[0]
