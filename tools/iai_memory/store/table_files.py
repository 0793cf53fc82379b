"""The files that the table's newest version is made of, and which of them are damaged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Literal, Self

from .data_files import wrong_with
from .file_digests import LIST_NAME, FileDigest, FileDigests, fault_of, files_of
from .lance_files import DamagedFile, Manifest, manifest_name, noted_version, version_of

FileKind = Literal["manifest", "data", "deletion", "index", "unneeded"]

_KINDS: Mapping[str, FileKind] = {
    "_versions": "manifest",
    "data": "data",
    "_deletions": "deletion",
    "_indices": "index",
}
# Of the table; one that is missing is made.
_FOLDERS: Final = ("_versions", "data", "_deletions", "_indices", "_transactions")
_MAX_LOOKS: Final = 20  # while somebody commits
# Who reads only some looks at these first: they are small, and a version hangs on each.
_ORDER: Final = ("manifest", "deletion", "data", "index", "unneeded")


@dataclass(frozen=True, slots=True)
class FileFault:
    """A file of the table that is not what was written.

    Attributes:
        file: Its path in the table's folder.
        what: What is wrong with it, as the rest of a sentence: "is missing".
        kind: What it is for; "unneeded" where the newest version needs it not.
        index: For an index: its name.
    """

    file: str
    what: str
    kind: FileKind
    index: str = ""

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.file} {self.what}"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What became of the table's files.

    Attributes:
        faults: Those that are damaged.
        bytes_read: Size of the files that were read whole.
        bytes_known: Size of all files whose digest is known.
        bytes_there: Size of all files that are there.
        unknown: How many files have no digest: an earlier version wrote them.
    """

    faults: tuple[FileFault, ...]
    bytes_read: int
    bytes_known: int
    bytes_there: int
    unknown: int


@dataclass(frozen=True, slots=True)
class NewestVersion:
    """The files that the newest version needs, by its manifest.

    Attributes:
        version: Its number; 0 where no manifest says it.
        files: Their paths in the table's folder; a file of deletions without its ending.
        indexes: Names of the indexes, by the folder of each.
        fault: What is wrong with the manifest; then nobody knows which files are needed.
    """

    version: int = 0
    files: frozenset[str] = frozenset()
    indexes: Mapping[str, str] = field(default_factory=dict)
    fault: FileFault | None = None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Read the newest manifest of a table's folder."""
        # The note first: it is written behind the manifest, and somebody may commit in between.
        noted = noted_version(folder)
        paths = list((folder / "_versions").glob("*.manifest"))
        newest = max(paths, key=version_of, default=None)
        if newest is None or version_of(newest) < noted:
            name = f"_versions/{manifest_name(noted)}" if noted else "_versions"
            return cls(fault=FileFault(name, "is missing", "manifest"))
        try:
            manifest = Manifest.read(newest)
            indexes = {one.folder: one.name for one in manifest.indexes()}
        except (DamagedFile, OSError) as exc:
            fault = FileFault(f"_versions/{newest.name}", wrong_with(exc), "manifest")
            return cls(fault=fault)
        files = {f"_versions/{newest.name}"}
        for one in manifest.fragments:
            files |= {f"data/{name}" for name in one.files}
            files |= {f"_deletions/{one.deletions}"} if one.deletions else set()
        return cls(manifest.version, frozenset(files), indexes)

    def kind_of(self, name: str) -> FileKind:
        """Return what a file is for."""
        folder, _, rest = name.partition("/")
        kind: FileKind = _KINDS.get(folder, "unneeded")
        if self.fault is not None or kind == "unneeded":
            return kind
        if kind == "index":
            return "index" if rest.partition("/")[0] in self.indexes else "unneeded"
        shown = name.rpartition(".")[0] if kind == "deletion" else name
        return kind if shown in self.files else "unneeded"

    def index_of(self, name: str) -> str:
        """Return the name of the index that a file belongs to; empty for any other file."""
        return self.indexes.get(name.removeprefix("_indices/").partition("/")[0], "")


