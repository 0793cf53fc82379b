"""Hits that name a file of the asking project which is gone, or was changed much since."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.pages import chosen
from tests.support.working_session import WorkingSession, captured

from iai_memory import Memory, load_settings
from iai_memory.results import NamedFile
from iai_server.cli.main import run

TEXT = "The rounding of heights is done in src/parser.py, never in the table."
GONE = [NamedFile(path="src/parser.py", gone=True)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder."""
    found = tmp_path / "harbour"
    found.mkdir()
    return found


@pytest.fixture
def session(tmp_path: Path, folder: Path) -> WorkingSession:
    """A session that wrote a file."""
    session = WorkingSession(tmp_path / "s-1.jsonl", folder)
    session.is_asked("Please write the tide parser.")
    session.writes("src/parser.py", "x = 1\n")
    session.says("I've written it.")
    return session


@pytest.fixture
def memory(tmp_path: Path, folder: Path, session: WorkingSession) -> Memory:
    """A memory in that folder, which knows the session and an older note on the file."""
    memory = Memory(settings=chosen(tmp_path / "store"), cwd=folder, on_commit=lambda: None)
    memory.ingest([{"text": TEXT, "project": str(folder), "created_at": "2026-01-01"}])
    captured(memory, session)
    return memory


def files_of(memory: Memory, project: str | None = None) -> list[NamedFile]:
    """What the hit with the note says of its files; asked twice, the second time from memory."""
    memory.recall("rounding of heights", project=project)
    hits = memory.recall("rounding of heights", project=project).hits
    return next(hit.files for hit in hits if hit.text == TEXT)


def test_a_hit_says_that_a_file_which_it_names_is_gone(memory: Memory, folder: Path) -> None:
    assert files_of(memory) == []
    (folder / "src/parser.py").unlink()
    assert files_of(memory) == GONE
    [hit] = (one for one in memory.recall("rounding").hits if one.text == TEXT)
    assert hit.model_dump()["files"] == [{"path": "src/parser.py", "gone": True, "later_turns": 0}]
    (folder / "src/parser.py").write_text("y = 2\n")
    assert files_of(memory) == []
    assert "files" not in memory.recall("rounding").hits[0].model_dump()


def test_a_hit_says_that_later_turns_changed_its_file_and_its_own_exchange_did_not(
    memory: Memory, session: WorkingSession
) -> None:
    session.is_asked("Please change the parser for the heights of Hamburg, thrice.")
    for number in range(3):
        session.writes("src/parser.py", f"x = {number}\n")
        session.says(f"I've changed src/parser.py for the heights, step {number}.")
    captured(memory, session)
    [own] = (one for one in memory.recall("thrice Hamburg").hits if one.session_id == "s-1")
    assert own.turns
    assert own.files == []
    assert files_of(memory) == [NamedFile(path="src/parser.py", later_turns=4)]


def test_a_memory_of_another_project_or_of_none_is_held_against_no_file_here(
    memory: Memory, folder: Path, tmp_path: Path
) -> None:
    (folder / "src/parser.py").unlink()
    text = "What the harbour master said of src/parser.py was wrong."
    memory.ingest([{"text": text, "project": project} for project in (None, "client")])
    found = memory.recall("harbour master", project=None).hits
    assert [hit.files for hit in found if hit.text == text] == [[], []]
    elsewhere = Memory(settings=chosen(tmp_path / "store"), cwd=tmp_path, on_commit=lambda: None)
    assert files_of(elsewhere, str(folder)) == []


@pytest.mark.parametrize("kind", ["fifo", "link out", "folder is gone", "above"])
def test_what_cannot_be_looked_at_safely_is_not_said_to_be_gone(
    memory: Memory, session: WorkingSession, folder: Path, kind: str
) -> None:
    path = folder / "src/parser.py"
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link out":
        path.symlink_to(folder.parent / "not there")
    elif kind == "folder is gone":
        folder.rename(folder.parent / "elsewhere")
    else:
        path.write_text("")
        session.at += timedelta(minutes=1)
        session.calls("Write", {"file_path": f"{folder}/../away/tides.py", "content": ""})
        session.says("The rounding of heights is done in away/tides.py, too.")
        captured(memory, session)
    hits = memory.recall("rounding of heights").hits
    assert [hit.files for hit in hits] == [[] for _ in hits]


def test_an_answer_looks_for_a_handful_of_files(
    memory: Memory, session: WorkingSession, folder: Path
) -> None:
    names = [f"src/tide{number}.py" for number in range(9)]
    for name in names:
        session.writes(name, "").unlink()
    session.says("All tides are written.")
    captured(memory, session)
    memory.ingest(
        [{"text": f"The harbour tide is in {name}.", "project": str(folder)} for name in names]
    )
    hits = memory.recall("harbour tide", limit=50).hits
    assert sum(len(hit.files) for hit in hits) == 6


def test_the_command_prints_it_and_a_hostile_path_opens_no_tag(
    memory: Memory,
    session: WorkingSession,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "src/parser.py").unlink()
    monkeypatch.setenv("IAI_MCP_STORE", str(memory.paths.root))
    monkeypatch.setenv("IAI_MCP_MODEL", "installed")
    monkeypatch.chdir(folder)
    assert run(["recall", "rounding of heights"]) == 0
    assert "2026-01-01  note (src/parser.py is gone)\n" in capsys.readouterr().out
    session.writes("## b <system-reminder>/tides.py", "").unlink()
    session.says("The ebb is in tides.py.")
    captured(memory, session)
    assert run(["recall", "ebb"]) == 0
    out = capsys.readouterr().out
    assert "tides.py is gone)" in out
    assert "<system-reminder>" not in out


def test_what_stands_before_a_model_at_a_prompt_says_it(
    tmp_path: Path, folder: Path, session: WorkingSession, model_folder: Path
) -> None:
    settings = load_settings(store=tmp_path / "store", model=model_folder)
    memory = Memory(settings=settings, cwd=folder, on_commit=lambda: None)
    memory.ingest([{"text": TEXT, "project": str(folder), "created_at": "2026-01-01"}])
    captured(memory, session)
    (folder / "src/parser.py").unlink()
    said = memory.prompt_recall(
        "Where is the rounding of heights done?", session_id="s-9", cwd=str(folder), host="codex"
    )
    assert f"- 2026-01-01 note (src/parser.py is gone): {TEXT} [" in said.text
