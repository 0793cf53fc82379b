"""The page and its sidecar as files: names, modes, links and leftovers."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from tests.support.pages import cache, page, refresh

from iai_memory import Memory
from iai_memory.projects.key import project_key
from iai_memory.session_start.cache import (
    NEW_PROJECT_KEY,
    cache_path,
    read_sidecar,
    sidecar_path,
)


@pytest.mark.parametrize("project", [None, "github.com/acme/weather", "/home/anna/ä ö", "x" * 500])
def test_the_sidecar_of_a_page_is_found_from_the_page_alone(
    memory: Memory, project: str | None
) -> None:
    memory.ingest({"text": "a fact", "project": project})
    refresh(memory)
    key = None if project is None else project_key(project)
    path = cache_path(memory.paths, key)
    assert path.name.endswith(".cached.md")
    assert sidecar_path(path).name == f"{path.name.removesuffix('.md')}.meta.json"
    assert sidecar_path(path).parent == path.parent
    assert path.is_file()
    found = read_sidecar(path)
    assert found is not None
    assert found.payload == path.read_bytes()
    assert json.loads(sidecar_path(path).read_text()) == found.fields


def test_the_names_are_those_that_the_hook_looks_for(memory: Memory) -> None:
    root = memory.paths.root
    assert cache_path(memory.paths, None) == root / ".session-start-payload.cached.md"
    assert sidecar_path(cache(memory)) == root / ".session-start-payload.cached.meta.json"
    assert cache_path(memory.paths, "k") == root / "session-start" / "k.cached.md"
    assert sidecar_path(cache(memory, "k")) == root / "session-start" / "k.cached.meta.json"


def test_pages_and_sidecars_are_private_files_in_private_folders(memory: Memory) -> None:
    before = os.umask(0)
    try:
        memory.ingest({"text": "a fact", "project": "p"})
        os.umask(0)
        refresh(memory)
    finally:
        os.umask(before)
    for path in (cache(memory), cache(memory, "p")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(sidecar_path(path).stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_link_in_place_of_the_page_is_replaced_and_not_followed(
    memory: Memory, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("not ours")
    memory.ingest("a fact")
    cache(memory).symlink_to(elsewhere)
    assert refresh(memory).reason == "cache_absent"
    assert elsewhere.read_text() == "not ours"
    assert not cache(memory).is_symlink()
    assert "a fact" in page(memory)


def test_what_a_killed_writer_left_half_written_is_cleared_away(memory: Memory) -> None:
    memory.ingest({"text": "a fact", "project": "p"})
    refresh(memory)
    left = [
        cache(memory).with_name(f"{cache(memory).name}.1.abcd.tmp"),
        cache(memory).with_name(f"{sidecar_path(cache(memory)).name}.1.abcd.tmp"),
        cache(memory, "p").with_name("p.cached.md.1.abcd.tmp"),
    ]
    for path in left:
        path.write_text("a page that was never finished")
    memory.ingest("more")
    refresh(memory)
    assert not [path for path in left if path.exists()]


def test_the_page_of_a_project_that_has_nothing_any_more_is_taken_away(memory: Memory) -> None:
    memory.ingest("a fact")
    refresh(memory)
    folder = memory.paths.root / "session-start"
    shutil.copy(cache(memory), cache(memory, "purged"))
    shutil.copy(sidecar_path(cache(memory)), sidecar_path(cache(memory, "purged")))
    memory.ingest("another")
    assert refresh(memory).action == "wrote"
    assert {path.name.partition(".")[0] for path in folder.iterdir()} == {NEW_PROJECT_KEY}


@pytest.mark.parametrize("of_pair", [0, 1], ids=["page", "sidecar"])
def test_a_pipe_in_the_place_of_a_file_is_no_page_and_is_replaced(
    memory: Memory, of_pair: int
) -> None:
    memory.ingest("the mites are gone")
    refresh(memory)
    path = (cache(memory), sidecar_path(cache(memory)))[of_pair]
    path.unlink()
    os.mkfifo(path)
    assert read_sidecar(cache(memory)) is None
    assert "the mites are gone" in memory.session_start().payload
    assert refresh(memory).action == "wrote"
    assert path.is_file()
    assert read_sidecar(cache(memory)) is not None
