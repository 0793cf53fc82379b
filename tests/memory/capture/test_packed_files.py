"""A packed transcript is read as far as it can be unpacked; what is no transcript is named so."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.pages import minutes_pass
from tests.support.transcript_lines import claude, raw, turns

from iai_memory import Memory
from iai_memory.capture.history_import import ImportProgress
from iai_memory.capture.transcript import read_transcript
from iai_memory.capture.transcript_files import look_at

NOISE = random.Random(14).randbytes(4_000)
PLAIN = raw(*(claude(f"turn {number}", uuid=f"{number}") for number in range(40)))


@pytest.fixture
def memory(words_only: Memory) -> Memory:
    """A memory without a model."""
    return words_only


def run(memory: Memory, *paths: Path, **options: Any) -> ImportProgress:
    return memory.import_transcripts([look_at(path) for path in paths], "claude-code", **options)


def skippable(content: bytes, kind: int = 0) -> bytes:
    return bytes([0x50 + kind]) + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def stored(path: Path) -> list[str]:
    return [turn.text for turn in turns(read_transcript(path, "claude-code"))]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_frames_of_any_number_with_others_to_skip_between_them_are_one_text(
    data: st.DataObject, tmp_path: Path
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(PLAIN)), max_size=5)))
    content = b""
    for begin, end in zip([0, *cuts], [*cuts, len(PLAIN)], strict=True):
        skipped = data.draw(st.binary(max_size=900) | st.none())
        if skipped is not None:
            content += skippable(skipped, data.draw(st.integers(0, 15)))
        content += zstandard.compress(PLAIN[begin:end])
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(content)
    assert stored(path) == [f"turn {number}" for number in range(40)]


def test_whole_frames_before_a_broken_one_are_read_though_they_show_no_host(
    memory: Memory, tmp_path: Path
) -> None:
    first = zstandard.compress(raw({"type": "summary"}))
    second = zstandard.compress(raw(claude("one", sessionId=None))[:-1])  # no newline yet
    third = zstandard.compress(raw(claude("two", uuid="2")))
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(first + second + third[:-9])
    at_rest(path)

    done = run(memory, path)

    assert [record.text for record in memory.timeline(turns=True).records] == ["one"]
    [fault] = done.faults
    assert "ends in the middle: what stands before that place was read" in fault


@pytest.mark.parametrize("length", [5, 20, 60])
def test_of_a_packed_file_that_unpacks_to_nothing_nobody_says_that_it_was_read(
    length: int, memory: Memory, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.compress(PLAIN)[:length])
    for _ in range(2):
        [fault] = run(memory, path).faults
        assert "ends in the middle: nothing of it was read" in fault


NO_TRANSCRIPTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "gzip": (gzip.compress, "is packed by gzip: unpack it"),
    "xz": (lzma.compress, "is packed by xz: unpack it"),
    "bzip2": (bz2.compress, "is packed by bzip2: unpack it"),
    "gzip in zstd": (lambda plain: zstandard.compress(gzip.compress(plain)), "is packed by gzip"),
    "zstd twice": (lambda plain: zstandard.compress(zstandard.compress(plain)), "packed by zstd"),
    "random bytes": (lambda _: NOISE, "is neither"),
    "random bytes in zstd": (lambda _: zstandard.compress(NOISE + b"\n"), "is neither"),
    "half an object": (lambda plain: plain[:90], "is neither"),
    "UTF-16": (lambda plain: plain.decode().encode("utf-16"), "iconv -f UTF-16 "),
    "UTF-16LE without a mark": (lambda plain: plain.decode().encode("utf-16-le"), "UTF-16LE -t"),
    "UTF-16BE without a mark": (lambda plain: plain.decode().encode("utf-16-be"), "UTF-16BE -t"),
    "UTF-32": (lambda plain: plain.decode().encode("utf-32"), "iconv -f UTF-32 "),
    "UTF-32BE without a mark": (lambda plain: plain.decode().encode("utf-32-be"), "UTF-32BE -t"),
}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.zst"])
@pytest.mark.parametrize(("made", "told"), NO_TRANSCRIPTS.values(), ids=[*NO_TRANSCRIPTS])
def test_what_is_no_transcript_is_named_by_each_import_and_costs_no_other_file(
    made: Callable[[bytes], bytes], told: str, name: str, memory: Memory, tmp_path: Path
) -> None:
    bad, good = tmp_path / name, tmp_path / "good.jsonl"
    bad.write_bytes(made(PLAIN))
    good.write_bytes(raw(claude("kept")))
    at_rest(bad)
    for anew in (False, False, True):
        [fault] = run(memory, bad, good, anew=anew).faults
        assert fault.startswith(f"{bad} ")
        assert told in fault
    assert [record.text for record in memory.timeline(turns=True).records] == ["kept"]


def test_a_drain_stores_what_stands_before_the_damage_and_then_gives_the_file_up(
    memory: Memory, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    broken = zstandard.compress(raw(claude("lost", uuid="lost")))[:-9]
    path.write_bytes(zstandard.compress(PLAIN) + broken)
    ring(memory, path)
    for _ in range(3):
        memory.drain()
        minutes_pass(memory)
    assert memory.status().records == 40
    [given_up] = (memory.paths.spool / "failed").glob("*.json")
    assert "what stands before that place was read" in json.loads(given_up.read_text())["why"]


def test_a_packed_file_of_several_batches_is_drained_to_its_end(
    memory: Memory, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(zstandard.compress(raw(*(claude("x", uuid=f"{n}") for n in range(700)))))
    ring(memory, path)
    assert memory.drain().stored == 700
    assert memory.status().records == 700


@pytest.mark.parametrize("content", [b"", b"\n \r\n", b"\0" * 4096, b"\xef\xbb\xbf"], ids=repr)
def test_a_ring_of_an_empty_transcript_is_answered_and_later_words_are_read(
    content: bytes, memory: Memory, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    ring(memory, path)

    drained = memory.drain()

    assert (drained.rings, drained.again) == (1, 0)
    assert memory.ledger.newest(10, event="capture_failed") == []
    with path.open("ab") as file:
        file.write(b"\n" + raw(claude("late")))
    assert memory.drain().stored == 1


def test_an_empty_transcript_is_no_turn_and_no_fault_of_an_import(
    memory: Memory, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "b.jsonl").write_bytes(raw(claude("kept")))
    done = run(memory, tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert (done.counts.stored, done.counts.total, done.faults) == (1, 1, [])


def ring(memory: Memory, path: Path) -> None:
    memory.paths.spool.mkdir(parents=True, exist_ok=True)
    fields = {"session_id": "s", "transcript_path": str(path), "cwd": "/"}
    (memory.paths.spool / "doorbell.jsonl").write_text(json.dumps(fields) + "\n")


def at_rest(path: Path) -> None:
    os.utime(path, (1_700_000_000, 1_700_000_000))
