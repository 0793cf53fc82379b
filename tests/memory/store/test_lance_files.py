"""LanceDB's files read as bytes: what it wrote is understood, and damage ends in a sentence."""

from __future__ import annotations

from pathlib import Path
from random import Random

import lancedb
import pytest
from tests.support.damage import data_files, newest_manifest, table_folder, with_one_flip

from iai_memory import Memory
from iai_memory.store.lance_files import (
    DamagedFile,
    Manifest,
    manifest_name,
    rows_of,
    version_of,
)


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Two files of three memories; one of the first was forgotten, so a third file has it."""
    for batch in range(2):
        memory.ingest([f"fact {batch}-{number}" for number in range(3)])
    memory.forget(memory.store.latest.ids()[:1])
    return memory


def test_a_manifest_lists_what_lancedb_wrote(memory: Memory) -> None:
    manifest = Manifest.read(newest_manifest(memory.paths))
    assert manifest.version == memory.store.version
    assert [(one.rows, one.deleted) for one in manifest.fragments] == [(3, 1), (3, 0), (1, 0)]
    names = [name for one in manifest.fragments for name in one.files]
    assert sorted(names) == sorted(path.name for path in data_files(memory.paths))
    assert [rows_of(path) for path in data_files(memory.paths)] == [3, 3, 1]
    first, *others = manifest.fragments
    [path] = (table_folder(memory.paths) / "_deletions").iterdir()
    assert first.deletions == path.stem
    assert not any(one.deletions for one in others)


def test_lancedb_reads_a_manifest_that_we_write(memory: Memory) -> None:
    path = newest_manifest(memory.paths)
    manifest = Manifest.read(path)
    first, second, _ = manifest.fragments
    for fragments, rows in (
        (manifest.fragments, 6),
        ([first], 2),
        ([first.without_deletions()], 3),
        ([second], 3),
        ([second.of_file(first.files[0], 3)], 3),
        ([], 0),
    ):
        path.write_bytes(manifest.with_fragments(fragments))
        table = lancedb.connect(str(memory.paths.database)).open_table("memories")
        assert len(table.search().select(["id"]).limit(None).to_arrow()) == rows


def test_a_manifest_has_the_name_of_its_version(memory: Memory) -> None:
    path = newest_manifest(memory.paths)
    assert version_of(path) == memory.store.version
    assert manifest_name(memory.store.version) == path.name
    assert version_of(Path("latest_version_hint.json")) == -1
    other = path.with_name(manifest_name(77))
    path.rename(other)
    with pytest.raises(DamagedFile, match=f"says that it is version {memory.store.version}"):
        Manifest.read(other)


def test_whatever_became_of_a_file_reading_it_ends_with_a_sentence(memory: Memory) -> None:
    chance = Random(1)
    for path, read in (
        (newest_manifest(memory.paths), Manifest.read),
        (data_files(memory.paths)[0], rows_of),
    ):
        sound = path.read_bytes()
        for _ in range(300):
            end = chance.randrange(len(sound)) if chance.random() < 0.3 else len(sound)
            path.write_bytes(sound[:end])
            if path.stat().st_size:
                with_one_flip(path, chance)
            try:
                read(path)
            except DamagedFile as exc:
                assert str(exc)
