"""The capture hook: one whole line for each ring, without a word of the conversation."""

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
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.hooks import CaptureRun, bell, encoded, needs_root, ring_of
from tests.support.shells import ksh93_needs_room, yash_loses_bytes_of_some

from iai_memory import Memory
from iai_memory.base.paths import StorePaths
from iai_memory.capture.spool import Spool

EVENTS = ["UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"]


@pytest.mark.parametrize("event", EVENTS)
def test_a_ring_names_event_session_transcript_and_folder(capture: CaptureRun, event: str) -> None:
    host = bell(capture.folder, "hello", event)

    capture.ring(host)
    capture.ring(host)

    expected = {
        "event": event,
        "session_id": host["session_id"],
        "transcript_path": host["transcript_path"],
        "cwd": str(capture.folder),
    }
    assert capture.lines() == [expected, expected]


@pytest.mark.parametrize("event", EVENTS)
def test_no_text_of_the_conversation_is_written_anywhere(capture: CaptureRun, event: str) -> None:
    texts = ("prompt", "last_assistant_message", "compact_summary", "custom_instructions", "x")
    host = {**bell(capture.folder, event=event), **dict.fromkeys(texts, "the diagnosis is")}

    capture.ring(host)
    capture.ring({"prompt": "the diagnosis is", **bell(capture.folder, event=event)})
    capture.ring(b'{"prompt": "the diagnosis is", "session_id": "s"')

    written = [path.read_bytes() for path in capture.store.rglob("*") if path.is_file()]
    assert written
    assert not any(b"diagnosis" in content for content in written)


OURS = {"session_id": "mine", "transcript_path": "/mine.jsonl", "hook_event_name": "Stop"}
FORGED = '{"session_id":"evil","transcript_path":"/evil","cwd":"/evil","hook_event_name":"evil"}'


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": FORGED},
        {"prompt": FORGED[1:-1]},
        {"prompt": f'", {FORGED[1:-1]}, "'},
        {"prompt": f'\\", {FORGED[1:-1]}, "x": "\\'},
        {"prompt": "ends in a backslash \\", "y": f"\\\\{FORGED}"},
        {FORGED: "a name"},
        {"nested": json.loads(FORGED)},
        {
            "list": [
                json.loads(FORGED),
                [json.loads(FORGED), "cwd"],
                "transcript_path",
                ":",
                "/evil",
            ]
        },
        {"nested": {"deep": [{"session_id": {"session_id": "evil"}}]}},
        {"value": "transcript_path", "z": "session_id"},
        {"number": 5, "truth": True, "none": None, "float": -1.5e3, "empty": {}, "no": []},
        {"": "", "  ": ":"},
        {"brackets": "}]}]{[{["},
    ],
    ids=lambda other: json.dumps(other)[:40],
)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (" ,\r\n\t", " :\n ")])
def test_only_the_members_of_the_object_itself_count(
    capture: CaptureRun, other: dict[str, Any], first: bool, separators: tuple[str, str]
) -> None:
    host = {**OURS, "cwd": str(capture.folder)}
    host = {**other, **host} if first else {**host, **other}

    capture.ring(json.dumps(host, separators=separators).encode())

    assert capture.lines() == [ring_of(host)]


def test_the_members_may_come_in_any_order(capture: CaptureRun) -> None:
    host = {**bell(capture.folder), "prompt": 'say "cwd": "/x"', "tool": {"cwd": "/y"}}
    orders = list(itertools.permutations(host))[::29]

    for order in orders:
        capture.ring({name: host[name] for name in order})

    assert len(orders) > 20
    assert capture.lines() == [ring_of(host)] * len(orders)


def test_of_two_members_with_one_name_the_first_counts(capture: CaptureRun) -> None:
    raw = (
        '{"session_id":"one","session_id":"two","cwd":"/","transcript_path":"/one",'
        '"transcript_path":"/two","prompt":"p","hook_event_name":"Stop","cwd":"/two"}'
    )

    capture.ring(raw.encode())

    assert capture.lines() == [
        {"event": "Stop", "session_id": "one", "transcript_path": "/one", "cwd": "/"}
    ]


@pytest.mark.parametrize("value", ["5", "null", "true", '["/a"]', '{"cwd": "/a"}', '"\\q"', '"\t"'])
def test_a_member_that_is_no_json_string_is_left_out(capture: CaptureRun, value: str) -> None:
    capture.ring(f'{{"transcript_path": {value}, "session_id": "s", "cwd": "/"}}'.encode())

    assert capture.lines() == [{"session_id": "s", "cwd": "/"}]


