"""Damage to files, of the kinds that disks and people do, and the files of a table to do it to."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.store.store_identity import expect_another_table

Damaging = Callable[[Path], None]


def truncated(path: Path) -> None:
    """Leaves its first third."""
    os.truncate(path, path.stat().st_size // 3)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def removed(path: Path) -> None:
    path.unlink()


def scrambled(path: Path) -> None:
    """Changes each fifth byte."""
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 5):
        content[at] ^= 0x5A
    path.write_bytes(content)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def with_one_flip(path: Path, chance: Random) -> None:
    """Flips one bit."""
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


DAMAGES: tuple[Damaging, ...] = (truncated, emptied, removed, scrambled, replaced_by_a_folder)


def table_folder(paths: StorePaths) -> Path:
    return paths.database / "memories.lance"


def newest_manifest(paths: StorePaths) -> Path:
    """The manifest of the newest version: its name is the first in the alphabet."""
    return min((table_folder(paths) / "_versions").glob("*.manifest"))


def data_files(paths: StorePaths) -> list[Path]:
    """The data files, in the order in which they were written."""
    return sorted(
        (table_folder(paths) / "data").iterdir(), key=lambda path: path.stat().st_mtime_ns
    )


def deletion_files(paths: StorePaths) -> list[Path]:
    """The files of replaced rows, in the order in which they were written."""
    return sorted(
        (table_folder(paths) / "_deletions").iterdir(), key=lambda path: path.stat().st_mtime_ns
    )


def index_files(paths: StorePaths) -> list[Path]:
    found = (table_folder(paths) / "_indices").rglob("*")
    return [path for path in found if path.is_file()]


@contextmanager
def unreadable_newest_version(paths: StorePaths) -> Generator[None]:
    """Another process commits a version, and its manifest is damaged for the block."""
    Memory(paths.root, on_commit=lambda: None).ingest("of a version that cannot be read")
    manifest = newest_manifest(paths)
    content = manifest.read_bytes()
    truncated(manifest)
    try:
        yield
    finally:
        manifest.write_bytes(content)


def exchange_tables(paths: StorePaths, database: Path) -> None:
    """Puts another table of the same store in its place, as a restore does."""
    expect_another_table(paths)
    paths.database.rename(paths.root.with_name("exchanged"))
    database.rename(paths.database)
