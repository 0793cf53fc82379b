"""Transcripts that were given up: named, without a text, and not for ever more of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.ring import Ring
from iai_memory.capture.session_state import has_work
from iai_memory.capture.spool_faults import spool_faults

OLD = {
    "session_id": "s",
    "transcript_path": "/t/s.jsonl",
    "cwd": "/p",
    "hook_event_name": "UserPromptSubmit",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty spool."""
    folder = StorePaths(tmp_path).spool
    folder.mkdir()
    return folder


@pytest.fixture
def given_up(tmp_path: Path, folder: Path) -> GivenUp:
    """The notes in it."""
    assert folder
    return GivenUp(StorePaths(tmp_path))


def test_what_was_given_up_holds_no_text(given_up: GivenUp, folder: Path) -> None:
    failed = folder / "failed"
    failed.mkdir()
    old = {"why": "cannot be read", "doorbell": {**OLD, "prompt": "my diagnosis"}}
    (failed / "20261101.json").write_text(json.dumps(old))
    (failed / "broken.json").write_text('{"why": "x", "doorbell": {"prompt": "my diagnosis"')
    given_up.strip()
    assert not [path for path in failed.iterdir() if "diagnosis" in path.read_text()]
    kept = json.loads((failed / "20261101.json").read_text())
    assert kept["why"] == "cannot be read"
    assert kept["ring"] == {
        "event": "UserPromptSubmit",
        "session_id": "s",
        "transcript_path": "/t/s.jsonl",
        "cwd": "/p",
    }
    before = {path: path.stat().st_mtime_ns for path in failed.iterdir()}
    given_up.strip()
    assert {path: path.stat().st_mtime_ns for path in failed.iterdir()} == before


def test_a_transcript_is_given_up_in_one_file_and_settled_again(given_up: GivenUp) -> None:
    ring = Ring("/t/s.jsonl", "s", "/p", "Stop", datetime.now(UTC))
    for number in range(3):
        given_up.add(ring, f"reason {number}")
    [path] = given_up.notes()
    assert json.loads(path.read_text())["why"] == "reason 2"
    given_up.remove("/t/s.jsonl")
    given_up.remove("/t/never.jsonl")
    assert given_up.notes() == []


def test_what_was_given_up_does_not_grow_for_ever(given_up: GivenUp) -> None:
    for number in range(230):
        given_up.add(Ring(f"/t/{number}", None, None, None, datetime.now(UTC)), "gone")
    assert len(given_up.notes()) == 200


PROMPT = {**OLD, "prompt": "my diagnosis"}


@pytest.mark.parametrize(
    ("name", "content", "left"),
    [
        ("3.jsonl", json.dumps(PROMPT) + "\n", ["3.jsonl.json"]),
        ("old.json.gz", "my diagnosis", []),
        ("notes.txt", "my diagnosis\n" + json.dumps(PROMPT), ["notes.txt.json"]),
        (".hidden", "my diagnosis {", []),
        (
            "a.json.1.b.tmp",
            json.dumps({"why": "x", "doorbell": PROMPT}),
            ["a.json.1.b.tmp.json"],
        ),
        ("x.json", json.dumps({"why": "x", "ring": {**OLD, "prompt": "my diagnosis"}}), ["x.json"]),
        ("y.json", json.dumps({"why": "x", "ring": OLD, "prompt": "my diagnosis"}), ["y.json"]),
        ("z.json", json.dumps(PROMPT), ["z.json"]),
    ],
    ids=lambda value: str(value)[:10],
)
def test_no_file_among_the_notes_keeps_a_text_under_any_name(
    given_up: GivenUp, folder: Path, name: str, content: str, left: list[str]
) -> None:
    failed = folder / "failed"
    failed.mkdir()
    (failed / name).write_text(content)
    given_up.strip()
    assert sorted(path.name for path in failed.iterdir()) == left
    for path in failed.iterdir():
        assert "diagnosis" not in path.read_text()
        assert json.loads(path.read_text())["ring"]["transcript_path"] == "/t/s.jsonl"
    assert not given_up.has_foreign()


def test_files_among_the_notes_leave_though_no_ring_waits(tmp_path: Path, folder: Path) -> None:
    (folder / "failed").mkdir()
    (folder / "failed" / "3.jsonl").write_text(json.dumps(PROMPT))
    paths = StorePaths(tmp_path)
    assert has_work(paths)
    Memory(tmp_path).drain()
    assert [path.name for path in (folder / "failed").iterdir()] == ["3.jsonl.json"]
    assert not has_work(paths)


def test_a_note_that_cannot_be_removed_is_a_fault_and_no_end_of_the_drain(
    given_up: GivenUp, folder: Path
) -> None:
    given_up.add(Ring("/t/s.jsonl", "s", "/p", "Stop", datetime.now(UTC)), "gone")
    [note] = given_up.notes()
    note.unlink()
    note.mkdir()
    given_up.remove("/t/s.jsonl")
    assert spool_faults(folder) == (f"{note} is a folder: remove it with `rm -r {note}`",)