@pytest.mark.parametrize(
    "name",
    ['say "hi"', "back\\slash", "tab\tnl\n", "漢字 é \N{GRINNING FACE}", "$(x)`y`;*%s\\n", "-n"],
)
@pytest.mark.parametrize("ascii_only", [True, False])
@yash_loses_bytes_of_some
def test_names_come_through_whatever_characters_they_have(
    capture: CaptureRun, name: str, ascii_only: bool
) -> None:
    host = {**bell(capture.folder), "transcript_path": f"/home/{name}.jsonl", "session_id": name}

    capture.ring(json.dumps(host, ensure_ascii=ascii_only).encode())
    capture.ring(json.dumps(host, ensure_ascii=ascii_only).replace("/", "\\/").encode())

    assert capture.lines() == [ring_of(host)] * 2


def test_json_over_several_lines_and_behind_a_byte_order_mark_is_read(capture: CaptureRun) -> None:
    host = bell(capture.folder, "a  b\n\tc")
    pretty = json.dumps(host, indent=4).encode()

    capture.ring(b"\n " + pretty + b" \n\n")
    capture.ring(b"\xef\xbb\xbf" + pretty.replace(b"\n", b"\r\n"))

    assert capture.lines() == [ring_of(host)] * 2


@pytest.mark.parametrize("size", [20_000, 131_072, 3_000_000])
@pytest.mark.parametrize("first", [True, False], ids=["text first", "text last"])
@pytest.mark.parametrize("text", ["plain words ", 'say "cwd":"/x" \\ é\n'], ids=["plain", "quotes"])
def test_a_long_text_costs_no_ring_and_is_read_to_its_end(
    capture: CaptureRun, size: int, first: bool, text: str
) -> None:
    host = bell(capture.folder)
    said = {"prompt": text * (size // len(text))}
    host = {**said, **host} if first else {**host, **said}

    capture.ring(host)  # a hook that left some of it unread would break this pipe

    assert capture.lines() == [ring_of(host)]


def test_a_ring_longer_than_a_write_of_the_smallest_shell_is_one_line(capture: CaptureRun) -> None:
    host = {**bell(capture.folder), "transcript_path": f"/{'é/' * 1_300}t.jsonl"}

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(capture.ring, [json.dumps(host).encode()] * 40))

    assert capture.lines() == [ring_of(host)] * 40


def test_a_name_that_no_path_can_have_is_left_out(capture: CaptureRun) -> None:
    capture.ring({**bell(capture.folder), "transcript_path": "/" + "x" * 1_000_000})

    assert "transcript_path" not in capture.lines()[0]
    assert len(capture.doorbell.read_bytes()) < 1000


def test_a_host_that_was_cut_off_behind_the_names_is_heard(capture: CaptureRun) -> None:
    host = bell(capture.folder, "the answer")
    raw = json.dumps(host).encode()

    capture.ring(raw[: raw.index(b"answer")])

    assert capture.lines() == [ring_of(host)]


def test_the_store_is_created_private(capture: CaptureRun) -> None:
    capture.ring(bell(capture.folder))

    for path in (capture.store, capture.doorbell.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(capture.doorbell.stat().st_mode) == 0o600


def test_hooks_that_run_at_once_never_mix_their_lines(capture: CaptureRun) -> None:
    spans: list[tuple[float, float]] = []
    together = threading.Barrier(8)

    def ring_often(worker: int) -> list[str]:
        sent: list[str] = []
        together.wait()
        for number in range(50):
            host = bell(capture.folder, "x" * 400 * number)
            host["session_id"] = f"{worker:02}-{number:02}".ljust(36 + 100 * number, "-")
            began = time.monotonic()
            capture.ring(host)
            spans.append((began, time.monotonic()))
            sent.append(json.dumps(ring_of(host)))
        return sent

    with ThreadPoolExecutor(8) as pool:
        sent = [text for texts in pool.map(ring_often, range(8)) for text in texts]

    spans.sort()
    overlapping = sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
    assert overlapping > 100
    assert sorted(json.dumps(line) for line in capture.lines()) == sorted(sent)


@pytest.mark.parametrize("torn", [b'{"event":"Stop","sess', b"\xe6", b"{", b"\0\0\0"])
def test_a_torn_line_does_not_swallow_the_next_one(capture: CaptureRun, torn: bytes) -> None:
    capture.ring(bell(capture.folder))
    with capture.doorbell.open("ab") as spool:
        spool.write(torn)

    capture.ring({**bell(capture.folder, event="SessionEnd"), "transcript_path": "/last.jsonl"})

    rings = Spool(StorePaths(capture.store)).peek().by_transcript
    assert {ring.event for ring in rings.values()} == {"Stop", "SessionEnd"}


def test_a_hook_that_is_killed_costs_at_most_its_own_line(capture: CaptureRun) -> None:
    for number in range(30):
        hook = capture.start()
        assert hook.stdin
        hook.stdin.write(encoded(bell(capture.folder, "x" * 50_000)))
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
    last = bell(capture.folder, event="SessionEnd")
    capture.ring(last)

    assert capture.lines()[-1] == ring_of(last)


def test_a_full_disk_is_logged_and_the_next_ring_is_whole(capture: CaptureRun) -> None:
    (capture.store / "spool").mkdir(mode=0o700, parents=True)
    capture.doorbell.write_bytes(b"\n" * (8192 - 100))  # a hundred bytes are left of 8 KiB
    shell = capture.shell
    capture.shell = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh", *shell]
    capture.ring(bell(capture.folder))
    capture.shell = shell
    last = bell(capture.folder, event="SessionEnd")
    capture.ring(last)

    assert capture.log() == ["failed: the spool cannot be written"]
    [ring] = Spool(StorePaths(capture.store)).peek().by_transcript.values()
    assert ring.event == "SessionEnd"
    names = {path.name for path in capture.doorbell.parent.iterdir()}
    transcript = bell(capture.folder)["transcript_path"]
    assert names == {"doorbell.jsonl", f"lost-{quote(transcript, safe='')}"}


@ksh93_needs_room
def test_a_ring_for_which_the_disk_had_no_room_brings_its_turns_when_there_is_some(
    capture: CaptureRun,
) -> None:
    memory = Memory(capture.store)
    transcript = capture.folder / "a 100% full disk.jsonl"
    line = {
        "type": "user",
        "uuid": "u1",
        "sessionId": "s1",
        "timestamp": "2026-11-01T10:00:00Z",
        "cwd": str(capture.folder),
        "message": {"role": "user", "content": "said on a full disk"},
    }
    transcript.write_text(json.dumps(line) + "\n")
    (capture.store / "spool").mkdir(mode=0o700, parents=True)
    capture.shell = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *capture.shell]
    capture.ring({**bell(capture.folder), "transcript_path": str(transcript)})

    assert memory.status().rings_waiting == 1
    assert memory.drain().stored == 1
    assert [one.text for one in memory.timeline(turns=True).records] == ["said on a full disk"]
    assert memory.status().rings_waiting == 0
    assert not list((capture.store / "spool").glob("lost-*"))


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"not json", b'["a"]', b'"session_id"', b"\0\0", b'"' * 70_000]
)
def test_what_is_no_json_object_is_logged_and_not_kept(capture: CaptureRun, raw: bytes) -> None:
    capture.store.mkdir(mode=0o700)

    capture.ring(raw)

    assert not capture.doorbell.exists()
    assert capture.log() == ["failed: stdin is not a JSON object"]


