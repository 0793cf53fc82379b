"""The changed files of a turn, wherever its record goes: capture, export, scrub, old stores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.old_stores import old_store, turn
from tests.support.pages import opened
from tests.support.transcript_lines import tool_call, tool_result
from tests.support.working_session import WorkingSession, captured

from iai_memory import Memory
from iai_memory.capture.transcript_files import FoundTranscript
from iai_memory.errors import InvalidInput
from iai_memory.store.changed_files import (
    MAX_FILES,
    FileChange,
    change_from_text,
    changes_in,
    content_digest,
    last_changes,
)
from iai_memory.store.filter import Filter


@pytest.fixture
def session(tmp_path: Path) -> WorkingSession:
    """A session that wrote one file and told of it."""
    (tmp_path / "harbour").mkdir()
    session = WorkingSession(tmp_path / "s-1.jsonl", tmp_path / "harbour")
    session.is_asked("Please write the quartzxylophone parser.")
    session.writes("quartzxylophone/parser.py", "x = 1\n" * 1000)
    session.says("The parser is written.")
    return session


@pytest.fixture
def memory(tmp_path: Path, session: WorkingSession) -> Memory:
    """A store that captured the session."""
    memory = opened(tmp_path / "store")
    captured(memory, session)
    return memory


def files_of(memory: Memory) -> dict[str, list[FileChange]]:
    """The changed files of each memory, by its text."""
    records = memory.store.latest.get(memory.store.latest.ids())
    return {one.text: changes_in(one.changed_files) for one in records}


def test_the_turn_after_the_work_has_its_files(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "harbour/quartzxylophone/parser.py"
    change = FileChange(str(path), content_digest(path.read_bytes()))
    assert files_of(memory) == {
        "Please write the quartzxylophone parser.": [],
        "The parser is written.": [change],
    }


def test_files_changed_behind_the_last_words_of_a_session_are_with_those(
    session: WorkingSession, tmp_path: Path
) -> None:
    path = session.writes("b.py", "b")
    captured_one, imported = opened(tmp_path / "a"), opened(tmp_path / "b")
    captured(captured_one, session)
    about = session.transcript.stat()
    found = FoundTranscript(session.transcript, about.st_size, about.st_mtime_ns, about.st_ino)
    imported.import_transcripts([found], "claude-code")
    for memory in (captured_one, imported):
        assert str(path) in [one.path for one in files_of(memory)["The parser is written."]]


def test_a_captured_session_has_the_files_of_its_sub_agents_own_transcript(
    memory: Memory, session: WorkingSession, tmp_path: Path
) -> None:
    (tmp_path / "s-1/subagents").mkdir(parents=True)
    own = tmp_path / "s-1/subagents/agent-a1b2.jsonl"
    agent = WorkingSession(own, tmp_path / "harbour")
    path = agent.writes("tides.py", "x = 2\n", is_sub_agent=True)
    session.adds(tool_call("Task", {"prompt": "Write the tides."}, "t-9"))
    session.adds({**tool_result("done", "t-9"), "toolUseResult": {"agentId": "a1b2"}})
    session.says("The tides are written, too.")
    captured(memory, session)
    change = FileChange(str(path), content_digest(path.read_bytes()))
    assert files_of(memory)["The tides are written, too."] == [change]


def test_an_export_carries_them_into_another_store(memory: Memory, tmp_path: Path) -> None:
    other = opened(tmp_path / "other")
    assert sum(one.stored for one in other.import_lines(memory.export_lines())) == 2
    assert files_of(other) == files_of(memory)


def test_lines_of_an_earlier_version_have_none(memory: Memory, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in memory.export_lines()]
    for line in lines:
        del line["changed_files"]
    other = opened(tmp_path / "other")
    list(other.import_lines(map(json.dumps, lines)))
    assert list(files_of(other).values()) == [[], []]


@pytest.mark.parametrize("value", [["a b"], [7], ["deadbeef0000"], "9f2c01d4ab3e /p/a.py"])
def test_a_line_whose_changed_files_are_none_is_refused(
    memory: Memory, tmp_path: Path, value: object
) -> None:
    line = {**json.loads(next(memory.export_lines())), "changed_files": value}
    with pytest.raises(InvalidInput, match="line 1 is no exported memory"):
        list(opened(tmp_path / "other").import_lines([json.dumps(line)]))


def test_a_path_of_an_exported_line_is_stored_without_secrets(
    memory: Memory, tmp_path: Path
) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    line = {**json.loads(next(memory.export_lines())), "changed_files": [f"- /p/{secret}/a.py"]}
    other = opened(tmp_path / "other")
    list(other.import_lines([json.dumps(line)]))
    [[change]] = files_of(other).values()
    assert secret not in change.path


def test_a_scrub_finds_a_word_in_a_path(memory: Memory) -> None:
    done = memory.scrub("quartzxylophone")
    assert done.is_gone, (done.left, done.unread)
    [paths] = [[one.path for one in files] for files in files_of(memory).values() if files]
    assert all("quartzxylophone" not in path for path in paths)
    sessions = (memory.paths.spool / "sessions.json").read_text()
    assert "quartzxylophone" not in sessions


def test_a_backup_brings_them_back(memory: Memory, tmp_path: Path) -> None:
    before = files_of(memory)
    memory.back_up(tmp_path / "backups")
    memory.restore_backup(folder=tmp_path / "backups", into=tmp_path / "restored")
    assert files_of(opened(tmp_path / "restored")) == before


def test_a_store_of_an_earlier_version_is_read_and_gets_new_turns(
    tmp_path: Path, session: WorkingSession
) -> None:
    old_store(tmp_path / "old", turn(1, "a", 1))
    memory = opened(tmp_path / "old")
    captured(memory, session)
    assert [len(files) for files in files_of(memory).values()] == [0, 0, 1]


def test_the_table_and_its_copy_in_memory_find_the_same_changes_of_a_name(
    memory: Memory, session: WorkingSession
) -> None:
    session.writes("old/parser.py", "y = 1\n")
    session.says("The old parser is written, too.")
    captured(memory, session)
    memory.ingest("quartz in no session")
    for _ in range(2):
        memory.store.latest.matching("quartz", Filter(), 5)
    assert memory.store.latest.is_in_memory
    project = memory.store.latest.newest(Filter(session_id="s-1"), 1)[0].project
    for where, expected in ((Filter(), 2), (Filter(project=project), 2), (Filter(project="p"), 0)):
        readers = (memory.store.latest, memory.store.pinned_reader())
        copied, table = (one.changes_by_name(where) for one in readers)
        assert copied("parser.py") == table("parser.py")
        assert len(copied("parser.py")) == expected
        assert copied("none.py") == table("none.py") == []
    told = next(one for one in memory.timeline(turns=True).records if "old" in one.text)
    memory.forget([told.id])
    assert len(memory.store.latest.changes_by_name(Filter())("parser.py")) == 1


def test_plain_data_cannot_say_that_files_were_changed(memory: Memory) -> None:
    with pytest.raises(InvalidInput, match="changed_files"):
        memory.ingest({"text": "a", "changed_files": ["- /p/a.py"]})


@pytest.mark.parametrize(
    "change",
    [FileChange("/p/a b.py"), FileChange("/p/a.py", "9f2c01d4ab3e"), FileChange("/x", None, True)],
)
def test_a_change_survives_its_text(change: FileChange) -> None:
    assert change_from_text(change.to_text()) == change


def test_of_very_many_files_those_changed_last_are_kept() -> None:
    changes = [FileChange(f"/p/{number}.py") for number in range(MAX_FILES + 5)]
    kept = last_changes([*changes, FileChange("/p/10.py", "9f2c01d4ab3e")])
    assert len(kept) == MAX_FILES
    assert kept[-1] == FileChange("/p/10.py", "9f2c01d4ab3e")
    assert FileChange("/p/0.py") not in kept


def test_line_ends_and_a_byte_order_mark_are_no_other_content() -> None:
    unix, windows = b"a = 1\nb = 2\n", b"\xef\xbb\xbfa = 1\r\nb = 2\r\n"
    assert content_digest(unix) == content_digest(windows) != content_digest(b"a = 1\n")
