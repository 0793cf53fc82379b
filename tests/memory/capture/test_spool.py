"""The spool: no ring is lost, none holds a text, and nothing in its folder hangs a drain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.checkout import HOOKS

from iai_memory.base.paths import StorePaths
from iai_memory.capture.given_up import GivenUp
from iai_memory.capture.ring import MAX_RING_BYTES, Ring, Rings
from iai_memory.capture.spool import Spool

RING: dict[str, Any] = {
    "event": "Stop",
    "session_id": "s",
    "transcript_path": "/t/s.jsonl",
    "cwd": "/p",
    "at": 1_764_500_000,
}
OLD: dict[str, Any] = {
    "session_id": "s",
    "transcript_path": "/t/s.jsonl",
    "cwd": "/p",
    "hook_event_name": "UserPromptSubmit",
}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    paths = StorePaths(tmp_path)
    paths.spool.mkdir()
    return Spool(paths)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Its folder."""
    return StorePaths(tmp_path).spool


def put(path: Path, *lines: Any, end: bytes = b"\n") -> Path:
    """Appends lines, each raw bytes or an object."""
    with path.open("ab") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + end)
    return path


def drained(spool: Spool) -> Rings:
    """What a drain reads that answers everything."""
    with closing(spool.claim()) as claim:
        rings = claim.read()
        claim.answer([])
    return rings


def left(folder: Path) -> list[str]:
    """The names of all files in the spool."""
    return sorted(path.name for path in folder.glob("*") if path.is_file())


