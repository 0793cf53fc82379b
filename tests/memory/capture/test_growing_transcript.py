"""A transcript that grows, shrinks or is replaced is read once, in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.transcript_lines import (
    CODEX_META,
    CODEX_SESSION,
    claude,
    codex,
    example,
    parse_claude,
    raw,
    text_of,
    turns,
)

from iai_memory.capture.jsonl_tail import FileCursor
from iai_memory.capture.transcript import read_transcript
from iai_memory.capture.turn import Host, LineOutcome


def test_a_line_still_being_written_is_taken_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    whole = raw(claude("one", uuid="1"), claude("two", uuid="2"))
    path.write_bytes(whole[:-5])
    items = list(read_transcript(path, "claude-code"))
    assert [turn.text for turn in turns(items)] == ["one"]
    with path.open("ab") as stream:
        stream.write(whole[-5:-1])
    assert not list(read_transcript(path, "claude-code", items[-1].cursor))
    with path.open("ab") as stream:
        stream.write(whole[-1:])
    rest = list(read_transcript(path, "claude-code", items[-1].cursor))
    assert [turn.text for turn in turns(rest)] == ["two"]
    assert rest[-1].end_offset == len(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_appends_split_anywhere_are_read_without_loss_or_repetition(
    data: st.DataObject, tmp_path: Path
) -> None:
    host: Host = data.draw(st.sampled_from(("claude-code", "codex")))
    source = example("rollout" if host == "codex" else "b81d7e40").read_bytes()
    cuts = data.draw(st.lists(st.integers(0, len(source)), max_size=8).map(sorted))
    path = tmp_path / "growing.jsonl"
    path.write_bytes(b"")
    expected_path = tmp_path / "whole.jsonl"
    expected_path.write_bytes(source)
    expected = [item.outcome for item in read_transcript(expected_path, host)]
    cursor: FileCursor | None = None
    seen: list[LineOutcome] = []
    for begin, end in zip([0, *cuts], [*cuts, len(source)], strict=True):
        with path.open("ab") as stream:
            stream.write(source[begin:end])
        for item in read_transcript(path, host, cursor):
            seen.append(item.outcome)
            cursor = item.cursor
    assert seen == expected


def test_a_cursor_survives_json() -> None:
    cursor = next(iter(read_transcript(example("rollout"), "codex"))).cursor
    assert FileCursor(**json.loads(json.dumps(asdict(cursor)))) == cursor


def read_all(path: Path) -> FileCursor:
    return list(read_transcript(path, "claude-code"))[-1].cursor


def test_a_truncated_file_is_read_again_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(*(claude(f"turn {n}") for n in range(5))))
    cursor = read_all(path)
    path.write_bytes(raw(claude("new start")))
    again = turns(read_transcript(path, "claude-code", cursor))
    assert [turn.text for turn in again] == ["new start"]


def test_a_file_truncated_and_grown_past_the_offset_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(claude("old")))
    cursor = read_all(path)
    path.write_bytes(raw(*(claude(f"new {n}") for n in range(5))))  # the same inode
    again = turns(read_transcript(path, "claude-code", cursor))
    assert [turn.text for turn in again] == [f"new {n}" for n in range(5)]


def test_a_replaced_file_is_read_again_from_the_start(tmp_path: Path) -> None:
    path, other = tmp_path / "t.jsonl", tmp_path / "other"
    path.write_bytes(raw(claude("old")))
    cursor = read_all(path)
    other.write_bytes(raw(claude("old"), claude("more")))
    other.replace(path)
    again = turns(read_transcript(path, "claude-code", cursor))
    assert [turn.text for turn in again] == ["old", "more"]


@pytest.mark.parametrize(
    "mark", ["", "-", "9999999-00", "x-00", "1024-00", "-1-00", "\u0663-00"], ids=repr
)
def test_a_damaged_mark_means_reading_from_the_start(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(raw(claude("one"), claude("two")))
    stat = path.stat()
    cursor = FileCursor(stat.st_ino, stat.st_size, stat.st_size, mark)
    assert len(turns(read_transcript(path, "claude-code", cursor))) == 2


def test_the_codex_session_is_known_after_resuming_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "rollout-x.jsonl"
    context = {"type": "turn_context", "payload": {"cwd": "/home/sam/b"}}
    path.write_bytes(raw(CODEX_META, context, codex("one")))
    cursor = list(read_transcript(path, "codex"))[-1].cursor
    with path.open("ab") as stream:
        stream.write(raw(codex("two")))
    (turn,) = turns(read_transcript(path, "codex", cursor))
    assert (turn.text, turn.session_id, turn.cwd) == ("two", CODEX_SESSION, "/home/sam/b")


def test_a_long_prompt_that_looks_like_an_image_stays_verbatim() -> None:
    said = "A" * 900_000
    assert text_of(parse_claude(claude(said))) == said


# VmHWM and not ru_maxrss: the latter is inherited from the process that starts the child.
_MEASURE = """
import re, sys
from pathlib import Path
from iai_memory.capture.transcript import read_transcript
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak_kib()
kept = sum(1 for item in read_transcript(sys.argv[1], sys.argv[2]))
print(kept, peak_kib() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux's /proc")
def test_a_file_of_many_megabytes_is_streamed_in_less_than_64_mebibytes(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    image = "A" * (80 * 1024 * 1024)
    block = {"type": "image", "source": {"type": "base64", "data": image}}
    with path.open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)  # one sparse line of 200 MiB, no JSON
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n")
        for number in range(2):
            stream.write(raw(claude([block, {"type": "text", "text": "é"}], uuid=f"i{number}")))
        stream.write(raw(claude("🐝 " * (10 * 1024 * 1024))))
        for number in range(5_000):
            stream.write(raw(claude("x" * 1000, uuid=f"u{number}")))
    finished = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path), "claude-code"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    lines, grown_kib = map(int, finished.stdout.split())
    assert lines == 5_005  # of the long text the middle is told, too
    assert grown_kib < 64 * 1024, grown_kib
