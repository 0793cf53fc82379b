"""A project that was moved or renamed has its memories under each of its names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.modes import bound_by_modes, read_only

from iai_memory import Memory
from iai_memory.errors import InvalidInput, StoreUnavailable
from iai_memory.projects.alias_file import AliasFile
from iai_memory.projects.key import project_key
from iai_memory.projects.names import ProjectNames
from iai_memory.session_start.cache import cache_path

OLD, NEW, OTHER = "/home/me/old", "github.com/acme/weather", "github.com/zenith/weather"


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Memory:
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    made = Memory(store=tmp_path / "store")
    made.ingest(
        [
            {"text": "the barometer drifts", "project": OLD},
            {"text": "the barometer was replaced", "project": NEW},
            {"text": "the barometer of another client", "project": OTHER},
        ]
    )
    return made


@pytest.fixture
def aliases(memory: Memory) -> AliasFile:
    return memory.store.aliases


@pytest.mark.parametrize("name", [OLD, NEW, "GitHub.com/Acme/weather.git"])
def test_each_name_of_a_project_finds_lists_and_shows_all_of_it(
    memory: Memory, aliases: AliasFile, name: str
) -> None:
    aliases.link(OLD, NEW, "move")
    wanted = {"the barometer drifts", "the barometer was replaced"}
    assert {hit.text for hit in memory.recall("barometer", project=name).hits} == wanted
    assert {one.text for one in memory.timeline(project=name).records} == wanted
    page = memory.session_start(name, refresh=True).payload
    assert all(text in page for text in wanted)
    assert "another client" not in page


def test_the_hook_finds_the_page_under_an_alias_without_memories(
    memory: Memory, aliases: AliasFile
) -> None:
    memory.session_start(refresh=True)
    moved_to = cache_path(memory.paths, project_key("/home/me/moved"))
    assert not moved_to.exists()
    aliases.link(OLD, "/home/me/moved", "move")
    memory.session_start(refresh=True)
    assert "the barometer drifts" in moved_to.read_text(encoding="utf-8")
    aliases.undo()
    memory.session_start(refresh=True)
    assert not moved_to.exists()


def test_a_page_without_other_memories_follows_an_alias_and_its_undoing(
    memory: Memory, aliases: AliasFile
) -> None:
    memory.session_start(refresh=True)
    page = cache_path(memory.paths, project_key(NEW))
    for shown in (True, False):
        if shown:
            aliases.link(OLD, NEW, "move")
        else:
            aliases.undo()
        assert memory.page_manager().is_urgent()
        memory.session_start(refresh=True)
        assert ("drifts" in page.read_text(encoding="utf-8")) == shown


def test_the_own_project_is_first_under_each_of_its_names(tmp_path: Path, memory: Memory) -> None:
    memory.store.aliases.link(OLD, str(tmp_path), "move")
    mine = Memory(store=memory.paths.root, cwd=tmp_path)
    found = mine.recall("barometer", min_confidence=0.0).hits
    own = next(hit for hit in found if hit.project == OLD)
    assert "own project" in own.reason


def test_copies_are_of_one_project_whatever_name_each_has(
    memory: Memory, aliases: AliasFile
) -> None:
    memory.ingest([{"text": "The barometer drifts.", "project": "GitHub.com/Acme/weather"}])
    aliases.link(OLD, NEW, "move")
    hits = memory.recall("barometer drifts", project=NEW).hits
    assert [len(hit.ids) for hit in hits if "drifts" in hit.text.lower()] == [2]
    done = memory.forget([hits[0].id])
    assert done.copies == 1
    assert not [one for one in memory.timeline().records if "drifts" in one.text.lower()]
    assert memory.restore([hits[0].id]).copies == 1


def test_copies_in_two_spellings_of_a_project_are_forgotten_together(memory: Memory) -> None:
    memory.ingest(
        [{"text": "the barometer was replaced", "project": "www.GitHub.com/Acme/weather"}]
    )
    first = memory.timeline(project=NEW).records[0]
    assert memory.forget([first.id]).copies == 1


def test_what_was_forgotten_under_one_name_does_not_come_back_under_another(
    memory: Memory, aliases: AliasFile
) -> None:
    said = "the gate code of the boathouse is 4471"
    turn = {"text": said, "role": "user", "session_id": "a", "turn_id": "1", "project": OLD}
    memory.forget([str(memory.ingest([turn], origin="hook").results[0].id)])
    aliases.link(OLD, NEW, "move")
    again = turn | {"session_id": "b", "turn_id": "2", "project": NEW}
    memory.ingest([again], origin="hook")
    assert not memory.recall("gate code", project=NEW).hits


def test_an_alias_of_an_alias_is_a_name_of_the_same_project(aliases: AliasFile) -> None:
    aliases.link("weather", NEW, "alias")
    aliases.link(NEW, "github.com/acme/climate", "move")
    aliases.link(OLD, "weather", "move")
    names = aliases.names()
    told = ["weather", NEW, "github.com/acme/climate", OLD]
    assert names.names_of(OLD, told) == tuple(sorted(told))
    assert {names.shown(name) for name in told} == {"github.com/acme/climate"}
    aliases.undo("weather")
    assert not aliases.names().same("weather", NEW)
    assert aliases.names().same(OLD, NEW)


def test_undoing_in_any_order_leaves_nothing_behind(aliases: AliasFile) -> None:
    links = [("a", "b"), ("b", "c"), ("d", "c"), ("e", "d")]
    for alias, name in links:
        aliases.link(alias, name, "move")
    for name in ("b", "a", "e", "d"):
        aliases.undo(name)
    assert aliases.names() == ProjectNames()
    assert all(one.undone for one in aliases.changes())
    with pytest.raises(InvalidInput, match="no alias or move is there to undo"):
        aliases.undo()
    with pytest.raises(InvalidInput, match="no alias or move of a is there to undo"):
        aliases.undo("a")


def test_a_circle_and_a_second_meaning_of_an_alias_are_refused(aliases: AliasFile) -> None:
    aliases.link("weather", NEW, "alias")
    for alias, name, why in (
        (NEW, "weather", "names of one project already"),
        ("weather", "GitHub.com/acme/weather", "names of one project already"),
        (NEW, "www.GitHub.com/Acme/weather.git", "the same name"),
        (OLD, OLD, "the same name"),
        (
            "weather",
            OTHER,
            f"is a name of {NEW}: undo that first with `.* undo weather`",
        ),
    ):
        with pytest.raises(InvalidInput, match=why):
            aliases.link(alias, name, "alias")
    assert len(aliases.changes()) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format": 2, "changes": []}',
        b'{"format": 1}',
        b'{"format": 1, "changes": [{"at": "x", "by": "move", "alias": "a"}]}',
        b'{"format": 1, "changes": [{"at": "x", "by": "magic", "alias": "a", "name": "b"}]}',
        b'{"format": 1, "changes": [null]}',
        b'{"format": 1, "changes": [{"at":"x","by":"move","alias":"a","name":"b","undone":3}]}',
    ],
    ids=range(9),
)
def test_a_damaged_file_is_named_and_never_overwritten(
    memory: Memory, aliases: AliasFile, content: bytes
) -> None:
    aliases.path.write_bytes(content)
    assert aliases.names() == ProjectNames()
    assert "damaged" in str(aliases.fault())
    for change in (lambda: aliases.link(OLD, NEW, "move"), aliases.undo, aliases.changes):
        with pytest.raises(StoreUnavailable, match=r"projects\.json is damaged"):
            change()
    assert aliases.path.read_bytes() == content
    assert memory.recall("barometer", project=OLD).hits


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_what_is_no_file_of_ours_is_named_and_holds_nobody_up(
    memory: Memory, aliases: AliasFile, tmp_path: Path, kind: str
) -> None:
    if kind == "fifo":
        os.mkfifo(aliases.path)
    elif kind == "folder":
        aliases.path.mkdir()
    else:
        aliases.path.symlink_to(tmp_path / "elsewhere")
    assert memory.recall("barometer", project=OLD).hits
    with pytest.raises(StoreUnavailable, match="no file of yours"):
        aliases.link(OLD, NEW, "move")


def test_aliases_of_another_process_count_at_once(memory: Memory) -> None:
    other = Memory(store=memory.paths.root)
    assert not memory.store.project_names.same(OLD, NEW)
    other.store.aliases.link(OLD, NEW, "move")
    assert memory.store.project_names.same(OLD, NEW)
    memory.store.aliases.undo()
    assert not other.store.project_names.same(OLD, NEW)


def test_an_export_carries_the_aliases_along(memory: Memory, tmp_path: Path) -> None:
    memory.store.aliases.link(OLD, NEW, "move")
    memory.store.aliases.link("weather", NEW, "alias")
    lines = list(memory.export_lines())
    other = Memory(store=tmp_path / "other")
    for _ in range(2):
        list(other.import_lines(lines))
    assert {one.text for one in other.timeline(project="weather").records} == {
        "the barometer drifts",
        "the barometer was replaced",
    }
    assert [one.by for one in other.store.aliases.changes()] == ["import", "import"]
    other.store.aliases.undo("weather")
    list(other.import_lines(lines))
    assert not other.store.project_names.same("weather", NEW)


def test_an_import_joins_no_project_that_the_store_has_under_the_same_path(
    memory: Memory, tmp_path: Path
) -> None:
    memory.store.aliases.link(OLD, NEW, "move")
    other = Memory(store=tmp_path / "other")
    other.ingest([{"text": "the sail is torn", "project": OLD}])
    list(other.import_lines(memory.export_lines()))
    assert not other.store.aliases.changes()
    assert not other.store.project_names.same(OLD, NEW)


@pytest.mark.parametrize(
    "line",
    [
        '{"iai_mcp": 1, "project_alias": "a"}',
        '{"iai_mcp": 1, "project_alias": 3, "project": "b"}',
        '{"iai_mcp": 1, "project_alias": " ", "project": "b"}',
        '{"iai_mcp": 2, "project_alias": "a", "project": "b"}',
        '{"iai_mcp": 1, "project_alias": "a", ',
    ],
)
def test_a_line_that_is_no_alias_is_refused(memory: Memory, line: str) -> None:
    with pytest.raises(InvalidInput, match="line 1 "):
        list(memory.import_lines([line]))
    assert not memory.store.aliases.changes()


def test_an_alias_that_holds_a_secret_is_imported_without_it(memory: Memory) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    list(memory.import_lines([f'{{"iai_mcp": 1, "project_alias": "/x/{secret}", "project": "b"}}']))
    [made] = memory.store.aliases.changes()
    assert secret not in made.alias
    assert secret not in memory.paths.projects.read_text()


@pytest.mark.slow
def test_two_processes_and_a_killed_one_lose_no_alias(memory: Memory) -> None:
    work = (
        "import sys; from iai_memory import Memory\n"
        "aliases = Memory(store=sys.argv[1]).store.aliases\n"
        "print('ready', flush=True)\n"
        "for n in range(40): aliases.link(f'{sys.argv[2]}{n}', 'x', 'alias'); print(n, flush=True)"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", work, str(memory.paths.root), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b", "c")
    ]
    killed = runs.pop()
    assert killed.stdout is not None
    for line in killed.stdout:
        if line == "10\n":
            break
    killed.kill()
    killed.wait()
    killed.stdout.close()
    for one in runs:
        out, _ = one.communicate()
        assert out.endswith("39\n")
    made = [one.alias for one in memory.store.aliases.changes()]
    told = {f"{name}{n}" for name in "ab" for n in range(40)} | {f"c{n}" for n in range(11)}
    assert told <= set(made)
    assert len(made) == len(set(made))


@pytest.mark.long
def test_a_store_that_cannot_be_written_is_told_and_nothing_changes(
    memory: Memory, aliases: AliasFile
) -> None:
    aliases.link("weather", NEW, "alias")
    before = aliases.path.read_bytes()
    work = "import sys; from iai_server.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [*bound_by_modes(), sys.executable, "-c", work, "project", "move", OLD, NEW]
    environment = os.environ | {"IAI_MCP_STORE": str(memory.paths.root)}
    with read_only(memory.paths.root):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be" in done.stderr and done.stderr.count("\n") == 1
    assert aliases.path.read_bytes() == before
    assert aliases.names().same("weather", NEW)


def test_links_of_a_file_that_somebody_wrote_close_no_circle() -> None:
    names = ProjectNames.of_links([("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("x", "x")])
    assert names.links == (("a", "b"), ("b", "c"))
    assert names.names_of("c", ["a", "b", "c", "d", "x"]) == ("a", "b", "c")
