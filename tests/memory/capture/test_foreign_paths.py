"""A path of one session that never answers is that session's fault: the others are stored."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.mounts import silent_mount
from tests.support.transcript_lines import claude, raw

from iai_memory import Memory


def ring(memory: Memory, *transcripts: Path) -> None:
    memory.paths.spool.mkdir(parents=True, exist_ok=True)
    with (memory.paths.spool / "doorbell.jsonl").open("a", encoding="utf-8") as spool:
        for path in transcripts:
            fields = {"session_id": path.stem, "transcript_path": str(path), "cwd": "/"}
            spool.write(json.dumps(fields) + "\n")


def texts(memory: Memory) -> set[str]:
    return {record.text for record in memory.timeline(limit=100, turns=True).records}


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_transcript_that_is_no_file_keeps_no_other_waiting(
    make: Callable[[Path], object], words_only: Memory, tmp_path: Path
) -> None:
    make(tmp_path / "bad.jsonl")
    (tmp_path / "good.jsonl").write_bytes(raw(claude("a healthy turn")))
    ring(words_only, tmp_path / "bad.jsonl", tmp_path / "good.jsonl")

    words_only.drain()

    assert texts(words_only) == {"a healthy turn"}


@pytest.mark.slow
def test_a_transcript_on_a_mount_that_does_not_answer_keeps_no_other_waiting(
    words_only: Memory, tmp_path: Path
) -> None:
    (tmp_path / "good.jsonl").write_bytes(raw(claude("a healthy turn")))
    with silent_mount(tmp_path / "dead") as dead:
        ring(words_only, dead / "bad.jsonl", tmp_path / "good.jsonl")
        words_only.drain()

    assert texts(words_only) == {"a healthy turn"}


def test_a_turn_whose_folder_holds_a_fifo_as_git_is_of_that_folder(
    words_only: Memory, tmp_path: Path
) -> None:
    (tmp_path / "p").mkdir()
    os.mkfifo(tmp_path / "p" / ".git")
    (tmp_path / "t.jsonl").write_bytes(raw(claude("said", cwd=str(tmp_path / "p"))))
    ring(words_only, tmp_path / "t.jsonl")

    words_only.drain()

    (record,) = words_only.timeline(turns=True).records
    assert record.project == str(tmp_path.resolve() / "p")


@pytest.mark.parametrize(
    ("cwd", "project"),
    [
        ("C:\\Users\\me\\p", "/mnt/c/Users/me/p"),
        ("\\\\wsl$\\Debian\\home\\me", "/home/me"),
        ("D:/work", "/mnt/d/work"),
        ("sub", None),
    ],
)
def test_a_turn_in_a_folder_of_elsewhere_is_not_filed_under_the_readers_project(
    cwd: str, project: str | None, words_only: Memory, tmp_path: Path
) -> None:
    (tmp_path / "t.jsonl").write_bytes(raw(claude("said", cwd=cwd)))
    ring(words_only, tmp_path / "t.jsonl")

    words_only.drain()

    (record,) = words_only.timeline(turns=True).records
    assert record.project == project
