"""Transcripts of Claude Code and Codex become turns, verbatim and without noise."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.transcript_lines import TRANSCRIPTS, claude, example, raw, reasons, turns

from iai_memory.capture.transcript import detect_host, read_transcript
from iai_memory.capture.turn import Turn
from iai_memory.errors import TranscriptFault
from iai_memory.text.fence import FENCE_BEGIN, FENCE_END


def test_the_claude_examples_give_their_turns_and_count_every_skipped_line() -> None:
    first = list(read_transcript(example("3f0c9a52"), "claude-code"))
    last = list(read_transcript(example("c95f2b13"), "claude-code"))
    assert len(turns(first)) == 25
    assert reasons(first) == {
        "tool": 4,
        "injected": 3,
        "sidechain": 2,
        "host_marker": 2,
        "empty": 1,
        "interrupted": 1,
    }
    assert len(turns(last)) == 25
    assert reasons(last) == {"injected": 5, "tool": 4, "host_marker": 3, "compaction": 1}


@pytest.mark.parametrize("read", [detect_host, lambda path: list(read_transcript(path, "codex"))])
def test_a_transcript_that_is_no_file_is_a_fault_of_that_path_and_nobody_waits(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "t.jsonl"
    os.mkfifo(path)
    with pytest.raises(TranscriptFault, match=f"^{path} is a FIFO: "):
        read(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(TranscriptFault, match=f"^{path} is a link to a device: "):
        read(path)


def test_a_turn_carries_who_said_what_when_and_where() -> None:
    turn = turns(read_transcript(example("3f0c9a52"), "claude-code"))[0]
    assert turn.role == "user"
    assert turn.text.startswith("Hi! I'm Sam. I want to build a weather station")
    assert turn.created_at == datetime(2026, 9, 14, 17, 2, 17, 249_000, tzinfo=UTC)
    assert turn.host == "claude-code"
    assert turn.session_id == "3f0c9a52-7a1e-4c0b-9a53-5e1d2f8c6b01"
    assert turn.cwd == "/home/sam/code/weather-station"


def test_the_codex_example_gives_each_message_once() -> None:
    items = list(read_transcript(example("rollout"), "codex"))
    found = turns(items)
    assert [turn.role for turn in found] == ["user", "assistant"] * 4
    assert len({turn.text for turn in found}) == 8
    assert {turn.session_id for turn in found} == {"019d4f1c-5b2e-7c41-9a06-4d1be27f6a04"}
    assert reasons(items) == {"tool": 4, "host_marker": 2, "compaction": 2, "injected": 1}


@pytest.mark.parametrize(
    "path", sorted(TRANSCRIPTS.rglob("*.jsonl")), ids=lambda path: path.stem[:16]
)
def test_no_turn_of_the_examples_carries_our_fence_or_shares_an_id(path: Path) -> None:
    found = turns(read_transcript(path, detect_host(path)))
    assert not [turn for turn in found if FENCE_BEGIN in turn.text or FENCE_END in turn.text]
    assert len({turn.turn_id for turn in found}) == len(found)
    assert [turn.created_at for turn in found] == sorted(turn.created_at for turn in found)


ODD_TIMES = {
    "the year 2999": "2999-01-01T00:00:00Z",
    "milliseconds of 2999": 32472144000000,
    "seconds of 2999 as text": "32472144000",
    "the end of time": "9999-12-31T23:59:59-12:00",
    "1970": "1970-01-01T00:00:00Z",
    "before 1970": "1969-12-31T23:59:59Z",
    "below zero": -5,
    "below zero as text": "-1764500000",
    "a FAT disk's first day": "1980-01-01T00:00:00",
}


@pytest.mark.parametrize("odd", ODD_TIMES.values(), ids=ODD_TIMES.keys())
@pytest.mark.parametrize("first", [True, False])
def test_a_time_that_no_line_can_have_is_that_of_a_neighbour(
    tmp_path: Path, odd: object, first: bool
) -> None:
    plain = claude("plain", uuid="a", timestamp="2026-11-01T10:00:00Z")
    lines = [claude("odd", uuid="b", timestamp=odd), claude("none", uuid="c", timestamp=None)]
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw(*lines, plain) if first else raw(plain, *lines))

    found = {
        turn.text: turn
        for parsed in read_transcript(path, "claude-code")
        if isinstance(turn := parsed.outcome, Turn)
    }
    assert len(found) == 3
    assert {turn.created_at for turn in found.values()} == {datetime(2026, 11, 1, 10, tzinfo=UTC)}
    assert found["odd"].marks == found["none"].marks == ("time-estimated",)
    assert found["plain"].marks == ()


def test_a_copy_that_says_it_is_older_than_its_lines_keeps_their_times(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw(claude("plain", uuid="a", timestamp="2026-11-01T10:00:00Z")))
    os.utime(path, (1, 1))
    [parsed] = read_transcript(path, "claude-code")
    assert isinstance(parsed.outcome, Turn)
    assert parsed.outcome.created_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_a_file_whose_own_time_lies_ahead_lends_it_to_no_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(raw(claude("odd", uuid="a", timestamp="2999-01-01T00:00:00Z")))
    os.utime(path, (32472144000, 32472144000))
    [parsed] = read_transcript(path, "claude-code")
    assert isinstance(parsed.outcome, Turn)
    assert parsed.outcome.created_at <= datetime.now(UTC)