def look_at_files(
    folder: Path, digests: FileDigests, *, max_bytes: int | None, chance: Random
) -> FileReport:
    """Compare the files with their digests.

    The size of each is looked at, and as many are read as `max_bytes` allows. Where somebody
    commits or compacts meanwhile, what went is not told as missing.

    Args:
        folder: Of the table.
        digests: Of its files.
        max_bytes: How much to read; None is all.
        chance: Which files of a kind are read, if not all.
    """
    known, newest = dict(digests.known()), NewestVersion.of(folder)
    names = sorted(known, key=lambda name: (_ORDER.index(newest.kind_of(name)), chance.random()))
    found: dict[str, str] = {}
    left = sum(one.size for one in known.values()) if max_bytes is None else max_bytes
    read = 0
    for name in names:
        size = known[name].size
        whole = size <= left
        what = fault_of(folder / name, known[name], whole=whole)
        if what is not None:
            found[name] = what
        if whole:
            left, read = left - size, read + size
    missing = _missing(folder, newest)
    confirmed = _confirmed(folder, digests, found | missing, known)
    total = sum(one.size for one in known.values())
    there = {name: _size(folder / name) for name in _present(folder)}
    unknown = len(there.keys() - known.keys())
    return FileReport(confirmed, read, total, sum(there.values()), unknown)


def odd_places(folder: Path) -> list[str]:
    """Return what is no folder where LanceDB writes into one, and no file where our list is.

    Costs a few system calls. A sentence each.

    Args:
        folder: Of the table.
    """
    found = [name for name in _FOLDERS if _is_odd(folder / name, Path.is_dir)]
    told = [f"{name} is no folder" for name in found]
    if _is_odd(folder.parent / LIST_NAME, Path.is_file):
        told.append(f"{LIST_NAME} is no file")
    return told


def _is_odd(path: Path, is_right: Callable[[Path], bool]) -> bool:
    return os.path.lexists(path) and not is_right(path)


def changed_indexes(folder: Path, digests: FileDigests) -> set[str]:
    """Return the names of the indexes of which a file is not what was written; reads all of them.

    Most of what changes in an index makes it answer wrongly, without an error.
    """
    newest = NewestVersion.of(folder)
    known = {name: one for name, one in digests.known().items() if newest.index_of(name)}
    return {
        newest.index_of(name)
        for name, one in known.items()
        if fault_of(folder / name, one, whole=True) is not None
    }


def _missing(folder: Path, newest: NewestVersion) -> dict[str, str]:
    """Return the needed files that are not there, whether or not their digest is known."""
    present = _present(folder)
    without_ending = {name.rpartition(".")[0] for name in present if name.startswith("_del")}
    gone = newest.files - present - without_ending
    return dict.fromkeys(sorted(gone), "is missing")


def _confirmed(
    folder: Path, digests: FileDigests, found: Mapping[str, str], before: Mapping[str, FileDigest]
) -> tuple[FileFault, ...]:
    """Return the faults that are none of somebody's work meanwhile."""
    faults: tuple[FileFault, ...] = ()
    for _ in range(_MAX_LOOKS):
        newest, gone = NewestVersion.of(folder), before.keys() - digests.known().keys()
        faults = tuple(_faults(folder, newest, found, gone))
        if not faults or NewestVersion.of(folder) == newest:
            break  # nobody committed between the look at the newest version and that at its files
    return faults


def _faults(
    folder: Path, newest: NewestVersion, found: Mapping[str, str], gone: Set[str]
) -> Iterator[FileFault]:
    if newest.fault is not None and newest.fault.file not in found:
        yield newest.fault
    for name, what in sorted(found.items()):
        kind = newest.kind_of(name)
        if name.startswith("_versions/") and version_of(Path(name)) > newest.version:
            kind = "manifest"  # a newer version than any that is there
        is_dropped = kind == "unneeded" or name in gone
        is_there = _is_there(folder, name)
        if (is_dropped and not is_there) or (what == "is missing" and is_there):
            continue  # it went with its version
        yield FileFault(name, what, kind, newest.index_of(name))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # gone since it was listed


def _is_there(folder: Path, name: str) -> bool:
    return (folder / name).exists() or any(folder.glob(f"{name}.*"))


def _present(folder: Path) -> frozenset[str]:
    return frozenset(files_of(folder))