def test_a_ring_is_read_once_and_leaves_the_file(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", RING)
    assert spool.has_rings()
    [ring] = drained(spool).by_transcript.values()
    at = datetime.fromtimestamp(1_764_500_000, UTC)
    assert ring == Ring("/t/s.jsonl", "s", "/p", "Stop", at)
    assert left(folder) == []
    assert not spool.has_rings()
    assert drained(spool).count == 0


def test_rings_of_one_transcript_are_one_the_newest(spool: Spool, folder: Path) -> None:
    for at in (5, 9, 7):
        put(folder / "doorbell.jsonl", {**RING, "at": at, "event": str(at)})
    rings = drained(spool)
    assert rings.count == 3
    assert [ring.event for ring in rings.by_transcript.values()] == ["9"]
    assert rings.since == datetime.fromtimestamp(5, UTC)


def test_waiting_claims_nothing(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", RING, {**RING, "transcript_path": "/t/other.jsonl"})
    before = left(folder)
    found = spool.waiting()
    assert (found.rings, found.faults) == (2, ())
    assert found.since == datetime.fromtimestamp(1_764_500_000, UTC)
    assert found.size == spool.size() == (folder / "doorbell.jsonl").stat().st_size
    assert left(folder) == before


def test_a_claim_that_was_not_answered_is_claimed_again(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", RING)
    with closing(spool.claim()) as claim:
        claim.read()
    put(folder / "doorbell.jsonl", {**RING, "transcript_path": "/t/later.jsonl"})
    assert spool.waiting().rings == 2
    assert set(drained(spool).by_transcript) == {"/t/s.jsonl", "/t/later.jsonl"}
    assert left(folder) == []


def test_a_ring_to_try_again_goes_back(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", RING, {**RING, "transcript_path": "/t/answered.jsonl"})
    with closing(spool.claim()) as claim:
        rings = claim.read()
        claim.answer([rings.by_transcript["/t/s.jsonl"]])
    assert left(folder) == ["doorbell.jsonl"]
    assert json.loads((folder / "doorbell.jsonl").read_bytes()) == RING
    assert (folder / "doorbell.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_ring_changes_the_token_and_one_that_goes_back_does_not(
    spool: Spool, folder: Path
) -> None:
    before = spool.change_token()
    put(folder / "doorbell.jsonl", json.dumps(RING, separators=(",", ":")).encode())
    waiting = spool.change_token()
    assert waiting != before
    with closing(spool.claim()) as claim:
        claim.answer(list(claim.read().by_transcript.values()))
    assert spool.change_token() == waiting
    put(folder / "doorbell.jsonl", RING)
    assert spool.change_token() != waiting


def test_a_hook_that_had_the_file_open_loses_nothing(spool: Spool, folder: Path) -> None:
    with (folder / "doorbell.jsonl").open("ab", buffering=0) as hook:
        hook.write(json.dumps(RING).encode() + b"\n")
        with closing(spool.claim()) as claim:
            claim.read()
            hook.write(json.dumps({**RING, "transcript_path": "/t/late.jsonl"}).encode() + b"\n")
            late = claim.answer([])
    assert set(late.by_transcript) == {"/t/late.jsonl"}
    assert set(drained(spool).by_transcript) == {"/t/late.jsonl"}


def test_a_hook_that_writes_after_the_last_look_finds_no_doorbell(
    spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a hook rings again, so that what it wrote into the removed file may be lost."""
    put(folder / "doorbell.jsonl", RING)
    seen: list[list[str]] = []
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("answered-"):
            seen.append([found.name for found in folder.glob("doorbell*.json*")])
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    drained(spool)
    assert seen == [[]]


# --- earlier versions --------------------------------------------------------------------------


def test_rings_of_earlier_versions_are_read_for_their_fields_and_leave(
    spool: Spool, folder: Path
) -> None:
    secret = "AKIA" + "Q7ZX2LMNB4RTY6WP"
    put(folder / "doorbell.jsonl", {**OLD, "prompt": secret})
    put(folder / "doorbell.old.jsonl", {**OLD, "transcript_path": "/t/old.jsonl", "prompt": secret})
    large = {**OLD, "transcript_path": "/t/large.jsonl", "last_assistant_message": secret * 9_000}
    put(folder / "doorbell-20261101T100000Z-7.json", large)
    rings = drained(spool)
    assert set(rings.by_transcript) == {"/t/s.jsonl", "/t/old.jsonl", "/t/large.jsonl"}
    assert {ring.event for ring in rings.by_transcript.values()} == {"UserPromptSubmit"}
    assert rings.unreadable == 0
    assert left(folder) == []


def test_what_an_earlier_version_had_answered_is_not_read_again(spool: Spool, folder: Path) -> None:
    path = put(folder / "doorbell.jsonl", OLD)
    about = path.stat()
    (folder / "offsets.json").write_text(json.dumps({str(about.st_ino): about.st_size}))
    put(path, {**OLD, "transcript_path": "/t/new.jsonl"})
    assert set(drained(spool).by_transcript) == {"/t/new.jsonl"}
    # Kept, it would hide the rings of the next file that gets the inode.
    assert left(folder) == []


@pytest.mark.parametrize("offsets", ["[", '{"1": "x"}', '{"%d": 10000000}', '{"%d": -5}'])
def test_offsets_that_cannot_be_right_hide_nothing(
    spool: Spool, folder: Path, offsets: str
) -> None:
    path = put(folder / "doorbell.jsonl", RING)
    (folder / "offsets.json").write_text(offsets.replace("%d", str(path.stat().st_ino)))
    assert drained(spool).count == 1


# --- damage ------------------------------------------------------------------------------------

GARBAGE = [
    b"{not json",
    b"[]",
    b"null",
    b'"text"',
    b"{}",
    b"\xff\xfe\x01",
    b'{"transcript_path": 5',
    b"[" * 60_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda raw: repr(raw[:12]))
def test_a_garbage_line_is_counted_and_costs_no_other_ring(
    spool: Spool, folder: Path, garbage: bytes
) -> None:
    put(folder / "doorbell.jsonl", garbage, RING, garbage)
    rings = drained(spool)
    assert set(rings.by_transcript) == {"/t/s.jsonl"}
    assert rings.unreadable == 2
    assert left(folder) == []


@pytest.mark.parametrize(
    "path",
    [None, "", "relative.jsonl", 7, ["/t"], "/t/\0x", "/t/\ud800.jsonl", "/" + "x" * 20_000],
    ids=lambda path: ascii(path)[:20],
)
def test_a_ring_that_names_no_transcript_is_answered(
    spool: Spool, folder: Path, path: object
) -> None:
    put(folder / "doorbell.jsonl", {**RING, "transcript_path": path})
    rings = drained(spool)
    assert (rings.count, rings.by_transcript, rings.unreadable) == (1, {}, 0)
    assert list(rings.nameless) == ["s"]
    assert left(folder) == []


def test_a_ring_behind_half_a_ring_is_found(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", b'{"event":"Stop","sess', end=b"")
    put(folder / "doorbell.jsonl", RING)
    assert set(drained(spool).by_transcript) == {"/t/s.jsonl"}


@pytest.mark.parametrize(
    ("half", "named"),
    [
        (b'{"event":"Stop","session_id":"h","transcript_path":"/t/h.jsonl","cw', True),
        (b'{"event":"Stop","session_id":"h","transcript_path":"/t/h.jsonl"', True),
        (b'{"event":"Stop","session_id":"h","transcript_path":"/t/', False),
        (b'{"event":"Stop","session_id":"h","transcript_path":', False),
        (b'{"session_id":"h","prompt":{"a":"x","b":"', False),
    ],
)
def test_half_a_ring_is_one_as_far_as_it_goes(
    spool: Spool, folder: Path, half: bytes, named: bool
) -> None:
    put(folder / "doorbell.jsonl", half)
    put(folder / "doorbell.jsonl", half, end=b"")
    put(folder / "doorbell.jsonl", RING)
    rings = drained(spool)
    assert rings.by_transcript.keys() == ({"/t/h.jsonl", "/t/s.jsonl"} if named else {"/t/s.jsonl"})
    assert rings.nameless.keys() == (set() if named else {"h"})
    assert rings.unreadable == 0


def test_two_rings_on_one_line_are_both_found(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", RING, {**RING, "transcript_path": "/t/2.jsonl"}, end=b"")
    assert set(drained(spool).by_transcript) == {"/t/s.jsonl", "/t/2.jsonl"}


@pytest.mark.parametrize("at", [None, True, "now", -1e300, 1e300, [1]], ids=repr)
def test_a_ring_without_a_usable_time_has_that_of_its_file(
    spool: Spool, folder: Path, at: object
) -> None:
    path = put(folder / "doorbell.jsonl", {**RING, "at": at})
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert drained(spool).since == datetime.fromtimestamp(1_700_000_000, UTC)


def test_a_ring_of_the_future_was_rung_now(spool: Spool, folder: Path) -> None:
    put(folder / "doorbell.jsonl", {**RING, "at": 4_000_000_000})
    since = drained(spool).since
    assert since is not None
    assert since <= datetime.now(UTC)


@pytest.mark.parametrize("size", [MAX_RING_BYTES - 1, MAX_RING_BYTES, MAX_RING_BYTES + 1, 300_000])
@pytest.mark.parametrize("end", [b"", b"\n"], ids=["no end", "end"])
def test_a_long_line_is_read_by_its_beginning(
    spool: Spool, folder: Path, size: int, end: bytes
) -> None:
    line = json.dumps({**OLD, "prompt": ""}).encode()
    line = line[:-2] + b"x" * (size - len(line)) + line[-2:]
    assert len(line) == size
    put(folder / "doorbell.jsonl", line, end=end)
    put(folder / "doorbell-2.json", {**RING, "transcript_path": "/t/2.jsonl"})
    rings = drained(spool)
    assert set(rings.by_transcript) == {"/t/s.jsonl", "/t/2.jsonl"}
    assert left(folder) == []


def test_a_line_of_a_gigabyte_takes_no_memory_and_is_counted(tmp_path: Path) -> None:
    folder = StorePaths(tmp_path).spool
    folder.mkdir()
    path = put(folder / "doorbell.jsonl", RING, b"garbage without an end", end=b"\n")
    with path.open("r+b") as file:
        file.truncate(1 << 30)  # a line of zero bytes behind them
    put(path, b"", {**RING, "transcript_path": "/t/behind.jsonl"})
    code = """
import resource, sys
from pathlib import Path
from tests.support.checkout import HOOKS

from iai_memory.base.paths import StorePaths
from iai_memory.capture.spool import Spool
spool = Spool(StorePaths(Path(sys.argv[1])))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
claim = spool.claim()
rings = claim.read()
claim.answer([])
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(sorted(rings.by_transcript), rings.unreadable, grown < 20_000)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stdout == "['/t/behind.jsonl', '/t/s.jsonl'] 1 True\n"


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("name", ["doorbell.jsonl", "doorbell-1.json", "doorbell.claimed-1.jsonl"])
@pytest.mark.parametrize(
    ("make", "what"),
    [(_fifo, "a FIFO"), (Path.mkdir, "a folder"), (_link, "a link"), (_dangling, "a link")],
    ids=["fifo", "folder", "link", "dangling"],
)
def test_what_is_no_file_is_named_and_other_rings_are_read(
    spool: Spool, folder: Path, name: str, make: Any, what: str
) -> None:
    make(folder / name)
    put(folder / "doorbell.old.jsonl", RING)
    removal = "rm -r" if what == "a folder" else "rm"
    sentence = f"{folder / name} is {what}: remove it with `{removal} {folder / name}`"
    assert spool.waiting().faults == (sentence,)
    with closing(spool.claim()) as claim:
        assert set(claim.read().by_transcript) == {"/t/s.jsonl"}
        claim.answer([])
    assert spool.faults() == (sentence,)
    assert spool.size() == 0
    assert not spool.has_rings()


@pytest.mark.parametrize("make", [_fifo, Path.mkdir, _link], ids=["fifo", "folder", "link"])
@pytest.mark.parametrize("name", ["offsets.json", "failed/x.json", "sessions.json"])
def test_what_is_no_file_beside_the_rings_keeps_no_ring_from_its_answer(
    spool: Spool, folder: Path, name: str, make: Any
) -> None:
    (folder / "failed").mkdir()
    make(folder / name)
    put(folder / "doorbell.jsonl", RING)
    GivenUp(StorePaths(folder.parent)).strip()
    assert drained(spool).count == 1
    assert not spool.has_rings()
    assert GivenUp(StorePaths(folder.parent)).notes() == []


@pytest.mark.parametrize("make", [_fifo, _link, Path.touch], ids=["fifo", "link", "file"])
def test_what_is_no_folder_is_named(tmp_path: Path, make: Any) -> None:
    spool = StorePaths(tmp_path).spool
    make(spool)
    [fault] = Spool(StorePaths(tmp_path)).waiting().faults
    assert fault.endswith(f"and no folder: remove it with `rm {spool}`")


def test_a_store_without_a_spool_has_no_rings(tmp_path: Path) -> None:
    spool = Spool(StorePaths(tmp_path / "none"))
    assert not spool.has_rings()
    assert spool.waiting() == (0, None, 0, ())
    assert spool.change_token() == (0,)
    assert not (tmp_path / "none").exists()


# --- kill -9 -----------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from tests.support.checkout import HOOKS

from iai_memory.base.paths import StorePaths
from iai_memory.capture.spool import Spool

calls = 0
def counted(name):
    kept = getattr(os, name)
    def call(*args, **more):
        global calls
        calls += 1
        if calls == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(*args, **more)
    setattr(os, name, call)
spool = Spool(StorePaths(Path(sys.argv[1])))
for name in ("rename", "unlink", "write", "replace", "open"):
    counted(name)
with closing(spool.claim()) as claim:
    rings = claim.read()
    claim.answer([rings.by_transcript["/t/again.jsonl"]])
print("done")
"""


def test_kill_9_between_any_two_steps_loses_no_ring(tmp_path: Path) -> None:
    """Each run dies before another of the calls that change files, until one comes to its end."""
    died = 0
    for step in range(1, 60):
        paths = StorePaths(tmp_path / str(step))
        paths.spool.mkdir(parents=True)
        path = put(paths.spool / "doorbell.jsonl", OLD, {**RING, "transcript_path": "/t/1.jsonl"})
        start = len(json.dumps(OLD)) + 1
        (paths.spool / "offsets.json").write_text(json.dumps({str(path.stat().st_ino): start}))
        put(path, {**RING, "transcript_path": "/t/again.jsonl"})
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(paths.root), str(step)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        spool = Spool(paths)
        rung = set(spool.peek().by_transcript)
        if done.stdout == "done\n":
            assert rung == {"/t/again.jsonl"}
            assert left(paths.spool) == ["doorbell.jsonl"]
            break
        assert (done.returncode, done.stderr) == (-9, "")
        died += 1
        assert "/t/again.jsonl" in rung
        # Until everything was answered, its ring waits; from then on it may stay or go.
        assert "/t/1.jsonl" in rung or "doorbell.jsonl" in left(paths.spool)
        assert spool.has_rings()
        assert set(drained(spool).by_transcript) == rung
        assert left(paths.spool) == []
    else:
        pytest.fail("no run came to its end")
    assert died >= 5


# --- beside hooks --------------------------------------------------------------------------------

RINGS = """
for number in $(seq "$2"); do
    printf '{"transcript_path":"/t/%s-%s.jsonl","cwd":"/"}' "$1" "$number" | sh "$3"
done
"""


@pytest.mark.slow
def test_no_ring_is_lost_that_a_hook_writes_while_drains_claim(tmp_path: Path) -> None:
    paths = StorePaths(tmp_path / "store")
    spool = Spool(paths)
    environment = {
        "PATH": os.environ["PATH"],
        "IAI_MCP_STORE": str(paths.root),
        "IAI_MCP_DRAIN": "0",
    }
    hooks = [
        subprocess.Popen(
            ["sh", "-c", RINGS, "sh", name, "60", str(HOOKS / "iai-mcp-capture.sh")],
            env=environment,
        )
        for name in ("a", "b", "c")
    ]
    answered: set[str] = set()
    claims = 0
    while any(hook.poll() is None for hook in hooks) or spool.has_rings():
        with closing(spool.claim()) as claim:
            rings = claim.read()
            claim.answer([])
        assert rings.unreadable == 0
        answered |= set(rings.by_transcript)
        claims += bool(rings.count)
    assert answered == {f"/t/{name}-{n}.jsonl" for name in "abc" for n in range(1, 61)}
    assert claims > 10
    assert left(paths.spool) == []