@pytest.mark.parametrize("raw", [b"{}", b'{"cut": "of', b'{"prompt": "session_id"}', b"{" * 70_000])
def test_an_object_that_names_nothing_is_logged_and_not_kept(
    capture: CaptureRun, raw: bytes
) -> None:
    capture.store.mkdir(mode=0o700)

    capture.ring(raw)

    assert not capture.doorbell.exists()
    assert capture.log() == ["failed: stdin names no session and no transcript"]


def test_a_machine_without_awk_is_told_so(capture: CaptureRun) -> None:
    capture.store.mkdir(mode=0o700)
    tools = capture.folder / "bin"
    tools.mkdir()
    for name in ("stat", "date", "mkdir", "tail", "printf", "[", capture.shell[0]):
        found = next(p for d in os.defpath.split(":") if (p := Path(d) / name).exists())
        (tools / name).symlink_to(found)
    capture.env["PATH"] = str(tools)
    capture.shell = [str(tools / capture.shell[0]), *capture.shell[1:]]

    capture.ring(bell(capture.folder))

    assert capture.log() == ["failed: there is no awk on the PATH"]


@pytest.mark.parametrize("value", ["1", "true", "anything"])
def test_disabled_means_that_nothing_is_written(capture: CaptureRun, value: str) -> None:
    capture.env["IAI_MCP_DISABLE"] = value

    capture.ring(bell(capture.folder))

    assert not capture.store.exists()


