"""`iai-mcp project`: a moved or renamed project finds its memories, and all of it can be undone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.session_start.cache import project_caches
from iai_server.cli.main import run

Run = Callable[..., tuple[int, str, str]]

REMOTE = "github.com/acme/weather"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weather"
    folder.mkdir()
    monkeypatch.setenv("IAI_MCP_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def command(here: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        out = capsys.readouterr()
        return code, out.out, out.err

    Memory().ingest(
        [
            {"text": "the barometer drifts", "project": REMOTE},
            {"text": "the barometer of a client", "project": "github.com/zenith/weather"},
        ]
    )
    return run_


def texts(out: str) -> set[str]:
    return {hit["text"] for hit in json.loads(out)["hits"]}


def test_a_moved_project_is_found_here_and_on_the_page_until_it_is_undone(
    command: Run, here: Path
) -> None:
    recall = ("recall", "barometer", "--project", ".", "--json")
    assert texts(command(*recall)[1]) == set()
    code, out, _ = command("project", "move", REMOTE, ".")
    assert code == 0
    assert f"{REMOTE} is now {here}, which has 1 memory" in out
    assert texts(command(*recall)[1]) == {"the barometer drifts"}
    page = command("session-start", "--project", ".")[1]
    assert "the barometer drifts" in page and "of a client" not in page
    code, out, _ = command("project", "undo")
    assert code == 0 and "no longer a name" in out
    assert texts(command(*recall)[1]) == set()
    assert command("project", "undo")[0] == 2


@pytest.mark.parametrize("told", [".", "../weather", "~/weather", "{}", "{}/"])
def test_a_folder_is_named_in_any_spelling(command: Run, here: Path, told: str) -> None:
    assert command("project", "move", REMOTE, told.format(here))[0] == 0
    listed = json.loads(command("project", "list", "--json")[1])["projects"]
    assert [(one["name"], one["names"], one["here"]) for one in listed if one["memories"] == 1] == [
        ("github.com/zenith/weather", [], False),
        (str(here), [REMOTE], True),
    ]


def test_the_path_of_an_older_project_is_its_name_whatever_stands_there_today(
    command: Run, here: Path
) -> None:
    command("ingest", "the oven needs ten minutes", "--project", ".")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:acme/oven.git"], check=True)
    assert command("project", "move", str(here), "github.com/acme/bakery")[0] == 0
    found = command("recall", "oven", "--project", "github.com/acme/bakery", "--json")[1]
    assert texts(found) == {"the oven needs ten minutes"}


def test_a_word_as_another_name_finds_the_project(command: Run) -> None:
    assert command("project", "alias", "weather", "GitHub.com/Acme/weather.git")[0] == 0
    found = command("recall", "barometer", "--project", "weather", "--json")[1]
    assert texts(found) == {"the barometer drifts"}
    out = command("project", "list")[1]
    assert "also weather" in out and f"alias: weather is {REMOTE}, since " in out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("alias", "weather", "github.com/acme/wether"), f"there are {REMOTE}, github.com/zenith"),
        (("move", "github.com/acme/wether", "."), f"there are {REMOTE}, github.com/zenith"),
        (("move", "/no/such/folder", "."), "no memory is of the project /no/such/folder: there"),
        (("move", REMOTE, "www.github.com/ACME/weather"), "are the same name"),
        (("move", REMOTE, ""), "project"),
        (("undo",), "no alias or move is there to undo"),
        (("undo", "weather"), "no alias or move of weather is there to undo"),
        (("alias", "x" * 5_000, REMOTE), "send a shorter"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    command: Run, arguments: tuple[str, ...], why: str
) -> None:
    code, _, err = command("project", *arguments)
    assert code == 2
    assert why in err and err.count("\n") == 1
    assert not Memory().store.aliases.changes()


def test_a_damaged_file_is_told_and_left_alone(command: Run) -> None:
    path = Memory().paths.projects
    path.write_text("{")
    for arguments in (("list",), ("move", REMOTE, "."), ("undo",)):
        code, _, err = command("project", *arguments)
        assert code == 1
        assert "projects.json is damaged" in err and "move it away" in err
    assert path.read_text() == "{"


def test_the_page_says_that_names_cannot_be_read_and_offers_nothing_that_needs_them(
    command: Run, here: Path
) -> None:
    command("project", "move", REMOTE, ".")
    Memory().paths.projects.write_text("[]")
    _, out, _ = command("session-start", "--cwd", str(here))
    assert "another name of a project may be missing: `iai-mcp doctor`" in out
    assert "project move" not in command("recall", "barometer", "--project", ".")[1]


def test_a_change_is_on_every_page_when_the_command_ends(command: Run, here: Path) -> None:
    command("session-start", "--refresh")
    command("project", "move", REMOTE, ".")
    Memory().close()
    pages = [path.read_text(encoding="utf-8") for path in project_caches(Memory().paths)]
    assert sum("the barometer drifts" in page for page in pages) == 2


def test_scrub_takes_a_word_out_of_the_aliases_too(command: Run) -> None:
    command("project", "alias", "s3cret-client", REMOTE)
    assert command("scrub", "s3cret-client")[0] == 0
    assert "s3cret" not in Memory().paths.projects.read_text()
    assert len(Memory().store.aliases.changes()) == 1
