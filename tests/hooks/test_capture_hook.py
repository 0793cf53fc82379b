"""The capture hook: one whole line for each doorbell, whatever happens."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.hooks import CaptureRun, bell, encoded, needs_root, sized_bell
from tests.support.shells import ksh93_needs_room, yash_loses_bytes


@pytest.mark.parametrize("event", ["UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"])
@yash_loses_bytes
def test_a_doorbell_is_one_line_of_the_same_json(capture: CaptureRun, event: str) -> None:
    rung = bell(capture.folder, 'a\nb "c" \\n 漢字 \N{GRINNING FACE} %s $(x) \u2028', event)

    capture.ring(rung)
    capture.ring(rung)

    assert capture.lines() == [rung, rung]
    assert capture.doorbell.read_bytes() == (encoded(rung) + b"\n") * 2


def test_json_over_several_lines_becomes_one(capture: CaptureRun) -> None:
    rung = bell(capture.folder, "a  b\n\tc")
    pretty = json.dumps(rung, indent=4).encode()

    capture.ring(b"\n " + pretty + b" \n\n")
    capture.ring(pretty.replace(b"\n", b"\r\n"))

    assert capture.lines() == [rung, rung]


@pytest.mark.parametrize("size", [3998, 3999, 4000, 4096, 8192, 65_535, 65_536])
@yash_loses_bytes
def test_a_doorbell_up_to_64_kib_lands_as_one_line(capture: CaptureRun, size: int) -> None:
    rung = sized_bell(capture.folder, size)

    capture.ring(rung)
    capture.ring(rung)

    assert capture.lines() == [rung, rung]


@pytest.mark.parametrize("size", [65_537, 1_000_000])
@yash_loses_bytes
def test_a_larger_one_goes_to_a_file_of_its_own(capture: CaptureRun, size: int) -> None:
    rung = sized_bell(capture.folder, size)

    capture.ring(rung)

    (path,) = capture.doorbell.parent.iterdir()
    assert path.match("doorbell-*Z-*.json")
    assert json.loads(path.read_bytes()) == rung
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_store_is_created_private(capture: CaptureRun) -> None:
    capture.ring(bell(capture.folder))

    for path in (capture.store, capture.doorbell.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(capture.doorbell.stat().st_mode) == 0o600


@yash_loses_bytes
def test_hooks_that_run_at_once_never_mix_their_lines(capture: CaptureRun) -> None:
    sizes = [300, 900, 3999, 4001, 5000, 9000, 30_000, 65_536]
    spans: list[tuple[float, float]] = []
    together = threading.Barrier(8)

    def ring_often(worker: int) -> list[str]:
        sent: list[str] = []
        together.wait()
        for number in range(50):
            rung = sized_bell(capture.folder, sizes[(worker + number) % len(sizes)])
            rung["session_id"] = f"{worker:02}-{number:02}".ljust(36, "-")
            began = time.monotonic()
            capture.ring(rung)
            spans.append((began, time.monotonic()))
            sent.append(json.dumps(rung))
        return sent

    with ThreadPoolExecutor(8) as pool:
        sent = [text for texts in pool.map(ring_often, range(8)) for text in texts]

    spans.sort()
    overlapping = sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
    assert overlapping > 100
    assert sorted(json.dumps(line) for line in capture.lines()) == sorted(sent)


@yash_loses_bytes
@pytest.mark.parametrize("size", [300, 60_000])
def test_a_torn_line_does_not_swallow_the_next_one(capture: CaptureRun, size: int) -> None:
    first, torn, last = (sized_bell(capture.folder, size, text) for text in ("a", "漢", "c"))
    capture.ring(first)
    whole = capture.doorbell.read_bytes()
    inside = encoded(torn).index("漢".encode()) + 1
    capture.doorbell.write_bytes(whole + encoded(torn)[:inside])

    capture.ring(last)

    lines = capture.doorbell.read_bytes().split(b"\n")
    assert [json.loads(lines[0]), json.loads(lines[2])] == [first, last]
    assert lines[3:] == [b""]


def test_a_hook_that_is_killed_costs_at_most_its_own_line(capture: CaptureRun) -> None:
    for number in range(30):
        rung = sized_bell(capture.folder, 60_000)
        hook = capture.start()
        assert hook.stdin
        hook.stdin.write(encoded(rung))
        hook.stdin.close()
        # Somewhere in its few milliseconds; a hook that was faster is fine too.
        with contextlib.suppress(subprocess.TimeoutExpired):
            hook.wait(timeout=number / 4000)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(hook.pid, signal.SIGKILL)
        hook.wait()
        for stream in (hook.stdout, hook.stderr):
            assert stream
            stream.close()
    last = bell(capture.folder, "the last one")
    capture.ring(last)

    assert json.loads(capture.doorbell.read_bytes().split(b"\n")[-2]) == last


@yash_loses_bytes
@ksh93_needs_room
def test_a_full_disk_is_logged_and_the_next_doorbell_is_whole(capture: CaptureRun) -> None:
    shell = capture.shell
    capture.shell = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh", *shell]
    capture.ring(sized_bell(capture.folder, 20_000))
    capture.ring(sized_bell(capture.folder, 70_000))
    capture.shell = shell
    last = bell(capture.folder, "after that")
    capture.ring(last)

    assert capture.log() == ["failed: the spool cannot be written"] * 2
    assert json.loads(capture.doorbell.read_bytes().split(b"\n")[-2]) == last
    assert [path.name for path in capture.doorbell.parent.iterdir()] == ["doorbell.jsonl"]


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"not json", b'["a"]', b'{"cut": "of', b"\0\0", b'"' * 70_000]
)
def test_what_is_no_json_object_is_logged_and_not_kept(capture: CaptureRun, raw: bytes) -> None:
    capture.store.mkdir(mode=0o700)

    capture.ring(raw)

    assert not capture.doorbell.exists()
    assert capture.log() == ["failed: stdin is not a JSON object"]


@pytest.mark.parametrize("value", ["1", "true", "anything"])
def test_disabled_means_that_nothing_is_written(capture: CaptureRun, value: str) -> None:
    capture.env["IAI_MCP_DISABLE"] = value

    capture.ring(bell(capture.folder))

    assert not capture.store.exists()


@pytest.mark.parametrize("name", ["plain", 'say "hi" 漢字\n'])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_project_that_is_to_be_left_alone_leaves_no_trace(
    capture: CaptureRun, name: str, ascii_only: bool
) -> None:
    repository = capture.folder / "repo"
    inner = repository / name
    inner.mkdir(parents=True)
    (repository / ".git").mkdir()
    (repository / ".iai-mcp-ignore").touch()

    capture.ring(json.dumps(bell(inner), ensure_ascii=ascii_only).encode())
    swapped = {"prompt": '"cwd": "/"', "hook_event_name": "Stop", "cwd": str(inner)}
    capture.ring(json.dumps(swapped, ensure_ascii=ascii_only).encode())

    assert not capture.store.exists()


def test_an_ignore_file_above_the_repository_does_not_count(capture: CaptureRun) -> None:
    inner = capture.folder / "repo"
    (inner / ".git").mkdir(parents=True)
    (capture.folder / ".iai-mcp-ignore").touch()

    capture.ring(bell(inner))

    assert len(capture.lines()) == 1


def test_a_doorbell_without_a_folder_counts_as_one_of_the_current_folder(
    capture: CaptureRun,
) -> None:
    capture.ring({"session_id": "s"})
    assert capture.lines() == [{"session_id": "s"}]

    (capture.folder / ".iai-mcp-ignore").touch()
    capture.ring({"session_id": "t"})
    assert capture.lines() == [{"session_id": "s"}]


@pytest.mark.parametrize("what", ["spool", "spool/doorbell.jsonl"])
def test_a_link_is_not_followed(capture: CaptureRun, what: str) -> None:
    elsewhere = capture.folder / "elsewhere"
    elsewhere.mkdir()
    (capture.store / "spool").mkdir(mode=0o700, parents=True)
    if what == "spool":
        (capture.store / "spool").rmdir()
    (capture.store / what).symlink_to(elsewhere if what == "spool" else elsewhere / "file")

    capture.ring(bell(capture.folder))

    assert list(elsewhere.iterdir()) == []
    (line,) = capture.log()
    assert line.startswith("failed: the spool ")


@needs_root
def test_a_spool_of_another_user_is_not_written(capture: CaptureRun) -> None:
    (capture.store / "spool").mkdir(mode=0o700, parents=True)
    os.chown(capture.store / "spool", 12345, 12345)

    capture.ring(bell(capture.folder))

    assert capture.log() == ["failed: the spool is not a folder of ours"]
    assert list((capture.store / "spool").iterdir()) == []


def test_a_store_that_cannot_be_created_stops_nobody(capture: CaptureRun) -> None:
    (capture.folder / "store").write_text("a file is in the way")

    capture.ring(bell(capture.folder))

    assert (capture.folder / "store").read_text() == "a file is in the way"


def test_without_a_home_there_is_nothing_to_write_to(capture: CaptureRun) -> None:
    capture.env["IAI_MCP_STORE"] = ""

    capture.ring(bell(capture.folder))

    assert list(capture.folder.iterdir()) == []
