"""The capture hook, run by every shell here: one whole line per doorbell, whatever happens."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HOOK = Path(__file__).parents[1] / "hooks" / "iai-mcp-capture.sh"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@dataclass
class Stage:
    """A store and a shell to run the hook with."""

    shell: list[str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def doorbell(self) -> Path:
        return self.store / "spool" / "doorbell.jsonl"

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.shell, str(HOOK)],
            env={"PATH": os.environ["PATH"], "IAI_MCP_STORE": str(self.store), **self.env},
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def ring(self, bell: Any) -> None:
        """Runs the hook on an object or on raw bytes; it must succeed and print nothing."""
        raw = bell if isinstance(bell, bytes) else encoded(bell)
        with self.start() as hook:
            out, err = hook.communicate(raw, timeout=60)
            assert (hook.returncode, out, err) == (0, b"", b"")

    def lines(self) -> list[Any]:
        """Every line of the spool's file, each of which must be JSON and end with a newline.

        An empty line is no doorbell: a hook that saw another's write half done, four times in a
        row, ends a line that was whole.
        """
        raw = self.doorbell.read_bytes()
        assert raw.endswith(b"\n")
        return [json.loads(line) for line in raw.removesuffix(b"\n").split(b"\n") if line]

    def log(self) -> list[str]:
        return [
            line.partition(" ")[2]
            for path in (self.store / "logs").glob("capture-*.log")
            for line in path.read_text().splitlines()
        ]


def encoded(bell: Any) -> bytes:
    return json.dumps(bell, ensure_ascii=False).encode()


def bell(folder: Path, text: str = "hello", event: str = "Stop") -> dict[str, Any]:
    return {
        "session_id": "48bbfa77-8682-4936-a738-ddb4fb421498",
        "transcript_path": "/home/user/.claude/projects/p/48bbfa77.jsonl",
        "cwd": str(folder),
        "hook_event_name": event,
        "last_assistant_message": text,
    }


def sized(folder: Path, size: int, text: str = '漢字 \\ "é" %s\n') -> dict[str, Any]:
    """A doorbell of exactly so many bytes of JSON."""
    made = bell(folder)
    per_text = len(json.dumps(text, ensure_ascii=False).encode()) - 2
    room = size - len(encoded({**made, "last_assistant_message": ""}))
    made["last_assistant_message"] = text * (room // per_text) + "x" * (room % per_text)
    assert len(encoded(made)) == size
    return made


@pytest.fixture(
    params=[
        pytest.param(["dash"], id="dash"),
        pytest.param(["bash", "--posix"], id="bash"),
        pytest.param(
            ["busybox", "sh"],
            id="busybox",
            marks=pytest.mark.skipif(
                not shutil.which("busybox"), reason="busybox is not installed"
            ),
        ),
    ]
)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    return Stage(request.param, tmp_path.resolve())


@pytest.mark.parametrize("event", ["UserPromptSubmit", "Stop", "PreCompact", "SessionEnd"])
def test_a_doorbell_is_one_line_of_the_same_json(stage: Stage, event: str) -> None:
    rung = bell(stage.folder, 'a\nb "c" \\n 漢字 \N{GRINNING FACE} %s $(x) \u2028', event)

    stage.ring(rung)
    stage.ring(rung)

    assert stage.lines() == [rung, rung]
    assert stage.doorbell.read_bytes() == (encoded(rung) + b"\n") * 2


def test_json_over_several_lines_becomes_one(stage: Stage) -> None:
    rung = bell(stage.folder, "a  b\n\tc")
    pretty = json.dumps(rung, indent=4).encode()

    stage.ring(b"\n " + pretty + b" \n\n")
    stage.ring(pretty.replace(b"\n", b"\r\n"))

    assert stage.lines() == [rung, rung]


@pytest.mark.parametrize("size", [3998, 3999, 4000, 4096, 8192, 65_535, 65_536])
def test_a_doorbell_up_to_64_kib_lands_as_one_line(stage: Stage, size: int) -> None:
    rung = sized(stage.folder, size)

    stage.ring(rung)
    stage.ring(rung)

    assert stage.lines() == [rung, rung]


@pytest.mark.parametrize("size", [65_537, 1_000_000])
def test_a_larger_one_goes_to_a_file_of_its_own(stage: Stage, size: int) -> None:
    rung = sized(stage.folder, size)

    stage.ring(rung)

    (path,) = stage.doorbell.parent.iterdir()
    assert path.match("doorbell-*Z-*.json")
    assert json.loads(path.read_bytes()) == rung
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_store_is_created_private(stage: Stage) -> None:
    stage.ring(bell(stage.folder))

    for path in (stage.store, stage.doorbell.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(stage.doorbell.stat().st_mode) == 0o600


def test_hooks_that_run_at_once_never_mix_their_lines(stage: Stage) -> None:
    sizes = [300, 900, 3999, 4001, 5000, 9000, 30_000, 65_536]
    spans: list[tuple[float, float]] = []
    together = threading.Barrier(8)

    def ring_often(worker: int) -> list[str]:
        sent: list[str] = []
        together.wait()
        for number in range(50):
            rung = sized(stage.folder, sizes[(worker + number) % len(sizes)])
            rung["session_id"] = f"{worker:02}-{number:02}".ljust(36, "-")
            began = time.monotonic()
            stage.ring(rung)
            spans.append((began, time.monotonic()))
            sent.append(json.dumps(rung))
        return sent

    with ThreadPoolExecutor(8) as pool:
        sent = [text for texts in pool.map(ring_often, range(8)) for text in texts]

    spans.sort()
    overlapping = sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
    assert overlapping > 100
    assert sorted(json.dumps(line) for line in stage.lines()) == sorted(sent)


@pytest.mark.parametrize("size", [300, 60_000])
def test_a_torn_line_does_not_swallow_the_next_one(stage: Stage, size: int) -> None:
    first, torn, last = (sized(stage.folder, size, text) for text in ("a", "漢", "c"))
    stage.ring(first)
    whole = stage.doorbell.read_bytes()
    stage.doorbell.write_bytes(whole + encoded(torn)[:250])  # cut inside of a character

    stage.ring(last)

    lines = stage.doorbell.read_bytes().split(b"\n")
    assert [json.loads(lines[0]), json.loads(lines[2])] == [first, last]
    assert lines[3:] == [b""]


def test_a_hook_that_is_killed_costs_at_most_its_own_line(stage: Stage) -> None:
    for number in range(30):
        rung = sized(stage.folder, 60_000)
        hook = stage.start()
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
    last = bell(stage.folder, "the last one")
    stage.ring(last)

    assert json.loads(stage.doorbell.read_bytes().split(b"\n")[-2]) == last


def test_a_full_disk_is_logged_and_the_next_doorbell_is_whole(stage: Stage) -> None:
    shell = stage.shell
    stage.shell = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh", *shell]
    stage.ring(sized(stage.folder, 20_000))
    stage.ring(sized(stage.folder, 70_000))
    stage.shell = shell
    last = bell(stage.folder, "after that")
    stage.ring(last)

    assert stage.log() == ["failed: the spool cannot be written"] * 2
    assert json.loads(stage.doorbell.read_bytes().split(b"\n")[-2]) == last
    assert [path.name for path in stage.doorbell.parent.iterdir()] == ["doorbell.jsonl"]


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"not json", b'["a"]', b'{"cut": "of', b"\0\0", b'"' * 70_000]
)
def test_what_is_no_json_object_is_logged_and_not_kept(stage: Stage, raw: bytes) -> None:
    stage.store.mkdir(mode=0o700)

    stage.ring(raw)

    assert not stage.doorbell.exists()
    assert stage.log() == ["failed: stdin is not a JSON object"]


@pytest.mark.parametrize("value", ["1", "true", "anything"])
def test_disabled_means_that_nothing_is_written(stage: Stage, value: str) -> None:
    stage.env["IAI_MCP_DISABLE"] = value

    stage.ring(bell(stage.folder))

    assert not stage.store.exists()


@pytest.mark.parametrize("name", ["plain", 'say "hi" 漢字\n'])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_project_that_is_to_be_left_alone_leaves_no_trace(
    stage: Stage, name: str, ascii_only: bool
) -> None:
    repository = stage.folder / "repo"
    inner = repository / name
    inner.mkdir(parents=True)
    (repository / ".git").mkdir()
    (repository / ".iai-mcp-ignore").touch()

    stage.ring(json.dumps(bell(inner), ensure_ascii=ascii_only).encode())
    swapped = {"prompt": '"cwd": "/"', "hook_event_name": "Stop", "cwd": str(inner)}
    stage.ring(json.dumps(swapped, ensure_ascii=ascii_only).encode())

    assert not stage.store.exists()


def test_an_ignore_file_above_the_repository_does_not_count(stage: Stage) -> None:
    inner = stage.folder / "repo"
    (inner / ".git").mkdir(parents=True)
    (stage.folder / ".iai-mcp-ignore").touch()

    stage.ring(bell(inner))

    assert len(stage.lines()) == 1


def test_a_doorbell_without_a_folder_counts_as_one_of_the_current_folder(stage: Stage) -> None:
    stage.ring({"session_id": "s"})
    assert stage.lines() == [{"session_id": "s"}]

    (stage.folder / ".iai-mcp-ignore").touch()
    stage.ring({"session_id": "t"})
    assert stage.lines() == [{"session_id": "s"}]


@pytest.mark.parametrize("what", ["spool", "spool/doorbell.jsonl"])
def test_a_link_is_not_followed(stage: Stage, what: str) -> None:
    elsewhere = stage.folder / "elsewhere"
    elsewhere.mkdir()
    (stage.store / "spool").mkdir(mode=0o700, parents=True)
    if what == "spool":
        (stage.store / "spool").rmdir()
    (stage.store / what).symlink_to(elsewhere if what == "spool" else elsewhere / "file")

    stage.ring(bell(stage.folder))

    assert list(elsewhere.iterdir()) == []
    (line,) = stage.log()
    assert line.startswith("failed: the spool ")


@needs_root
def test_a_spool_of_another_user_is_not_written(stage: Stage) -> None:
    (stage.store / "spool").mkdir(mode=0o700, parents=True)
    os.chown(stage.store / "spool", 12345, 12345)

    stage.ring(bell(stage.folder))

    assert stage.log() == ["failed: the spool is not a folder of ours"]
    assert list((stage.store / "spool").iterdir()) == []


def test_a_store_that_cannot_be_created_stops_nobody(stage: Stage) -> None:
    (stage.folder / "store").write_text("a file is in the way")

    stage.ring(bell(stage.folder))

    assert (stage.folder / "store").read_text() == "a file is in the way"


def test_without_a_home_there_is_nothing_to_write_to(stage: Stage) -> None:
    stage.env["IAI_MCP_STORE"] = ""

    stage.ring(bell(stage.folder))

    assert list(stage.folder.iterdir()) == []