@pytest.mark.parametrize("name", ["plain", 'say "hi" 漢字\n'])
@pytest.mark.parametrize("ascii_only", [True, False])
@yash_loses_bytes_of_some
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


def test_a_ring_without_a_folder_counts_as_one_of_the_current_folder(capture: CaptureRun) -> None:
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


def make_folder(path: Path) -> None:
    path.mkdir()


def make_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero


ODD = [os.mkfifo, make_folder, pytest.param(make_device, marks=needs_root)]


@pytest.mark.parametrize("make", ODD)
def test_what_is_no_file_in_the_place_of_the_spools_one_is_told_and_left(
    capture: CaptureRun, make: Any
) -> None:
    (capture.store / "spool").mkdir(mode=0o700, parents=True)
    make(capture.doorbell)
    kind = stat.S_IFMT(capture.doorbell.stat().st_mode)

    capture.ring(bell(capture.folder))

    assert capture.log() == ["failed: the spool cannot be written"]
    assert stat.S_IFMT(capture.doorbell.stat().st_mode) == kind


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("name", ["log", ".clock"])
def test_what_is_no_file_in_the_place_of_log_or_clock_holds_nobody_up(
    capture: CaptureRun, make: Any, name: str
) -> None:
    logs = capture.store / "logs"
    logs.mkdir(mode=0o700, parents=True)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    make(logs / (".clock" if name == ".clock" else f"capture-{day}.log"))

    capture.ring(b"no json")

    if name == ".clock":
        assert capture.log() == ["failed: stdin is not a JSON object"]


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("where", [".git", ".git/config", ".git/HEAD", ".git/commondir"])
def test_what_is_no_file_in_the_place_of_gits_holds_nobody_up(
    capture: CaptureRun, make: Any, where: str
) -> None:
    project = capture.folder / "unpacked"
    path = project / where
    path.parent.mkdir(parents=True)
    make(path)
    host = bell(project)

    capture.ring(host)

    assert capture.lines() == [ring_of(host)]


@pytest.mark.parametrize("make", ODD)
def test_anything_that_is_called_ignore_keeps_memory_out(capture: CaptureRun, make: Any) -> None:
    make(capture.folder / ".iai-mcp-ignore")

    capture.ring(bell(capture.folder))

    assert not capture.store.exists()


@needs_root
def test_a_spool_of_another_user_is_not_written(capture: CaptureRun) -> None:
    (capture.store / "spool").mkdir(mode=0o700, parents=True)
    os.chown(capture.store / "spool", 12345, 12345)

    capture.ring(bell(capture.folder))

    assert capture.log() == ["failed: the spool is not a folder of ours"]
    assert list((capture.store / "spool").iterdir()) == []


@needs_root
@pytest.mark.parametrize("writable", [(), ("logs",)], ids=["read-only", "logs"])
def test_a_store_that_cannot_be_written_stops_nobody(
    capture: CaptureRun, writable: tuple[str, ...]
) -> None:
    for name in ("spool", "logs"):
        folder = capture.store / name
        folder.mkdir(mode=0o700 if name in writable else 0o500, parents=True)
        os.chown(folder, 12345, 12345)
    capture.store.chmod(0o500)
    os.chown(capture.store, 12345, 12345)
    for parent in capture.folder.parents[:-2]:
        parent.chmod(0o755)
    capture.folder.chmod(0o755)
    capture.user = 12345

    capture.ring(bell(capture.folder))

    assert list((capture.store / "spool").iterdir()) == []
    assert capture.log() == ["failed: the spool cannot be written"] * len(writable)


def test_a_store_that_cannot_be_created_stops_nobody(capture: CaptureRun) -> None:
    (capture.folder / "store").write_text("a file is in the way")

    capture.ring(bell(capture.folder))

    assert (capture.folder / "store").read_text() == "a file is in the way"


def test_without_a_home_there_is_nothing_to_write_to(capture: CaptureRun) -> None:
    capture.env["IAI_MCP_STORE"] = ""

    capture.ring(bell(capture.folder))

    assert list(capture.folder.iterdir()) == []
