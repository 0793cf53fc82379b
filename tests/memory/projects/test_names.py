"""A project is one whatever spelling of its name a record has."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.projects.key import project_key
from iai_memory.projects.names import ProjectNames, canonical_name
from iai_memory.session_start.cache import cache_path

SAME = [
    ("github.com/acme/a", "GitHub.com/Acme/a"),
    ("github.com/acme/a", "www.github.com/acme/a.git"),
    ("github.com/acme/a", "ssh.github.com:443/ACME/a"),
    ("github.com/acme/a", "git@github.com:ACME/a.git"),
    ("github.com/acme/a", "https://www.github.com/acme/a/"),
    ("github.com/acme/a", " github.com/acme/a "),
    ("/home/me/a", "/home/me//b/../a/"),
    ("C:\\job\\a", "c:/job/a/"),
    ("C:\\job\\a", "/mnt/c/job/a"),
    ("\\\\wsl$\\Debian\\home\\me", "/home/me"),
    ("//wsl.localhost/Ubuntu/home/me/", "\\\\wsl$\\Ubuntu\\home\\me"),
]
OTHER = [
    ("github.com/acme/a", "github.com/acme/A"),
    ("github.com/acme/a", "gitlab.com/acme/a"),
    ("github.com/acme/a", "github.com:8443/acme/a"),
    ("alpha", "ALPHA"),
    ("Alpha/x", "alpha/x"),
    ("/home/me/a", "/home/me/A"),
    ("/mnt/data/a", "data:/a"),
    ("C:\\work", "D:\\work"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_of_one_project_are_the_same(one: str, other: str) -> None:
    assert ProjectNames().same(one, other)
    assert canonical_name(canonical_name(one)) == canonical_name(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_may_be_another_project_is_not_joined(one: str, other: str) -> None:
    assert not ProjectNames().same(one, other)


def test_no_project_is_no_name_of_one() -> None:
    assert ProjectNames().same(None, None)
    assert not ProjectNames().same(None, "a")
    known = [None, "GitHub.com/acme/a", "b"]
    assert ProjectNames().names_of("github.com/acme/a", known) == ("GitHub.com/acme/a",)


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    made = Memory(store=tmp_path / "store")
    made.ingest(
        [
            {"text": "the barometer drifts", "project": "GitHub.com/Acme/weather"},
            {"text": "the barometer was replaced", "project": "github.com/acme/weather"},
            {"text": "the barometer of another client", "project": "github.com/zenith/weather"},
            {"text": "a barometer measures pressure"},
        ]
    )
    return made


@pytest.mark.parametrize("name", ["github.com/acme/weather", "GITHUB.com/ACME/weather"])
def test_memories_of_an_older_spelling_are_found_listed_and_shown(
    memory: Memory, name: str
) -> None:
    wanted = {"the barometer drifts", "the barometer was replaced"}
    assert {hit.text for hit in memory.recall("barometer", project=name).hits} == wanted
    assert {one.text for one in memory.timeline(project=name).records} == wanted
    page = memory.session_start(name, refresh=True).payload
    assert all(text in page for text in wanted)
    assert "another client" not in page


def test_the_hook_finds_the_page_under_every_name(memory: Memory) -> None:
    memory.ingest({"text": "old", "project": "WWW.example.org/Only/old"})
    memory.session_start(refresh=True)
    names = ["GitHub.com/Acme/weather", "github.com/acme/weather", "example.org/only/old"]
    for name in names:
        page = cache_path(memory.paths, project_key(name)).read_text(encoding="utf-8")
        assert ("drifts" in page) == ("weather" in name)
        assert "another client" not in page


def test_a_project_without_memories_is_answered_from_what_belongs_to_none(memory: Memory) -> None:
    for name in ("github.com/new/one", "GitHub.com/acme", "@new"):
        found = memory.recall("barometer", project=name).hits
        assert [hit.text for hit in found] == ["a barometer measures pressure"]
        listed = memory.timeline(project=name).records
        assert [one.text for one in listed] == ["a barometer measures pressure"]
