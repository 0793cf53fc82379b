"""A hook script, the shell that runs it, and the folders that it finds."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.support.checkout import HOOKS

from iai_memory.projects.identity import project_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")

PAGE = '# Memory\n- 100% of `$HOME` \\n is "quoted"; 漢字, é, \N{GRINNING FACE}\nno end'


@dataclass
class HookRun:
    """A hook in a folder of its own, with a store that it may use.

    Attributes:
        shell: The command line of the shell.
        folder: Where the hook is started; `store`, `home` and the rest are in it.
        env: Variables in addition.
        user: The number of the user who runs it; None for the one who runs the tests.
    """

    name: ClassVar[str]
    log_name: ClassVar[str]
    shell: list[str]
    folder: Path
    env: dict[str, str] = field(default_factory=dict[str, str])
    hooks: Path = HOOKS
    user: int | None = None

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def script(self) -> Path:
        return self.hooks / f"iai-mcp-{self.name}.sh"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder),
            "IAI_MCP_STORE": str(self.store),
            **self.env,
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.shell, str(self.script)],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            user=self.user,
        )

    def finish(self, stdin: bytes) -> tuple[int, bytes, bytes]:
        """Runs the hook to its end; its status, stdout and stderr."""
        with self.start() as hook:
            out, err = hook.communicate(stdin, timeout=60)
            return hook.returncode, out, err

    def command(self, name: str, script: str) -> Path:
        """A stand-in for an outside program."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def log(self) -> list[str]:
        """The lines of the log without their time, which must be of the log's day and UTC."""
        lines: list[str] = []
        prefix = self.log_name
        for path in sorted((self.store / "logs").glob(f"{prefix}-*.log")):
            for line in path.read_text().splitlines():
                time_of_line, _, rest = line.partition(" ")
                assert time_of_line.startswith(path.stem.removeprefix(f"{prefix}-"))
                assert time_of_line.endswith("Z")
                lines.append(rest)
        return lines


class RecallRun(HookRun):
    """The session-start hook, with a store and a project's folder."""

    name = "session-recall"
    log_name = "recall"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def cache(self) -> Path:
        """The page for a project without one of its own, as `project` is."""
        return self.store / "session-start" / "@new.cached.md"

    @property
    def cache_of_all(self) -> Path:
        return self.store / ".session-start-payload.cached.md"

    def project_cache(self, folder: Path | str | None = None) -> Path:
        return self.store / "session-start" / f"{project_of(folder or self.project).key}.cached.md"

    def live(self, script: str) -> Path:
        """A stand-in for the live command, found by the hook."""
        path = self.command("iai-mcp", script)
        self.env["IAI_MCP_CLI"] = str(path)
        return path

    def run(self, stdin: bytes | None = None) -> str:
        """The hook's stdout; it must succeed and keep its stderr empty."""
        if stdin is None:
            stdin = json.dumps({"session_id": "s", "cwd": str(self.project)}).encode()
        code, out, err = self.finish(stdin)
        assert (code, err) == (0, b"")
        return out.decode("utf-8")


class CaptureRun(HookRun):
    """The capture hook, with a store that does not exist yet."""

    name = "capture"
    log_name = "capture"

    def environment(self) -> dict[str, str]:
        # A drain would go on after the test.
        own = {"IAI_MCP_STORE": str(self.store), "IAI_MCP_DRAIN": "0"}
        return {"PATH": os.environ["PATH"], **own, **self.env}

    @property
    def doorbell(self) -> Path:
        return self.store / "spool" / "doorbell.jsonl"

    def ring(self, bell: Any) -> None:
        """Runs the hook on an object or on raw bytes; it must succeed and print nothing."""
        raw = bell if isinstance(bell, bytes) else encoded(bell)
        assert self.finish(raw) == (0, b"", b"")

    def lines(self) -> list[Any]:
        """Every ring without its time; each must be a line of JSON.

        An empty line is no ring: a hook that saw another's write half done, four times in a row,
        ends a line that was whole.
        """
        raw = self.doorbell.read_bytes()
        assert raw.endswith(b"\n")
        rings = [json.loads(line) for line in raw.removesuffix(b"\n").split(b"\n") if line]
        for ring in rings:
            assert abs(ring.pop("at", time.time()) - time.time()) < 600
        return rings


class PromptRun(HookRun):
    """The prompt hook, and this process as the server that it may find."""

    name = "prompt-recall"
    log_name = "prompt"

    @property
    def meeting(self) -> Path:
        return self.store / "run"

    @property
    def ask(self) -> Path:
        return self.meeting / "ask"

    def left(self) -> set[str]:
        """The names in the folder where hook and server meet, but for those of the server."""
        return {path.name for path in self.meeting.iterdir()} - {"ask", f"server-{os.getpid()}"}

    @contextmanager
    def awaited(self, answer: Callable[[str], bytes] | None) -> Generator[list[bytes]]:
        """A server that waits for hooks; its requests, with what `answer` says to each number.

        Without `answer` it reads nothing, as one that is stopped.
        """
        self.meeting.mkdir(mode=0o700)
        os.mkfifo(self.ask, 0o600)
        (self.meeting / f"server-{os.getpid()}").touch()
        fifo = os.open(self.ask, os.O_RDWR)
        requests: list[bytes] = []

        def serve() -> None:
            while answer is not None and (number := os.read(fifo, 4096).decode().strip()) != "0":
                requests.append((self.meeting / f"{number}.json").read_bytes())
                said = os.open(self.meeting / f"{number}.answer", os.O_WRONLY)
                os.write(said, answer(number))
                os.close(said)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield requests
        finally:
            os.write(fifo, b"0\n")
            thread.join()
            os.close(fifo)

    def run(self, stdin: bytes = b'{"prompt":"which port?"}') -> str:
        """The hook's stdout; it must succeed, keep its stderr empty and read all of its stdin."""
        code, out, err = self.finish(stdin)
        assert (code, err) == (0, b"")
        return out.decode("utf-8")


def put(path: Path, text: str = PAGE, age: float = 39) -> Path:
    """A private file that was last written `age` seconds ago."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    at = datetime.now(UTC).timestamp() - age
    os.utime(path, (at, at))
    return path


def encoded(bell: Any) -> bytes:
    return json.dumps(bell, ensure_ascii=False).encode()


def bell(folder: Path, text: str = "hello", event: str = "Stop") -> dict[str, Any]:
    """What a host sends to the capture hook."""
    return {
        "session_id": "48bbfa77-8682-4936-a738-ddb4fb421498",
        "transcript_path": "/home/user/.claude/projects/p/48bbfa77.jsonl",
        "cwd": str(folder),
        "hook_event_name": event,
        "last_assistant_message": text,
    }


def ring_of(bell: dict[str, Any]) -> dict[str, Any]:
    """What the hook keeps of it."""
    names = {"hook_event_name": "event"} | {name: name for name in NAMED}
    return {kept: bell[name] for name, kept in names.items() if name in bell}


NAMED = ("session_id", "transcript_path", "cwd")
