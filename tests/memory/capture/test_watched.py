"""The links by which a hook sees that a transcript grew: named after the size that was read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.capture.session_state import MAX_ATTEMPTS, Session
from iai_memory.capture.watched import MAX_WATCHED, watch
from iai_memory.errors import StoreUnavailable

NOW = datetime.now(UTC)


def session(path: Path, size: int | None, minutes: int = 0) -> Session:
    at = NOW + timedelta(minutes=minutes)
    return Session(path, "claude-code", path.stem, None, at, at, read_size=size)


@pytest.fixture
def paths(tmp_path: Path) -> StorePaths:
    return StorePaths(tmp_path / "store")


def links(paths: StorePaths) -> dict[str, str]:
    folder = paths.spool / ".watched"
    return {str(link.readlink()): link.name.split(".")[0] for link in folder.iterdir()}


def written(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    path.write_bytes(b"x" * size)
    return path


def test_a_link_says_what_was_read_and_follows_it(paths: StorePaths, tmp_path: Path) -> None:
    one, two = written(tmp_path, "one.jsonl", 5), written(tmp_path, "two words.jsonl", 9)
    watch(paths, [session(one, 5), session(two, 9)])
    assert links(paths) == {str(one): "5", str(two): "9"}
    watch(paths, [session(one, 7), session(two, None)])
    assert links(paths) == {str(one): "7", str(two): "unread"}


def test_only_the_newest_of_those_that_are_there_are_watched(
    paths: StorePaths, tmp_path: Path
) -> None:
    many = [session(written(tmp_path, f"{n}.jsonl", n + 1), n + 1, n) for n in range(40)]
    gone = session(tmp_path / "gone.jsonl", 3, 99)
    given_up = session(written(tmp_path, "bad.jsonl", 4), 4, 98)
    given_up.attempts = MAX_ATTEMPTS
    watch(paths, [*many, gone, given_up])
    newest = {str(one.transcript) for one in many[-MAX_WATCHED + 2 :]}
    assert set(links(paths)) == newest


def test_what_stands_in_the_place_of_a_link_is_named(paths: StorePaths, tmp_path: Path) -> None:
    one = session(written(tmp_path, "one.jsonl", 5), 5)
    watch(paths, [one])
    [link] = (paths.spool / ".watched").iterdir()
    link.unlink()
    (paths.spool / ".watched").rmdir()
    (paths.spool / ".watched").write_text("a file")
    with pytest.raises(StoreUnavailable, match=r"\.watched"):
        watch(paths, [one])


def test_a_drain_watches_what_it_read(words_only: Memory, tmp_path: Path) -> None:
    line = {
        "type": "user",
        "uuid": "u1",
        "sessionId": "s1",
        "timestamp": "2026-11-01T10:00:00Z",
        "cwd": str(tmp_path),
        "message": {"role": "user", "content": "one"},
    }
    transcript = tmp_path / "s1.jsonl"
    transcript.write_text(json.dumps(line) + "\n")
    ring = {"event": "Stop", "session_id": "s1", "transcript_path": str(transcript)}
    spool = words_only.paths.spool
    spool.mkdir(parents=True)
    (spool / "doorbell.jsonl").write_text(json.dumps(ring) + "\n")
    words_only.drain()
    assert links(words_only.paths) == {str(transcript): str(transcript.stat().st_size)}
    assert words_only.status().spool_faults == []


def test_a_scrub_changes_no_transcript_behind_a_link(words_only: Memory, tmp_path: Path) -> None:
    words_only.ingest("a passing xylophonequartz")
    transcript = tmp_path / "s1.jsonl"
    transcript.write_text("the xylophonequartz of the host")
    watch(words_only.paths, [session(transcript, 3)])
    done = words_only.scrub("xylophonequartz")
    assert (done.records, done.left) == (1, [])
    assert transcript.read_text() == "the xylophonequartz of the host"
    assert links(words_only.paths) == {str(transcript): "3"}
