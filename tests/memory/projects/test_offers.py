"""A folder's project finds what it was called before: joined where it is certain, else offered."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.projects.identity import project_of

Tell = Callable[..., None]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    folder = tmp_path / "weather"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    """Stores what was said in a folder on a day, as capture does."""
    days = iter(range(1, 28))

    def tell_(text: str, folder: Path, project: str | None = None) -> None:
        turn = {
            "text": text,
            "role": "user",
            "session_id": "s",
            "cwd": str(folder),
            "project": project or project_of(folder).name,
            "created_at": f"2026-05-{next(days):02}T10:00:00Z",
        }
        Memory(store=tmp_path / "store").ingest([turn], origin="hook")

    return tell_


def open_in(folder: Path, tmp_path: Path) -> Memory:
    return Memory(store=tmp_path / "store", cwd=folder)


def test_a_folder_that_got_a_remote_keeps_its_memories_without_being_told(
    here: Path, tmp_path: Path, tell: Tell
) -> None:
    tell("the barometer drifts", here)
    git(here, "remote", "add", "origin", "git@github.com:acme/weather.git")
    memory = open_in(here, tmp_path)
    assert [hit.text for hit in memory.recall("barometer", project=".").hits] == [
        "the barometer drifts"
    ]
    assert "the barometer drifts" in memory.session_start(".", refresh=True).payload
    tell("the barometer was replaced", here)
    found = open_in(here, tmp_path).timeline(project="github.com/acme/weather")
    assert len(found.records) == 2
    assert found.coverage.unknown == []
    assert [one.by for one in memory.store.aliases.changes()] == ["folder"]


def test_what_was_joined_by_itself_can_be_undone_and_stays_so(
    here: Path, tmp_path: Path, tell: Tell
) -> None:
    tell("the barometer drifts", here)
    git(here, "remote", "add", "origin", "git@github.com:acme/weather.git")
    memory = open_in(here, tmp_path)
    memory.recall("barometer", project=".")
    memory.projects().undo()
    assert not open_in(here, tmp_path).recall("barometer", project=".").hits


def test_a_folder_that_had_a_remote_before_is_not_joined(
    here: Path, tmp_path: Path, tell: Tell
) -> None:
    tell("the barometer of the first client", here, "github.com/acme/weather")
    tell("the barometer of the second client", here, str(here))
    git(here, "remote", "add", "origin", "git@github.com:acme/weather.git")
    memory = open_in(here, tmp_path)
    found = memory.recall("barometer", project=".").hits
    assert [hit.text for hit in found] == ["the barometer of the first client"]
    assert not memory.store.aliases.changes()


def test_a_folder_with_memories_of_another_remote_is_offered_and_not_joined(
    here: Path, tmp_path: Path, tell: Tell
) -> None:
    tell("the barometer drifts", here, str(here))
    tell("the barometer is calibrated", here, "github.com/acme/old-name")
    git(here, "remote", "add", "origin", "git@github.com:acme/weather.git")
    memory = open_in(here, tmp_path)
    found = memory.recall("barometer", project=".")
    assert found.hits == []
    assert not memory.store.aliases.changes()
    assert "nothing yet for this project; github.com/acme/old-name looks like it" in str(
        found.coverage.note
    )


@pytest.mark.parametrize(
    ("before", "told", "after"),
    [
        ("github.com/acme/old-name", "here", "git@github.com:acme/weather.git"),  # renamed remote
        ("gitlab.com/acme/weather", "elsewhere", "git@github.com:acme/weather.git"),  # other host
        ("github.com/acme/weather", "elsewhere", "https://github.com/zenith/weather"),  # owner
        ("github.com/acme/weather", "elsewhere", None),  # a copy without its remote
        ("/gone/weather", "elsewhere", None),  # moved folder
        ("C:\\work\\Weather", "elsewhere", None),
    ],
)
def test_what_looks_like_the_project_is_offered_in_one_line(
    here: Path, tmp_path: Path, tell: Tell, before: str, told: str, after: str | None
) -> None:
    tell("the barometer drifts", here if told == "here" else tmp_path / "gone", before)
    tell("the sail is torn", tmp_path / "boat", "github.com/acme/boat")
    if after:
        git(here, "remote", "add", "origin", after)
    memory = open_in(here, tmp_path)
    said = memory.offered_project()
    assert said is not None
    assert said.startswith(f"nothing yet for this project; {before} looks like it: run `iai-mcp ")
    assert said.count("\n") == 0
    answer = memory.recall("barometer", project=".")
    assert answer.hits == [] and answer.confidence is None
    assert said in str(answer.coverage.note)
    memory.projects().move(before, ".")
    assert memory.offered_project() is None
    found = memory.recall("barometer", project=".")
    assert [hit.text for hit in found.hits] == ["the barometer drifts"]
    assert "nothing yet" not in str(found.coverage.note)


def test_what_does_not_look_like_it_is_not_offered(here: Path, tmp_path: Path, tell: Tell) -> None:
    other = tmp_path / "client" / "weather"
    other.mkdir(parents=True)
    tell("the barometer of a folder that is still there", other, str(other))
    tell("the sail is torn", tmp_path / "boat", "github.com/acme/boat")
    memory = open_in(here, tmp_path)
    assert memory.offered_project() is None
    note = str(memory.recall("barometer", project=".").coverage.note)
    assert "looks like it" not in note


def test_a_project_with_memories_is_offered_nothing(here: Path, tmp_path: Path, tell: Tell) -> None:
    tell("the barometer drifts", here)
    tell("the barometer of another", tmp_path, "github.com/acme/weather")
    assert open_in(here, tmp_path).offered_project() is None


def test_a_linked_worktree_needs_no_joining(here: Path, tmp_path: Path, tell: Tell) -> None:
    git(here, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "x")
    git(here, "worktree", "add", "-q", str(tmp_path / "tree"))
    tell("the barometer drifts", here)
    memory = open_in(tmp_path / "tree", tmp_path)
    assert [hit.text for hit in memory.recall("barometer", project=".").hits] == [
        "the barometer drifts"
    ]
    assert not memory.store.aliases.changes()


def test_a_renamed_folder_without_a_remote_is_offered_where_the_old_one_is_gone(
    here: Path, tmp_path: Path, tell: Tell
) -> None:
    tell("the barometer drifts", here)
    renamed = here.rename(here.with_name("weather-station"))
    other = tmp_path / "still-there"
    other.mkdir()
    tell("another project's turn", other)
    offered = open_in(renamed, tmp_path).offered_project() or ""
    assert f"iai-mcp project move {here} ." in offered
    here.mkdir()
    assert open_in(renamed, tmp_path).offered_project() is None
